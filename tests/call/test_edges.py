"""Orders of events that are rare, and clients that have less than a browser."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
from typing import Any

import numpy as np

from rtav.media.pcm import SESSION_RATE_HZ
from rtav.testing.calls import RULES, ScriptedEngines, exchange
from rtav.testing.engines import HANG, ScriptedLlm, ScriptedStt, tool_call
from rtav.testing.peer import WEBRTC, FakePeer
from rtav.testing.virtual import run


def ask(peer: FakePeer) -> None:
    content = [{"type": "input_text", "text": "hello"}]
    item = {"type": "message", "role": "user", "content": content}
    peer.say({"type": "conversation.item.create", "item": item})
    peer.say({"type": "response.create"})


def sent_audio(peer: FakePeer) -> np.ndarray:
    """What came in events, at the session's rate."""
    deltas = peer.got("response.output_audio.delta")
    return np.frombuffer(b"".join(base64.b64decode(event["delta"]) for event in deltas), "<i2")


def transcript(peer: FakePeer) -> str:
    events = peer.got("response.output_audio_transcript.delta")
    return "".join(event["delta"] for event in events)


def test_a_client_without_a_picture_is_spoken_to(voices) -> None:
    engines = ScriptedEngines(llm=ScriptedLlm("Hello [wink] you."))
    peer = FakePeer(dataclasses.replace(WEBRTC, video=None))

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            peer.ask_keyframe()
            peer.limit_bitrate(100_000)
            session = {"type": "realtime", "face": "face2", "target_fps": 10}
            peer.say({"type": "session.update", "session": session})
            ask(peer)
            await peer.wait_for("response.done")
            peer.vanish()

    run(main())

    assert transcript(peer) == "Hello you."
    assert voices.pitches(peer) == {400}
    assert engines.avatar.opened == []


def test_a_client_that_only_talks_gets_its_answer_in_events(voices) -> None:
    peer = FakePeer(dataclasses.replace(WEBRTC, hears=False, video=None))

    async def main() -> None:
        async with exchange(ScriptedEngines(llm=ScriptedLlm("I hear you."))) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            await peer.hear(voices.tone(1.0))
            await peer.hear_silence(1.0)
            peer.vanish()

    run(main())

    assert transcript(peer) == "I hear you."
    assert voices.pitches_of(sent_audio(peer), rate_hz=SESSION_RATE_HZ) == {400}


def test_media_that_are_ready_before_the_event_channel_show_the_face(voices) -> None:
    engines, peer = ScriptedEngines(), FakePeer()

    async def main() -> None:
        async with exchange(engines) as office:
            call = office.take(peer, {"face": "face1", "driving": "Wink"})
            await asyncio.sleep(0)
            peer.audio.ready = peer.video.ready = True
            call.media_ready()
            await asyncio.sleep(0.5)
            call.opened(label="oai-events", subprotocol="")
            ask(peer)
            await peer.wait_for("response.done")
            peer.vanish()

    run(main())

    assert [face.face for face in engines.avatar.opened] == ["face1"]
    assert engines.avatar.opened[0].drives[0] == (("Wink",), 0)
    assert len(peer.video.sent) > 12
    assert peer.got("response.done")[0]["response"]["status"] == "completed"


def test_media_that_are_ready_when_the_call_is_over_start_nothing() -> None:
    peer = FakePeer()

    async def main() -> None:
        async with exchange() as office:
            call = office.take(peer)
            await asyncio.sleep(0)
            call.hang_up("hangup")
            peer.open()
            await asyncio.sleep(1)

    run(main())

    assert peer.events == []
    assert peer.audio.sent == []


def test_a_burst_that_holds_a_whole_question_is_answered(voices) -> None:
    """As after a stall of the network: everything from the first word to the end comes at once."""
    engines, peer = ScriptedEngines(stt=ScriptedStt("hello")), FakePeer()
    line = np.concatenate((voices.tone(0.1), voices.tone(0.4), np.zeros(24_000, np.int16)))

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            await peer.hear_silence(0.2)
            late_s = {index: 1.5 - index * 0.02 for index in range(75)}
            await peer.hear(line, late_s=late_s)
            await peer.hear_silence(3.0)
            assert office.supervisor.calls == 1
            peer.vanish()

    run(main())

    assert len(peer.got("input_audio_buffer.speech_stopped")) == 1
    assert peer.got("response.done")[0]["response"]["status"] == "completed"
    assert transcript(peer) == "Hello."


def test_a_model_that_first_moves_the_face_goes_on_to_speak() -> None:
    move = [*tool_call("express", '{"motion": "Wink"}')]
    engines = ScriptedEngines(llm=ScriptedLlm(move, "There you are."))
    peer = FakePeer()

    async def main() -> None:
        async with exchange(engines, dataclasses.replace(RULES, offers_motions=True)) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            ask(peer)
            await peer.wait_for("response.done")
            peer.vanish()

    run(main())

    assert transcript(peer) == "There you are."
    assert len(engines.llm.requests) == 2
    assert ("Wink", "default") in [drive[0] for drive in engines.avatar.opened[0].drives]
    assert [item["type"] for item in peer.got("response.done")[0]["response"]["output"]] == [
        "message"
    ]


def test_a_cut_frees_the_engines_before_the_next_answer_is_asked_for(voices) -> None:
    llm = ScriptedLlm(["One is here. ", HANG], "Two.")
    engines = ScriptedEngines(stt=ScriptedStt("first", "second"), llm=llm)
    peer = FakePeer()

    async def main() -> tuple[int, int]:
        async with exchange(engines) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            ask(peer)
            await asyncio.sleep(0.3)
            peer.say({"type": "response.cancel"})
            peer.say({"type": "response.create"})
            await asyncio.sleep(0.001)
            counts = len(llm.requests), llm.ended
            await peer.wait_for("response.done", count=2)
            peer.vanish()
            return counts

    assert run(main()) == (2, 2)
    first, second = (event["response"] for event in peer.got("response.done"))
    assert (first["status"], second["status"]) == ("cancelled", "completed")
    assert second["output"][0]["content"][0]["transcript"] == "Two."


def test_what_a_call_keeps_does_not_grow() -> None:
    peer = FakePeer(dataclasses.replace(WEBRTC, video=None))

    async def main() -> dict[str, Any]:
        async with exchange(rules=dataclasses.replace(RULES, call_s=7_200.0)) as office:
            call = office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            peer.audio.ready = False
            ask(peer)
            await asyncio.sleep(300)
            sizes = {
                "inputs": len(call._inputs),  # noqa: SLF001 - nothing else shows what is kept
                "running": len(call._running),  # noqa: SLF001
                "turns": len(call._turns._turns),  # noqa: SLF001
                "tracks": len(call._playout._tracks),  # noqa: SLF001
            }
            peer.vanish()
            return sizes

    assert run(main()) == {"inputs": 0, "running": 0, "turns": 0, "tracks": 0}


def test_a_client_that_is_gone_before_its_call_has_begun_leaves_nothing(remains) -> None:
    engines, peer = ScriptedEngines(), FakePeer()

    async def main() -> dict[str, Any]:
        async with exchange(engines) as office:
            call = office.take(peer)
            peer.vanish()
            await asyncio.sleep(0.01)
            return remains.of(office.supervisor, call, engines)

    assert run(main()) == {}
