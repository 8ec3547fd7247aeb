"""Speech with known visemes: our synthesisers read Python's documentation, in many voices."""

from __future__ import annotations

import asyncio
import importlib
import re
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from random import Random

import numpy as np
import soxr

from rtav.engines.base import Viseme
from rtav.engines.mel import RATE_HZ
from rtav.engines.tts import espeak_worker, flite_worker
from rtav.engines.tts.choice import best_available
from rtav.engines.tts.delivery import Delivery
from rtav.engines.tts.pool import SpeechPool
from rtav.engines.tts.script import spell_english, write_script
from rtav.engines.visemes import cmu_shapes, ipa_shapes
from rtav.media.pcm import Pcm

READ = (
    "argparse email.message http.client logging random statistics unittest.mock datetime shutil "
    "socket subprocess textwrap threading zipfile tarfile decimal calendar mailbox os sys inspect "
    "ast re collections itertools functools ssl sqlite3 xml.etree.ElementTree urllib.request "
    "unittest smtplib imaplib ftplib codecs locale gettext pydoc pathlib tempfile signal select "
    "json csv html bisect copy enum dataclasses contextlib struct time types typing uuid weakref "
    "secrets hashlib hmac glob fnmatch getpass cmd shlex string operator numbers ipaddress"
).split()
KEPT_BACK = "asyncio difflib optparse configparser heapq pickle fractions".split()
ACCENTS = "gmw/en-US gmw/en gmw/en-GB-x-rp gmw/en-GB-x-gbclan gmw/en-029 gmw/en-US-nyc".split()
VARIANTS = " +f1 +f2 +f3 +f5 +m1 +m3 +m5 +m7 +klatt2 +Alicia +Andy +Mario +grandma +steph".split(
    " "
)
FLITE = ("slt", "rms", "kal16")
FLITE_KEPT_BACK, ESPEAK_KEPT_BACK = "awb", "gmw/en-GB-scotland+f4"
ABSOLUTE_SILENCE = 1_600  # samples: where a stream begins or ends, noise does so at once
NOISES = 0.1  # of the utterances are none
FLITE_SHARE = 0.5  # it sounds more like people


@dataclass(frozen=True, slots=True)
class Utterance:
    """Speech at mel.RATE_HZ and its visemes, at the same rate, in order."""

    pcm: Pcm
    visemes: list[Viseme]


@dataclass(frozen=True, slots=True)
class Speaker:
    engine: str
    voice: str


def training_speech(*, minutes: float, seed: int) -> list[Utterance]:
    """Varied in pace, pitch, tilt, level and noise, with noises that are no speech between."""
    random = Random(seed)
    lines = sentences(READ, random)
    speakers = [Speaker("espeak", accent + variant) for accent in ACCENTS for variant in VARIANTS]
    made: list[Utterance] = []
    wanted = minutes * 60 * RATE_HZ

    def ask() -> Iterator[tuple[Speaker, str, float]]:
        while sum(len(one.pcm) for one in made) < wanted:
            random.shuffle(lines)
            for line in lines:
                flite = best_available() == "flite" and random.random() < FLITE_SHARE
                who = Speaker("flite", random.choice(FLITE)) if flite else random.choice(speakers)
                yield who, line, random.uniform(0.75, 1.35)
                if sum(len(one.pcm) for one in made) >= wanted:
                    return

    for utterance in say(ask()):
        made.append(varied(utterance, random))
        if random.random() < NOISES:
            made.append(rustling(random))
        if len(made) % 500 == 0:
            print(f"{sum(len(one.pcm) for one in made) / RATE_HZ / 60:.0f} minutes", flush=True)
    return made


def judged_speech() -> dict[str, list[Utterance]]:
    """Of sentences that are never trained on; the last two of voices that are neither."""
    lines = sentences(KEPT_BACK, Random(0))[:60]
    who = {"new sentences, espeak": Speaker("espeak", "gmw/en-US+f3")}
    if best_available() == "flite":
        who["new sentences, flite slt"] = Speaker("flite", "slt")
        who["new voice, flite awb"] = Speaker("flite", FLITE_KEPT_BACK)
    who["new voice, espeak scotland+f4"] = Speaker("espeak", ESPEAK_KEPT_BACK)
    return {name: list(say((one, line, 1.0) for line in lines)) for name, one in who.items()}


def sentences(modules: Sequence[str], random: Random) -> list[str]:
    """English, of 30 to 110 characters, from the documentation of modules."""
    found = set()
    for name in modules:
        module = importlib.import_module(name)
        members = [getattr(module, key) for key in sorted(dir(module)) if key[0] != "_"]
        texts = [getattr(one, "__doc__", None) for one in (module, *members)]
        for text in texts:
            for piece in re.split(r"[.\n:;()\[\]]", text if isinstance(text, str) else ""):
                line = re.sub(r"\s+", " ", re.sub(r"[^A-Za-z', ]", " ", piece)).strip()
                if 30 < len(line) < 110 and sum(c.isupper() for c in line) < 6:
                    found.add(line)
    lines = sorted(found)
    random.shuffle(lines)
    return lines


def say(requests: Iterator[tuple[Speaker, str, float]]) -> Iterator[Utterance]:
    """Each request in turn: who, what, how fast."""
    with asyncio.Runner() as runner:
        pools = {
            "espeak": SpeechPool("espeak", espeak_worker.__name__, size=1),
            "flite": SpeechPool("flite", flite_worker.__name__, size=1),
        }
        try:
            for who, line, speed in requests:
                utterance = runner.run(_spoken(pools[who.engine], who, line, speed))
                if len(utterance.pcm) > RATE_HZ // 2:
                    yield utterance
        finally:
            for pool in pools.values():
                runner.run(pool.close())


async def _spoken(pool: SpeechPool, who: Speaker, line: str, speed: float) -> Utterance:
    rate_hz = flite_worker.RATE_HZ if who.engine == "flite" else espeak_worker.RATE_HZ
    delivery = Delivery(
        pool=pool,
        voice=who.voice,
        speed=speed,
        rate_hz=rate_hz,
        shapes=cmu_shapes if who.engine == "flite" else ipa_shapes,
    )
    async with aclosing(delivery.speak(write_script(line, spell_english))) as stretches:
        speech = [one async for one in stretches]
    pcm = np.concatenate([np.zeros(0, np.int16), *(one.pcm for one in speech)])
    return _at_rate(pcm, [v for one in speech for v in one.visemes], rate_hz)


def _at_rate(pcm: Pcm, visemes: Sequence[Viseme], rate_hz: float) -> Utterance:
    if rate_hz != RATE_HZ:
        pcm = np.asarray(soxr.resample(pcm, rate_hz, RATE_HZ), np.int16)
    k = RATE_HZ / rate_hz
    return Utterance(
        pcm, [Viseme(name=v.name, start=round(v.start * k), end=round(v.end * k)) for v in visemes]
    )


def varied(said: Utterance, random: Random) -> Utterance:
    """Another throat, another microphone, another room; silence or a noise before and behind."""
    said = _at_rate(said.pcm, said.visemes, RATE_HZ * random.uniform(0.85, 1.2))
    noise = np.random.default_rng(random.getrandbits(32))
    before, behind = (round(random.uniform(0.05, 0.5) * RATE_HZ) for _ in range(2))
    sound = np.concatenate((np.zeros(before), said.pcm / 32768, np.zeros(behind)))
    if random.random() < 0.5:
        sound = np.append(sound[:1], sound[1:] - random.uniform(-0.6, 0.6) * sound[:-1])
    level = 10 ** (random.uniform(-24, -1) / 20)
    sound *= level / (np.abs(sound).max() + 1e-6)
    for start, room in ((0, before), (len(sound) - behind, behind)):
        if random.random() < 0.4 and room > 1600:
            sound[start : start + room] += (
                level * random.uniform(0.02, 0.5) * no_speech(room, noise)
            )
    sound += 10 ** (random.uniform(-80, -45) / 20) * noise.standard_normal(len(sound))
    edges = [ABSOLUTE_SILENCE * random.randrange(2) for _ in range(2)]
    shift = before + edges[0]
    visemes = [Viseme(name=v.name, start=v.start + shift, end=v.end + shift) for v in said.visemes]
    pcm = (np.clip(sound, -1, 1) * 32767).astype(np.int16)
    return Utterance(np.pad(pcm, edges), visemes)


def rustling(random: Random) -> Utterance:
    """Some seconds in which nobody says anything."""
    noise = np.random.default_rng(random.getrandbits(32))
    pieces = [
        10 ** (random.uniform(-50, -3) / 20) * no_speech(round(RATE_HZ * seconds), noise)
        for seconds in (random.uniform(0.2, 1.5) for _ in range(3))
    ]
    pcm = (np.concatenate(pieces) * 32767).astype(np.int16)
    return Utterance(np.pad(pcm, ABSOLUTE_SILENCE), [])


def no_speech(length: int, noise: np.random.Generator) -> np.ndarray:
    """A breath, a rustle, a hum, a beep or clicks, about 1 at its loudest."""
    kind, t = noise.integers(6), np.arange(length) / RATE_HZ
    if kind == 0:
        hz = noise.uniform(50, 400)
        sound = sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, noise.integers(2, 6)))
    elif kind == 1:
        sound = np.sin(2 * np.pi * noise.uniform(200, 3000) * t)
    elif kind == 2:
        clicks = np.where(noise.random(length) < 3 / RATE_HZ, noise.choice((-1.0, 1.0), length), 0)
        sound = np.convolve(clicks, np.exp(-np.arange(400) / noise.uniform(4, 80)))[:length]
    else:
        spectrum = np.fft.rfft(noise.standard_normal(length))
        hz = np.fft.rfftfreq(length, 1 / RATE_HZ)
        if kind == 3:
            spectrum /= np.sqrt(np.maximum(hz, 60))
        elif kind == 4:  # breath: broad, with a hump
            middle, width = noise.uniform(400, 3000), noise.uniform(400, 2500)
            spectrum *= np.exp(-(((hz - middle) / width) ** 2)) + 0.1
        sound = np.fft.irfft(spectrum, length)
    sharpness = 0.0 if noise.random() < 0.3 else noise.uniform(0.2, 2.0)
    swell = np.sin(np.pi * np.arange(length) / length) ** sharpness
    return sound / (np.abs(sound).max() + 1e-9) * swell
