"""Writes the tables of docs/protocol.md: every event and field, from the code and its notes."""

from __future__ import annotations

import json
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union

from openai.types.realtime import RealtimeClientEvent, RealtimeResponse
from pydantic import BaseModel, SecretStr

from rtav.core.catalog import Catalog
from rtav.core.config import SessionConfig
from rtav.core.dialect import Dialect
from rtav.core.sight import Sight, as_wished
from rtav.core.view import Seen, view
from rtav.protocol.beta import older_name
from rtav.protocol.client import EVENTS, ItemCreate, ResponseParams
from rtav.protocol.server import FIELDS
from rtav.protocol.session import SessionPatch
from rtav.protocol.wire import Wire
from rtav.testing.oracle import MODELS

TARGET = Path(__file__).parent.parent / "docs" / "protocol.md"
NOTES = Path(__file__).parent / "protocol_notes.toml"

MARK = "<!-- Below this line: written by `python3 dev.py docs`. -->"

_FLAT = (
    "input_audio_transcription", "input_audio_noise_reduction", "turn_detection",
)  # fmt: skip
"""Older spellings of objects: their fields stand where the object has its newer name."""


class Noted:
    """The notes of one table. Each is read once; what is left over in the end is stale."""

    def __init__(self, title: str, notes: Mapping[str, str]) -> None:
        self._title, self._left = title, dict(notes)
        self._notes = notes

    def __getitem__(self, name: str) -> str:
        assert name in self._notes, f"{NOTES.name} says nothing of {self._title}: {name}"
        self._left.pop(name, None)
        return self._notes[name]

    def get(self, name: str) -> str:
        return self[name] if name in self._notes else ""

    def close(self) -> None:
        assert not self._left, f"{NOTES.name}, {self._title}: there is no {', '.join(self._left)}"


def text() -> str:
    """The whole page: what stands above the mark stays. Raises AssertionError for a field without
    a note, and for a note without a field."""
    above = TARGET.read_text(encoding="utf-8").partition(MARK)[0]
    raw = tomllib.loads(NOTES.read_text(encoding="utf-8"))
    notes = {title: Noted(title, table) for title, table in raw.items()}
    lines = [
        above + MARK,
        "",
        *_client(notes["client"]),
        *_fields("Items, as a client sends them", _item(), notes["item"]),
        *_fields("`response` of `response.create`", _top(ResponseParams), notes["response"]),
        *_session(notes["session"]),
        *_server(notes),
    ]
    for table in notes.values():
        table.close()
    return "\n".join(lines) + "\n"


# --- what a client sends ---------------------------------------------------------------------


def _client(notes: Noted) -> Iterator[str]:
    yield "## Client events\n"
    yield "Every one may carry `event_id`, which comes back in the `error` that answers it.\n"
    yield "| type | field | | what we do |\n|---|---|---|---|"
    openais = {_type_name(model): model for model in _members(RealtimeClientEvent)}
    for name, model in EVENTS.items():
        missing = set(getattr(openais.get(name), "model_fields", ())) - model.model_fields.keys()
        assert not missing, f"{name} of OpenAI's has {missing}"
        yield f"| `{name}` | | | {notes[name]} |"
        for field, about in model.model_fields.items():
            if field not in ("type", "event_id"):
                needed = "required" if about.is_required() else ""
                yield f"| | `{field}` | {needed} | {notes[f'{name}.{field}']} |"
    assert openais.keys() <= EVENTS.keys()
    yield f"\nAll {len(openais)} events of OpenAI's; `generate` and `auth` are rtAV's.\n"


def _item() -> Iterator[tuple[str, str]]:
    for path, kind in _merged(_walk(ItemCreate)).items():
        if path.startswith("item."):
            yield path.removeprefix("item."), kind


def _top(model: type[Wire]) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        yield name, _kind(field.annotation, field.metadata)


def _fields(title: str, fields: Iterator[tuple[str, str]], notes: Noted) -> Iterator[str]:
    yield f"### {title}\n"
    yield "| field | type | what we do |\n|---|---|---|"
    for path, kind in fields:
        yield f"| `{path}` | {kind} | {notes[path]} |"
    yield ""


# --- the session -----------------------------------------------------------------------------


def _session(notes: Noted) -> Iterator[str]:
    catalog = Catalog.of(faces=["face1"], voices=["alice"], motions=["idle"])
    seen = Seen(transport="webrtc", expires_at=0, sight=as_wished(Sight()))
    initial = view(SessionConfig.initial("session", catalog), Dialect.OPENAI, seen)
    yield "## Session fields\n"
    yield (
        "Defaults are those of OpenAI's dialect on WebRTC; other dialects: see above. "
        "A session object has every one of them that is not an older name.\n"
    )
    yield "| field | type | default | what we do |\n|---|---|---|---|"
    for path, kind in _merged(_walk(SessionPatch)).items():
        if not path.startswith(tuple(f"{flat}." for flat in _FLAT)):
            yield f"| `{path}` | {kind} | {_default(initial, path)} | {notes[path]} |"
    yield ""


def _default(shown: Mapping[str, Any], path: str) -> str:
    value: Any = shown
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return ""
        value = value[part]
    return "" if isinstance(value, dict) else f"`{json.dumps(value)}`"


# --- what the server sends -------------------------------------------------------------------


def _server(notes: Mapping[str, Noted]) -> Iterator[str]:
    yield "## Server events\n"
    yield (
        f"{len(FIELDS.keys() & MODELS.keys())} of OpenAI's {len(MODELS)}, with all fields that "
        "are not named as missing; every one carries `event_id`.\n"
    )
    yield "| type | in the beta dialect | fields | |\n|---|---|---|---|"
    for name, fields in FIELDS.items():
        shown = ", ".join(f"`{field}`" for field in sorted(fields))
        about = [notes["server"].get(name), *_missing(name, fields, notes["fields_not_sent"])]
        yield f"| `{name}` | {_beta(name)} | {shown} | {'; '.join(filter(None, about))} |"
    yield "\nNot sent:\n\n| type | why |\n|---|---|"
    for name in MODELS:
        if name not in FIELDS:
            yield f"| `{name}` | {notes['not_sent'][name]} |"
    yield from _object("`response` of an event", RealtimeResponse, notes["response_object"])
    yield "\n### `session` of an event\n"
    yield "All fields of the table of session fields as they hold, and:\n"
    yield "| field | |\n|---|---|"
    for name in ("id", "object", "expires_at"):
        yield f"| `{name}` | {notes['session_object'][name]} |"


def _missing(name: str, fields: frozenset[str], notes: Noted) -> Iterator[str]:
    model = MODELS.get(name)
    for field in () if model is None else model.model_fields:
        if field not in {*fields, "type", "event_id"}:
            yield f"no `{field}`: {notes[f'{name}.{field}']}"


def _object(title: str, model: type[BaseModel], notes: Noted) -> Iterator[str]:
    yield f"\n### {title}\n"
    yield "| field | |\n|---|---|"
    for name in model.model_fields:
        yield f"| `{name}` | {notes[name]} |"


def _beta(name: str) -> str:
    older = older_name(name)
    if older is None:
        return "not sent"
    return "same" if older == name else f"`{older}`"


# --- types -----------------------------------------------------------------------------------


def _members(union: Any) -> tuple[type[BaseModel], ...]:
    members: tuple[type[BaseModel], ...] = typing.get_args(typing.get_args(union)[0])
    return members


def _type_name(model: type[BaseModel]) -> str:
    return str(typing.get_args(model.model_fields["type"].annotation)[0])


def _walk(model: type[Wire], before: str = "") -> Iterator[tuple[str, str]]:
    """Path and type of every field, those of nested objects behind their own."""
    for name, field in model.model_fields.items():
        yield before + name, _kind(field.annotation, field.metadata)
        many = "[]" if "an array" in _kind(field.annotation, ()) else ""
        for inner in _objects(field.annotation):
            yield from _walk(inner, f"{before}{name}{many}.")


def _merged(fields: Iterator[tuple[str, str]]) -> dict[str, str]:
    """One line for a field that several members of a union have."""
    kinds: dict[str, list[str]] = {}
    for path, kind in fields:
        kinds.setdefault(path, []).append(kind)
    return {path: ", ".join(dict.fromkeys(found)) for path, found in kinds.items()}


def _objects(annotation: Any) -> Iterator[type[Wire]]:
    if isinstance(annotation, type) and issubclass(annotation, Wire):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _objects(part)


_NAMES = {str: "string", int: "integer", float: "decimal", bool: "boolean", SecretStr: "string"}


def _kind(annotation: Any, metadata: Any = ()) -> str:
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _kind(parts[0]) + _bounds(parts[1:])
    if origin in (Union, types.UnionType):
        kinds = [_kind(part) + _bounds(metadata) for part in parts if part is not type(None)]
        return " or ".join(dict.fromkeys(kinds))
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if origin in (list, tuple):
        return f"an array of {_kind(parts[0])}"
    return _NAMES.get(annotation, "object") + _bounds(metadata)


def _bounds(metadata: Any) -> str:
    """A range, of pydantic's constraints or its `Field` around them."""
    found: dict[str, Any] = {}
    for entry in metadata:
        for one in getattr(entry, "metadata", None) or (entry,):
            for name in ("ge", "gt", "le"):
                if getattr(one, name, None) is not None:
                    found[name] = getattr(one, name)
    if not found:
        return ""
    low = found.get("ge", found.get("gt", ""))
    return f" ({low:g} to {found['le']:g})" if "le" in found else f" (from {low:g})"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
