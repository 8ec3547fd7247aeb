"""Writes docs/rtav.toml: every setting with its default and meaning, from rtav.settings."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rtav.settings import ENV_PREFIX, Section, Settings

TARGET = Path(__file__).parent.parent / "docs" / "rtav.toml"

HEAD = """\
# Every setting, with its default. Uncomment what you change; name the file rtav.toml and start
# the server beside it, or name it with --config.
#
# A variable outranks this file, the command line outranks both:
#   [server] port = 8080   is   RTAV_SERVER_PORT=8080   is   rtav serve --set server.port=8080
# In a variable a list is written with commas and a table as JSON.
"""


def text() -> str:
    """The whole file."""
    return "\n".join([HEAD, *_lines()])


def _lines() -> Iterator[str]:
    sections = {}
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            sections[name] = field.annotation
        else:
            yield from _setting(name, field, variable=f"{ENV_PREFIX}{name.upper()}")
    for name, section in sections.items():
        yield f"[{name}]"
        yield from _section(name, section)


def _section(name: str, section: type[BaseModel]) -> Iterator[str]:
    for key, field in section.model_fields.items():
        yield from _setting(key, field, variable=f"{ENV_PREFIX}{name.upper()}_{key.upper()}")


def _setting(key: str, field: FieldInfo, *, variable: str) -> Iterator[str]:
    assert field.description, f"{key} has no docstring"
    yield f"# {' '.join(field.description.split())} ({variable})"
    yield f"# {key} = {_toml(field)}".rstrip()
    yield ""


def _toml(field: FieldInfo) -> str:
    """The default; nothing where there is none."""
    default = field.default
    if field.default_factory is not None or default is None:
        return ""
    if isinstance(default, dict):
        return "{}"
    return json.dumps(list(default) if isinstance(default, tuple) else default)


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{TARGET}\n")
