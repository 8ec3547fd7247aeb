"""A caller who says nothing after an answer."""

from __future__ import annotations

import asyncio

import pytest

from rtav.testing.calls import ScriptedEngines, exchange
from rtav.testing.engines import ScriptedLlm
from rtav.testing.oracle import problems
from rtav.testing.peer import WEBRTC, WEBSOCKET, FakePeer
from rtav.testing.virtual import run

IDLE = {"type": "server_vad", "idle_timeout_ms": 5000}
SESSION = {"type": "realtime", "audio": {"input": {"turn_detection": IDLE}}}


@pytest.mark.parametrize("media", [WEBRTC, WEBSOCKET], ids=["rtp", "events"])
def test_a_silence_counts_from_the_end_of_what_was_heard(media) -> None:
    # 20 characters of 50 ms
    engines = ScriptedEngines(llm=ScriptedLlm("One two three, four.", "Still there?"))
    peer = FakePeer(media)
    begun_at = 0.0

    async def main() -> None:
        nonlocal begun_at
        async with exchange(engines) as office:
            office.take(peer, SESSION)
            await asyncio.sleep(0)
            peer.open()
            await asyncio.sleep(20)
            begun_at = asyncio.get_running_loop().time()
            peer.say({"type": "response.create"})
            await peer.wait_for("response.done", count=2)
            peer.vanish()

    run(main())

    assert [fault for event in peer.events for fault in problems(event)] == []
    silences = peer.got("input_audio_buffer.timeout_triggered")
    assert len(silences) == 1
    at = peer.times[peer.events.index(silences[0])]
    assert 1.0 + 5.0 <= at - begun_at <= 1.0 + 5.0 + 0.1
    assert [m.text for m in engines.llm.requests[1].messages] == [
        "One two three, four.",
        "(silence)",
    ]


def test_a_microphone_that_hears_nothing_says_how_long() -> None:
    engines = ScriptedEngines(llm=ScriptedLlm("Yes?"))
    peer = FakePeer()

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer, SESSION)
            await asyncio.sleep(0)
            peer.open()
            peer.say({"type": "response.create"})
            await peer.hear_silence(6.0)
            peer.vanish()

    run(main())

    silence = peer.got("input_audio_buffer.timeout_triggered")[0]
    assert abs(silence["audio_end_ms"] - silence["audio_start_ms"] - 5000) <= 64
    committed = peer.got("input_audio_buffer.committed")[0]
    assert committed["item_id"] == silence["item_id"]
