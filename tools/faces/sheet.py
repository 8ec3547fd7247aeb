"""Draw a sheet of 24 expressions: `python tools/faces/sheet.py face1 face2`."""

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
SIZE_PX = 512
TILE_PX = 240
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


def sheet(face_id: str) -> np.ndarray:
    """(H, W, 3) BGR."""
    folder = ROOT / "src" / "rtav" / "assets" / "faces" / face_id
    renderer = Renderer(FaceAsset(read_face(folder), SIZE_PX))
    tiles = []
    for name, pose in POSES.items():
        frame = renderer.render(RESTING | pose)
        picture = cv2.cvtColor(frame, cv2.COLOR_YUV2BGR_I420)
        tile = cv2.resize(picture, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA)
        at = (6, TILE_PX - 8)
        cv2.putText(tile, name, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (40, 34, 30), 1, cv2.LINE_AA)
        tiles.append(tile[TRIM_PX:])
    rows = [np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)]
    return np.vstack(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ids", nargs="+")
    for face_id in parser.parse_args().ids:
        path = ROOT / "docs" / "images" / f"{face_id}-sheet.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), sheet(face_id), [cv2.IMWRITE_PNG_COMPRESSION, 9])
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
