"""The older spelling, judged by the types that the `openai` package still has of the beta."""

import json
import typing
from typing import Any

import pydantic
import pytest
from openai.types.beta.realtime import RealtimeServerEvent

from rtav.core import inputs as told
from rtav.core.dialect import Signs
from rtav.protocol.beta import older_message, older_session
from rtav.testing.player import Player

MODELS: dict[str, type[pydantic.BaseModel]] = {
    typing.get_args(model.model_fields["type"].annotation)[0]: model
    for model in typing.get_args(typing.get_args(RealtimeServerEvent)[0])
}

OURS = {
    "object", "expires_at", "prompt", "truncation", "reasoning", "parallel_tool_calls", "include",
    "face", "driving", "target_fps", "upsample_factor", "framing", "background", "video_codec",
    "tts_source",
    "auto_response", "express", "dialect",
}  # fmt: skip
"""What a session object shows besides the beta's own fields."""

NEWER = {"idle_timeout_ms", "image_tokens", "cached_tokens_details", "name"}
"""Fields that joined known events and objects later."""

TEXT = {
    "type": "conversation.item.create",
    "item": {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "Hello."}],
    },
}


def unknown(value: object, path: str = "") -> list[str]:
    """Fields below `value` that the beta does not have."""
    if isinstance(value, pydantic.BaseModel):
        found = [f"{path}.{name}" for name in value.model_extra or {}]
        for name in type(value).model_fields:
            found += unknown(getattr(value, name), f"{path}.{name}")
        return found
    if isinstance(value, list):
        return [name for entry in value for name in unknown(entry, f"{path}[]")]
    return []


def conversation() -> list[dict[str, Any]]:
    """What a client of the beta gets: spoken text, a tool call, an error."""
    player = Player(signs=Signs(beta=True))
    player.handle(told.PeerOpened())
    player.client({"type": "session.update", "session": {"voice": "alloy"}})
    player.client(TEXT)
    player.client({"type": "response.create"})
    player.reply(1, "Good day to you.")
    player.play(1, 2.0)
    player.client({"type": "response.cancel"})
    player.client({"type": "response.create"})
    player.handle(told.ReplyToolCall(turn=2, index=0, call_id="c", name="f", arguments="{}"))
    player.handle(told.ReplyEnded(turn=2))
    player.handle(told.SpokenAll(turn=2))
    messages = [older_message(event) for event in player.events]
    return [json.loads(json.dumps(message)) for message in messages if message is not None]


def test_a_conversation_is_what_the_beta_knows() -> None:
    seen = set()
    for message in conversation():
        seen.add(message["type"])
        if "session" in message:
            message["session"].pop("model")  # the beta lists its models
        parsed = MODELS[message["type"]].model_validate(message, strict=True)
        fields = {name.split(".")[-1] for name in unknown(parsed)}
        assert fields - OURS - NEWER == set(), message
    assert {
        "session.created",
        "conversation.created",
        "session.updated",
        "conversation.item.created",
        "response.created",
        "response.content_part.added",
        "response.audio_transcript.delta",
        "response.audio.done",
        "response.function_call_arguments.done",
        "response.done",
        "error",
    } <= seen


def test_the_beta_is_told_of_its_conversation_behind_its_session() -> None:
    kinds = [message["type"] for message in conversation()]
    assert kinds[:2] == ["session.created", "conversation.created"]


def test_a_session_is_flat_to_the_beta() -> None:
    created = conversation()[0]["session"]
    assert created["object"] == "realtime.session"
    assert {name: created[name] for name in BETA_SESSION} == BETA_SESSION
    assert not {"audio", "output_modalities", "max_output_tokens", "type"} & created.keys()


BETA_SESSION = {
    "modalities": ["audio", "text"],
    "voice": "default",
    "input_audio_format": "pcm16",
    "output_audio_format": "pcm16",
    "input_audio_transcription": None,
    "input_audio_noise_reduction": None,
    "speed": 1.0,
    "max_response_output_tokens": "inf",
    "temperature": None,
    "tool_choice": "auto",
    "tools": [],
}


def test_a_response_is_flat_to_the_beta() -> None:
    done = next(each for each in conversation() if each["type"] == "response.done")["response"]
    assert (done["modalities"], done["voice"]) == (["audio", "text"], "alloy")
    assert (done["output_audio_format"], done["max_output_tokens"]) == ("pcm16", "inf")
    assert done["output"][0]["content"][0]["type"] == "audio"
    assert not {"audio", "output_modalities"} & done.keys()


@pytest.mark.parametrize(
    "kind",
    [
        "conversation.item.done",
        "input_audio_buffer.timeout_triggered",
        "mcp_list_tools.completed",
        "response.mcp_call.failed",
    ],
)
def test_what_the_beta_does_not_know_it_is_not_told(kind: str) -> None:
    assert older_message({"type": kind, "event_id": "e"}) is None


def test_telephone_formats_have_their_older_names() -> None:
    shown = {
        "max_output_tokens": 5,
        "audio": {
            "input": {
                "format": {"type": "audio/pcmu"},
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": None,
            },
            "output": {"format": {"type": "audio/pcma"}, "speed": 1.0},
        },
    }
    older = older_session(shown)
    assert older["input_audio_format"] == "g711_ulaw"
    assert older["output_audio_format"] == "g711_alaw"
    assert older["max_response_output_tokens"] == 5


def test_a_response_that_says_little_says_no_more_to_the_beta() -> None:
    message = older_message({"type": "response.done", "event_id": "e", "response": {"id": "r"}})
    assert message is not None
    assert message["response"] == {"id": "r"}
