"""Where skin folds: light and shadow that come with a smile, a frown or raised brows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from rtav.engines.avatar.camera import F32, Camera
from rtav.engines.avatar.channels import Pose, both
from rtav.engines.avatar.face import FaceFile
from rtav.engines.avatar.layers import CELL_PX, Layer, Nodes
from rtav.engines.avatar.paint import U8, Rect
from rtav.engines.avatar.shapes import Field, bell, step

NEUTRAL = 128  # of a map: light as it is; 0 would be none and 255 double
FAINT = 0.012  # light that is not worth the pixels it reaches
UNSEEN = 0.02  # strength below which nothing is drawn
SHADOW_COLOUR = (1.5, 1.25, 0.55)  # exponents of blue, green and red: shadows on skin are red

STARTS: Mapping[str, tuple[tuple[str, float, float], ...]] = {
    **{
        f"smile{side}": ((f"mouthSmile{side}", 1.25, 0.25), (f"cheekSquint{side}", 0.25, 0.0))
        for side in ("Left", "Right")
    },
    "corners": tuple((name, 0.6, 0.1) for name in both("mouthFrown")),
    "furrow": tuple((name, 0.55, 0.1) for name in both("browDown")),
    "forehead": (("browInnerUp", 0.6, 0.3), *((name, 0.3, 0.3) for name in both("browOuterUp"))),
}
"""What makes each fold: channels, how strongly, and from which value on."""


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the head's picture that has folds."""

    rect: Rect
    """In the picture, px."""
    nodes: Nodes
    """Of the head, those in `rect`."""
    maps: tuple[tuple[str, F32], ...]
    """By the name of the fold, how much it adds to NEUTRAL at full strength."""

    def light(self, shown: Mapping[str, float]) -> U8:
        """What all folds leave of the light together, as a map."""
        total = np.full(self.maps[0][1].shape, NEUTRAL + 0.5, np.float32)
        for name, change in self.maps:
            if name in shown:
                cv2.scaleAdd(change, shown[name], total, total)
        return cast(U8, total.clip(0, 255).astype(np.uint8))


def build_folds(face: FaceFile, camera: Camera, head: Layer) -> tuple[Area, ...]:
    """The areas of `face`, whose head lies in `head`; none if its skin does not fold."""
    if not face.ink.fold:
        return ()
    points = camera.nodes(face.arrays["depth_head"], camera.size_px).astype(np.float64)
    marks = _Marks(face)
    cheeks, brows = _cheeks(points, marks), _brows(points, marks)
    return tuple(_area(maps, face.ink.fold, head) for maps in (cheeks, brows))


def strengths(pose: Pose, names: Iterable[str]) -> dict[str, float]:
    """The folds among `names` that show in `pose`, 0 to 1."""
    shown = {}
    for name in names:
        terms = STARTS[name]
        total = sum(
            gain * max(0.0, pose.get(channel, 0.0) - start) for channel, gain, start in terms
        )
        if total > UNSEEN:
            shown[name] = min(1.0, total)
    return shown


def fold(
    head: U8, box: Rect, area: Area, maps: tuple[F32, F32], where: tuple[F32, F32], pose: Pose
) -> None:
    """Shade `head`, the part `box` of the frame, where `area` folds in `pose`.

    `maps` say where every pixel of `box` comes from, `where` where the head's nodes are.
    """
    shown = strengths(pose, (name for name, _ in area.maps))
    if not shown:
        return
    x, y = where[0][area.nodes], where[1][area.nodes]
    x0, y0 = max(box[0], int(x.min())), max(box[1], int(y.min()))
    x1, y1 = min(box[2], int(x.max()) + 1), min(box[3], int(y.max()) + 1)
    if x1 - x0 < CELL_PX or y1 - y0 < CELL_PX:
        return
    part = np.s_[y0 - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]]
    index = cv2.remap(
        area.light(shown),
        maps[0][part] - np.float32(area.rect[0]),
        maps[1][part] - np.float32(area.rect[1]),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=NEUTRAL,
    )
    gain = np.take(_GAIN, cast(U8, index)).view(np.uint8).reshape(*index.shape, 4)
    cv2.multiply(head[part], gain, head[part], 1 / NEUTRAL)


def _gain() -> NDArray[np.uint32]:
    """(256,) BGRA in one number each: a map's value to light, shadows being red."""
    light = np.arange(256) / NEUTRAL
    colours = [np.where(light < 1, light**power, light) for power in SHADOW_COLOUR]
    gain = np.rint(np.stack([*colours, np.ones(256)], -1) * NEUTRAL)
    return np.asarray(np.clip(gain, 0, 255).astype(np.uint8).view(np.uint32)[:, 0])


_GAIN = _gain()


def _area(maps: Mapping[str, Field], strength: float, head: Layer) -> Area:
    """Cut out what the maps touch; what is fainter than FAINT is left out."""
    maps = {name: field - np.clip(field, -FAINT, FAINT) for name, field in maps.items()}
    some = np.any([field != 0 for field in maps.values()], 0)
    rows, columns = np.flatnonzero(some.any(1)), np.flatnonzero(some.any(0))
    x0, y0 = int(columns[0]) // CELL_PX * CELL_PX, int(rows[0]) // CELL_PX * CELL_PX
    x1, y1 = (-(-(int(last) + 1) // CELL_PX) * CELL_PX for last in (columns[-1], rows[-1]))
    across = np.arange(x0 // CELL_PX, x1 // CELL_PX) - head.rect[0]
    down = np.arange(y0 // CELL_PX, y1 // CELL_PX) - head.rect[1]
    across = across[(across >= 0) & (across < head.shape[1])]
    down = down[(down >= 0) & (down < head.shape[0])]
    nodes = (down[:, None] * head.shape[1] + across[None]).ravel()
    cut = {
        name: np.ascontiguousarray(field[y0:y1, x0:x1] * NEUTRAL * strength, np.float32)
        for name, field in maps.items()
    }
    return Area((x0, y0, x1, y1), nodes, tuple(cut.items()))


class _Marks:
    """Where folds begin and end: eyes, nose and mouth of this face, of its left half."""

    def __init__(self, face: FaceFile) -> None:
        left, right = face.eyes["Left"], face.eyes["Right"]
        seam = face.arrays["seam"]
        self.middle = float(left[0] + right[0]) / 2
        self.eye_x, self.eye_y = float(left[0] - right[0]) / 2, float(left[1] + right[1]) / 2
        self.mouth_x = float(seam[:, 0].max() - seam[:, 0].min()) / 2
        self.mouth_y = float(seam[0, 1] + seam[-1, 1]) / 2
        self.unit = self.eye_x / 0.30
        """Of our own heads' lengths."""
        self.nose_y = self.eye_y + 0.48 * (self.mouth_y - self.eye_y)
        self.nose_x = 0.56 * self.mouth_x


def _cheeks(points: NDArray[np.float64], m: _Marks) -> dict[str, Field]:
    """Beside nose and mouth, and under the eyes."""
    maps = {}
    y = points[1]
    for name, side in (("smileLeft", 1.0), ("smileRight", -1.0)):
        x = (points[0] - m.middle) * side
        maps[name] = np.where(x > 0, _smile(x, y, m), 0.0)
    x = np.abs(points[0] - m.middle)
    along = (m.mouth_y - y) / (0.16 * m.unit)
    beside = x - (m.mouth_x + 0.035 * m.unit + 0.02 * m.unit * along)
    line = bell(beside, 0.040 * m.unit) * step(-0.15, 0.25, along) * (1 - step(0.7, 1.2, along))
    maps["corners"] = -0.13 * line
    return maps


def _smile(x: Field, y: Field, m: _Marks) -> Field:
    u = m.unit
    # from the wing of the nose around the corner of the mouth
    top, bottom = m.nose_y + 0.04 * u, m.mouth_y - 0.02 * u
    t = (top - y) / (top - bottom)
    s = np.clip(t, -0.2, 1.2)
    curve = m.nose_x + 0.025 * u + (m.mouth_x + 0.075 * u - m.nose_x) * s + 0.05 * u * s * (1 - s)
    beside = x - curve
    soft = np.where(beside > 0, bell(beside, 0.026 * u), bell(beside, 0.048 * u))
    crease = soft * step(-0.10, 0.22, t) * (1 - step(0.70, 1.12, t))
    cheek_y = m.eye_y + 0.40 * (m.mouth_y - m.eye_y)
    apple = bell(x - m.eye_x - 0.05 * u, 0.13 * u) * bell(y - cheek_y, 0.10 * u)
    under = bell(x - m.eye_x - 0.02 * u, 0.14 * u) * bell(y - cheek_y + 0.17 * u, 0.06 * u)
    dimple = bell(x - m.mouth_x - 0.055 * u, 0.022 * u) * bell(y - m.mouth_y, 0.035 * u)
    # the lower lid's pouch
    arch = m.eye_y - 0.142 * u + 0.055 * u * ((x - m.eye_x) / (0.2 * u)) ** 2
    pouch = bell(y - arch, 0.014 * u) * bell(x - m.eye_x, 0.13 * u)
    feet = np.zeros_like(x)
    out = (x - m.eye_x - 0.205 * u) / (0.10 * u)
    for slope in (0.40, -0.05, -0.50):
        ray = m.eye_y - 0.01 * u + slope * (x - m.eye_x - 0.205 * u)
        feet += bell(y - ray, 0.010 * u) * step(0.0, 0.3, out) * (1 - step(0.5, 1.0, out))
    shadow = 0.18 * crease + 0.07 * under + 0.12 * dimple + 0.10 * pouch + 0.08 * feet
    return np.asarray(0.09 * apple - shadow)


def _brows(points: NDArray[np.float64], m: _Marks) -> dict[str, Field]:
    """Between the brows and above them."""
    x, y, u = np.abs(points[0] - m.middle), points[1], m.unit
    height = (y - m.eye_y) / u
    between = bell(x - (0.045 + 0.05 * (height - 0.2)) * u, 0.017 * u)
    furrow = between * step(0.14, 0.24, height) * (1 - step(0.28, 0.38, height))
    lines: Field = np.zeros_like(x)
    for at in (0.46, 0.55):
        arch = at + 0.05 * bell(x - 0.22 * u, 0.16 * u)
        lines = lines + bell(height - arch, 0.014)
    lines = lines * (1 - step(0.22 * u, 0.42 * u, x))
    return {"furrow": -0.17 * furrow, "forehead": -0.12 * lines}
