"""How true the lips are in Chromium: `python3 dev.py bench lipsync [seconds]` (600 by default).

What the page shows is measured, frame by frame, and what it plays is looked for in what the voice
said: see `rtav.testing.lipsync`. Offsets are of two seconds of speech each, positive where the
picture is ahead; "unknown" is what the browser's own estimate leaves of them. The drift is a line
through them, with the 95 % interval of its slope: ten minutes cannot tell it more exactly. Closed:
the share of /m b p/ for which a frame shows closed lips; fluent: the same without those where a
frame is missing, as on a machine without time to spare.
"""

import asyncio
import sys
from collections import deque
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))
from _report import publish

from rtav.engines.tts.choice import best_available
from rtav.engines.tts.espeak import EspeakTts
from rtav.engines.tts.flite import FliteTts
from rtav.testing.browser import chromium, send, wait_for
from rtav.testing.filming import Camera, call
from rtav.testing.gauge import Gauge
from rtav.testing.lipsync import LipSync, Said, judge, voiced
from rtav.testing.messages import message
from rtav.testing.running import running_server

FACE = "face1"
SETTLE_S = 5.0  # browsers align picture and sound in the first seconds of a call
SENTENCES = (
    "People came from far away to hear the waves, and nobody left without a smile.",
    "My mother put the baby by the piano and made room for more people.",
    "Once upon a time a small robot lived by the open sea, and every morning it woke up early.",
    "Please bring me some pepper, plum jam and butter, but leave the bread on the table.",
    "How many of you would rather have tea than coffee? I thought so.",
    "The big brown bear may jump up and bump the lamp, so put it somewhere else.",
    "If you follow the path along the river, you will find a bridge made of white stone.",
    "Most members of the club prefer to swim in September, when the beach is empty.",
    "You could also try the blue one, which is cheaper and works just as well.",
    "Above the harbour a balloon was blown far away by the morning wind.",
    "That is a very good question, and I am afraid nobody has answered it yet.",
    "Five famous families moved to Rome to open a theatre for puppets.",
)


async def replies(seconds: float) -> list[tuple[str, Said]]:
    """Texts and how they sound, `seconds` in all, no two of them in the same order."""
    tts = FliteTts(processes=1) if best_available() == "flite" else EspeakTts(processes=1)
    await tts.start()
    said, order = [], deque(SENTENCES)
    try:
        while sum(reply.length_s for _, reply in said) < seconds:
            text = " ".join(order)
            said.append((text, await voiced(text, tts, voice="default")))
            order.rotate(1)
    finally:
        await tts.close()
    return said


def film(said: list[tuple[str, Said]], gauge: Gauge) -> list[LipSync]:
    judged = []
    with running_server() as server, chromium() as browser:
        page = browser.new_page()
        call(page, server, codec="H264", face=FACE)
        page.wait_for_timeout(1000 * SETTLE_S)
        camera = Camera(page, FACE)
        for count, (text, reply) in enumerate(said, start=1):
            send(page, message("assistant", text))
            wait_for(page, "output_audio_buffer.started", count=count)
            camera.wait(reply.length_s)
            wait_for(page, "output_audio_buffer.stopped", count=count)
            camera.wait(0.5)
            taken = camera.film()
            judged.append(judge(taken, reply, gauge.read(taken.mouths), gauge.opening))
    return judged


def drift(offsets: NDArray[np.float64]) -> tuple[float, float]:
    """Milliseconds in an hour, and half the 95 % interval; neighbours are alike, and count less."""
    at, ms = offsets[:, 0] / 3600, offsets[:, 1] * 1000
    slope, level = np.polyfit(at, ms, 1)
    rest = ms - slope * at - level
    alike = max(0.0, float(np.corrcoef(rest[:-1], rest[1:])[0, 1]))
    independent = max(len(ms) * (1 - alike) / (1 + alike), 3.0)
    error = np.sqrt(np.square(rest).mean() / (independent - 2)) / at.std()
    return float(slope), float(1.96 * error)


def main(seconds: float) -> None:
    judged = film(asyncio.run(replies(seconds)), Gauge(FACE))
    offsets = np.concatenate([sync.offsets for sync in judged])
    low, middle, high = np.percentile(1000 * offsets[:, 1], [1, 50, 99])
    skews = np.concatenate([sync.skews for sync in judged])
    unknown = 1000 * (offsets[:, 1] - skews)
    slope, either_way = drift(offsets)
    closures = [closed for sync in judged for closed in sync.closures]
    fluent = [closed for closed in closures if closed is not None]
    rows = {
        "offset ms": {"p1": low, "p50": middle, "p99": high, "n": len(offsets)},
        "unknown ms": dict(
            zip(("p1", "p50", "p99"), np.percentile(unknown, [1, 50, 99]), strict=True)
        ),
        "drift ms/h": {"p50": slope, "+-": either_way},
        "loudness ms": {"p50": float(np.median([1000 * sync.envelope for sync in judged]))},
        "likeness %": {"p50": float(np.median([100 * sync.likeness for sync in judged]))},
        "closed %": {"p50": 100 * sum(map(bool, closures)) / len(closures), "n": len(closures)},
        "fluent %": {"p50": 100 * float(np.mean(fluent)), "n": len(fluent)},
        "heard %": {"p50": 100 * float(np.mean([sync.heard for sync in judged]))},
    }
    publish("lipsync", rows, unit="positive: the picture is ahead")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 600)
