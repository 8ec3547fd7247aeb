"""What a frame of the portrait costs: `python tests/bench/avatar.py [rounds]`.

Prints CPU milliseconds and, because those depend on the machine and its neighbours, the same in
units of one 512 x 512 four-channel remap with float maps, measured in the same rounds. "Beside
another" is what a face in step costs that is not the first to ask. Then the stages of a frame of
the first face, each without those within it.
"""

from __future__ import annotations

import asyncio
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from rtav.engines.avatar import renderer
from rtav.engines.avatar.eyes import EyePainter
from rtav.engines.avatar.geometry import Geometry
from rtav.engines.avatar.performance import Performance
from rtav.engines.avatar.portrait import PortraitAvatar
from rtav.engines.avatar.warp import Warp
from rtav.engines.base import Moment, Mood, Viseme
from rtav.media.pcm import SESSION_RATE_HZ

FRAMES = 25
ROUNDS_BESIDE = 10
FRAME_SAMPLES = SESSION_RATE_HZ // 25
WORDS = "PP aa DD I nn E SS U kk O FF E RR aa TH I CH U".split() * 200
VISEMES = [Viseme(name=w, start=i * 2000, end=i * 2000 + 2000) for i, w in enumerate(WORDS)]
SIZES_PX = (512, 720)


def remap_unit() -> Callable[[], None]:
    """One 512 x 512 remap of four channels, with a smooth map."""
    random = np.random.default_rng(1)
    picture = random.integers(0, 255, (512, 512, 4), np.uint8)
    y, x = np.mgrid[0:512, 0:512].astype(np.float32)
    map_x, map_y = x + 3 * np.sin(y / 40), y + 3 * np.cos(x / 40)
    into = np.empty_like(picture)

    def run() -> None:
        for _ in range(FRAMES):
            cv2.remap(picture, map_x, map_y, cv2.INTER_LINEAR, dst=into)

    return run


def face_frames(
    engine: PortraitAvatar, face: str, *, size_px: int, mood: Mood
) -> Callable[[], None]:
    avatar = engine.open(face, size_px=size_px, fps=25, seed=1)
    return _frames(avatar.render, mood)


def _frames(show: Callable[[Moment], object], mood: Mood) -> Callable[[], None]:
    at = 0

    def run() -> None:
        nonlocal at
        for _ in range(FRAMES):
            at += FRAME_SAMPLES
            speech_at = at % (VISEMES[-1].end - 24_000) if mood == "speaking" else None
            near: list[Viseme] = []
            if speech_at is not None:
                i = speech_at // 2000
                near = VISEMES[max(0, i - 5) : i + 6]
            show(Moment(at=at, speech_at=speech_at, visemes=near, mood=mood))

    return run


def beside_another(engine: PortraitAvatar, face: str, mood: Mood, spent: list[float]) -> None:
    """One second of two faces in step; what the second one of them took, in seconds."""
    first, second = (engine.open(face, size_px=512, fps=25, seed=None) for _ in range(2))
    took = 0.0

    def show(moment: Moment) -> None:
        nonlocal took
        first.render(moment)
        before = time.thread_time()
        second.render(moment)
        took += time.thread_time() - before

    run = _frames(show, mood)
    for _ in range(3):  # moods and motions settle
        run()
    for _ in range(ROUNDS_BESIDE):
        took = 0.0
        run()
        spent.append(took)


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
    (Geometry, "pose", "geometry"),
    (Warp, "invert", "inverse"),
    (Warp, "dense", "maps"),
    (renderer, "_sample", "remaps"),
    (renderer, "over", "blends"),
    (renderer, "paint_mouth", "mouth"),
    (EyePainter, "paint", "eyes"),
    (renderer, "_store", "conversion"),
    (renderer.Renderer, "render", "rest"),
    (renderer.Renderer, "speak", "rest"),
)


def by_stage(run: Callable[[], None], rounds: int) -> dict[str, float]:
    """Milliseconds a frame."""
    stages = Stages()
    undo = [stages.watch(*watched) for watched in WATCHED]
    for _ in range(rounds):
        run()
    for restore in undo:
        restore()
    return {name: 1000 * spent / rounds / FRAMES for name, spent in stages.seconds.items()}


def measure(work: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Median CPU milliseconds a frame, rounds interleaved so that neighbours disturb all alike."""
    spent: dict[str, list[float]] = {name: [] for name in work}
    for run in work.values():
        run()
    for _ in range(rounds):
        for name, run in work.items():
            before = time.thread_time()
            run()
            spent[name].append((time.thread_time() - before) / FRAMES * 1000)
    return {name: statistics.median(values) for name, values in spent.items()}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    engine = PortraitAvatar()
    asyncio.run(engine.start())
    work = {"remap": remap_unit()}
    beside: dict[str, float] = {}
    moods: tuple[Mood, ...] = ("speaking", "listening")
    for size_px in SIZES_PX:
        for face in engine.faces():
            for mood in moods:
                name = f"{face.id} {size_px} {mood}"
                work[name] = face_frames(engine, face.id, size_px=size_px, mood=mood)
    for mood in moods:
        spent: list[float] = []
        beside_another(engine, "face1", mood, spent)
        beside[mood] = 1000 * statistics.median(spent) / FRAMES
    cost = measure(work, rounds)
    unit = cost.pop("remap")
    cost |= {f"face1 512 {mood}, beside another": ms for mood, ms in beside.items()}
    for name, ms in cost.items():
        print(f"{name:36} {ms:6.2f} ms   {ms / unit:5.2f} remaps")
    for mood in moods:
        for name, ms in by_stage(work[f"face1 512 {mood}"], rounds).items():
            print(f"  {mood:10} {name:14} {ms:6.3f} ms   {ms / unit:5.2f} remaps")
    figures = {"unit_ms": round(unit, 3), "frame_ms": {k: round(v, 3) for k, v in cost.items()}}
    print(json.dumps(figures | {"machine": platform.processor() or platform.machine()}))


if __name__ == "__main__":
    main()
