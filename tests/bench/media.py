"""What the media path costs: CPU per packet and frame, one line of JSON each.

Run: python tests/bench/media.py
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable

import numpy as np

from rtav.media.images import jpeg
from rtav.media.ingress import Microphone
from rtav.media.opus import OpusDecoder, OpusEncoder
from rtav.media.pcm import I420
from rtav.media.resample import Resampler
from rtav.media.video import Codec, make_encoder

PACKETS, FRAMES, SIZE = 1_000, 250, 512


def main() -> None:
    rng = np.random.default_rng(1)
    voice = _voice(rng)
    ticks = [voice[at : at + 480] for at in range(0, voice.size, 480)]
    encoder, silent, decoder = OpusEncoder(), OpusEncoder(), OpusDecoder()
    packets = [OpusEncoder().encode(tick) for tick in ticks[:1]]
    _measure("opus encode, 20 ms", "us", lambda n: packets.append(encoder.encode(ticks[n])))
    _measure("opus encode, silence", "us", lambda n: silent.encode(None))
    _measure("opus decode to 16 kHz, 20 ms", "us", lambda n: decoder.decode(packets[n]))
    _measure("opus conceal, 20 ms", "us", lambda n: _conceal(decoder, packets[n]))
    microphone = Microphone()

    def hear(number: int) -> None:
        microphone.push(number & 0xFFFF, number * 960, packets[number], number * 0.02)
        microphone.pull(number * 0.02)

    _measure("microphone push and pull, 20 ms", "us", hear)
    resampler = Resampler(22_050, 24_000)
    _measure("resample 22.05 to 24 kHz, 20 ms", "us", lambda n: resampler.push(ticks[n][:441]))
    frames = _frames(rng)
    for codec in ("h264", "vp8"):
        _encode(codec, frames)
    _measure("jpeg, 512 px", "ms", lambda n: jpeg(frames[n % 25]), rounds=FRAMES)


def _conceal(decoder: OpusDecoder, packet: bytes) -> None:
    """Includes the decoding of a packet, which ends each concealment."""
    decoder.conceal(320)
    decoder.decode(packet)


def _encode(codec: Codec, frames: list[I420]) -> None:
    encoder = make_encoder(
        codec, width=SIZE, height=SIZE, fps=25, bitrate=800_000, ceiling=2_000_000
    )
    sizes: list[int] = []

    def encode(number: int) -> None:
        payloads = encoder.encode(frames[number % len(frames)], key=False)
        sizes.append(sum(map(len, payloads)))

    _measure(f"{codec} encode and packetize, 512 px", "ms", encode, rounds=FRAMES)
    _print(f"{codec} rate", round(sum(sizes[25:]) * 8 * 25 / len(sizes[25:]) / 1000), "kbit/s")


def _measure(what: str, unit: str, step: Callable[[int], object], *, rounds: int = PACKETS) -> None:
    """CPU time of this thread: what neighbours do is left out."""
    begin = time.thread_time()
    for number in range(rounds):
        step(number)
    mean_s = (time.thread_time() - begin) / rounds
    _print(what, round(mean_s * (1e6 if unit == "us" else 1e3), 2), unit)


def _print(what: str, value: float, unit: str) -> None:
    print(json.dumps({"what": what, "value": value, "unit": unit, "cpu": platform.machine()}))


def _voice(rng: np.random.Generator) -> np.ndarray:
    """A gliding tone with pauses and noise, which keeps an encoder as busy as speech."""
    at = np.arange(PACKETS * 480) / 24_000
    tone = np.sin(2 * np.pi * 160 * at * (1 + 0.01 * np.sin(3 * at)))
    harmonics = tone + 0.5 * tone**2 + 0.3 * tone**3
    syllables = np.clip(np.sin(2 * np.pi * 3 * at), 0, 1)
    return (6_000 * harmonics * syllables + rng.normal(0, 60, at.size)).astype(np.int16)


def _frames(rng: np.random.Generator) -> list[I420]:
    """A textured background with a soft round head that moves, and sensor noise."""
    rows, columns = np.mgrid[0 : SIZE * 3 // 2, 0:SIZE]
    background = 110 + 25 * np.sin(rows / 9) * np.cos(columns / 13)
    frames = []
    for number in range(25):
        x, y = 256 + 12 * np.sin(number / 4), 256 + 8 * np.cos(number / 5)
        head = np.exp(-(((columns - x) / 120) ** 2 + ((rows - y) / 150) ** 2) * 2)
        mouth = np.exp(-(((columns - x) / 40) ** 2 + ((rows - y - 70) / (6 + number % 8)) ** 2))
        picture = background * (1 - head) + 180 * head - 90 * mouth
        frames.append(np.clip(picture + rng.normal(0, 1, picture.shape), 0, 255).astype(np.uint8))
    return frames


if __name__ == "__main__":
    main()
