"""How well and how fast we hear: voice activity and speech recognition, one table each.

Run: python tests/bench/ears.py

The voices are synthetic and the sentences easy: the figures compare settings with each other, they
are no claim about people. CPU times are of one core; waiting times suffer from whoever else is on
the machine, so its load is printed too.
"""

from __future__ import annotations

import asyncio
import os
import platform
import re
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from rtav.engines.base import Pause
from rtav.engines.stt import demo_lm
from rtav.engines.stt.pocketsphinx import PocketsphinxStt
from rtav.engines.stt.readable import readable
from rtav.engines.stt.sphinx_vote import load
from rtav.engines.stt.sphinx_worker import Utterance
from rtav.engines.vad.silero import SileroVad
from rtav.media.pcm import MIC_RATE_HZ, Pcm
from rtav.testing.voices import say, silence, voices, with_noise

COMMANDS = (
    "What can you do?",
    "Who are you?",
    "Tell me the time.",
    "What is seven times eight?",
    "Count to ten.",
    "Spell hello.",
    "What is my name?",
    "Give me a tour.",
    "How do I connect a model?",
    "Tell me another joke please.",
)
TALK = (
    "The weather is very nice today.",
    "I would like to book a table for two people tonight.",
    "Can you help me with my homework?",
    "I think the train leaves at half past nine in the morning.",
    "My sister lives in a small house near the river.",
    "Turn off the light in the kitchen.",
    "We are going to the beach next weekend.",
    "How much does this cost?",
    "Please send him a letter.",
    "I have never been to New York before.",
)
LEAD_S, GAP_S = 0.3, 0.15


class Setting(NamedTuple):
    denoise: bool = True
    second_pass: bool = True
    domain: bool = False


SETTINGS = {
    "as shipped": Setting(),
    "with demo LM": Setting(domain=True),
    "no denoising": Setting(denoise=False),
    "no second pass": Setting(second_pass=False),
}


@dataclass
class Score:
    """Errors and times over many utterances."""

    errors: dict[Sequence[str], int] = field(default_factory=lambda: {COMMANDS: 0, TALK: 0})
    words: dict[Sequence[str], int] = field(default_factory=lambda: {COMMANDS: 0, TALK: 0})
    cpu_s: float = 0.0
    audio_s: float = 0.0
    finals_ms: list[float] = field(default_factory=list)


def main() -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, ", end="")
    print(f"voices {', '.join(_voices())}\n")
    _vad()
    print("\nrecogniser, CPU only         WER: commands  talk  |  RTF   final p50 / p95 (ms CPU)")
    for snr_db in (None, 20.0):
        for name, setting in SETTINGS.items():
            _row(_recognise(snr_db, setting), snr_db, name)
    print("\nrecogniser, real time           wait from Pause to final (ms)   first word (ms)")
    for name, setting in SETTINGS.items():
        _waits(asyncio.run(_live(setting)), name)


def _vad() -> None:
    async def detector() -> SileroVad:
        engine = SileroVad()
        await engine.start()
        return engine

    vad = asyncio.run(detector()).open()
    audio = np.concatenate([audio for _, audio in _utterances(_voices()[0], None)])
    began = time.process_time()
    for start in range(0, len(audio), 320):
        vad.push(audio[start : start + 320])
    cost = (time.process_time() - began) * 1000 / (len(audio) / MIC_RATE_HZ)
    print(f"silero: {cost:.2f} ms CPU per second of audio")


def _recognise(snr_db: float | None, setting: Setting) -> Score:
    score = Score()
    with tempfile.NamedTemporaryFile("w", suffix=".lm") as file:
        file.write(demo_lm.arpa())
        file.flush()
        model = file.name if setting.domain else None
        vote = load(second_pass=setting.second_pass, language_model=model)
    for voice in _voices():
        mean = ""
        for text, audio in _utterances(voice, snr_db):
            began = time.process_time()
            utterance = Utterance(vote, denoise=setting.denoise, mean=mean)
            for _ in utterance.hear(audio.tobytes()):
                pass
            heard = time.process_time()
            utterance.finish()
            done = time.process_time()
            mean = utterance.mean
            vote.end()
            score.cpu_s += done - began
            score.audio_s += len(audio) / MIC_RATE_HZ
            score.finals_ms.append((done - heard) * 1000)
            kind = COMMANDS if text in COMMANDS else TALK
            score.errors[kind] += _distance(_words(text), _words(readable(utterance.text())))
            score.words[kind] += len(_words(text))
    return score


async def _live(setting: Setting) -> tuple[list[float], list[float]]:
    waits_ms: list[float] = []
    firsts_ms: list[float] = []
    paused = 0.0

    async def microphone(audio: Pcm) -> AsyncIterator[Pcm | Pause]:
        nonlocal paused
        loop = asyncio.get_running_loop()
        due = loop.time()
        for start in range(0, len(audio), 320):
            yield audio[start : start + 320]
            due += 0.02
            await asyncio.sleep(due - loop.time())
        paused = time.monotonic()
        yield Pause()

    engine = PocketsphinxStt(
        denoise=setting.denoise,
        second_pass=setting.second_pass,
        domain="demo" if setting.domain else None,
    )
    await engine.start()
    for _, audio in _utterances(_voices()[0], None):
        began, is_first = time.monotonic(), True
        async for hypothesis in engine.transcribe(microphone(audio), caller="bench"):
            if is_first:
                firsts_ms.append((time.monotonic() - began - LEAD_S) * 1000)
            is_first = False
            if hypothesis.is_final:
                waits_ms.append((time.monotonic() - paused) * 1000)
                break
    await engine.close()
    return waits_ms, firsts_ms


def _utterances(voice: str, snr_db: float | None) -> Iterator[tuple[str, Pcm]]:
    for number, text in enumerate(
        text for pair in zip(COMMANDS, TALK, strict=True) for text in pair
    ):
        audio = np.concatenate([silence(LEAD_S), say(text, voice), silence(GAP_S)])
        yield text, audio if snr_db is None else with_noise(audio, snr_db=snr_db, seed=number)


def _row(score: Score, snr_db: float | None, name: str) -> None:
    heard = "clean" if snr_db is None else f"pink noise {snr_db:.0f} dB"
    rates = [score.errors[kind] / score.words[kind] for kind in (COMMANDS, TALK)]
    p50, p95 = _percentiles(score.finals_ms)
    print(f"{heard:16} {name:14} {rates[0]:9.3f}  {rates[1]:.3f}  |  ", end="")
    print(f"{score.cpu_s / score.audio_s:.2f}  {p50:.0f} / {p95:.0f}", flush=True)


def _waits(measured: tuple[list[float], list[float]], name: str) -> None:
    (p50, p95), (first, _) = _percentiles(measured[0]), _percentiles(measured[1])
    print(f"{name:31} p50 {p50:.0f}  p95 {p95:.0f} {first:20.0f}", flush=True)


def _percentiles(values: list[float]) -> tuple[float, float]:
    return statistics.median(values), statistics.quantiles(values, n=20)[-1]


def _voices() -> tuple[str, ...]:
    return voices()[:3]


def _words(text: str) -> list[str]:
    return re.sub(r"[^a-z' ]", "", text.lower()).split()


def _distance(said: list[str], heard: list[str]) -> int:
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        above, row = row, [i]
        for j, other in enumerate(heard, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (word != other)))
    return row[-1]


if __name__ == "__main__":
    main()
