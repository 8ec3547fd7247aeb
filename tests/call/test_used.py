"""Whoever keeps accounts is told what each call used, once, when it has ended."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from rtav.runtime.supervisor import Ended
from rtav.testing.calls import ScriptedEngines, exchange, opening
from rtav.testing.engines import ScriptedLlm
from rtav.testing.peer import FakePeer
from rtav.testing.virtual import run

HELLO = {
    "type": "conversation.item.create",
    "item": {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "hello"}],
    },
}


def ended(*replies: str, call_s: float | None = None) -> list[Ended]:
    """What is told of a call of ten seconds in which a text was answered."""
    told: list[Ended] = []

    async def main() -> None:
        engines = ScriptedEngines(llm=ScriptedLlm(*replies))
        async with exchange(engines, on_ended=told.append) as office:
            peer = FakePeer()
            call = office.supervisor.open(peer, replace(opening(1), call_s=call_s))
            await asyncio.sleep(0)
            peer.open()
            peer.say(HELLO)
            peer.say({"type": "response.create"})
            await asyncio.sleep(10)
            call.hang_up("hangup")

    run(main())
    return told


def test_a_call_that_ended_is_told_with_its_ids_and_its_reason() -> None:
    (told,) = ended("Hi.")

    assert (told.call_id, told.session_id, told.reason) == ("call_1", "session_1", "hangup")


def test_what_was_played_and_what_the_model_counted_is_told() -> None:
    (told,) = ended("Twenty characters ok")

    assert told.used.spoken_s == 1.0  # the scripted voice takes 50 ms for a character
    assert told.used.input_tokens == 1  # the scripted model counts messages and deltas
    assert told.used.output_tokens == 1
    assert told.used.heard_s == 0.0
    assert 9.9 < told.used.shown_s < 10.1


def test_a_caller_may_have_a_shorter_limit_than_the_server() -> None:
    (told,) = ended("Hi.", call_s=5.0)

    assert told.reason == "expired"
    assert 4.9 < told.used.shown_s < 5.2
