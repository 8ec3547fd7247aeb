"""What a frame of the portrait costs: `python tests/bench/avatar.py [face ...]`.

Prints CPU time in one thread, conversion to I420 included, in milliseconds and, because those
depend on the machine and its neighbours, in units: one is a 512 x 512 four-channel remap with float
maps, measured in the same rounds. First for face1 (or those named): a frame that is drawn whole as
it talks, and the mean over a minute of conversation, in which what did not change is not drawn
again. Then the first face by size, by stage, and beside another of its kind.
"""

from __future__ import annotations

import asyncio
import json
import platform
import statistics
import sys
import time
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice
from typing import Any

import cv2
import numpy as np

from rtav.engines.avatar import renderer
from rtav.engines.avatar.eyes import EyePainter
from rtav.engines.avatar.geometry import Geometry
from rtav.engines.avatar.performance import Performance
from rtav.engines.avatar.portrait import Portrait, PortraitAvatar
from rtav.engines.avatar.scene import Scene
from rtav.engines.avatar.warp import Warp
from rtav.engines.avatar.watch import Watch
from rtav.engines.base import Moment, Mood, Viseme
from rtav.engines.tts.espeak import EspeakTts
from rtav.media.pcm import SESSION_RATE_HZ

FPS = 25
FRAME_SAMPLES = SESSION_RATE_HZ // FPS
MINUTE = 60 * FPS
ROUND = FPS  # frames of each kind that take turns
TALKING_EVERY = 4  # rounds: its frames are much alike
STAGE_ROUNDS = 60  # a minute
SIZES_PX = (360, 512, 720, 1024)
NEAR_SAMPLES = SESSION_RATE_HZ // 2
Turn = tuple[Mood, float | str]
TURNS: tuple[Turn, ...] = (  # what is said takes as long as it takes: 29 s with espeak-ng
    ("idle", 3.0),
    ("listening", 6.0),
    ("thinking", 0.7),
    (
        "speaking",
        "Of course, I can look that up for you. Your order left the warehouse on Monday "
        "morning, and the carrier expects to hand it over tomorrow before noon.",
    ),
    ("listening", 7.5),
    ("thinking", 0.9),
    (
        "speaking",
        "No problem at all. I have moved the delivery to Friday afternoon, between two and "
        "five, and the neighbour at number twelve may sign for the parcel.",
    ),
    ("idle", 3.0),
    ("listening", 7.0),
    ("thinking", 0.8),
    (
        "speaking",
        "You are very welcome. Would you like me to send you a message when the driver is "
        "about twenty minutes away? Then you need not wait at home all day.",
    ),
    ("idle", 60.0),
)


# --- what is shown ---------------------------------------------------------------------------


async def spoken(text: str) -> list[Viseme]:
    """What the mouth does, in samples at SESSION_RATE_HZ."""
    voice = EspeakTts()
    await voice.start()
    found: list[Viseme] = []
    try:
        async for speech in voice.speak(text, voice="alice"):
            found += speech.visemes
    finally:
        await voice.close()
    rate = SESSION_RATE_HZ / voice.rate_hz
    return [replace(v, start=round(v.start * rate), end=round(v.end * rate)) for v in found]


async def conversation() -> list[Moment]:
    """A minute of it, frame by frame."""
    moments: list[Moment] = []
    for mood, what in TURNS:
        visemes = await spoken(what) if isinstance(what, str) else []
        seconds = visemes[-1].end / SESSION_RATE_HZ if isinstance(what, str) else what
        starts = [viseme.start for viseme in visemes]
        for frame in range(round(seconds * FPS)):
            at = frame * FRAME_SAMPLES
            near = visemes[
                max(0, bisect(starts, at - NEAR_SAMPLES) - 1) : bisect(starts, at + NEAR_SAMPLES)
            ]
            moments.append(
                Moment(
                    at=len(moments) * FRAME_SAMPLES,
                    speech_at=at if visemes else None,
                    visemes=near,
                    mood=mood,
                )
            )
    return moments[:MINUTE]


def endless(moments: Sequence[Moment]) -> Iterator[Moment]:
    """The same again and again, while time goes on."""
    for number, moment in enumerate(cycle(moments)):
        yield replace(moment, at=number * FRAME_SAMPLES)


# --- what is measured ------------------------------------------------------------------------


def remap_unit() -> Callable[[], None]:
    """One 512 x 512 remap of four channels, with a smooth map."""
    random = np.random.default_rng(1)
    picture = random.integers(0, 255, (512, 512, 4), np.uint8)
    y, x = np.mgrid[0:512, 0:512].astype(np.float32)
    map_x, map_y = x + 3 * np.sin(y / 40), y + 3 * np.cos(x / 40)
    into = np.empty_like(picture)

    def run() -> None:
        for _ in range(ROUND):
            cv2.remap(picture, map_x, map_y, cv2.INTER_LINEAR, dst=into)

    return run


def shown(avatar: Portrait, moments: Sequence[Moment], *, whole: bool) -> Callable[[], None]:
    """Shows the next frames of the conversation; `whole`: each is drawn from nothing."""
    coming = endless(moments)

    def run() -> None:
        for moment in islice(coming, ROUND):
            if whole:
                forget(avatar)
            avatar.render(moment)

    return run


def forget(avatar: Portrait) -> None:
    for drawing in avatar._renderers:
        drawing._drawn = None
        drawing.asset.scratch.album.heads.clear()


def beside_another(
    engine: PortraitAvatar, face: str, moments: Sequence[Moment]
) -> Callable[[], float]:
    """Shows two in step; returns the seconds that the second one took."""
    first, second = (engine.open(face, size_px=512, fps=FPS, seed=None) for _ in range(2))
    coming = endless(moments)

    def run() -> float:
        took = 0.0
        for moment in islice(coming, ROUND):
            first.render(moment)
            before = time.thread_time()
            second.render(moment)
            took += time.thread_time() - before
        return took

    return run


def measure(work: dict[str, Callable[[], None]]) -> dict[str, list[float]]:
    """CPU milliseconds a frame by round, a minute of each, interleaved so that neighbours disturb
    all alike."""
    spent: dict[str, list[float]] = {name: [] for name in work}
    for run in work.values():
        run()
    for number in range(MINUTE // ROUND):
        for name, run in work.items():
            if "talking" in name and number % TALKING_EVERY:
                continue
            before = time.thread_time()
            run()
            spent[name].append((time.thread_time() - before) / ROUND * 1000)
    return spent


class Stages:
    """CPU time of the functions of a frame, each without those within it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._within = [0.0]

    def watch(self, owner: Any, name: str, stage: str) -> Callable[[], None]:
        """Returns what undoes it."""
        function = getattr(owner, name)

        def timed(*arguments: Any, **named: Any) -> Any:
            began = time.thread_time()
            self._within.append(0.0)
            try:
                return function(*arguments, **named)
            finally:
                spent = time.thread_time() - began
                within = self._within.pop()
                self._within[-1] += spent
                self.seconds[stage] = self.seconds.get(stage, 0.0) + spent - within

        setattr(owner, name, timed)
        return lambda: setattr(owner, name, function)


WATCHED = (
    (Performance, "pose", "performance"),
    (Watch, "bearing", "what moved"),
    (Geometry, "pose", "geometry"),
    (Warp, "invert", "inverse"),
    (Warp, "dense", "maps"),
    (renderer, "sample", "remaps"),
    (renderer, "over", "blends"),
    (renderer, "paint_mouth", "mouth"),
    (EyePainter, "paint", "eyes"),
    (Scene, "fill", "scene"),
    (Scene, "fill_part", "scene"),
    (renderer, "_store", "conversion"),
    (Portrait, "render", "rest"),
)


def by_stage(run: Callable[[], None]) -> dict[str, float]:
    """Milliseconds a frame."""
    stages = Stages()
    undo = [stages.watch(*watched) for watched in WATCHED]
    for _ in range(STAGE_ROUNDS):
        run()
    for restore in undo:
        restore()
    return {name: 1000 * spent / STAGE_ROUNDS / ROUND for name, spent in stages.seconds.items()}


# --- what is printed -------------------------------------------------------------------------


class Report:
    """Collects what it prints. Milliseconds a frame."""

    def __init__(self, unit_ms: float) -> None:
        self._unit_ms = unit_ms
        self._frame_ms: dict[str, float] = {}

    def line(self, name: str, ms: float, note: str = "") -> None:
        self._frame_ms[name] = round(ms, 3)
        print(f"{name:36} {ms:6.2f} ms   {ms / self._unit_ms:5.2f} units{note}")

    @property
    def json(self) -> str:
        machine = platform.processor() or platform.machine()
        figures = {"unit_ms": round(self._unit_ms, 3), "frame_ms": self._frame_ms}
        return json.dumps(figures | {"machine": machine})


def main(faces: Sequence[str]) -> None:
    engine = PortraitAvatar()
    asyncio.run(engine.start())
    faces = faces or ["face1"]
    moments = asyncio.run(conversation())
    talk = [moment for moment in moments if moment.speech_at is not None]
    print(f"a minute of conversation, {len(talk) / FPS:.0f} s of it spoken")
    opened = [(face, 512) for face in faces] + [(faces[0], s) for s in SIZES_PX if s != 512]
    work = {"unit": remap_unit()}
    for face, size_px in opened:
        for kind, script in (("talking", talk), ("minute", moments)):
            avatar = engine.open(face, size_px=size_px, fps=FPS, seed=1)
            work[f"{face} {size_px} {kind}"] = shown(avatar, script, whole=kind == "talking")
    spent = measure(work)
    unit_ms = statistics.median(spent.pop("unit"))
    report = Report(unit_ms)
    print(f"unit {unit_ms:.3f} ms")
    for name, rounds in spent.items():
        ms = statistics.median(rounds) if "talking" in name else statistics.mean(rounds)
        size_px = int(name.split()[1])
        report.line(name, ms, f"   {1e6 * ms / size_px**2:5.1f} ns a pixel")
    for kind in ("talking", "minute"):
        for stage, ms in by_stage(work[f"{faces[0]} 512 {kind}"]).items():
            report.line(f"  {kind}: {stage}", ms)
    run = beside_another(engine, faces[0], moments)
    run()
    beside_ms = 1000 * sum(run() for _ in range(MINUTE // ROUND)) / MINUTE
    report.line(f"{faces[0]} 512 minute, beside another", beside_ms)
    print(report.json)


if __name__ == "__main__":
    main(sys.argv[1:])
