from typing import Any

import pytest

from rtav.errors import ProtocolError
from rtav.protocol.session import parse_session


def refusal(raw: Any, *, strict: bool = False, prefix: str = "session") -> ProtocolError:
    with pytest.raises(ProtocolError) as refused:
        parse_session(raw, strict=strict, prefix=prefix)
    return refused.value


TURN = "session.audio.input.turn_detection"


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"foo": 1}, "session.foo"),
        ({"audio": {"foo": 1}}, "session.audio.foo"),
        ({"audio": {"input": {"foo": 1}}}, "session.audio.input.foo"),
        ({"audio": {"output": {"foo": 1}}}, "session.audio.output.foo"),
        ({"audio": {"input": {"turn_detection": {"mood": 1}}}}, TURN + ".mood"),
        ({"turn_detection": {"mood": 1}}, "session.turn_detection.mood"),
        ({"voice": {"id": "alice", "mood": 1}}, "session.voice.mood"),
        ({"input": {}}, "session.input"),
        ({"audio": {"id": "x"}}, "session.audio.id"),
    ],
)
def test_an_unknown_field_is_refused_only_by_the_strict(raw: dict[str, Any], path: str) -> None:
    error = refusal(raw, strict=True)
    assert (error.code, error.param) == ("unknown_parameter", path)
    parse_session(raw, strict=False)


def test_what_cannot_be_included_is_refused_only_by_the_strict() -> None:
    error = refusal({"include": ["avatar.state", "weather"]}, strict=True)
    assert (error.code, error.param) == ("invalid_value", "session.include[1]")
    assert parse_session({"include": ["weather"]}, strict=False).include == ["weather"]


def test_tools_may_have_fields_of_their_clients_own() -> None:
    tool = {"type": "function", "name": "f", "strict": True}
    assert parse_session({"tools": [tool]}, strict=True).tools is not None


def test_our_own_session_object_may_come_back() -> None:
    echo = {"id": "s", "object": "realtime.session", "expires_at": 5, "client_secret": None}
    assert parse_session(echo, strict=True).model_fields_set == set()


@pytest.mark.parametrize(
    "field",
    [
        {"face": "a", "driving": "b", "target_fps": 25, "upsample_factor": 2},
        {"video_codec": "vp8", "tts_source": "x", "auto_response": True},
        {"include": ["avatar.state", "session.expiring"]},
    ],
)
def test_what_any_client_may_use_is_known_to_the_strict(field: dict[str, Any]) -> None:
    assert parse_session(field, strict=True).model_fields_set == field.keys()


def test_absent_is_not_null() -> None:
    assert parse_session({"voice": None}, strict=False).model_fields_set == {"voice"}
    assert parse_session({}, strict=False).model_fields_set == set()


@pytest.mark.parametrize(
    ("raw", "code", "param"),
    [
        (5, "invalid_type", "session"),
        ({"audio": 5}, "invalid_type", "session.audio"),
        ({"type": "transcription"}, "invalid_value", "session.type"),
        ({"driving": []}, "invalid_value", "session.driving"),
        ({"driving": ["a", 5]}, "invalid_type", "session.driving"),
        ({"voice": {}}, "missing_required_parameter", "session.voice.id"),
        ({"output_modalities": []}, "invalid_value", "session.output_modalities"),
        ({"output_modalities": ["smell"]}, "invalid_value", "session.output_modalities[0]"),
        ({"speed": "1"}, "invalid_type", "session.speed"),
        ({"speed": True}, "invalid_type", "session.speed"),
        ({"input_audio_format": "mp3"}, "invalid_value", "session.input_audio_format"),
        (
            {"audio": {"input": {"turn_detection": {"threshold": 2}}}},
            "invalid_value",
            "session.audio.input.turn_detection.threshold",
        ),
        ({"tools": [{"type": "web", "name": "x"}]}, "invalid_value", "session.tools[0].type"),
        ({"prompt": {"x": float("nan")}}, "invalid_json", None),
    ],
)
def test_a_refusal_names_the_field(raw: Any, code: str, param: str | None) -> None:
    error = refusal(raw)
    assert (error.code, error.param) == (code, param)


def test_a_whole_number_is_a_number() -> None:
    assert parse_session({"speed": 1, "target_fps": 25}, strict=False).speed == 1.0


def test_the_path_begins_where_the_session_was_found() -> None:
    assert refusal({"speed": 9}, prefix="body.session").param == "body.session.speed"
