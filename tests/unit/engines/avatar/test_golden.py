"""Golden frames: a dozen poses of three faces look as they did when someone last looked at them.

After a change that is meant to be seen, look at the sheets and rewrite them:
`PYTHONPATH=src python tests/unit/engines/avatar/test_golden.py`.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.channels import Pose, both
from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.life import RESTING
from rtav.engines.avatar.lips import SHAPES
from rtav.engines.avatar.portrait import ASSETS
from rtav.engines.avatar.renderer import Renderer

GOLDEN = Path(__file__).parent / "golden"
FACES = ("face1", "face6", "face8")  # a person, fur, a drawing
SIZE_PX, SMALL_PX, COLUMNS = 256, 128, 4
MEAN_LEVELS, MOST_LEVELS = 0.6, 12.0  # another CPU rounds otherwise; lips that stay apart are 40


def spoken(viseme: str) -> Pose:
    sided = ("mouthUpperUp", "mouthLowerDown")
    return {
        name: value
        for channel, value in SHAPES[viseme].items()
        for name in (both(channel) if channel in sided else (channel,))
    }


def two(name: str, value: float) -> Pose:
    return dict.fromkeys(both(name), value)


POSES: dict[str, Pose] = {
    "rest": {},
    "smile": two("mouthSmile", 0.9) | two("mouthUpperUp", 0.6) | two("cheekSquint", 0.6),
    "wink": {"eyeBlinkLeft": 1.0, "headRoll": 5.0},
    "shut": two("eyeBlink", 1.0),
    "half shut": two("eyeBlink", 0.5),
    "PP": spoken("PP"),
    "FF": spoken("FF"),
    "aa": spoken("aa"),
    "U": spoken("U"),
    "surprise": {"jawOpen": 0.5, "browInnerUp": 0.9} | two("browOuterUp", 0.9) | two("eyeWide", 1),
    "frown": two("mouthFrown", 0.8) | two("browDown", 0.9),
    "turned": {"headYaw": 12.0, "headPitch": 5.0, "gazeX": -8.0} | spoken("E"),
}


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("pose", POSES)
def test_a_face_looks_as_it_did(face: str, pose: str) -> None:
    mean, most = difference(small(renderer(face), POSES[pose]), golden(face)[pose])

    assert mean < MEAN_LEVELS
    assert most < MOST_LEVELS


@pytest.mark.parametrize(
    ("pose", "defect"),
    [
        ("rest", {"jawOpen": 0.12}),
        ("rest", two("eyeBlink", 0.3)),
        ("rest", {"gazeX": 6.0}),
        ("rest", {"headX": 0.03}),
        ("PP", {"mouthClose": 0.0, "jawOpen": 0.15}),
        ("shut", two("eyeBlink", 0.8)),
        ("frown", two("browDown", 0.4)),
    ],
)
def test_a_defect_that_can_be_seen_is_beyond_the_tolerance(pose: str, defect: Pose) -> None:
    mean, most = difference(
        small(renderer("face1"), POSES[pose] | defect), small(renderer("face1"), POSES[pose])
    )

    assert mean > MEAN_LEVELS or most > MOST_LEVELS


def difference(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Mean and greatest difference of two small pictures that are looked at without glasses."""
    soft = [cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 1.0) for picture in (a, b)]
    apart = np.abs(soft[0] - soft[1])
    return float(apart.mean()), float(apart.max())


_renderers: dict[str, Renderer] = {}


def renderer(face: str) -> Renderer:
    if face not in _renderers:
        _renderers[face] = Renderer(FaceAsset(read_face(ASSETS / "faces" / face), SIZE_PX))
    return _renderers[face]


def small(face: Renderer, pose: Pose) -> np.ndarray:
    """Brightness and both colours, one below the other, (SMALL_PX * 3 / 2, SMALL_PX)."""
    frame = face.render(RESTING | pose)
    y, uv = frame[:SIZE_PX], frame[SIZE_PX:].reshape(-1, SIZE_PX // 2)
    halves = [cv2.resize(uv[i : i + SIZE_PX // 2], None, fx=0.5, fy=0.5) for i in (0, SIZE_PX // 2)]
    small_y = cv2.resize(y, (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_AREA)
    return np.vstack([small_y, np.hstack(halves)])


def golden(face: str) -> dict[str, np.ndarray]:
    picture = cv2.imread(str(GOLDEN / f"{face}.png"), cv2.IMREAD_GRAYSCALE)
    return dict(zip(POSES, _tiles(picture), strict=True))


def _tiles(picture: np.ndarray) -> Iterator[np.ndarray]:
    for row in np.split(picture, len(POSES) // COLUMNS):
        yield from np.split(row, COLUMNS, axis=1)


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for face in FACES:
        tiles = [small(renderer(face), pose) for pose in POSES.values()]
        rows = [np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)]
        cv2.imwrite(str(GOLDEN / f"{face}.png"), np.vstack(rows))


if __name__ == "__main__":
    main()
