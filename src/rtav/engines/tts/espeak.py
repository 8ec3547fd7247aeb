"""espeak-ng from PyPI: about a hundred languages, very clear, unmistakably a machine."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from rtav.engines.base import Capabilities, Speech, Voice
from rtav.engines.tts.delivery import Delivery
from rtav.engines.tts.espeak_worker import RATE_HZ
from rtav.engines.tts.pool import SpeechPool
from rtav.engines.tts.script import spell_any, spell_english, write_script
from rtav.engines.visemes import ipa_shapes
from rtav.errors import ConfigError

PROCESSES = 2  # one speaks at 500 times real time; the second serves while the first is busy

_ENGLISH = (
    # (voice, espeak-ng's name: a language and a variant of the voice)
    (Voice(id="default", name="Alice", language="en", gender="female"), "en-us+f3"),
    (Voice(id="alice", name="Alice", language="en", gender="female"), "en-us+f3"),
    (Voice(id="anthony", name="Anthony", language="en", gender="male"), "en-us+m3"),
)


class EspeakTts:
    """Speaks through espeak-ng's library in processes of its own. 22.05 kHz.

    Its slowest pace is 80 words a minute: a `speed` below 0.46 makes no further difference.
    """

    capabilities = Capabilities(
        name="espeak",
        runs_in="process",
        description="espeak-ng: about 100 languages, clear and robotic, exact lip sync",
    )
    rate_hz = RATE_HZ

    def __init__(self, *, processes: int = PROCESSES, **unknown: object) -> None:
        if unknown:
            message = "no such option; there is only `processes`"
            raise ConfigError(f"tts.espeak.{next(iter(unknown))}", message)
        if processes < 1:
            raise ConfigError("tts.espeak.processes", "must be 1 or more")
        self._pool = SpeechPool("espeak", "rtav.engines.tts.espeak_worker", size=processes)
        self._voices = {voice.id: (voice, own_name) for voice, own_name in _ENGLISH}

    async def start(self) -> None:
        """Start the processes. Raises EngineUnavailable if the library cannot be loaded."""
        greeting = await self._pool.start()
        for tag, name, own_name in greeting["languages"]:
            for voice_id in _ids(tag):
                voice = Voice(id=voice_id, name=name, language=tag)
                self._voices.setdefault(voice_id, (voice, own_name))

    async def close(self) -> None:
        await self._pool.close()

    def voices(self) -> Sequence[Voice]:
        """The two English voices, after `start` also one for every language, by its tag."""
        return tuple(voice for voice, _ in self._voices.values())

    async def speak(
        self, text: str, *, voice: str, speed: float = 1.0
    ) -> AsyncGenerator[Speech, None]:
        """As `TtsEngine.speak`. Raises KeyError for a voice that is not one of `voices()`."""
        chosen, own_name = self._voices[voice]
        delivery = Delivery(
            pool=self._pool, voice=own_name, speed=speed, rate_hz=RATE_HZ, shapes=ipa_shapes
        )
        spell = spell_english if chosen.language.split("-")[0] == "en" else spell_any
        async with aclosing(delivery.speak(write_script(text, spell))) as stretches:
            async for speech in stretches:
                yield speech


def _ids(tag: str) -> list[str]:
    """`de` for `de`; `fr-fr` and `fr` for `fr-fr`, so that every home country's has a short id."""
    language, _, country = tag.partition("-")
    return [tag, language] if language == country else [tag]
