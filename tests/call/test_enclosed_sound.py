"""Sound that comes inside items."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from rtav.errors import EngineFailed
from rtav.media.pcm import MIC_RATE_HZ, SESSION_RATE_HZ, Pcm
from rtav.media.telephone import AudioEncoder
from rtav.testing.calls import ScriptedEngines, exchange
from rtav.testing.engines import HANG, ScriptedLlm, ScriptedStt
from rtav.testing.oracle import problems
from rtav.testing.peer import WEBRTC, WEBSOCKET, FakePeer
from rtav.testing.virtual import run

TRANSCRIBING = {"type": "realtime", "audio": {"input": {"transcription": {"model": "whisper-1"}}}}
CREATE = {"type": "response.create"}


def encoded(pcm: Pcm) -> str:
    return base64.b64encode(pcm.astype("<i2").tobytes()).decode()


def sound(seconds: float) -> dict[str, Any]:
    return {"type": "input_audio", "audio": encoded(np.zeros(round(seconds * SESSION_RATE_HZ)))}


def item(*content: dict[str, Any], id: str = "mine") -> dict[str, Any]:  # noqa: A002 - its name
    message = {"id": id, "type": "message", "role": "user", "content": list(content)}
    return {"type": "conversation.item.create", "event_id": f"event {id}", "item": message}


def talk(
    engines: ScriptedEngines,
    client: Callable[[FakePeer], Awaitable[None]],
    *,
    media: Any = WEBSOCKET,
    session: Any = TRANSCRIBING,
) -> FakePeer:
    peer = FakePeer(media)

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer, session)
            await asyncio.sleep(0)
            peer.open()
            await client(peer)
            peer.vanish()

    run(main())
    assert [fault for event in peer.events for fault in problems(event)] == []
    return peer


@pytest.mark.parametrize("media", [WEBRTC, WEBSOCKET], ids=["channel", "socket"])
def test_it_is_recognised_and_answered_and_the_microphone_does_not_join_it(media) -> None:
    engines = ScriptedEngines(stt=ScriptedStt("what time is it"))

    async def client(peer: FakePeer) -> None:
        peer.say(item(sound(1.0)))
        peer.say(CREATE)
        await peer.wait_for("response.done")

    peer = talk(engines, client, media=media)

    assert [m.text for m in engines.llm.requests[0].messages] == ["what time is it"]
    assert engines.stt.heard == [MIC_RATE_HZ]
    kind = "conversation.item.input_audio_transcription.completed"
    assert peer.got(kind)[0]["usage"] == {"type": "duration", "seconds": 1.0}
    assert peer.types.index("conversation.item.done") < peer.types.index("response.created")


def test_several_are_recognised_one_after_the_other() -> None:
    engines = ScriptedEngines(stt=ScriptedStt("one", "two", "three", final_delay_s=1.0))

    async def client(peer: FakePeer) -> None:
        peer.say(item(sound(0.3), {"type": "input_text", "text": "and"}, sound(0.4)))
        peer.say(item(sound(0.5), id="other"))
        peer.say(CREATE)
        await peer.wait_for("response.done")

    talk(engines, client)

    assert [m.text for m in engines.llm.requests[0].messages] == ["one and two", "three"]
    assert engines.stt.heard == [4800, 6400, 8000]


def test_a_long_recording_is_handed_over_as_the_recogniser_can_take_it() -> None:
    engines = ScriptedEngines(stt=ScriptedStt("a long story"))
    took = 0.0

    async def client(peer: FakePeer) -> None:
        nonlocal took
        began = asyncio.get_running_loop().time()
        peer.say(item(sound(65)))
        peer.say(CREATE)
        await peer.wait_for("response.created")
        await peer.wait_for("conversation.item.input_audio_transcription.completed")
        took = asyncio.get_running_loop().time() - began

    talk(engines, client)

    assert abs(took - (65 - 5) / 4) < 0.5
    assert engines.stt.heard == [65 * MIC_RATE_HZ]


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
def test_it_is_read_in_the_session_s_format(kind) -> None:
    engines = ScriptedEngines(stt=ScriptedStt("hello"))
    session = {"type": "realtime", "audio": {"input": {"format": {"type": kind}}}}
    data = AudioEncoder(kind).encode(np.zeros(SESSION_RATE_HZ, np.int16))

    async def client(peer: FakePeer) -> None:
        audio = base64.b64encode(data).decode()
        peer.say(item({"type": "input_audio", "audio": audio}))
        peer.say(CREATE)
        await peer.wait_for("response.done")

    talk(engines, client, session=session)

    assert abs(engines.stt.heard[0] - MIC_RATE_HZ) < 100


@pytest.mark.parametrize(
    ("audio", "why"),
    [
        ("no base64!", "it is not base64"),
        ("AA==", "PCM16 has two bytes a sample"),
        ("", "it is empty"),
        ("AAAA" * (5 << 20) + "AAAA", "it is larger than 15728640 bytes"),
    ],
)
def test_what_is_no_sound_is_refused_by_its_path_and_changes_nothing(audio, why) -> None:
    async def client(peer: FakePeer) -> None:
        text = {"type": "input_text", "text": "Listen:"}
        peer.say(item(text, {"type": "input_audio", "audio": audio}))
        peer.say({"type": "conversation.item.retrieve", "item_id": "mine"})
        await asyncio.sleep(1)

    peer = talk(ScriptedEngines(), client)

    first, second = (event["error"] for event in peer.got("error"))
    assert (first["event_id"], first["code"]) == ("event mine", "invalid_value")
    assert first["param"] == "item.content[1].audio"
    assert first["message"] == f"Invalid value for 'item.content[1].audio': {why}."
    assert second["code"] == "item_retrieve_invalid_item_id"


def test_a_recogniser_that_fails_fails_the_response_and_the_next_item_is_read() -> None:
    failing = EngineFailed("scripted-stt", "broke", retryable=True)
    engines = ScriptedEngines(stt=ScriptedStt(failing, "again"), llm=ScriptedLlm("Yes."))

    async def client(peer: FakePeer) -> None:
        peer.say(item(sound(20)))
        peer.say(CREATE)
        await peer.wait_for("response.done")
        peer.say(item(sound(1), id="other"))
        peer.say(CREATE)
        await peer.wait_for("response.done", count=2)

    peer = talk(engines, client)

    statuses = [event["response"]["status"] for event in peer.got("response.done")]
    assert statuses == ["failed", "completed"]
    assert [m.text for m in engines.llm.requests[0].messages] == ["(inaudible)", "again"]


def test_an_item_deleted_while_it_is_read_frees_the_recogniser() -> None:
    engines = ScriptedEngines(stt=ScriptedStt("never", "next", final_delay_s=HANG))

    async def client(peer: FakePeer) -> None:
        peer.say(item(sound(1)))
        await asyncio.sleep(0.5)
        peer.say({"type": "conversation.item.delete", "item_id": "mine"})
        peer.say(item({"type": "input_text", "text": "Hello."}, id="other"))
        peer.say(CREATE)
        await peer.wait_for("response.done")

    peer = talk(engines, client)

    assert engines.stt.heard == [MIC_RATE_HZ]
    assert [m.text for m in engines.llm.requests[0].messages] == ["Hello."]
    assert peer.got("conversation.item.input_audio_transcription.failed") == []
