from typing import Any

import pytest
from openai.types.realtime import (
    AudioTranscription,
    RealtimeAudioConfigInput,
    RealtimeAudioConfigOutput,
    RealtimeSessionCreateRequest,
    RealtimeSessionCreateResponse,
)

from rtav.core.catalog import Own
from rtav.core.config import SessionConfig
from rtav.core.detection import TurnDetection
from rtav.core.dialect import Dialect
from rtav.core.patching import patched
from rtav.core.sight import Sight, as_wished, wished
from rtav.core.view import Seen, view
from rtav.errors import ProtocolError
from rtav.protocol.session import (
    AudioInput,
    AudioOutput,
    NoiseReduction,
    SessionPatch,
    Transcription,
    parse_session,
)
from rtav.testing.oracle import session_problems
from rtav.testing.player import CATALOG

INITIAL = SessionConfig.initial("sess_1", CATALOG)


def configured(*sessions: dict[str, Any]) -> SessionConfig:
    config = INITIAL
    for session in sessions:
        config = patched(config, parse_session(session, strict=False), CATALOG)
    return config


def seen(config: SessionConfig) -> Sight:
    return as_wished(wished(config, CATALOG))


def shown(config: SessionConfig, dialect: Dialect = Dialect.RTAV, transport: str = "webrtc") -> Any:
    return view(config, dialect, Seen(transport=transport, expires_at=5, sight=seen(config)))


def refusal(session: dict[str, Any]) -> ProtocolError:
    with pytest.raises(ProtocolError) as refused:
        configured(session)
    return refused.value


@pytest.mark.parametrize("dialect", list(Dialect))
def test_the_initial_view_is_what_the_documents_say(dialect: Dialect) -> None:
    view = shown(INITIAL, dialect)
    assert (view["model"], view["instructions"]) == ("gpt-5.2", "You are a helpful assistant.")
    assert view["expires_at"] == 5
    assert view["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }
    assert view["audio"]["output"] == {
        "format": {"type": "audio/pcm", "rate": 24000},
        "voice": "default",
        "speed": 1.0,
    }


@pytest.mark.parametrize("dialect", [Dialect.RTAV, Dialect.OPENAI])
@pytest.mark.parametrize(
    "session",
    [
        {},
        {"voice": {"id": "alice"}, "driving": ["Wink", "default"], "modalities": ["text"]},
        {"turn_detection": {"type": "semantic_vad"}, "max_output_tokens": 5, "include": []},
        {"turn_detection": None, "tools": [{"type": "function", "name": "f"}]},
        {"tracing": "auto", "truncation": "disabled", "prompt": None, "temperature": 0.5},
        {"audio": {"input": {"transcription": {"model": "whisper-1", "language": "de"}}}},
    ],
)
def test_every_view_conforms_to_openais_type(session: dict[str, Any], dialect: Dialect) -> None:
    assert session_problems(shown(configured(session), dialect)) == []


def test_the_dialect_decides_what_was_not_named() -> None:
    rtav, openai, beta = (shown(INITIAL, dialect) for dialect in Dialect)
    assert rtav["audio"]["input"]["transcription"] == {"model": "default"}
    assert openai["audio"]["input"]["transcription"] is None
    assert beta["audio"]["input"]["transcription"] is None
    assert (rtav["modalities"], openai["modalities"]) == (["audio", "text"], ["audio"])
    assert beta["modalities"] == ["audio", "text"]
    assert shown(INITIAL, transport="websocket")["modalities"] == ["audio", "text", "image"]
    assert (rtav["auto_response"], openai["auto_response"]) == (True, False)
    assert [view["dialect"] for view in (rtav, openai, beta)] == ["rtav", "openai", "beta"]


@pytest.mark.parametrize(
    ("session", "field", "value"),
    [
        ({"model": "gpt-realtime"}, "model", "gpt-realtime"),
        ({"instructions": "Be brief."}, "instructions", "Be brief."),
        ({"voice": "anthony"}, "voice", "anthony"),
        ({"voice_id": "anthony"}, "voice", "anthony"),
        ({"voice": {"id": "anthony"}}, "voice", "anthony"),
        ({"audio": {"output": {"voice": "alloy"}}}, "voice", "alloy"),
        ({"voice": "alice", "audio": {"output": {"voice": "anthony"}}}, "voice", "alice"),
        ({"face": "face2"}, "face", "face2"),
        ({"face_id": "face2"}, "face", "face2"),
        ({"driving": "wink"}, "driving", "wink"),
        ({"driving": ["Wink", "idle"]}, "driving", ("Wink", "idle")),
        ({"modalities": ["audio", "image"]}, "modalities", ("audio", "image")),
        ({"output_modalities": ["text"]}, "output_modalities", ("text",)),
        ({"speed": 1.5}, "speed", 1.5),
        ({"audio": {"output": {"speed": 0.5}}}, "speed", 0.5),
        ({"max_response_output_tokens": 7}, "max_output_tokens", 7),
        ({"max_response_output_tokens": 7, "max_output_tokens": 8}, "max_output_tokens", 8),
        ({"temperature": 0.7}, "temperature", 0.7),
        ({"tool_choice": "none"}, "tool_choice", "none"),
        ({"tools": [{"name": "f"}]}, "tools", ({"type": "function", "name": "f"},)),
        ({"include": ["avatar.state"]}, "include", ("avatar.state",)),
        ({"target_fps": 500}, "target_fps", 60.0),
        ({"target_fps": 0.1}, "target_fps", 1.0),
        ({"upsample_factor": 16}, "upsample_factor", 2.0),
        ({"video_codec": "H264"}, "video_codec", "h264"),
        ({"tts_source": "flite"}, "tts_source", "flite"),
        ({"auto_response": True}, "auto_response", True),
        ({"input_audio_transcription": {"language": "de"}}, "transcription", {"language": "de"}),
        (
            {"audio": {"input": {"transcription": {"prompt": "x"}}}},
            "transcription",
            {"prompt": "x"},
        ),
        (
            {"input_audio_noise_reduction": {"type": "near_field"}},
            "noise_reduction",
            {"type": "near_field"},
        ),
        (
            {"audio": {"input": {"noise_reduction": {"type": "far_field"}}}},
            "noise_reduction",
            {"type": "far_field"},
        ),
        ({"input_audio_format": "g711_ulaw"}, "input_format", {"type": "audio/pcmu"}),
        ({"output_audio_format": "g711_alaw"}, "output_format", {"type": "audio/pcma"}),
        (
            {"audio": {"input": {"format": {"type": "audio/pcm"}}}},
            "input_format",
            {"type": "audio/pcm", "rate": 24000},
        ),
        (
            {"audio": {"output": {"format": {"type": "audio/pcmu"}}}},
            "output_format",
            {"type": "audio/pcmu"},
        ),
    ],
)
def test_a_field_is_taken_in_every_spelling(session: Any, field: str, value: object) -> None:
    assert getattr(configured(session), field) == value


@pytest.mark.parametrize(
    ("before", "null", "field"),
    [
        ({"model": "none"}, {"model": None}, "model"),
        ({"voice": "anthony"}, {"voice": None}, "voice"),
        ({"voice": "anthony"}, {"audio": {"output": {"voice": None}}}, "voice"),
        ({"face": "face2"}, {"face": None}, "face"),
        ({"driving": "Wink"}, {"driving": None}, "driving"),
        ({"driving": "Wink"}, {"driving": None}, "motions"),
        ({"modalities": ["text"]}, {"modalities": None}, "modalities"),
        ({"output_modalities": ["text"]}, {"output_modalities": None}, "output_modalities"),
        ({"speed": 1.5}, {"audio": {"output": {"speed": None}}}, "speed"),
        ({"tools": [{"name": "f"}]}, {"tools": None}, "tools"),
        ({"tools": [{"name": "f"}]}, {"tools": []}, "tools"),
        ({"temperature": 1}, {"temperature": None}, "temperature"),
        ({"max_output_tokens": 5}, {"max_output_tokens": None}, "max_output_tokens"),
        ({"video_codec": "vp8"}, {"video_codec": None}, "video_codec"),
        ({"include": []}, {"include": None}, "include"),
        ({"target_fps": 30}, {"target_fps": None}, "target_fps"),
        ({"auto_response": True}, {"auto_response": None}, "auto_response"),
        ({"input_audio_format": "g711_ulaw"}, {"input_audio_format": None}, "input_format"),
        (
            {"input_audio_format": "g711_ulaw"},
            {"audio": {"input": {"format": None}}},
            "input_format",
        ),
        (
            {"output_audio_format": "g711_ulaw"},
            {"audio": {"output": {"format": None}}},
            "output_format",
        ),
    ],
)
def test_null_is_the_default_again(before: Any, null: Any, field: str) -> None:
    assert getattr(configured(before), field) != getattr(INITIAL, field)
    assert getattr(configured(before, null), field) == getattr(INITIAL, field)


def test_null_switches_off_what_can_be_off() -> None:
    off = configured({"audio": {"input": {"turn_detection": None, "transcription": None}}})
    assert (off.turn_detection, off.transcription) == (None, None)
    assert off.transcribes(Dialect.RTAV) is None
    assert configured({"instructions": None}).instructions == ""


def test_what_a_patch_does_not_name_stays() -> None:
    config = configured({"voice": "anthony", "tracing": "auto"}, {"face": "face2"}, {})
    assert (config.voice_id, config.face_id) == ("anthony", "face2")
    assert shown(config)["tracing"] == "auto"


def test_every_field_of_openais_is_shown_from_the_start() -> None:
    view = shown(INITIAL)
    assert RealtimeSessionCreateResponse.model_fields.keys() <= view.keys()
    nothing_said = {
        "prompt": None,
        "tracing": None,
        "include": None,
        "reasoning": None,
        "truncation": "auto",
        "parallel_tool_calls": True,
        "target_fps": 25.0,
        "upsample_factor": 1.0,
        "video_codec": None,
    }
    assert {name: view[name] for name in nothing_said} == nothing_said


@pytest.mark.parametrize(
    ("name", "before", "patch", "after"),
    [
        ("tracing", "auto", {"group_id": "g"}, {"group_id": "g"}),
        (
            "tracing",
            {"group_id": "g", "metadata": {"a": "1", "b": "2"}},
            {"workflow_name": "w", "metadata": {"b": None, "c": "3"}},
            {"group_id": "g", "metadata": {"a": "1", "c": "3"}, "workflow_name": "w"},
        ),
        ("tracing", {"group_id": "g"}, {"group_id": None}, {}),
        ("tracing", {"group_id": "g"}, None, None),
        ("truncation", "disabled", None, "auto"),
        (
            "truncation",
            {"type": "retention_ratio", "retention_ratio": 0.5},
            {"type": "retention_ratio", "retention_ratio": 0.8, "token_limits": {}},
            {"type": "retention_ratio", "retention_ratio": 0.8, "token_limits": {}},
        ),
        (
            "prompt",
            {"id": "a", "version": "2", "variables": {"city": "Rome"}},
            {"id": "a", "variables": {"name": "Ann"}},
            {"id": "a", "version": "2", "variables": {"city": "Rome", "name": "Ann"}},
        ),
        ("prompt", {"id": "a", "version": "2"}, {"id": "b"}, {"id": "b"}),
        ("prompt", {"id": "a"}, None, None),
        ("reasoning", {"effort": "low"}, {"effort": "high"}, {"effort": "high"}),
        ("parallel_tool_calls", False, None, True),
    ],
)
def test_objects_merge_and_null_clears(name: str, before: Any, patch: Any, after: Any) -> None:
    assert shown(configured({name: before}, {name: patch}))[name] == after


def test_the_transcription_merges_too() -> None:
    config = configured(
        {"audio": {"input": {"transcription": {"model": "whisper-1", "prompt": "p"}}}},
        {"audio": {"input": {"transcription": {"language": "de", "prompt": None}}}},
    )
    assert config.transcription == {"model": "whisper-1", "language": "de"}


@pytest.mark.parametrize("name", ["model", "voice", "face", "driving", "video_codec", "tts_source"])
def test_an_empty_string_clears(name: str) -> None:
    other = {"model": "gpt-x", "voice": "anthony", "face": "face2", "driving": "Wink"}
    named = other.get(name, "vp8" if name == "video_codec" else "x")
    assert shown(configured({name: named}, {name: ""}))[name] == shown(INITIAL)[name]


def test_the_picture_is_shown_as_it_comes_out() -> None:
    sight = Sight(fps=30.0, scale=1.5, framing="portrait", background="#102030", codec="vp8")
    seen = Seen(transport="webrtc", expires_at=0, codec="h264", sight=sight)
    shown = view(configured({"target_fps": 60, "video_codec": "vp8"}), Dialect.RTAV, seen)
    assert (shown["target_fps"], shown["upsample_factor"]) == (30.0, 1.5)
    assert (shown["framing"], shown["background"]) == ("portrait", "#102030")
    assert shown["video_codec"] == "vp8"


@pytest.mark.parametrize(
    ("session", "codec"),
    [
        ({}, "jpeg"),
        ({"modalities": ["audio", "text"], "video_codec": "h264"}, None),
        ({"modalities": ["text", "image"]}, None),
    ],
)
def test_pictures_in_events_are_jpeg_where_they_are_sent(session: Any, codec: str | None) -> None:
    seen = Seen(transport="websocket", expires_at=0, sends_pictures=True, sight=Sight())
    assert view(configured(session), Dialect.RTAV, seen)["video_codec"] == codec


def test_before_there_is_a_connection_the_wish_is_shown() -> None:
    assert shown(configured({"video_codec": "vp8"}))["video_codec"] == "vp8"


def test_kept_fields_are_shown_as_they_came() -> None:
    kept = {
        "truncation": {"type": "retention_ratio", "retention_ratio": 0.5},
        "reasoning": {"effort": "low"},
        "parallel_tool_calls": False,
    }
    view = shown(configured(kept))
    assert {name: view[name] for name in kept} == kept


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"voice": "nobody"}, "voice_not_found", "session.voice"),
        ({"voice_id": "nobody"}, "voice_not_found", "session.voice_id"),
        (
            {"audio": {"output": {"voice": {"id": "x"}}}},
            "voice_not_found",
            "session.audio.output.voice",
        ),
        ({"face": "nobody"}, "face_not_found", "session.face"),
        ({"face_id": "nobody"}, "face_not_found", "session.face_id"),
        ({"driving": ["Wink", "nod"]}, "driving_not_found", "session.driving"),
        ({"video_codec": "av1"}, "invalid_value", "session.video_codec"),
        (
            {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 8000}}}},
            "invalid_value",
            "session.audio.input.format.rate",
        ),
        (
            {"audio": {"output": {"format": {"type": "audio/pcm", "rate": 8000}}}},
            "invalid_value",
            "session.audio.output.format.rate",
        ),
    ],
)
def test_a_value_nobody_has_is_refused_by_name(session: Any, code: str, param: str) -> None:
    error = refusal(session)
    assert (error.code, error.param) == (code, param)


def test_modalities_say_whether_replies_are_spoken() -> None:
    assert configured({}).speaks()
    assert configured({"modalities": ["audio", "text"]}).speaks()
    assert not configured({"modalities": ["text"]}).speaks()
    assert not configured({"modalities": ["audio"], "output_modalities": ["text"]}).speaks()
    assert shown(configured({"modalities": ["text"]}))["output_modalities"] == ["text"]
    assert shown(configured({"output_modalities": ["text"]}))["modalities"] == ["text"]


def test_text_beside_the_transcript_is_rtavs() -> None:
    assert configured({}).shows_text(Dialect.RTAV)
    assert configured({"modalities": ["audio", "text", "image"]}).shows_text(Dialect.RTAV)
    assert not configured({"modalities": ["audio"]}).shows_text(Dialect.RTAV)
    assert not configured({"output_modalities": ["audio"]}).shows_text(Dialect.RTAV)
    assert not configured({}).shows_text(Dialect.OPENAI)
    assert not configured({}).shows_text(Dialect.BETA)


@pytest.mark.parametrize("model", ["none", "disable", "open-loop", "NONE"])
def test_without_a_model_nothing_is_answered(model: str) -> None:
    config = configured({"model": model, "auto_response": True})
    assert config.open_loop
    assert not config.answers_by_itself(Dialect.RTAV)
    assert not config.answers_speech()


def test_who_answers_by_itself() -> None:
    assert configured({"turn_detection": None}).answers_by_itself(Dialect.RTAV)
    assert not configured({"turn_detection": None}).answers_speech()
    manual = configured({"turn_detection": {"create_response": False}})
    assert not manual.answers_by_itself(Dialect.RTAV)
    assert not manual.answers_speech()
    assert not configured({"auto_response": False}).answers_speech()
    assert configured({}).answers_speech()


def test_turn_detection_is_merged_into_what_holds() -> None:
    config = configured(
        {"turn_detection": {"threshold": 0.8}},
        {"audio": {"input": {"turn_detection": {"silence_duration_ms": 900}}}},
        {"turn_detection": {"threshold": None}},
    )
    assert config.turn_detection == TurnDetection(silence_duration_ms=900, named=True)


def test_another_kind_of_turn_detection_begins_anew() -> None:
    config = configured(
        {"turn_detection": {"create_response": False}},
        {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}},
        {"turn_detection": {"interrupt_response": False}},
    )
    assert config.turn_detection == TurnDetection(
        kind="semantic_vad", eagerness="low", interrupt_response=False, named=True
    )


def test_only_a_named_server_vad_is_taken_to_the_letter() -> None:
    assert not TurnDetection().literal
    assert not configured({"turn_detection": {}}).turn_detection.literal
    assert configured({"turn_detection": {"type": "server_vad"}}).turn_detection.literal
    assert not configured({"turn_detection": {"type": "semantic_vad"}}).turn_detection.literal


@pytest.mark.parametrize(
    ("eagerness", "seconds"), [("low", 8.0), ("medium", 4.0), ("auto", 4.0), ("high", 2.0)]
)
def test_semantic_vad_waits_as_long_as_openais(eagerness: str, seconds: float) -> None:
    detection = TurnDetection(kind="semantic_vad", eagerness=eagerness)
    assert (detection.quickest_s, detection.longest_s) == (0.2, seconds)


def test_server_vad_waits_200_ms_at_least_unless_it_was_named() -> None:
    assert (TurnDetection().quickest_s, TurnDetection().longest_s) == (0.2, 0.5)
    named = TurnDetection(silence_duration_ms=900, named=True)
    assert (named.quickest_s, named.longest_s) == (0.9, 0.9)


def test_no_field_of_openais_session_is_unknown() -> None:
    assert RealtimeSessionCreateRequest.model_fields.keys() <= SessionPatch.model_fields.keys()
    assert RealtimeAudioConfigInput.model_fields.keys() <= AudioInput.model_fields.keys()
    assert RealtimeAudioConfigOutput.model_fields.keys() <= AudioOutput.model_fields.keys()
    assert AudioTranscription.model_fields.keys() <= Transcription.model_fields.keys()
    assert NoiseReduction.model_fields.keys() == {"type", "strength"}


@pytest.mark.parametrize("framing", ["square", "portrait", "landscape"])
def test_a_face_is_framed_in_three_ways(framing: str) -> None:
    assert shown(configured({"framing": framing}))["framing"] == framing
    assert shown(configured({"framing": framing}, {"framing": None}))["framing"] == "square"


@pytest.mark.parametrize(
    ("named", "effective"),
    [
        ("original", "original"),
        ("matte", "matte"),
        ("#10C0fF", "#10c0ff"),
        ("background_1", "background_1"),
        (None, "original"),
        ("", "original"),
    ],
)
def test_a_background_is_what_stands_behind_the_face(named: Any, effective: str) -> None:
    patch = parse_session({"background": named}, strict=True)
    catalog = CATALOG.joined(Own(backgrounds=("background_1",)))
    assert patched(INITIAL, patch, catalog).background == effective


@pytest.mark.parametrize("named", ["#fff", "beach", "#10c0fg", "background_2"])
def test_a_background_that_is_not_there_is_refused(named: str) -> None:
    with pytest.raises(ProtocolError, match="expected 'original', 'matte', a colour") as refused:
        configured({"background": named})
    assert (refused.value.code, refused.value.param) == (
        "background_not_found",
        "session.background",
    )


def test_a_face_without_an_outline_keeps_its_background() -> None:
    catalog = CATALOG.joined(Own(faces=("face_1",), pictures=("face_1",)))
    patch = parse_session({"face": "face_1", "background": "matte"}, strict=False)

    with pytest.raises(ProtocolError, match="has no outline") as refused:
        patched(INITIAL, patch, catalog)
    assert (refused.value.code, refused.value.param) == (
        "background_not_possible",
        "session.background",
    )

    before = configured({"background": "#102030"})
    after = patched(before, parse_session({"face": "face_1"}, strict=False), catalog)
    assert wished(before, catalog).background == "#102030"
    assert wished(after, catalog).background == "original"
