"""Whole calls with responses beside the conversation."""

from __future__ import annotations

import asyncio
import base64
import itertools
from typing import Any

from rtav.media.telephone import decode_audio
from rtav.testing.calls import ScriptedEngines, exchange
from rtav.testing.engines import ScriptedLlm
from rtav.testing.lifecycle import LifeCycle
from rtav.testing.oracle import problems
from rtav.testing.peer import WEBSOCKET, FakePeer
from rtav.testing.virtual import run


def faults(peer: FakePeer) -> list[str]:
    life = LifeCycle()
    found = [problem for event in peer.events for problem in problems(event)]
    for event in peer.events:
        life.feed(event)
    return found + life.finish()


def create(peer: FakePeer, **response: Any) -> None:
    peer.say({"type": "response.create", "response": response})


def ids(peer: FakePeer) -> list[str]:
    return [event["response"]["id"] for event in peer.got("response.created")]


def test_a_text_is_made_while_the_avatar_speaks_and_a_voice_waits_for_its_end(voices) -> None:
    llm = ScriptedLlm("The sky is blue today.", "weather", "By the way, it is noon.")
    peer = FakePeer()

    async def main() -> None:
        async with exchange(ScriptedEngines(llm=llm)) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            create(peer)
            await peer.wait_for("output_audio_buffer.started")
            create(peer, conversation="none", output_modalities=["text"], input=[])
            high = {"output": {"voice": "high"}}
            create(peer, conversation="none", input=[], audio=high)
            await peer.wait_for("response.done", count=3)
            await asyncio.sleep(0.5)
            peer.vanish()

    run(main())

    assert faults(peer) == []
    spoken, text, later = ids(peer)
    done = [event["response"]["id"] for event in peer.got("response.done")]
    assert done == [text, spoken, later]
    order = [
        (event["type"].rpartition(".")[2], event["response_id"])
        for event in peer.events
        if event["type"].startswith("output_audio_buffer.")
    ]
    assert order == [
        ("started", spoken),
        ("stopped", spoken),
        ("started", later),
        ("stopped", later),
    ]
    assert voices.pitches(peer) == {400, 800}
    assert len(peer.got("conversation.item.added")) == 1


def test_voices_side_by_side_in_events_do_not_mix(voices) -> None:
    llm = ScriptedLlm("One two three four five.", "Six seven eight nine ten.")
    peer = FakePeer(WEBSOCKET)

    def audio(voice: str) -> dict[str, Any]:
        return {"output": {"voice": voice, "format": {"type": "audio/pcmu"}}}

    async def main() -> None:
        async with exchange(ScriptedEngines(llm=llm)) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open(label="")
            create(peer, audio=audio("low"))
            create(peer, audio=audio("high"), conversation="none", input=[])
            await peer.wait_for("response.done", count=2)
            peer.vanish()

    run(main())

    assert faults(peer) == []
    for response_id, pitch in zip(ids(peer), (200, 800), strict=True):
        deltas = [
            base64.b64decode(event["delta"])
            for event in peer.got("response.output_audio.delta")
            if event["response_id"] == response_id
        ]
        pcm = decode_audio("audio/pcmu", b"".join(deltas))
        assert voices.pitches_of(pcm, rate_hz=8_000) == {pitch}


def test_what_is_never_voiced_leaves_nothing_behind() -> None:
    llm = ScriptedLlm("", "...", "Hello.")
    peer = FakePeer()

    async def main() -> None:
        async with exchange(ScriptedEngines(llm=llm)) as office:
            call = office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            for count in itertools.count(1):
                create(peer, conversation="none", input=[])
                await peer.wait_for("response.done", count=count)
                if count == 3:
                    break
            await asyncio.sleep(1)
            assert list(call._playout.turns) == []
            peer.vanish()

    run(main())

    assert faults(peer) == []
    assert [event["response"]["status"] for event in peer.got("response.done")] == ["completed"] * 3
