"""Reads from a picture of a face how far its lips are apart, as pictures with known lips taught it.

Colours alone do not tell: teeth are as bright as skin, a tongue is as red as a lip. A face of ours
can be drawn with any mouth, and where its lips are then is known, so a gauge learns each face from
some hundred drawings of it, turned and smiling, as they look behind an encoder.
"""

from __future__ import annotations

from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.channels import Pose, both
from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.geometry import Geometry
from rtav.engines.avatar.lips import SHAPES, mouth
from rtav.engines.avatar.portrait import ASSETS
from rtav.engines.avatar.renderer import Renderer
from rtav.engines.base import Viseme
from rtav.media.pcm import SESSION_RATE_HZ

F64 = NDArray[np.float64]

PATCH = (16, 12)
"""Width and height of the picture of a mouth that is looked at."""

CLOSED = 0.005
"""Lips that are less than this apart look closed: of the picture's height, 2.5 px of 512."""

SIZE_PX = 512
DRAWINGS = 700
JPEG = 60  # about what an encoder of video leaves of a mouth
RIDGE = 0.003
HALF_WIDTH, ABOVE, BELOW = 0.12, 0.06, 0.09  # of the picture, around the mouth at rest


def region(face: str) -> tuple[float, float, float, float]:
    """Where the mouth of a standard face is: left, top, width, height, of the picture's size."""
    file = read_face(ASSETS / "faces" / face)
    z, focal, y = file.camera
    depth = z - float(file.arrays["seam"][:, 2].max())
    middle = 0.5 - (file.mouth_y - y) * focal / depth / 2
    return 0.5 - HALF_WIDTH, middle - ABOVE, 2 * HALF_WIDTH, ABOVE + BELOW


class Gauge:
    """Of one standard face. Takes some 2 s to learn; the same face gives the same gauge."""

    def __init__(self, face: str, *, drawings: int = DRAWINGS) -> None:
        """Raises FileNotFoundError for a face that is not a standard one."""
        asset = FaceAsset(read_face(ASSETS / "faces" / face), SIZE_PX)
        self._geometry, self._renderer = Geometry(asset), Renderer(asset)
        self._region = region(face)
        random = Random(face)
        poses = [_anything(random) for _ in range(drawings)]
        seen = np.stack([self.patch(self.draw(pose)).ravel() / 255.0 for pose in poses])
        known = np.array([self.opening(pose) for pose in poses])
        self._examples, self._mean = seen, float(known.mean())
        distances = _distances(seen, seen)
        self._width = float(np.median(distances))
        likeness = np.exp(-distances / self._width) + RIDGE * np.eye(drawings)
        self._weights = np.linalg.solve(likeness, known - self._mean)

    def opening(self, pose: Pose) -> float:
        """How far the lips are apart in the middle half of the mouth, of the picture's height."""
        self._geometry.pose(pose)
        lips = self._geometry.pixels("lips")
        n = lips.shape[1] // 2
        gap = np.maximum(lips[1, n:] - lips[1, :n], 0)[n // 4 : -n // 4]
        return float(gap.mean()) / SIZE_PX

    def read(self, patches: NDArray[np.uint8]) -> F64:
        """The same (n,) of pictures of `region`, (n, 12, 16, 3) RGB."""
        seen = patches.reshape(len(patches), -1) / 255.0
        likeness = np.exp(-_distances(seen, self._examples) / self._width)
        return np.asarray(likeness @ self._weights + self._mean, np.float64)

    def draw(self, pose: Pose) -> NDArray[np.uint8]:
        """The face in a pose as it looks behind an encoder, (size, size, 3) RGB."""
        frame = np.ascontiguousarray(self._renderer.render(pose))
        picture = cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_I420)
        _, packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG])
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)

    def patch(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What `read` wants of a whole picture, (size, size, 3) RGB."""
        size = len(picture)
        left, top, width, height = (round(share * size) for share in self._region)
        cut = picture[top : top + height, left : left + width]
        return np.asarray(cv2.resize(cut, PATCH, interpolation=cv2.INTER_AREA), np.uint8)


def _anything(random: Random) -> Pose:
    """A mouth in the middle of some speech, on a head that is turned and may smile."""
    visemes, at = [], 0
    for _ in range(10):
        end = at + random.randint(1000, 4000)
        visemes.append(Viseme(name=random.choice(tuple(SHAPES)), start=at, end=end))
        at = end
    pose = dict(mouth(random.uniform(0.1, 0.8), visemes, rate_hz=SESSION_RATE_HZ))
    turns = {"headYaw": 6.0, "headPitch": 4.0, "headRoll": 4.0, "breath": 1.0}
    pose |= {name: random.uniform(-most, most) for name, most in turns.items()}
    if random.random() < 0.4:
        pose |= dict.fromkeys(both("mouthSmile"), random.uniform(0.0, 0.5))
    return pose


def _distances(a: F64, b: F64) -> F64:
    """Squared, (len(a), len(b))."""
    squares = np.square(a).sum(1)[:, None] + np.square(b).sum(1)[None]
    return np.asarray(squares - 2 * a @ b.T, np.float64)
