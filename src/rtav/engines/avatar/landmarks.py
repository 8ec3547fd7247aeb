"""Where the face is in a picture: twelve points or more, as a person or a detector places them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtav.engines.avatar.channels import SIDES
from rtav.errors import ProtocolError

Point = NDArray[np.float64]  # (2,) px, x to the right and y down

_OF_EYES = ("Inner", "Outer", "Top", "Bottom")
REQUIRED = (
    *(f"eye{side}{part}" for side in SIDES for part in _OF_EYES),
    "mouthLeft", "mouthRight", "mouthCentre", "chin",
)  # fmt: skip
"""Left and Right are the subject's, as everywhere: its left eye is on the picture's right."""
OPTIONAL = ("pupilLeft", "pupilRight", "noseTip", "headTop")
MIN_EYES_PX = 48  # between the eyes' middles: below, an eye is ten pixels wide
MAX_ROLL_DEG = 25.0


def read_landmarks(given: Any, width: int, height: int) -> dict[str, Point]:  # Any: JSON
    """The points, checked: all that are required, and the optional ones where they were placed.

    `given` is `{name: [x, y]}` in pixels of the picture as it is seen, or `{"points": {…}}`. Raises
    ProtocolError naming the point.
    """
    if isinstance(given, Mapping) and isinstance(given.get("points"), Mapping):
        given = given["points"]
    if not isinstance(given, Mapping):
        raise missing()
    if unknown := sorted(set(map(str, given)) - {*REQUIRED, *OPTIONAL}):
        raise wrong(unknown[0][:40], f"is none of {', '.join((*REQUIRED, *OPTIONAL))}")
    if lacking := [name for name in REQUIRED if name not in given]:
        raise missing(lacking)
    points = {name: _point(name, given[name], width, height) for name in given}
    for side in SIDES:
        corners = [points[f"eye{side}{part}"] for part in _OF_EYES]
        points.setdefault(f"pupil{side}", np.mean(corners, axis=0))
    _check(points)
    return points


def wrong(name: str, message: str) -> ProtocolError:
    """What is wrong with one point, or with where the points are."""
    return ProtocolError(
        f"landmarks: {name} {message}", code="invalid_face", param=f"landmarks.{name}"
    )


def middle(points: Mapping[str, Point], side: str) -> Point:
    """Of an eye: between its corners."""
    return (points[f"eye{side}Inner"] + points[f"eye{side}Outer"]) / 2


def missing(names: Sequence[str] = REQUIRED) -> ProtocolError:
    """Nobody has said where these points are."""
    return ProtocolError(
        f"A picture needs `landmarks`, where its face is: {', '.join(names)} missing, each as"
        " [x, y] in pixels. Left and Right are the subject's own.",
        code="missing_landmarks",
        param="landmarks",
    )


def _point(name: str, value: Any, width: int, height: int) -> Point:  # Any: JSON
    is_pair = isinstance(value, list) and len(value) == 2
    if not is_pair or not all(
        isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in value
    ):
        raise wrong(name, "must be [x, y]")
    x, y = (float(v) for v in value)
    if not (0 <= x <= width and 0 <= y <= height):
        raise wrong(name, f"is outside the picture of {width} x {height} px")
    return np.array([x, y])


def _check(points: Mapping[str, Point]) -> None:
    """Whether a face can be like this, seen from the front."""
    left, right = middle(points, "Left"), middle(points, "Right")
    if left[0] <= right[0]:
        raise wrong("eyeLeftInner", "Left is the subject's own: its left eye is on the right")
    across = left - right
    apart = float(np.hypot(*across))
    if apart < MIN_EYES_PX:
        raise wrong("eyeLeftInner", f"the eyes are {apart:.0f} px apart, at least {MIN_EYES_PX}")
    if abs(math.degrees(math.atan2(across[1], across[0]))) > MAX_ROLL_DEG:
        raise wrong("eyeLeftInner", f"the head is tilted by more than {MAX_ROLL_DEG:g} degrees")
    unit = across / apart
    down = np.array([-unit[1], unit[0]])
    # from between the eyes, along and across the head, in distances of the eyes
    centre, axes = (left + right) / 2, np.stack([unit, down]) / apart
    seen = {name: axes @ (point - centre) for name, point in points.items()}
    _check_eyes(seen)
    _check_mouth(seen)


def _check_eyes(seen: Mapping[str, Point]) -> None:
    for side, sign in zip(SIDES, (1, -1), strict=True):
        width = sign * (seen[f"eye{side}Outer"][0] - seen[f"eye{side}Inner"][0])
        if not 0.15 < width < 1.0:
            raise wrong(f"eye{side}Outer", "and Inner are not the two corners of an eye")
        if not 0.03 < seen[f"eye{side}Bottom"][1] - seen[f"eye{side}Top"][1] < 0.8:
            raise wrong(f"eye{side}Top", "is not above Bottom: the eyes must be open")
        ahead, below = seen[f"pupil{side}"] - middle(seen, side)
        if not (abs(ahead) < width / 2 and abs(below) < width / 2):
            raise wrong(f"pupil{side}", "is not between the corners of its eye")


def _check_mouth(seen: Mapping[str, Point]) -> None:
    (corner_left, y_left), (corner_right, y_right) = seen["mouthLeft"], seen["mouthRight"]
    (x_mouth, y_mouth), (_, y_chin) = seen["mouthCentre"], seen["chin"]
    if not 0.3 < corner_left - corner_right < 2.0 or min(y_left, y_right) < 0.3:
        raise wrong("mouthLeft", "and mouthRight are not the corners of a mouth below the eyes")
    if not corner_right < x_mouth < corner_left or not 0.3 < y_mouth < 2.5:
        raise wrong("mouthCentre", "is not between the mouth's corners")
    if not 0.12 < y_chin - y_mouth < 1.5:
        raise wrong("chin", "is not below the mouth")
    if abs((corner_left + corner_right) / 2) > 0.22 or (
        "noseTip" in seen and abs(seen["noseTip"][0]) > 0.25
    ):
        raise wrong("noseTip", "the face looks to the side: it must be seen from the front")
