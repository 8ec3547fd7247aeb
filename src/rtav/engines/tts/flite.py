"""The system's flite: English, exact times for every sound and word, a natural contour."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from rtav.engines.base import Capabilities, Speech, Voice
from rtav.engines.tts.delivery import Delivery
from rtav.engines.tts.flite_worker import RATE_HZ
from rtav.engines.tts.pool import SpeechPool
from rtav.engines.tts.script import spell_english, write_script
from rtav.engines.visemes import cmu_shapes
from rtav.errors import ConfigError

PROCESSES = 2  # one speaks at 60 times real time; the second serves while the first is busy

_VOICES = {
    Voice(id="default", name="Alice", gender="female"): "slt",
    Voice(id="alice", name="Alice", gender="female"): "slt",
    Voice(id="anthony", name="Anthony", gender="male"): "rms",
    Voice(id="slt", name="SLT", gender="female"): "slt",
    Voice(id="rms", name="RMS", gender="male"): "rms",
    Voice(id="awb", name="AWB, Scottish", gender="male"): "awb",
    Voice(id="kal16", name="KAL, diphones", gender="male"): "kal16",
}


class FliteTts:
    """Speaks through flite's library in processes of its own. 16 kHz."""

    capabilities = Capabilities(
        name="flite",
        runs_in="process",
        description="flite: English, clear and somewhat buzzy, exact lip sync",
    )
    rate_hz = RATE_HZ

    def __init__(self, *, processes: int = PROCESSES, **unknown: object) -> None:
        if unknown:
            message = "no such option; there is only `processes`"
            raise ConfigError(f"tts.flite.{next(iter(unknown))}", message)
        if processes < 1:
            raise ConfigError("tts.flite.processes", "must be 1 or more")
        self._pool = SpeechPool("flite", "rtav.engines.tts.flite_worker", size=processes)
        self._own_names = {voice.id: own_name for voice, own_name in _VOICES.items()}

    async def start(self) -> None:
        """Start the processes. Raises EngineUnavailable if flite is not installed."""
        await self._pool.start()

    async def close(self) -> None:
        await self._pool.close()

    def voices(self) -> Sequence[Voice]:
        return tuple(_VOICES)

    async def speak(
        self, text: str, *, voice: str, speed: float = 1.0
    ) -> AsyncGenerator[Speech, None]:
        """As `TtsEngine.speak`. Raises KeyError for a voice that is not one of `voices()`."""
        delivery = Delivery(
            pool=self._pool,
            voice=self._own_names[voice],
            speed=speed,
            rate_hz=RATE_HZ,
            shapes=cmu_shapes,
        )
        async with aclosing(delivery.speak(write_script(text, spell_english))) as stretches:
            async for speech in stretches:
                yield speech
