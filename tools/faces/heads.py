"""What a head is measured by, and the person it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from features import Features, Lids
from numpy.typing import NDArray

from rtav.engines.avatar.shapes import Mouth, bell

# what every picture shares, in head units: y up, +z towards the camera, the skull about 1.6 wide
CAMERA_Z = 7.0
FOCAL = CAMERA_Z / 1.70
CAMERA_Y = -0.30
PIVOT = (0.0, -0.85, -0.15)  # the neck's joint

EYE_X, EYE_Y, EYE_Z, EYE_R = 0.300, 0.085, 0.520, 0.255
MOUTH_Y = -0.500
MOUTH_HALF_WIDTH = 0.235
LID = 0.018  # thickness
TURTLENECK, CREW_NECK, SHIRT, BLAZER = range(4)  # clothes


class Head(NamedTuple):
    """The measures of one head, in head units; a NamedTuple because numba compiles it away."""

    clothes: int = TURTLENECK
    skull_width: float = 0.76
    skull_height: float = 0.82
    forehead: float = 0.10
    """How far it is filled out above the brows."""
    brow_ridge: float = 0.18
    cheek: float = 0.225
    cheek_x: float = 0.33
    cheek_y: float = -0.22
    jaw_width: float = 0.60
    jaw_height: float = 0.66
    jaw_drop: float = 0.30
    jaw_corner: float = 0.17
    """Radius of the jaw's corners below the ears."""
    jaw_corner_x: float = 0.38
    chin_width: float = 0.26
    chin_drop: float = 0.79
    chin_depth: float = 0.42
    chin_reach: float = 0.195
    chin_height: float = 0.150
    neck: float = 0.315
    collar: float = 0.415
    shoulders: float = 1.0
    eye_x: float = EYE_X
    eye_y: float = EYE_Y
    eye_z: float = EYE_Z
    eye_r: float = EYE_R
    eye_width: float = 0.188
    """Half of the opening between the lids."""
    eye_up: float = 0.104
    eye_low: float = 0.088
    eye_tilt: float = 0.016
    """Rise of the outer corner."""
    fold: float = 0.0
    """Fullness between the upper lid and the brow."""
    nose_length: float = 0.26
    """From the eyes to the tip."""
    nose_width: float = 1.0
    nose_tip: float = 1.1
    nose_bridge: float = 1.0
    nose_reach: float = 0.0
    ear: float = 1.0
    mouth_y: float = MOUTH_Y
    mouth: float = MOUTH_HALF_WIDTH
    """Half of its width."""
    upper_lip: float = 1.0
    lower_lip: float = 1.0
    lip_reach: float = 1.0
    smile: float = 0.030
    """Rise of the corners at rest."""
    brow_x: float = 0.115
    brow_y: float = 0.385
    brow_arch: float = 0.060
    brow_width: float = 0.050
    brow_length: float = 0.38
    hairline: float = 0.80
    """Its height over the middle of the forehead."""
    recede: float = 0.0
    """How far it goes back at the temples."""
    sideburn: float = -0.06
    """Its height."""
    age: float = 0.0
    """0 to 1: folds and wrinkles."""
    freckles: float = 0.0
    stubble: float = 0.0
    """0 to 1: the shade of a shaved beard."""
    blush: float = 1.0


def features_of(head: Head) -> Features:
    """Where the features of `head` are, for the bake."""

    def seam(x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same curve as `anatomy.seam`."""
        u = np.abs(x) / head.mouth
        return np.asarray(head.mouth_y + head.smile * u * u - 0.006 * bell(x, 0.05))

    lids = Lids(
        radius=head.eye_r + LID,
        half_width=head.eye_width,
        up=(head.eye_up, 2.3, -0.10),
        low=(head.eye_low, 2.1, 0.12),
        tilt=head.eye_tilt,
    )
    eye = (head.eye_x, head.eye_y, head.eye_z, head.eye_r)
    return Features(eye, Mouth(head.mouth, seam), head.mouth_y, lids)


FEATURES = features_of(Head())


class Person(NamedTuple):
    """One face to deliver. Colours are sRGB hex."""

    id: str
    name: str
    voice: str
    head: tuple[float, ...]
    """Its measures: what the anatomy of its style asks for, a `Head` for people."""
    colours: tuple[str, ...]
    """People: skin, lips, hair, clothes, iris, what is under the clothes, brows and beard."""
    backdrop: tuple[str, str]
    """Centre and edge."""
    lash: float
    """Thickness of the lashes."""
    features: Features = FEATURES
    ink: Mapping[str, str | float] = MappingProxyType({})
    """What of `rtav.engines.avatar.ink` is not as for people."""
    style: str = "light"
    """The module whose `photograph(person, scene, size)` makes the pictures of the face."""
    cut: str = ""
    """People: which of `hairstyles.CUTS`."""
    beard: float = 0.0
    """People: length of the beard in head units; 0: shaved."""
    glasses: str = ""
    """People: colour of their wire, if there are any."""
