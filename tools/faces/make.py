"""Make the standard faces: `python tools/faces/make.py face1 face2` (half a minute each)."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

import cv2
from anatomy import BODY, EYES, HAIR_BACK, HEAD, SKIN
from bake import SIZE, bake
from cast import PEOPLE
from creatures import CREATURES

from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.renderer import Renderer

FACES = Path(__file__).resolve().parents[2] / "src" / "rtav" / "assets" / "faces"
PREVIEW_PX = 256
EVERYONE = PEOPLE | CREATURES
PREVIEW_POSE = {
    "mouthSmileLeft": 0.25,
    "mouthSmileRight": 0.25,
    "eyeBlinkLeft": 0.13,
    "eyeBlinkRight": 0.13,
    "eyeSquintLeft": 0.12,
    "eyeSquintRight": 0.12,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ids", nargs="+", choices=sorted(EVERYONE))
    for face_id in parser.parse_args().ids:
        person = EVERYONE[face_id]
        style = importlib.import_module(person.style)
        scenes = (SKIN, BODY, EYES, HEAD, HAIR_BACK)
        pictures = {
            scene: style.photograph(person, scene, SIZE * style.OVERSAMPLING) for scene in scenes
        }
        folder = FACES / face_id
        bake(person, style, pictures, folder)
        preview(folder)
        print(f"wrote {folder}")


def preview(folder: Path) -> None:
    """Write the small picture that shows the face in lists."""
    frame = Renderer(FaceAsset(read_face(folder), SIZE)).render(PREVIEW_POSE)
    picture = cv2.cvtColor(frame, cv2.COLOR_YUV2BGR_I420)
    small = cv2.resize(picture, (PREVIEW_PX, PREVIEW_PX), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(folder / "preview.png"), small)


if __name__ == "__main__":
    main()
