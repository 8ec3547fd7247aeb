"""Voices that callers have brought, spoken by the engine at hand: cloned, or as near as it gets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from rtav.engines.base import Capabilities, ClonesVoices, Speech, TtsEngine, Viseme, Voice, Word
from rtav.engines.tts.sample import median_pitch_hz, refused
from rtav.errors import ProtocolError
from rtav.media.resample import Resampler
from rtav.server.voices import aliases

logger = logging.getLogger(__name__)

SPEEDS = (0.25, 1.5)
"""What every engine speaks at."""
SAID = "1, 2, 3, 4, 5, 6, 7, 8."
"""To measure a voice by: every language has a way to say it."""
CANDIDATES = 12
"""Voices of a language that are measured at most, each once: a second of speech takes 20 ms."""

NATURAL = (0.75, 1.35)
"""Factors of pitch at which a voice that was moved still sounds like a person's."""

Marked = TypeVar("Marked", Viseme, Word)


@dataclass(frozen=True, slots=True)
class Manner:
    """A standard voice, higher (`pitch` above 1) and faster (`rate` above 1)."""

    base: str
    pitch: float
    rate: float


class AdoptedVoices:
    """An engine as it is, and the voices that callers have brought beside its own.

    Where the engine clones, it is given the samples. Where it does not, the nearest of its own
    voices by pitch speaks, played faster or slower until the pitch is the sample's: that moves
    the formants as well, as a larger or smaller head would.
    """

    def __init__(self, engine: TtsEngine) -> None:
        self._engine = engine
        self._manners: dict[str, Manner] = {}
        self._pitches: dict[str, float | None] = {}

    # --- the engine --------------------------------------------------------------------------

    @property
    def capabilities(self) -> Capabilities:
        return self._engine.capabilities

    @property
    def rate_hz(self) -> int:
        return self._engine.rate_hz

    async def start(self) -> None:
        await self._engine.start()

    async def close(self) -> None:
        await self._engine.close()

    def voices(self) -> Sequence[Voice]:
        return self._engine.voices()

    def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[Speech]:
        """As `TtsEngine.speak`; `voice` may be an adopted one."""
        manner = self._manners.get(voice)
        if manner is None:
            return self._engine.speak(text, voice=voice, speed=speed)
        return self._spoken(text, manner, speed)

    async def _spoken(self, text: str, manner: Manner, speed: float) -> AsyncIterator[Speech]:
        pitch = manner.pitch
        slower = min(max(speed * manner.rate / pitch, SPEEDS[0]), SPEEDS[1])
        resampler = Resampler(round(self.rate_hz * pitch), self.rate_hz)
        speech = self._engine.speak(text, voice=manner.base, speed=slower)
        has_spoken = False
        # an engine's stream is a generator: closing it cancels
        async with aclosing(cast("Any", speech)) as stretches:
            async for stretch in stretches:
                has_spoken = True
                yield replace(
                    stretch,
                    pcm=resampler.push(stretch.pcm),
                    visemes=_moved(stretch.visemes, pitch),
                    words=_moved(stretch.words, pitch),
                )
        if has_spoken and len(rest := resampler.flush()):
            yield Speech(pcm=rest)

    # --- voices that are brought -------------------------------------------------------------

    async def complete(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """What is to be shown of a voice that was prepared, `base`, `pitch` and `rate` too.

        Raises ProtocolError.
        """
        if "pitch_hz" not in facts:
            base = self._named(str(facts["base"]))
            return {**facts, "base": base.id, "language": base.language, "fidelity": "described"}
        if isinstance(self._engine, ClonesVoices):
            if not facts.get("consent"):
                raise ProtocolError(
                    "A voice is cloned only with `consent`: say whose it is, and how they agreed.",
                    code="missing_required_parameter",
                    param="consent",
                )
            return {**facts, "fidelity": "cloned"}
        base, pitch = await self._nearest(float(facts["pitch_hz"]), facts.get("language"))
        return {
            **facts,
            "base": base.id,
            "pitch": round(pitch, 3),
            "rate": 1.0,
            "language": base.language,
            "fidelity": "approximate",
        }

    def adopt(self, voice: str, folder: Path, facts: Mapping[str, Any]) -> None:
        """From now on `speak` knows this id. `facts` are as `complete` has made them."""
        clones = isinstance(self._engine, ClonesVoices)
        if clones and "pitch_hz" in facts and facts.get("consent"):
            cast("ClonesVoices", self._engine).adopt_voice(voice, folder / "sample.wav")
            return
        known = [each.id for each in self.voices()]
        base = facts.get("base")
        if base not in known:
            logger.warning("%s is spoken as %s: its own base is gone", voice, known[0])
            base = known[0]
        self._manners[voice] = Manner(
            base, float(facts.get("pitch", 1.0)), float(facts.get("rate", 1.0))
        )

    def forget(self, voice: str) -> None:
        if self._manners.pop(voice, None) is None and isinstance(self._engine, ClonesVoices):
            self._engine.forget_voice(voice)

    def _named(self, name: str) -> Voice:
        voices = self.voices()
        ids = {"default": voices[0].id, **aliases(voices), **{each.id: each.id for each in voices}}
        if name not in ids:
            raise refused(f"base must be a standard voice; there are {', '.join(sorted(ids)[:40])}")
        return next(each for each in voices if each.id == ids[name])

    async def _nearest(self, pitch_hz: float, language: str | None) -> tuple[Voice, float]:
        """The voice whose pitch is nearest, and the factor that makes up for the rest."""
        voices = self.voices()
        wanted = (language or voices[0].language).lower()
        spoken = [v for v in voices if v.language.lower() == wanted] or [
            v for v in voices if v.language.lower().split("-")[0] == wanted.split("-")[0]
        ]
        if not spoken:
            raise refused(f"no voice of this server speaks {wanted!r}", param="language")
        factors: list[tuple[float, Voice, float]] = []
        for voice in spoken[:CANDIDATES]:
            own_hz = await self._pitch_of(voice.id)
            factor = pitch_hz / own_hz if own_hz else 1.0
            distance = abs(np.log2(factor)) if own_hz else np.inf
            factors.append((float(distance), voice, factor))
        _, voice, factor = min(factors, key=lambda each: each[0])
        return voice, min(max(factor, NATURAL[0]), NATURAL[1])

    async def _pitch_of(self, voice: str) -> float | None:
        if voice not in self._pitches:
            heard = [each.pcm async for each in self._engine.speak(SAID, voice=voice)]
            pcm = np.concatenate(heard) if heard else np.zeros(0, np.int16)
            self._pitches[voice] = await asyncio.to_thread(median_pitch_hz, pcm, self.rate_hz)
        return self._pitches[voice]


def _moved(marks: Sequence[Marked], pitch: float) -> tuple[Marked, ...]:
    return tuple(
        replace(mark, start=round(mark.start / pitch), end=round(mark.end / pitch))
        for mark in marks
    )
