"""Reads settings: defaults, then rtav.toml, then RTAV_* variables, then the command line.

One tree. A section and a key in it are `[server] port = 8000` in the file, `RTAV_SERVER_PORT` in
the environment and `--set server.port=8000` on the command line.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource, SettingsError

from rtav.errors import ConfigError
from rtav.settings import ENV_PREFIX, Section, Settings

CONFIG_NAME = "rtav.toml"
Tree = dict[str, Any]  # Any: what a TOML file may hold

# The published client examples read these; a shell that has them set must still start a server.
_CLIENT_VARIABLES = frozenset({"RTAV_API_URL", "RTAV_MODEL", "RTAV_VOICE_ID", "RTAV_FACE_ID"})
_OWN_VARIABLES = frozenset({"RTAV_CONFIG"})


def load(overrides: Tree | None = None, *, config: Path | None = None) -> Settings:
    """Read every source. `overrides` is the command line's tree, `config` names the file.

    Without `config` the file is RTAV_CONFIG, or rtav.toml in the working folder if there is one.
    Raises ConfigError naming the key and where it was set.
    """
    path = config or _found_config()
    sources = [("command line", overrides or {}), ("environment", _environment())]
    if path is not None:
        sources.append((str(path), _file(path)))
    merged: Tree = {}
    for _, tree in reversed(sources):
        merged = _merged(merged, tree)
    try:
        return Settings(**merged)
    except ValidationError as error:
        raise _readable(error, sources) from None


def assignment(text: str) -> Tree:
    """The tree of one `--set section.key=value`. The value is TOML, or else plain text."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ConfigError("--set", f"expected key=value, got {text!r}")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value
    for part in reversed(name.strip().split(".")):
        parsed = {part: parsed}
    tree: Tree = parsed
    return tree


def merge(trees: list[Tree]) -> Tree:
    """One tree of several: later ones win, key by key."""
    merged: Tree = {}
    for tree in trees:
        merged = _merged(merged, tree)
    return merged


def _found_config() -> Path | None:
    if named := os.environ.get("RTAV_CONFIG"):
        return Path(named)
    here = Path(CONFIG_NAME)
    return here if here.is_file() else None


def _file(path: Path) -> Tree:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"is not TOML: {error}") from None


def _environment() -> Tree:
    _refuse_unknown_variables()
    try:
        tree: Tree = EnvSettingsSource(Settings)()
    except SettingsError as error:
        field = re.search(r'field "(\w+)"', str(error))
        name = f"{ENV_PREFIX}{field[1].upper()}_*" if field else f"{ENV_PREFIX}*"
        raise ConfigError(name, "a table must be JSON (set in the environment)") from None
    return tree


def _refuse_unknown_variables() -> None:
    sections = {
        name for name, field in Settings.model_fields.items() if _is_section(field.annotation)
    }
    for variable in sorted(os.environ):
        name = variable.upper()
        if not name.startswith(ENV_PREFIX) or name in _CLIENT_VARIABLES | _OWN_VARIABLES:
            continue
        key = name.removeprefix(ENV_PREFIX).lower()
        if key not in Settings.model_fields and key.split("_")[0] not in sections:
            raise ConfigError(variable, "no such setting (set in the environment)")


def _is_section(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)


def _merged(low: Tree, high: Tree) -> Tree:
    merged = dict(low)
    for key, value in high.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[key] = _merged(below, value)
        else:
            merged[key] = value
    return merged


def _readable(error: ValidationError, sources: list[tuple[str, Tree]]) -> ConfigError:
    first = error.errors(include_url=False, include_input=False)[0]
    path = [str(part) for part in first["loc"]]
    message = "no such setting" if first["type"] == "extra_forbidden" else first["msg"]
    message = message.removeprefix("Value error, ")
    return ConfigError(".".join(path), f"{message} (set in the {_where(path, sources)})")


def _where(path: list[str], sources: list[tuple[str, Tree]]) -> str:
    """The name of the strongest source that says anything on the way to `path`."""
    for depth in range(len(path), 0, -1):
        for name, tree in sources:
            if _says(tree, path[:depth]):
                return name if name in ("command line", "environment") else f"file {name}"
    return "defaults"


def _says(tree: object, path: list[str]) -> bool:
    for part in path:
        if not isinstance(tree, Mapping) or part not in tree:
            return False
        tree = tree[part]
    return True
