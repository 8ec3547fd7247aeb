"""The first example of docs/engines.md."""

import asyncio
import re
from pathlib import Path
from typing import Any

import numpy as np

from rtav.engines.base import Speech, TtsEngine

DOCUMENT = Path(__file__).parents[2] / "docs" / "engines.md"
TEXT = "Hello there, I am your avatar."


def example() -> TtsEngine:
    found = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {}
    exec(found[1], names)
    engine: TtsEngine = names["BeepTts"]()
    return engine


async def heard(engine: TtsEngine) -> list[Speech]:
    await engine.start()
    voice = engine.voices()[0].id
    stretches = [speech async for speech in engine.speak(TEXT, voice=voice)]
    await engine.close()
    return stretches


def test_the_voice_of_the_engine_guide_speaks_and_moves_the_lips() -> None:
    stretches = asyncio.run(heard(example()))
    pcm = np.concatenate([speech.pcm for speech in stretches])
    words = [word for speech in stretches for word in speech.words]
    visemes = [viseme for speech in stretches for viseme in speech.visemes]
    assert pcm.dtype == np.int16
    assert np.abs(pcm).max() > 1000
    assert "".join(word.text for word in words) == TEXT
    assert [viseme.start for viseme in visemes] == [word.start for word in words]
    assert visemes[-1].end <= pcm.size
