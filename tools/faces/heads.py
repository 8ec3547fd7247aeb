"""The people: measures, colours and the story each face is delivered with."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from features import Features
from numpy.typing import NDArray

from rtav.engines.avatar.shapes import Mouth, bell

# what every head shares, in head units: y up, +z towards the camera, the skull about 1.6 wide
EYE_X, EYE_Y, EYE_Z, EYE_R = 0.300, 0.085, 0.520, 0.255
LID_R = EYE_R + 0.018
MOUTH_Y = -0.500
MOUTH_HALF_WIDTH = 0.235
CAMERA_Z = 7.0
FOCAL = CAMERA_Z / 1.70
CAMERA_Y = -0.30
PIVOT = (0.0, -0.85, -0.15)  # the neck's joint


def _seam(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same curve as in `anatomy.seam`."""
    u = np.abs(x) / MOUTH_HALF_WIDTH
    return MOUTH_Y + 0.030 * u * u - 0.006 * bell(x, 0.05)


FEATURES = Features((EYE_X, EYE_Y, EYE_Z, EYE_R), Mouth(MOUTH_HALF_WIDTH, _seam), MOUTH_Y)

BOB, CROP = 0, 1  # hair cuts


class Head(NamedTuple):
    """The measures of one head, in head units; a NamedTuple because numba compiles it away."""

    hair: int
    jaw_width: float
    jaw_drop: float
    jaw_height: float
    chin_width: float
    chin_drop: float
    chin_depth: float
    chin_reach: float
    chin_height: float
    cheek: float
    neck: float
    collar: float
    brow_y: float
    brow_arch: float
    brow_width: float


class Person(NamedTuple):
    """One face to deliver. Colours are sRGB hex: skin, lips, hair, clothes, iris."""

    id: str
    name: str
    voice: str
    head: tuple[float, ...]
    """Its measures: what the anatomy of its style asks for, a `Head` for people."""
    colours: tuple[str, str, str, str, str]
    backdrop: tuple[str, str]
    """Centre and edge."""
    lash: float
    """Thickness of the lashes."""
    features: Features = FEATURES
    ink: Mapping[str, str | float] = MappingProxyType({})
    """What of `rtav.engines.avatar.ink` is not as for people."""
    style: str = "light"
    """The module whose `photograph(person, scene, size)` makes the pictures of the face."""


PEOPLE = {
    person.id: person
    for person in (
        Person(
            id="face1",
            name="Mia",
            voice="alice",
            head=Head(
                hair=BOB,
                jaw_width=0.590,
                jaw_drop=0.28,
                jaw_height=0.67,
                chin_width=0.215,
                chin_drop=0.78,
                chin_depth=0.43,
                chin_reach=0.190,
                chin_height=0.150,
                cheek=0.235,
                neck=0.315,
                collar=0.415,
                brow_y=0.385,
                brow_arch=0.070,
                brow_width=0.046,
            ),
            colours=("#eeb795", "#c9696a", "#4a2a1c", "#2f7f86", "#5b8f86"),
            backdrop=("#c6ced6", "#808896"),
            lash=1.0,
        ),
        Person(
            id="face2",
            name="Leo",
            voice="anthony",
            head=Head(
                hair=CROP,
                jaw_width=0.630,
                jaw_drop=0.32,
                jaw_height=0.66,
                chin_width=0.345,
                chin_drop=0.80,
                chin_depth=0.40,
                chin_reach=0.200,
                chin_height=0.175,
                cheek=0.225,
                neck=0.360,
                collar=0.450,
                brow_y=0.360,
                brow_arch=0.045,
                brow_width=0.060,
            ),
            colours=("#b07a55", "#a0604f", "#241a15", "#3a4a63", "#6b4526"),
            backdrop=("#c6ced6", "#808896"),
            lash=0.35,
        ),
    )
}
