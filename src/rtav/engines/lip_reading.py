"""Gives a voice that says nothing about its sounds the visemes that are heard in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing

import numpy as np

from rtav.engines.base import Speech, Viseme
from rtav.engines.by_ear import ByEar, our_table
from rtav.media.pcm import Pcm

PIECE_S = 0.5  # of sound that is listened to at once: 1 ms of work, then it is the loop's turn
SILENCE = 160  # int16; a voice that gives visemes need not give any for silence


async def with_visemes(
    stretches: AsyncIterator[Speech], *, rate_hz: int
) -> AsyncGenerator[Speech, None]:
    """The same speech; visemes are added if there are none with the first sound of it.

    Sound is then held back until it is understood, some 50 ms: visemes never come after their
    audio. What one stretch holds may come as several.
    """
    try:
        async with aclosing(_understood(stretches, rate_hz)) as pieces:
            async for piece in pieces:
                yield piece
    finally:
        close = getattr(stretches, "aclose", None)  # generators have it, iterators need not
        if close is not None:
            await close()


async def _understood(
    stretches: AsyncIterator[Speech], rate_hz: int
) -> AsyncGenerator[Speech, None]:
    ear: _Listening | None = None
    position, knows = 0, False
    async for speech in stretches:
        knows = knows or bool(speech.visemes)
        if ear is None and not knows and (np.abs(speech.pcm.astype(np.int32)) > SILENCE).any():
            ear = _Listening(rate_hz, at=position)
        position += len(speech.pcm)
        if ear is None:
            yield speech
            continue
        for piece in ear.listen(speech):
            yield piece
            await asyncio.sleep(0)
    if ear is not None:
        yield ear.rest()


class _Listening:
    def __init__(self, rate_hz: int, *, at: int) -> None:
        """`at`: the position of the first sample."""
        self._ear, self._at = ByEar(rate_hz, our_table()), at
        self._piece = round(PIECE_S * rate_hz)
        self._held: Pcm = np.zeros(0, np.int16)
        self._given = 0

    def listen(self, speech: Speech) -> Iterator[Speech]:
        """The words come with the first piece."""
        words = speech.words
        for start in range(0, max(len(speech.pcm), 1), self._piece):
            pcm = speech.pcm[start : start + self._piece]
            visemes = self._moved(self._ear.push(pcm))
            self._held = np.concatenate((self._held, pcm))
            ready = self._ear.told - self._given
            if ready or words:
                yield Speech(pcm=self._held[:ready], visemes=visemes, words=words)
            self._held, self._given, words = self._held[ready:], self._given + ready, ()

    def rest(self) -> Speech:
        return Speech(pcm=self._held, visemes=self._moved(self._ear.flush()))

    def _moved(self, visemes: Iterable[Viseme]) -> tuple[Viseme, ...]:
        return tuple(
            Viseme(name=v.name, start=v.start + self._at, end=v.end + self._at) for v in visemes
        )
