from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from rtav.engines.base import Hypothesis, LlmDelta, LlmEnd, LlmRequest, Pause, TextDelta
from rtav.media.pcm import MIC_RATE_HZ, SESSION_RATE_HZ, Pcm
from rtav.testing.calls import ScriptedEngines, exchange
from rtav.testing.engines import ScriptedLlm, ScriptedStt
from rtav.testing.peer import WEBSOCKET, FakePeer
from rtav.testing.virtual import run

LONG = "This is an answer that goes on for quite some time, as answers tend to do, I am afraid."


def user_says(text: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {
        "type": "conversation.item.create",
        "item": {"type": "message", "role": "user", "content": content},
    }


def transcript(peer: FakePeer, kind: str = "response.output_audio_transcript.delta") -> str:
    return "".join(event["delta"] for event in peer.got(kind))


def test_a_spoken_question_is_answered_aloud(voices) -> None:
    engines = ScriptedEngines(stt=ScriptedStt("how are you"), llm=ScriptedLlm("Fine. And you?"))
    peer = FakePeer()

    async def main() -> float:
        async with exchange(engines) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            await peer.hear_silence(0.5)
            await peer.hear(voices.tone(1.0))
            fell_silent_at = asyncio.get_running_loop().time()
            await peer.hear_silence(2.5)
            peer.vanish()
            return fell_silent_at

    fell_silent_at = run(main())

    assert peer.types == [
        "session.created",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "output_audio_buffer.started",
        *["response.output_audio_transcript.delta"] * 3,
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
        "output_audio_buffer.stopped",
    ]
    assert transcript(peer) == "Fine. And you?"
    assert peer.got("response.done")[0]["response"]["status"] == "completed"
    begins = peer.times[peer.types.index("output_audio_buffer.started")]
    assert begins - fell_silent_at < 0.35
    assert not voices.is_loud(peer, 0.0, begins - 0.01)
    assert voices.is_loud(peer, begins, begins + 0.1)
    assert voices.pitches(peer) == {400}
    assert [m.text for m in engines.llm.requests[0].messages] == ["how are you"]


def test_transcript_deltas_leave_with_the_audio_they_belong_to() -> None:
    engines = ScriptedEngines(llm=ScriptedLlm("One two three four."))
    peer = FakePeer()

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            peer.say(user_says("count"))
            peer.say({"type": "response.create"})
            await peer.wait_for("response.done")
            await asyncio.sleep(0.1)
            peer.vanish()

    run(main())

    times = [
        round(at, 2)
        for at, kind in zip(peer.times, peer.types, strict=True)
        if kind == "response.output_audio_transcript.delta"
    ]
    # 50 ms a character; a word is told with the first tick that holds some of it
    assert np.diff(times).round(2).tolist() == [0.2, 0.2, 0.3]
    assert transcript(peer) == "One two three four."


def test_a_client_that_wants_only_text_reads_its_answer_at_once() -> None:
    engines = ScriptedEngines(llm=ScriptedLlm(["Plain ", "text."]))
    peer = FakePeer(WEBSOCKET)

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer, {"output_modalities": ["text"]})
            await asyncio.sleep(0)
            peer.open(label="")
            peer.say(user_says("write"))
            peer.say({"type": "response.create"})
            await peer.wait_for("response.done")
            peer.vanish()

    run(main())

    assert transcript(peer, "response.output_text.delta") == "Plain text."
    assert engines.tts.spoken == []
    assert peer.times[-1] == 0.0


def test_a_barge_in_over_a_lossy_line_silences_voice_and_face(voices) -> None:
    engines = ScriptedEngines(
        stt=ScriptedStt("go on", "stop it"), llm=ScriptedLlm(LONG, "As you wish.")
    )
    peer = FakePeer()
    lost = set(itertools.chain(range(7, 400, 11), range(130, 133)))

    async def main() -> tuple[float, list[Any]]:
        async with exchange(engines) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            await peer.hear(voices.tone(0.8), lost=lost)
            await peer.hear_silence(2.0)
            barged_at = asyncio.get_running_loop().time()
            await peer.hear(voices.tone(1.0), lost={0, 5, 6, 20})
            moments = [m for face in engines.avatar.opened for m in face.moments]
            await peer.hear_silence(2.0)
            peer.vanish()
            return barged_at, moments

    barged_at, moments = run(main())

    assert voices.is_loud(peer, barged_at - 0.2, barged_at)
    assert not voices.is_loud(peer, barged_at + 0.25, barged_at + 1.2)
    assert all(m.speech_at is None for m in moments if m.at > (barged_at + 0.25) * SESSION_RATE_HZ)
    done = [event["response"] for event in peer.got("response.done")]
    assert [response["status"] for response in done] == ["cancelled", "completed"]
    assert done[0]["status_details"]["reason"] == "turn_detected"
    assert len(peer.got("output_audio_buffer.cleared")) == 1
    said = transcript(peer).removesuffix("As you wish.")
    assert LONG.startswith(said)
    assert 0 < len(said) < len(LONG)
    history = [message.text for message in engines.llm.requests[-1].messages]
    assert [history[0], history[2]] == ["go on", "stop it"]
    assert LONG.startswith(history[1])
    assert len(said) - len(history[1]) <= len("something")


def test_a_short_sound_holds_the_answer_and_lets_it_go_on(voices) -> None:
    engines = ScriptedEngines(stt=ScriptedStt("go on"), llm=ScriptedLlm(LONG))
    peer = FakePeer()

    async def main() -> float:
        async with exchange(engines) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            await peer.hear(voices.tone(0.8))
            await peer.hear_silence(1.5)
            hummed_at = asyncio.get_running_loop().time()
            await peer.hear(voices.tone(0.16))
            await peer.hear_silence(6.0)
            peer.vanish()
            return hummed_at

    hummed_at = run(main())

    assert voices.is_loud(peer, hummed_at - 0.2, hummed_at)
    assert not voices.is_loud(peer, hummed_at + 0.12, hummed_at + 0.3)
    assert voices.is_loud(peer, hummed_at + 0.4, hummed_at + 0.8)
    assert transcript(peer) == LONG
    assert len(peer.got("input_audio_buffer.speech_started")) == 1
    assert len(peer.got("response.done")) == 1


class PitchStt(ScriptedStt):
    """Recognises by its pitch who speaks. Unrealistic: the pitch is all it hears."""

    async def transcribe(
        self,
        audio: AsyncIterator[Pcm | Pause],
        *,
        caller: str,
        language: str | None = None,
        prompt: str | None = None,
    ) -> AsyncIterator[Hypothesis]:
        self.callers.append(caller)
        pieces: list[Pcm] = []
        async for chunk in audio:
            if isinstance(chunk, Pause):
                yield Hypothesis(text=self._who(pieces), is_final=True)
            else:
                pieces.append(chunk)
        yield Hypothesis(text=self._who(pieces), is_final=True)

    @staticmethod
    def _who(pieces: list[Pcm]) -> str:
        line = np.concatenate(pieces)
        hz = np.abs(np.fft.rfft(line)).argmax() * MIC_RATE_HZ / line.size
        return f"{round(hz / 100) * 100} hertz"


class EchoLlm(ScriptedLlm):
    """Says to everybody what he has said."""

    async def reply(self, request: LlmRequest) -> AsyncIterator[LlmDelta]:
        self.requests.append(request)
        await asyncio.sleep(0.1)
        yield TextDelta(f"You said {request.messages[-1].text}.")
        yield LlmEnd()


def test_nobody_hears_the_answer_to_somebody_else(voices) -> None:
    engines = ScriptedEngines(stt=PitchStt(), llm=EchoLlm())
    low, high = FakePeer(), FakePeer()

    async def talk(peer: FakePeer, hz: int, delay_s: float) -> None:
        peer.open()
        await asyncio.sleep(delay_s)
        await peer.hear(voices.tone(0.8, hz=hz))
        await peer.hear_silence(3.0)

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(low, {"voice": "low"}, dialect="openai")
            office.take(high, {"voice": "high"}, dialect="openai")
            await asyncio.sleep(0)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(talk(low, 300, 0.0))
                tasks.create_task(talk(high, 700, 0.03))
            low.vanish()
            high.vanish()

    run(main())

    assert transcript(low) == "You said 300 hertz."
    assert transcript(high) == "You said 700 hertz."
    assert set(engines.stt.callers) == {"call_1", "call_2"}
    assert voices.pitches(low) == {200}
    assert voices.pitches(high) == {800}
    assert {event["response"]["status"] for event in low.got("response.done")} == {"completed"}
    ids = [event["event_id"] for event in low.events + high.events]
    assert len(ids) == len(set(ids))


def test_events_sent_before_the_greeting_was_read_are_answered_after_it() -> None:
    peer = FakePeer()

    async def main() -> None:
        async with exchange() as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            peer.say({"type": "session.update", "session": {"type": "realtime"}})
            peer.vanish()

    run(main())

    assert peer.types == ["session.created", "session.updated"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("no json", "invalid_json"),
        (b"\xff\x00", "invalid_json"),
        ("[1]", "invalid_event"),
        ({"type": "no.such.event"}, "invalid_value"),
        ("x" * (256 * 1024 + 1), "event_too_large"),
    ],
    ids=["text", "bytes", "list", "type", "size"],
)
def test_a_message_that_is_no_event_is_answered_and_the_call_goes_on(
    message: Any, code: str
) -> None:
    peer = FakePeer()

    async def main() -> None:
        async with exchange() as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            peer.say(message)
            peer.say(user_says("still there?"))
            peer.say({"type": "response.create"})
            await peer.wait_for("response.done")
            peer.vanish()

    run(main())

    assert [event["error"]["code"] for event in peer.got("error")] == [code]
