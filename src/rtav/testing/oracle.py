"""Judges single server events by the types of the installed `openai` package."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from typing import Any

import pydantic
from openai.types.realtime import RealtimeServerEvent, RealtimeSessionCreateResponse

MODELS: Mapping[str, type[pydantic.BaseModel]] = {
    typing.get_args(model.model_fields["type"].annotation)[0]: model
    for model in typing.get_args(typing.get_args(RealtimeServerEvent)[0])
}
"""The model of every event that OpenAI sends, by its type."""

SESSION_EXTRAS = frozenset(
    "voice face driving modalities target_fps upsample_factor framing background video_codec "
    "tts_source auto_response express dialect temperature parallel_tool_calls".split()
)
"""What our session object shows besides OpenAI's own fields; clients ignore the unknown."""

EXTRAS: Mapping[str, frozenset[str]] = {
    "session.created": SESSION_EXTRAS,
    "session.updated": SESSION_EXTRAS,
}
"""Fields of ours on events of OpenAI's, by the event's type."""

_PLACE = frozenset({"response_id", "item_id", "output_index", "content_index"})

OWN_EVENTS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "response.output_image.delta": (
        _PLACE | {"delta"},
        frozenset({"frame_index", "timestamp_ms", "width", "height"}),
    ),
    "response.output_image.done": (_PLACE | {"total_frames"}, frozenset()),
    "session.expiring": (frozenset({"expires_at", "seconds_left"}), frozenset()),
    "avatar.visemes": (_PLACE | {"visemes"}, frozenset()),
    "avatar.blendshapes": (
        frozenset({"response_id", "item_id", "at_ms", "audio_start_ms", "fps", "frames"}),
        frozenset(),
    ),
}
"""Events only rtAV has: the fields they must carry, and those they may."""


def problems(event: Mapping[str, Any]) -> list[str]:
    """What is wrong with an event in GA spelling: missing, mistyped and unknown fields.

    An empty list is a conforming event. Stricter than any client: numbers are not made out of
    strings, and a field nobody documents is a problem. Says nothing about order; see `lifecycle`.
    """
    kind = str(event.get("type"))
    if not event.get("event_id"):  # agents-js ignores events without one
        return [f"{kind}: no event_id"]
    if kind in OWN_EVENTS:
        return list(_own(event, *OWN_EVENTS[kind]))
    if kind not in MODELS:
        return [f"unknown event type {kind!r}"]
    if kind in ("session.created", "session.updated"):
        return list(_session_event(event))
    return list(_check(MODELS[kind], dict(event), EXTRAS.get(kind, frozenset())))


def session_problems(session: Mapping[str, Any]) -> list[str]:
    """What is wrong with a session object, in an event or in the answer of a route."""
    known = dict(session)
    if isinstance(included := known.get("include"), list):
        known["include"] = [name for name in included if name not in OWN_EVENTS]
    return list(_check(RealtimeSessionCreateResponse, known, SESSION_EXTRAS))


def _session_event(event: Mapping[str, Any]) -> Iterator[str]:
    # The SDK types these two with the request's model, which has neither id nor expiry.
    for name in event.keys() - {"type", "event_id", "session"}:
        yield f".{name}: unknown field"
    session = event.get("session")
    if isinstance(session, Mapping):
        yield from (f".session{problem}" for problem in session_problems(session))
    else:
        yield ".session: no object"


def _own(
    event: Mapping[str, Any], required: frozenset[str], optional: frozenset[str]
) -> Iterator[str]:
    fields = event.keys() - {"type", "event_id"}
    yield from (f".{name}: missing" for name in sorted(required - fields))
    yield from (f".{name}: unknown field" for name in sorted(fields - required - optional))


def _check(
    model: type[pydantic.BaseModel], value: dict[str, Any], extras: frozenset[str]
) -> Iterator[str]:
    known = {name: entry for name, entry in value.items() if name not in extras}
    try:
        parsed = model.model_validate(known, strict=True)
    except pydantic.ValidationError as error:
        for problem in error.errors():
            yield f".{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
        return
    yield from _unknown(parsed, "")


def _unknown(value: object, path: str) -> Iterator[str]:
    """Fields below `value` that no model of the SDK declares; its models let them pass."""
    if isinstance(value, pydantic.BaseModel):
        for name in value.model_extra or {}:
            yield f"{path}.{name}: unknown field"
        for name in type(value).model_fields:
            yield from _unknown(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _unknown(entry, f"{path}[{index}]")
