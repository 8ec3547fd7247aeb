"""Writes the tables of docs/protocol.md: the events that are understood and sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rtav.protocol.beta import older_name
from rtav.protocol.client import EVENTS, ClientEvent, ResponseParams
from rtav.protocol.server import FIELDS
from rtav.protocol.session import SessionPatch

TARGET = Path(__file__).parent.parent / "docs" / "protocol.md"

MARK = "<!-- Below this line: written by `python3 dev.py docs`. -->"


def text() -> str:
    """The whole page: what stands above the mark stays."""
    above = TARGET.read_text(encoding="utf-8").partition(MARK)[0]
    return "\n".join([above + MARK, "", *_client(), *_session(), *_server()])


def _client() -> Iterator[str]:
    yield "## Client events\n"
    yield "| type | fields (`?`: optional) |\n|---|---|"
    for name, model in EVENTS.items():
        own = {key: f for key, f in model.model_fields.items() if key not in ("type", "event_id")}
        shown = [f"`{key}`" + ("" if f.is_required() else "?") for key, f in own.items()]
        yield f"| `{name}` | {', '.join(shown)} |"
    yield "\nEvery event may carry `event_id`. `response` of `response.create` has:\n"
    yield f"{_names(ResponseParams)}.\n"


def _session() -> Iterator[str]:
    yield "## Session fields\n"
    yield f"A `session.update` changes only what it names. Understood: {_names(SessionPatch)}.\n"


def _server() -> Iterator[str]:
    yield "## Server events\n"
    yield "| type | in the beta dialect | fields |\n|---|---|---|"
    for name, fields in FIELDS.items():
        shown = ", ".join(f"`{field}`" for field in sorted(fields))
        yield f"| `{name}` | {_beta(name)} | {shown} |"
    yield "\nEvery event carries `event_id`.\n"


def _beta(name: str) -> str:
    older = older_name(name)
    if older is None:
        return "not sent"
    return "same" if older == name else f"`{older}`"


def _names(model: type[ClientEvent] | type[ResponseParams] | type[SessionPatch]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(model.model_fields))


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
