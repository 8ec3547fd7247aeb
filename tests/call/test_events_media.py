"""Whole calls of clients whose media are events."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import numpy as np
import pytest

from rtav.media.pcm import SESSION_RATE_HZ, Pcm
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


def sound(peer: FakePeer, kind: Any = "audio/pcm") -> Pcm:
    deltas = peer.got("response.output_audio.delta")
    return decode_audio(kind, b"".join(base64.b64decode(event["delta"]) for event in deltas))


def test_a_reply_is_sent_as_fast_as_it_is_made(voices) -> None:
    peer = FakePeer(WEBSOCKET)

    async def main() -> None:
        async with exchange(ScriptedEngines(llm=ScriptedLlm("This is quite a long reply."))) as of:
            of.take(peer, dialect="openai")
            await asyncio.sleep(0)
            peer.open(label="")
            peer.say({"type": "response.create"})
            await peer.wait_for("response.done")
            peer.vanish()

    run(main())

    assert faults(peer) == []
    assert sound(peer).size > SESSION_RATE_HZ
    assert peer.times[-1] < 0.1, "far less than it takes to say"
    assert voices.pitches_of(sound(peer), rate_hz=SESSION_RATE_HZ) == {400}
    assert not [kind for kind in peer.types if kind.startswith("output_audio_buffer")]


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
def test_a_client_that_speaks_telephone_gets_g711(voices, kind) -> None:
    peer = FakePeer(WEBSOCKET)
    session = {"type": "realtime", "audio": {"output": {"format": {"type": kind}}}}

    async def main() -> None:
        async with exchange(ScriptedEngines(llm=ScriptedLlm("Hello on the telephone."))) as office:
            office.take(peer, session)
            await asyncio.sleep(0)
            peer.open(label="")
            peer.say({"type": "response.create"})
            await peer.wait_for("response.done")
            peer.vanish()

    run(main())

    assert faults(peer) == []
    assert voices.pitches_of(sound(peer, kind), rate_hz=8_000) == {400}


def test_a_beta_client_hears_of_response_audio() -> None:
    peer = FakePeer(WEBSOCKET)

    async def main() -> None:
        async with exchange() as office:
            office.take(peer, dialect="beta")
            await asyncio.sleep(0)
            peer.open(label="")
            peer.say({"type": "response.create"})
            await peer.wait_for("response.done")
            peer.vanish()

    run(main())

    assert np.frombuffer(base64.b64decode(peer.got("response.audio.delta")[0]["delta"])).size
    assert not peer.got("response.output_audio.delta")
