"""Draw what the faces can do: `python tools/faces/sheet.py face1 face2`.

A sheet of 24 expressions of each; with `--together` one picture of all of them at rest.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.channels import Pose, both
from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.life import RESTING
from rtav.engines.avatar.lips import SHAPES
from rtav.engines.avatar.renderer import Renderer

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
SIZE_PX = 512
TILE_PX = 240
PORTRAIT_PX = 320
TRIM_PX = 4
COLUMNS = 6


def viseme(name: str) -> Pose:
    pose: Pose = {}
    for channel, value in SHAPES[name].items():
        sided = channel in ("mouthUpperUp", "mouthLowerDown")
        pose.update(dict.fromkeys(both(channel) if sided else (channel,), value))
    return pose


def two(name: str, value: float) -> Pose:
    return dict.fromkeys(both(name), value)


SMILE = two("mouthSmile", 0.8) | two("cheekSquint", 0.4)
TEETH = (
    two("mouthSmile", 0.85)
    | two("mouthUpperUp", 0.7)
    | two("mouthLowerDown", 0.15)
    | {"mouthStretch": 0.25, "jawOpen": 0.1}
    | two("cheekSquint", 0.8)
    | two("eyeSquint", 0.4)
)
POSES: dict[str, Pose] = {
    "neutral": {},
    "smile": SMILE,
    "smile, teeth": TEETH,
    "wink": SMILE | {"eyeBlinkLeft": 1.0, "cheekSquintLeft": 0.8, "headRoll": 5.0},
    "blink": two("eyeBlink", 1.0),
    "half shut": two("eyeBlink", 0.5),
    "PP": viseme("PP"),
    "FF": viseme("FF"),
    "aa": viseme("aa"),
    "E": viseme("E"),
    "O": viseme("O"),
    "U": viseme("U"),
    "I": viseme("I"),
    "SS": viseme("SS"),
    "TH": viseme("TH"),
    "wide open": {"jawOpen": 1.0},
    "surprise": {"jawOpen": 0.55, "browInnerUp": 0.9} | two("browOuterUp", 0.9) | two("eyeWide", 1),
    "frown": two("mouthFrown", 0.8) | two("browDown", 0.9),
    "thinking": {"gazeX": 12.0, "gazeY": 7.0, "headYaw": 4.0, "headRoll": 3.0},
    "left": {"headYaw": -13.0, "gazeX": 9.0},
    "right": {"headYaw": 13.0, "gazeX": -9.0},
    "up": {"headPitch": -10.0, "gazeY": -7.0},
    "down": {"headPitch": 10.0, "gazeY": 7.0},
    "tilted": {"headRoll": 10.0, **SMILE},
}


def opened(face_id: str) -> Renderer:
    folder = ROOT / "src" / "rtav" / "assets" / "faces" / face_id
    return Renderer(FaceAsset(read_face(folder), SIZE_PX))


def tile(renderer: Renderer, pose: Pose, size_px: int) -> np.ndarray:
    """(size_px, size_px, 3) BGR."""
    picture = cv2.cvtColor(renderer.render(RESTING | pose), cv2.COLOR_YUV2BGR_I420)
    return cv2.resize(picture, (size_px, size_px), interpolation=cv2.INTER_AREA)


def together(face_ids: list[str]) -> np.ndarray:
    """(H, W, 3) BGR: all of them at rest, in two rows."""
    tiles = [tile(opened(face_id), {}, PORTRAIT_PX) for face_id in face_ids]
    columns = -(-len(tiles) // 2)
    tiles += [np.full_like(tiles[0], 255)] * (2 * columns - len(tiles))
    return np.vstack([np.hstack(tiles[:columns]), np.hstack(tiles[columns:])])


def sheet(face_id: str) -> np.ndarray:
    """(H, W, 3) BGR."""
    renderer, tiles = opened(face_id), []
    for name, pose in POSES.items():
        shown = tile(renderer, pose, TILE_PX)
        at = (6, TILE_PX - 8)
        cv2.putText(shown, name, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (40, 34, 30), 1, cv2.LINE_AA)
        tiles.append(shown[TRIM_PX:])
    rows = [np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)]
    return np.vstack(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ids", nargs="+")
    parser.add_argument("--together", action="store_true", help="write faces.png instead")
    arguments = parser.parse_args()
    IMAGES.mkdir(parents=True, exist_ok=True)
    if arguments.together:
        _write("faces", together(arguments.ids))
        return
    for face_id in arguments.ids:
        _write(f"{face_id}-sheet", sheet(face_id))


def _write(name: str, picture: np.ndarray) -> None:
    path = IMAGES / f"{name}.png"
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
