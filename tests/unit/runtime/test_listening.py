from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from rtav import metrics
from rtav.core import inputs as told
from rtav.core.outputs import EndOfSpeech, Listen, Pause, StopListening
from rtav.engines.base import Hypothesis
from rtav.engines.base import Pause as AudioPause
from rtav.errors import EngineFailed
from rtav.media.opus import OpusEncoder
from rtav.media.pcm import MIC_RATE_HZ, Pcm
from rtav.runtime.listening import REMEMBERED_S, Listening
from rtav.runtime.utterance import QUEUED_PIECES
from rtav.testing.engines import HANG, ScriptedStt, ScriptedVad
from rtav.testing.engines import pause as wait
from rtav.testing.virtual import run

TICK = MIC_RATE_HZ // 50


def listen(name: str = "u1", *, start_ms: int = 0) -> Listen:
    return Listen(utterance=name, start_ms=start_ms, language=None, prompt=None)


class KeepingStt(ScriptedStt):
    """Keeps the audio of each utterance."""

    def __init__(self) -> None:
        super().__init__("words")
        self.audio: dict[str, Pcm] = {}

    async def transcribe(
        self,
        audio: AsyncIterator[Pcm | AudioPause],
        *,
        caller: str,
        language: str | None = None,
        prompt: str | None = None,
    ) -> AsyncIterator[Hypothesis]:
        pieces = [chunk async for chunk in audio if not isinstance(chunk, AudioPause)]
        self.audio[prompt or ""] = np.concatenate(pieces)
        yield Hypothesis(text="words", is_final=True)


class Ear:
    """A listening whose microphone is fed directly, 20 ms at a time."""

    def __init__(self, stt: Any = None, *, frame_samples: int = 512) -> None:
        self.stt = stt or ScriptedStt("hello")
        self.told: list[told.Input] = []
        self.on_told: Callable[[told.Input], None] = lambda event: None
        self.listening = Listening(
            vad=ScriptedVad(frame_samples=frame_samples),
            stt=self.stt,
            caller="call_1",
            tell=self._tell,
        )
        self.position = 0

    def _tell(self, event: told.Input) -> None:
        self.told.append(event)
        self.on_told(event)

    def hear(self, samples: int) -> None:
        """Samples that count up, so that what was heard says where it was."""
        for _ in range(samples // TICK):
            pcm = np.arange(self.position, self.position + TICK).astype(np.int16)
            self.listening._hear(pcm)  # noqa: SLF001 - behind the codec, which is not exact
            self.position += TICK

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    @property
    def words(self) -> list[tuple[str, bool]]:
        return [(event.text, event.is_final) for event in self.of(told.WordsHeard)]


def heard(text: str, name: str = "u1", *, final: bool = True) -> told.WordsHeard:
    return told.WordsHeard(utterance=name, text=text, is_final=final)


FAILED = told.HearingFailed(utterance="u1", message="Speech recognition failed.")


# --- frames --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame_samples", "ends"), [(512, [32, 64, 96]), (480, [30, 60, 90]), (500, [31, 62, 93])]
)
def test_frames_are_told_with_the_place_where_they_end(frame_samples: int, ends: list[int]) -> None:
    ear = Ear(frame_samples=frame_samples)

    ear.hear(5 * TICK)

    assert [event.end_ms for event in ear.of(told.FrameHeard)] == ends
    assert {event.length_ms for event in ear.of(told.FrameHeard)} == {ends[0]}


def test_packets_become_frames_with_the_probability_of_speech() -> None:
    ear, encoder = Ear(), OpusEncoder()
    time = np.arange(24_000) / 24_000
    tone = (8_000 * np.sin(2 * np.pi * 300 * time)).astype(np.int16)
    for number in range(100):
        pcm = tone[number * 480 :][:480] if number < 50 else None
        ear.listening.packet(number, number * 960, encoder.encode(pcm), number / 50)
        ear.listening.pull(number / 50)

    frames = ear.of(told.FrameHeard)
    assert len(frames) == 62
    assert {frame.probability for frame in frames[1:31]} == {1.0}
    assert {frame.probability for frame in frames[33:]} == {0.0}


# --- utterances ----------------------------------------------------------------------------------


def test_an_utterance_begins_where_it_began_not_where_it_was_noticed() -> None:
    async def main() -> Pcm:
        ear = Ear(KeepingStt())
        ear.hear(MIC_RATE_HZ)
        ear.listening.begin(listen(start_ms=600))
        ear.hear(TICK)
        ear.listening.end(EndOfSpeech("u1"))
        await ear.listening.transcribe(listen())
        return ear.stt.audio[""]

    assert np.array_equal(run(main()), np.arange(9_600, 16_320).astype(np.int16))


def test_only_the_last_seconds_are_remembered() -> None:
    async def main() -> Pcm:
        ear = Ear(KeepingStt())
        ear.hear(10 * MIC_RATE_HZ)
        ear.listening.begin(listen(start_ms=0))
        ear.listening.end(EndOfSpeech("u1"))
        await ear.listening.transcribe(listen())
        return ear.stt.audio[""]

    audio = run(main())

    assert REMEMBERED_S * MIC_RATE_HZ <= audio.size <= REMEMBERED_S * MIC_RATE_HZ + TICK
    assert audio[-1] == np.int16(np.arange(160_000).astype(np.int16)[-1])


def test_words_are_told_at_a_pause_and_at_the_end() -> None:
    async def main() -> Ear:
        ear = Ear(ScriptedStt(["hel", "hello"]))
        ear.hear(TICK)
        ear.listening.begin(listen())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ear.listening.transcribe(listen()))
            await asyncio.sleep(1)
            ear.listening.pause(Pause("u1"))
            await asyncio.sleep(1)
            ear.hear(TICK)
            ear.listening.end(EndOfSpeech("u1"))
        return ear

    assert run(main()).words == [("hel", False), ("hello", True), ("hello", True)]


def test_an_utterance_that_is_over_before_its_recogniser_began_is_recognised() -> None:
    async def main() -> Ear:
        ear = Ear()
        ear.listening.begin(listen())
        ear.listening.pause(Pause("u1"))
        ear.listening.end(EndOfSpeech("u1"))
        await ear.listening.transcribe(listen())
        return ear

    assert run(main()).words == [("hello", True), ("hello", True)]


def test_two_utterances_at_a_time_keep_their_own_audio_and_words() -> None:
    stt = ScriptedStt("first", "second", final_delay_s=2.0)

    async def main() -> Ear:
        ear = Ear(stt)
        async with asyncio.TaskGroup() as tasks:
            for name in ("u1", "u2"):
                ear.listening.begin(listen(name, start_ms=ear.position * 1000 // MIC_RATE_HZ))
                tasks.create_task(ear.listening.transcribe(listen(name)))
                await asyncio.sleep(0)
                ear.hear(10 * TICK if name == "u1" else 20 * TICK)
                ear.listening.end(EndOfSpeech(name))
        return ear

    ear = run(main())

    assert ear.of(told.WordsHeard) == [heard("first", "u1"), heard("second", "u2")]
    assert stt.heard == [10 * TICK, 20 * TICK]


def test_an_utterance_that_nobody_needs_is_forgotten() -> None:
    stt = ScriptedStt(["hel", "hello"])

    async def main() -> Ear:
        ear = Ear(stt)
        ear.listening.begin(listen())
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(ear.listening.transcribe(listen()))
            await asyncio.sleep(1)
            ear.listening.stop(StopListening("u1"))
            task.cancel()
        return ear

    ear = run(main())

    assert ear.words == [("hel", False)]
    assert len(stt.heard) == 1


def test_what_is_known_of_a_caller_is_forgotten_with_the_call() -> None:
    ear = Ear()

    ear.listening.close()

    assert ear.stt.forgotten == ["call_1"]


# --- what goes wrong -----------------------------------------------------------------------------


class DeafStt(ScriptedStt):
    """Never even takes the audio."""

    async def transcribe(
        self, audio: AsyncIterator[Pcm | AudioPause], **rest: Any
    ) -> AsyncIterator[Hypothesis]:
        try:
            await wait(HANG)
            yield Hypothesis(text="", is_final=True)
        finally:
            self.heard.append(0)


class HastyStt(ScriptedStt):
    """Stops in the middle of the utterance without a word."""

    async def transcribe(
        self, audio: AsyncIterator[Pcm | AudioPause], **rest: Any
    ) -> AsyncIterator[Hypothesis]:
        for text in ():
            yield text


async def _recognised(ear: Ear, *, end: bool = True) -> float:
    """Seconds until the utterance was given up or recognised."""
    loop = asyncio.get_running_loop()
    ear.listening.begin(listen())
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(ear.listening.transcribe(listen()))
        await asyncio.sleep(5)
        began_at = loop.time()
        if end:
            ear.listening.end(EndOfSpeech("u1"))
        else:
            ear.listening.pause(Pause("u1"))
        await task
    return loop.time() - began_at


@pytest.mark.parametrize("end", [True, False])
@pytest.mark.parametrize("stt", [ScriptedStt(final_delay_s=HANG), DeafStt()])
def test_a_recogniser_that_hangs_is_given_up_after_eight_seconds(
    stt: ScriptedStt, end: bool
) -> None:
    ear = Ear(stt)
    before = len(stt.heard)

    assert run(_recognised(ear, end=end)) == 8.0
    assert ear.told == [FAILED]
    assert len(stt.heard) == before + 1


def test_the_words_of_a_pause_do_not_excuse_those_of_the_end() -> None:
    class Late(ScriptedStt):
        async def transcribe(
            self, audio: AsyncIterator[Pcm | AudioPause], **rest: Any
        ) -> AsyncIterator[Hypothesis]:
            await wait(4.0)
            yield Hypothesis(text="for the pause", is_final=True)
            await wait(HANG)

    async def main() -> tuple[float, Ear]:
        ear = Ear(Late())
        ear.listening.begin(listen())
        ear.listening.pause(Pause("u1"))
        asyncio.get_running_loop().call_later(2.0, ear.listening.end, EndOfSpeech("u1"))
        await ear.listening.transcribe(listen())
        return asyncio.get_running_loop().time(), ear

    at_s, ear = run(main())

    assert ear.told == [heard("for the pause"), FAILED]
    assert at_s == 10.0


def test_a_recogniser_that_breaks_is_told_once() -> None:
    ear = Ear(ScriptedStt(EngineFailed("scripted-stt", "it broke")))
    counter = metrics.engine_failures_total.labels(
        kind="stt", engine="scripted-stt", error="EngineFailed"
    )
    before = counter._value.get()  # noqa: SLF001 - the library has no other way to read one

    async def main() -> None:
        ear.listening.begin(listen())
        await ear.listening.transcribe(listen())

    run(main())

    assert ear.told == [FAILED]
    assert counter._value.get() == before + 1  # noqa: SLF001


def test_a_recogniser_that_stops_without_its_last_words_has_failed() -> None:
    ear = Ear(HastyStt())

    async def main() -> None:
        ear.listening.begin(listen())
        await ear.listening.transcribe(listen())

    run(main())

    assert ear.told == [FAILED]


def test_the_end_of_an_utterance_whose_recogniser_has_failed_is_told_as_a_failure() -> None:
    ear = Ear()

    ear.listening.end(EndOfSpeech("u1"))

    assert ear.told == [FAILED]


def test_audio_that_a_slow_recogniser_loses_is_counted() -> None:
    ear = Ear(KeepingStt())
    counter = metrics.media_dropped_total.labels(queue="utterance")
    before = counter._value.get()  # noqa: SLF001

    async def main() -> None:
        ear.listening.begin(listen())
        ear.hear((QUEUED_PIECES + 9) * TICK)
        ear.listening.end(EndOfSpeech("u1"))
        await ear.listening.transcribe(listen())

    run(main())

    assert counter._value.get() == before + 10  # noqa: SLF001
    assert ear.stt.audio[""].size == QUEUED_PIECES * TICK
