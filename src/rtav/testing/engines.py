"""Scripted ears, minds and voices: engines that do exactly as told, and remember being asked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Generic, TypeVar

import numpy as np

from rtav.engines.base import (
    Capabilities,
    Hypothesis,
    LlmDelta,
    LlmEnd,
    LlmRequest,
    Pause,
    Speech,
    TextDelta,
    ToolCallDelta,
    Viseme,
    Voice,
    Word,
)
from rtav.errors import EngineError
from rtav.media.pcm import SESSION_RATE_HZ, Pcm

_Entry = TypeVar("_Entry")

HANG = float("inf")
"""A pause that never ends: only cancelling helps."""

LOUD = 500  # int16; tones in tests are louder, dithered silence is not
SAMPLES_PER_CHAR = 1_200  # 50 ms at 24 kHz: 20 characters a second is quick but sane speech


async def pause(pause_s: float) -> None:
    """Sleep; HANG for ever."""
    if pause_s == HANG:
        await asyncio.Event().wait()
    elif pause_s:
        await asyncio.sleep(pause_s)


class Scripted:
    """What all scripted engines share: they count being started and closed."""

    def __init__(self, name: str) -> None:
        self.capabilities = Capabilities(name=name, runs_in="loop", description="scripted")
        self.started = 0
        self.closed = 0

    async def start(self) -> None:
        self.started += 1

    async def close(self) -> None:
        self.closed += 1


class ScriptedVad(Scripted):
    """Takes every frame with a loud sample for speech.

    Unrealistic: it is certain, it has no memory, and a door that slams is speech to it.
    """

    def __init__(self, *, frame_samples: int = 512) -> None:
        super().__init__("scripted-vad")
        self.frame_samples = frame_samples

    def open(self) -> _Ear:
        return _Ear(self.frame_samples)


class _Ear:
    def __init__(self, frame_samples: int) -> None:
        self._frame_samples = frame_samples
        self._rest: Pcm = np.zeros(0, np.int16)

    def push(self, pcm: Pcm) -> Sequence[float]:
        line = np.concatenate((self._rest, pcm))
        whole = len(line) // self._frame_samples * self._frame_samples
        self._rest = line[whole:]
        frames = line[:whole].astype(np.int32).reshape(-1, self._frame_samples)
        return [float(loud) for loud in np.abs(frames).max(axis=1) > LOUD]


class ScriptedStt(Scripted):
    """Recognises its script: for each utterance a text, or the hypotheses on the way to it.

    Each chunk of audio brings the next partial hypothesis; each Pause and the end bring the last
    one as final. An error in the script is raised at the first audio. The last utterance is
    recognised for ever. Unrealistic: it does not listen, and a Pause does not change its mind.
    """

    def __init__(
        self, *utterances: str | Sequence[str] | EngineError, final_delay_s: float = 0.0
    ) -> None:
        super().__init__("scripted-stt")
        self._script = _Script(utterances or ("hello",))
        self._final_delay_s = final_delay_s
        self.callers: list[str] = []
        """Who was listened to, one entry per utterance."""
        self.heard: list[int] = []
        """Samples of every utterance, in the order in which they ended."""
        self.forgotten: list[str] = []

    async def transcribe(
        self,
        audio: AsyncIterator[Pcm | Pause],
        *,
        caller: str,
        language: str | None = None,
        prompt: str | None = None,
    ) -> AsyncIterator[Hypothesis]:
        self.callers.append(caller)
        scripted = self._script.next()
        if isinstance(scripted, EngineError):
            raise scripted
        *partials, final = (scripted,) if isinstance(scripted, str) else scripted
        samples = 0
        try:
            async for chunk in audio:
                if isinstance(chunk, Pause):
                    await pause(self._final_delay_s)
                    yield Hypothesis(text=final, is_final=True)
                else:
                    samples += len(chunk)
                    if partials:
                        yield Hypothesis(text=partials.pop(0), is_final=False)
            await pause(self._final_delay_s)
            yield Hypothesis(text=final, is_final=True)
        finally:
            self.heard.append(samples)

    def forget(self, caller: str) -> None:
        self.forgotten.append(caller)


LlmStep = str | float | ToolCallDelta | LlmEnd | EngineError
"""A text delta, a pause in seconds, a piece of a call, an end, or an error to raise."""


class ScriptedLlm(Scripted):
    """Gives its replies in turn, the last one for ever. A string is a reply of one delta.

    Unrealistic: what it was asked changes nothing, and its tokens are its deltas.
    """

    def __init__(self, *replies: str | Sequence[LlmStep], models: Sequence[str] = ("m",)) -> None:
        super().__init__("scripted-llm")
        self._script = _Script(replies or ("Hello.",))
        self._models = tuple(models)
        self.requests: list[LlmRequest] = []
        self.ended = 0
        """Replies that are over, also by being closed."""

    def models(self) -> Sequence[str]:
        return self._models

    async def reply(self, request: LlmRequest) -> AsyncIterator[LlmDelta]:
        self.requests.append(request)
        scripted = self._script.next()
        steps: Sequence[LlmStep] = (scripted,) if isinstance(scripted, str) else scripted
        deltas = 0
        try:
            for step in steps:
                if isinstance(step, float | int):
                    await pause(step)
                elif isinstance(step, EngineError):
                    raise step
                elif isinstance(step, LlmEnd):
                    yield step
                    return
                else:
                    deltas += 1
                    yield TextDelta(step) if isinstance(step, str) else step
            yield LlmEnd(input_tokens=len(request.messages), output_tokens=deltas)
        finally:
            self.ended += 1


def tool_call(
    name: str, arguments: str, *, call_id: str = "call_1", index: int = 0
) -> tuple[ToolCallDelta, ToolCallDelta]:
    """The two pieces of a call, for a ScriptedLlm."""
    return (
        ToolCallDelta(index=index, call_id=call_id, name=name),
        ToolCallDelta(index=index, arguments=arguments),
    )


_WORD = re.compile(r"\s*\S+\s*")
_VISEMES = {"a": "aa", "e": "E", "i": "I", "o": "O", "u": "U", "p": "PP", "b": "PP", "m": "PP"}


class ScriptedTts(Scripted):
    """Says every character as the same length of a tone, one stretch of speech per word.

    Words and visemes are exact, silence is a space's, and each voice has its own pitch.
    Unrealistic: spelling is pronunciation, and nothing is ever slurred. An error among `failing`
    texts is raised when that text is to be said.
    """

    rate_hz = SESSION_RATE_HZ

    def __init__(
        self,
        *,
        samples_per_char: int = SAMPLES_PER_CHAR,
        delay_s: float = 0.0,
        failing: dict[str, EngineError] | None = None,
    ) -> None:
        """`delay_s` passes before each word, and is the time synthesis takes."""
        super().__init__("scripted-tts")
        self._samples_per_char = samples_per_char
        self._delay_s = delay_s
        self._failing = failing or {}
        self.spoken: list[str] = []
        """The texts it was asked to say."""
        self.ended = 0
        """Texts that are over, also by being closed."""

    def voices(self) -> Sequence[Voice]:
        return tuple(Voice(id=name, name=name.title()) for name in PITCHES_HZ)

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[Speech]:
        self.spoken.append(text)
        if text in self._failing:
            raise self._failing[text]
        if not any(character.isalnum() for character in text):
            return
        length = round(self._samples_per_char / speed)
        at = 0
        try:
            for word in _WORD.findall(text):
                await pause(self._delay_s)
                yield _said(word, at=at, length=length, pitch_hz=PITCHES_HZ[voice])
                at += len(word) * length
        finally:
            self.ended += 1


PITCHES_HZ = {"default": 400, "low": 200, "high": 800}
"""The voices of ScriptedTts and how they can be told apart."""


def _said(word: str, *, at: int, length: int, pitch_hz: int) -> Speech:
    visemes = tuple(
        Viseme(
            name="sil" if character.isspace() else _VISEMES.get(character.lower(), "DD"),
            start=at + index * length,
            end=at + (index + 1) * length,
        )
        for index, character in enumerate(word)
    )
    time = np.arange(at, at + len(word) * length) / SESSION_RATE_HZ
    tone = 6_000 * np.sin(2 * np.pi * pitch_hz * time)
    audible = np.repeat([not character.isspace() for character in word], length)
    return Speech(
        pcm=np.where(audible, tone, 0).astype(np.int16),
        visemes=visemes,
        words=(Word(text=word, start=at, end=at + len(word) * length),),
    )


class _Script(Generic[_Entry]):
    """Its entries in turn, the last one for ever."""

    def __init__(self, entries: Sequence[_Entry]) -> None:
        self._entries = list(entries)

    def next(self) -> _Entry:
        return self._entries.pop(0) if len(self._entries) > 1 else self._entries[0]
