import json
import typing
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rtav.errors import ProtocolError
from rtav.protocol.client import EVENTS, parse
from rtav.protocol.session import SessionPatch, parse_session
from rtav.protocol.wire import Wire

WRONG: list[Any] = [
    True, 5, -1, 0.1, 1e9, "", "x", "x" * 5_000, [], {}, [5], [{}], ["x"], {"x": 5},
    {"type": "x"}, {"type": 5}, {"name": 5}, {"id": {}}, [{"type": "message"}], ["x"] * 5_000,
]  # fmt: skip
"""What a field may be given that few fields take."""

PYDANTICS = ("input should", "valid", "union", "literal", "field required", "discriminat", "dict")


def refusal(session: Any) -> ProtocolError:
    with pytest.raises(ProtocolError) as refused:
        parse_session(session, strict=True)
    return refused.value


@pytest.mark.parametrize(
    ("session", "message"),
    [
        (5, "Invalid type for 'session': expected an object, but got an integer instead."),
        (
            {"instructions": 5},
            "Invalid type for 'session.instructions': "
            "expected a string, but got an integer instead.",
        ),
        (
            {"voice": True},
            "Invalid type for 'session.voice': "
            "expected one of a string or an object, but got a boolean instead.",
        ),
        (
            {"max_output_tokens": None, "speed": "1"},
            "Invalid type for 'session.speed': expected a decimal, but got a string instead.",
        ),
        (
            {"max_output_tokens": [1]},
            "Invalid type for 'session.max_output_tokens': "
            "expected one of an integer or 'inf', but got an array instead.",
        ),
        (
            {"max_output_tokens": "many"},
            "Invalid value: 'many'. Supported values are: an integer and 'inf'.",
        ),
        (
            {"max_output_tokens": 4097},
            "Invalid 'session.max_output_tokens': integer above maximum value. "
            "Expected a value <= 4096, but got 4097 instead.",
        ),
        (
            {"audio": {"input": {"turn_detection": {"threshold": -0.5}}}},
            "Invalid 'session.audio.input.turn_detection.threshold': decimal below minimum value. "
            "Expected a value >= 0, but got -0.5 instead.",
        ),
        (
            {"target_fps": 0},
            "Invalid 'session.target_fps': decimal below minimum value. "
            "Expected a value > 0, but got 0 instead.",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "magic"}}}},
            "Invalid value: 'magic'. Supported values are: 'server_vad' and 'semantic_vad'.",
        ),
        (
            {"dialect": "y" * 90},
            f"Invalid value: '{'y' * 78}…. Supported values are: 'rtav', 'openai', and 'beta'.",
        ),
        (
            {"tools": [{"name": ""}]},
            "Invalid 'session.tools[0].name': string too short. "
            "Expected a string that is not empty.",
        ),
        (
            {"tools": [{"name": "n" * 65}]},
            "Invalid 'session.tools[0].name': string too long. "
            "Expected maximum length 64, but got length 65 instead.",
        ),
        (
            {"output_modalities": []},
            "Invalid 'session.output_modalities': empty array. "
            "Expected an array with minimum length 1.",
        ),
        ({"voice": {}}, "Missing required parameter: 'session.voice.id'."),
        ({"driving": []}, "Invalid 'session.driving': expected 1 to 64 motions."),
        (
            {"driving": ["Wink", 5]},
            "Invalid type for 'session.driving': expected a string or an array of strings.",
        ),
        ({"volume": 11}, "Unknown parameter: 'session.volume'."),
    ],
)
def test_a_refusal_says_in_openais_words_what_was_expected(session: Any, message: str) -> None:
    assert refusal(session).message == message


def test_an_unknown_event_is_told_which_there_are() -> None:
    with pytest.raises(ProtocolError) as refused:
        parse('{"type": "session.destroy"}')
    assert refused.value.message.startswith(
        "Invalid value: 'session.destroy'. Supported values are: 'session.update', "
    )
    assert (refused.value.code, refused.value.param) == ("invalid_value", "type")


def fields_of(model: type[Wire], *path: str) -> Iterator[tuple[str, ...]]:
    """The paths of all fields, those of nested objects too."""
    for name, field in model.model_fields.items():
        yield (*path, name)
        for inner in _models(field.annotation):
            yield from fields_of(inner, *path, name)


def _models(annotation: Any) -> Iterator[type[Wire]]:
    if isinstance(annotation, type) and issubclass(annotation, Wire):
        yield annotation
    elif typing.get_origin(annotation) is not list:
        for part in typing.get_args(annotation):
            yield from _models(part)


def at(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for name in reversed(path):
        value = {name: value}
    assert isinstance(value, dict)
    return value


def error_of(work: Callable[[], object]) -> ProtocolError | None:
    try:
        work()
    except ProtocolError as error:
        return error
    return None


def told(error: ProtocolError) -> str:
    """Its message without what the client wrote and without the names of fields."""
    message = error.message.lower().replace(f"'{error.param}'", "").removeprefix("invalid")
    return message.replace("array of strings", "")


@pytest.mark.parametrize("path", list(fields_of(SessionPatch)), ids=".".join)
def test_no_session_field_is_refused_in_words_of_the_library(path: tuple[str, ...]) -> None:
    for value in WRONG:
        raw = at(path, value)
        error = error_of(lambda raw=raw: parse_session(raw, strict=False))
        if error is not None:
            assert not any(word in told(error) for word in PYDANTICS), error.message
            assert str(error.param).startswith(f"session.{path[0]}")
            assert error.code in ("invalid_type", "invalid_value", "missing_required_parameter")


EVENT_FIELDS = [
    (kind, path)
    for kind, model in EVENTS.items()
    for path in fields_of(model)
    if path[0] not in ("type", "session")
] + [("conversation.item.create", ("item", name)) for name in ("id", "role", "content", "status")]


@pytest.mark.parametrize(("kind", "path"), EVENT_FIELDS)
def test_no_event_is_refused_in_words_of_the_library(kind: str, path: tuple[str, ...]) -> None:
    item = {"type": "message", "role": "user", "content": [], "item_id": "i"}
    whole = {"type": kind, "item": item, "item_id": "i", "content_index": 0, "audio_end_ms": 0}
    whole |= {"audio": "", "text": "", "session": {}}
    for value in WRONG:
        event = whole | at(path, value)
        if path[0] == "item":
            event["item"] = item | at(path[1:], value) if path[1:] else value
        error = error_of(lambda event=event: parse(json.dumps(event)))
        if error is not None:
            assert not any(word in told(error) for word in PYDANTICS), error.message
            assert str(error.param).startswith(path[0])


def test_the_sweep_meets_nested_fields() -> None:
    paths = {".".join(path) for path in fields_of(SessionPatch)}
    assert {"audio.input.turn_detection.threshold", "voice.id"} <= paths
    assert ("response.create", ("response", "metadata")) in EVENT_FIELDS
