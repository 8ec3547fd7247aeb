"""Look at driving motions: `python tools/faces/strip.py face1 Wink`, or `--peaks` for all of them.

A strip shows one motion as a caller sees it, played once at rest and followed by `default`, with
the signs of life over it. `--peaks` writes docs/images/motions.png: every motion where it is
farthest from rest.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from random import Random

import cv2
import numpy as np

from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.channels import RANGES, Pose, clamp
from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.life import Signs
from rtav.engines.avatar.motion import Motion, read_motion
from rtav.engines.avatar.nature import Nature
from rtav.engines.avatar.performance import Performance
from rtav.engines.avatar.renderer import Renderer
from rtav.engines.base import Moment
from rtav.media.pcm import SESSION_RATE_HZ

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "src" / "rtav" / "assets"
SIZE_PX = 512
TILE_PX = 192
CUT = np.s_[0:440, 36:476]  # of the frame: head and shoulders
COLUMNS = 8
FPS = 25
BEFORE_S, AFTER_S = 0.4, 0.8
SHUT = frozenset({"eyeBlinkLeft", "eyeBlinkRight"})
SHUT_LOSS = 0.35  # a face with shut eyes shows less of its motion


def renderer(face_id: str) -> Renderer:
    return Renderer(FaceAsset(read_face(ASSETS / "faces" / face_id), SIZE_PX))


def motions() -> dict[str, Motion]:
    found = [read_motion(path) for path in sorted((ASSETS / "driving").glob("*.json"))]
    return {motion.name: motion for motion in found}


def tile(draw: Renderer, pose: Pose, label: str) -> np.ndarray:
    """(TILE_PX, TILE_PX, 3) BGR."""
    picture = cv2.cvtColor(draw.render(pose), cv2.COLOR_YUV2BGR_I420)[CUT]
    small = cv2.resize(picture, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA)
    at = (4, TILE_PX - 6)
    cv2.putText(small, label, at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (40, 34, 30), 1, cv2.LINE_AA)
    return small


def grid(tiles: list[np.ndarray], columns: int) -> np.ndarray:
    blank = np.full_like(tiles[0], 255)
    full = tiles + [blank] * (-len(tiles) % columns)
    return np.vstack([np.hstack(full[i : i + columns]) for i in range(0, len(full), columns)])


def strip(draw: Renderer, motion: Motion, rest: Motion, *, step_s: float) -> np.ndarray:
    """(H, W, 3) BGR: a frame every `step_s`, from before the motion to after it."""
    performance = Performance(rest, Nature(Random(1)))
    performance.drive([motion, rest], at=round(BEFORE_S * SESSION_RATE_HZ))
    tiles, shown_s = [], 0.0
    for frame in range(round((BEFORE_S + motion.duration_s + AFTER_S) * FPS)):
        pose = performance.pose(Moment(at=frame * SESSION_RATE_HZ // FPS))
        if frame / FPS + 1e-6 >= shown_s:
            tiles.append(tile(draw, pose, f"{frame / FPS - BEFORE_S:.2f}"))
            shown_s += step_s
    return grid(tiles, COLUMNS)


def peak(motion: Motion, rest: Pose) -> Pose:
    """The pose of the motion that differs most from `rest`, eyes on the viewer as ever."""

    def distance(pose: Pose) -> float:
        return sum(
            -SHUT_LOSS * value
            if name in SHUT
            else abs(value - rest.get(name, 0.0)) / (RANGES[name][1] - RANGES[name][0])
            for name, value in pose.items()
            if name != "breath"
        )

    times = np.arange(0.0, motion.duration_s, 1 / FPS)
    pose = max((motion.at(float(t))[0] for t in times), key=distance)
    Signs(drift={}, gaze=(0.0, 0.0), glance=(0.0, 0.0), breath=0.0, lid=0.0).add_to(pose)
    return clamp(pose)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("face")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--peaks", action="store_true")
    parser.add_argument("--step", type=float, default=0.16, help="seconds between two frames")
    parser.add_argument("--out", type=Path, default=Path("."), help="where strips are written")
    asked = parser.parse_args()
    draw, known = renderer(asked.face), motions()
    rest = known["default"]
    pictures = {
        asked.out / f"{asked.face}-{name}.png": strip(draw, known[name], rest, step_s=asked.step)
        for name in asked.names
    }
    if asked.peaks:
        peaks = [tile(draw, peak(m, rest.at(0.0)[0]), m.name) for m in known.values()]
        pictures[ROOT / "docs" / "images" / "motions.png"] = grid(peaks, COLUMNS)
    for path, picture in pictures.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
