"""Makes speech out of a synthesiser's answers: silence trimmed, times carried back to the text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

import numpy as np

from rtav.engines.base import Speech, Word
from rtav.engines.tts.pool import SpeechPool
from rtav.engines.tts.script import Line
from rtav.engines.tts.wire import Request, Times
from rtav.engines.visemes import Phone, Shapes, visemes
from rtav.media.pcm import Pcm

SILENCE = 160  # int16: the hiss of a statistical voice in its pauses stays below
LEAD_S = 0.01  # kept before the first sound, so that it does not click
TAIL_S = 0.06  # kept after the last sound of a text
FADE_S = 0.01  # where a sound rings on beyond the tail, it is let go instead of chopped
PAUSE_S = 0.25  # kept at most between two sentences of one text


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How to say texts in one voice. `shapes` reads the names of the synthesiser's phones."""

    pool: SpeechPool
    voice: str
    speed: float
    rate_hz: int
    shapes: Callable[[str], Shapes]

    async def speak(self, lines: Sequence[Line]) -> AsyncGenerator[Speech, None]:
        """Say the lines one after the other; positions count from the first sample of all."""
        position, unsaid = 0, ""
        for number, line in enumerate(lines, start=1):
            tail_s = TAIL_S if number == len(lines) else PAUSE_S
            start = position
            async with aclosing(self._say(line.behind(unsaid), start, tail_s)) as stretches:
                async for speech in stretches:
                    position += len(speech.pcm)
                    yield speech
            # A line may turn out to have no sound: its text goes with the lines around it.
            if position > start:
                unsaid = ""
            elif position:
                word = Word(text=line.text, start=position, end=position)
                yield Speech(pcm=np.zeros(0, np.int16), words=(word,))
            else:
                unsaid += line.text

    async def _say(self, line: Line, start: int, tail_s: float) -> AsyncGenerator[Speech, None]:
        request = Request(text=line.spoken, voice=self.voice, speed=self.speed)
        times, unheard = Times(phones=[], tokens=[]), np.zeros(0, np.int16)
        left: int | None = None  # samples still to deliver; unknown until the first sound
        async with aclosing(self.pool.say(request)) as answers:
            async for answer in answers:
                if not isinstance(answer, bytes):
                    times = answer
                    continue
                pcm = np.concatenate((unheard, np.frombuffer(answer, np.int16)))
                if left is None:
                    cut = self._silence_before(pcm)
                    if cut is None:
                        unheard = pcm
                        continue
                    left = self._end_of_sound(times) + round(tail_s * self.rate_hz) - cut
                    speech = self._opening(pcm[cut:][:left], times, line, start=start, cut=cut)
                    unheard = pcm[:0]
                else:
                    speech = Speech(pcm=pcm[:left])
                left -= len(speech.pcm)
                if len(speech.pcm):
                    yield speech if left else self._faded(speech)

    def _silence_before(self, pcm: Pcm) -> int | None:
        """How many samples to cut away; None if nothing is heard yet."""
        loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > SILENCE)
        return max(0, int(loud[0]) - round(LEAD_S * self.rate_hz)) if loud.size else None

    def _faded(self, speech: Speech) -> Speech:
        """`speech` with its last samples faded out: there it was cut off."""
        fade = min(len(speech.pcm), round(FADE_S * self.rate_hz))
        pcm = speech.pcm.copy()
        pcm[len(pcm) - fade :] = pcm[len(pcm) - fade :] * np.linspace(1, 0, fade)
        return replace(speech, pcm=pcm)

    def _end_of_sound(self, times: Times) -> int:
        """Where the last phone ends that is not silence."""
        sounds = (end for name, _, end in times["phones"] if self.shapes(name) != ("sil",))
        return max(sounds, default=0)

    def _opening(self, pcm: Pcm, times: Times, line: Line, *, start: int, cut: int) -> Speech:
        """The first stretch of a line, with the marks of all of it.

        The line begins at `start` of the text; `cut` samples of silence were taken off it.
        """
        shift = start - cut
        end = shift + self._end_of_sound(times)
        phones = [
            Phone(name, max(start, phone_start + shift), max(start, min(end, phone_end + shift)))
            for name, phone_start, phone_end in times["phones"]
            if phone_start + shift < end
        ]
        return Speech(
            pcm=pcm,
            visemes=visemes(phones, self.shapes),
            words=_words(line, times, start=start, shift=shift),
        )


def _words(line: Line, times: Times, *, start: int, shift: int) -> tuple[Word, ...]:
    """The line's words with their times. A word without a sound joins the one before it."""
    offsets = [word.offset for word in line.words]
    spans: dict[int, tuple[int, int]] = {}
    for offset, token_start, token_end in times["tokens"]:
        index = max(0, bisect_right(offsets, offset) - 1)
        first, _ = spans.get(index, (max(start, token_start + shift), 0))
        spans[index] = (first, token_end + shift)
    words: list[Word] = []
    silent = ""
    for index, word in enumerate(line.words):
        if index in spans:
            words.append(Word(text=silent + word.text, start=spans[index][0], end=spans[index][1]))
            silent = ""
        elif words:
            last = words[-1]
            words[-1] = Word(text=last.text + word.text, start=last.start, end=last.end)
        else:
            silent += word.text
    return tuple(words)
