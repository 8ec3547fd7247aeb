"""Makes a face of one picture and its landmarks: a photograph, a drawing, a frame of a film.

The whole picture is one layer that follows the head's movements as far as `hold` lets it, and not
at its borders. Lids and lips move in it by the shape functions of our own heads, with this head's
eyes, mouth and chin brought to where those have theirs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import rtav
from rtav.engines.avatar.camera import Camera
from rtav.engines.avatar.channels import SIDES
from rtav.engines.avatar.eyeballs import eyeballs, lash_px
from rtav.engines.avatar.face import SPRITES, FaceFile
from rtav.engines.avatar.landmarks import Point, middle
from rtav.engines.avatar.paint import U8
from rtav.engines.avatar.picture import UNDER
from rtav.engines.avatar.shapes import Field, Mouth, Points, displacements, step

SIZE_PX, GRID = 720, 96
CAMERA_Z = 7.0
PIVOT = (0.0, -0.85, -0.15)
EYE_X, EYE_Y, MOUTH_Y, CHIN_Y = 0.300, 0.085, -0.500, -0.900
"""Where our own heads have theirs, in head units: the shape functions are written for these."""
FACE_Z = 0.50
FORWARD = 0.30
"""How much farther forward the mouths of our own heads are: the jaw's reach depends on it."""
NOSE_Z, NOSE_WIDTH = 0.16, 0.13
TURN = 0.6
"""How much of the head's turning a picture follows: farther round it has nothing to show."""
LID_POINTS, SEAM_POINTS = 25, 41
MOUTH_MARGIN = 8  # nodes around the mouth in which the lower lip has a field of its own
FRAME_UNITS = (1.25, 1.70)
"""Half of the frame's height in head units, at least and at most; the skull is about 1.6 wide."""
EYES_AT, ABOVE_HAIR = 0.78, 0.12
"""The eyes' distance from the frame's top, of half its height; what is left above the hair."""
LASH = (0.3, 1.8)
"""How strong the drawn lashes are, at least and at most: they hide under the lid what was there."""
LASH_PX = 3.4 * SIZE_PX / 512
"""How thick lashes of strength 1 are in their middle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Framed:
    """A picture that was cut and turned to the frame, and its landmarks there."""

    picture: U8
    """(SIZE_PX, SIZE_PX, 3) BGR."""
    points: Mapping[str, Point]
    camera: Camera

    def place(self, px: NDArray[np.float64], z: Field | float) -> Points:
        """(..., 2) pixels at depth `z` as (..., 3) head units."""
        scale = self.camera.focal / (self.camera.z - np.asarray(z))
        half = SIZE_PX / 2
        x, y = (px[..., 0] / half - 1) / scale, (1 - px[..., 1] / half) / scale + self.camera.y
        return np.stack([x, y, np.broadcast_to(z, x.shape)], -1)


def make_face(
    picture: U8,
    points: Mapping[str, Point],
    *,
    name: str,
    alpha: U8 | None = None,
    behind: tuple[int, int, int] | None = None,
) -> FaceFile:
    """`picture` is (H, W, 3) BGR of any size, `points` as `read_landmarks` gives them.

    `alpha` is (H, W): how much of it is there before `UNDER`, on which it lies. None: all.
    `behind`, BGR, is what is seen where it is not there; None: `UNDER`.
    """
    framed = frame(picture, points)
    whole = np.full((SIZE_PX, SIZE_PX), 255, np.uint8)
    there = whole if alpha is None else frame(alpha, points).picture
    is_cut_out = bool((there < 255).any())
    depth, hold = _depth(framed), _hold(framed)
    mouth_y, mouth = _mouth(framed)
    lids = _lids(framed)
    names, arrays = _fields(framed, depth, mouth_y, mouth)
    closed, balls, eyes = eyeballs(framed.picture, _outlines(framed), framed.points)
    clear = np.zeros((SIZE_PX, SIZE_PX, 4), np.uint8)
    sprites = Path(rtav.__file__).parent / "assets" / "faces" / "face1"
    return FaceFile(
        id="",
        name=name,
        voice=None,
        size_px=SIZE_PX,
        camera=(CAMERA_Z, framed.camera.focal, framed.camera.y),
        pivot=PIVOT,
        eyes={side: _ball(framed, side, eyes[side]) for side in SIDES},
        mouth_y=mouth_y,
        lash=_lash(framed),
        shapes=tuple(names),
        backdrop=np.full_like(framed.picture, behind or UNDER) if is_cut_out else framed.picture,
        pictures={
            "head": _cut_out(closed, there),
            "eyes": np.dstack([balls, whole]),
            **dict.fromkeys(("hair_back", "hair_front", "body"), clear),
            **{part: _sprite(sprites / f"{part}.png") for part in SPRITES},
        },
        arrays={
            "depth_head": depth.astype(np.float32),
            "depth_back": depth.astype(np.float32),
            "depth_front": depth.astype(np.float32),
            "hold": hold.astype(np.float32),
            **{part: array.astype(np.float32) for part, array in (arrays | lids).items()},
        },
    )


def _cut_out(picture: U8, alpha: U8) -> U8:
    """(H, W, 4) straight: without what shone through of the colour that it was laid on."""
    share = np.maximum(alpha, 1)[..., None].astype(np.float32) / 255
    own = (picture - UNDER * (1 - share)) / share
    return np.dstack([np.clip(own + 0.5, 0, 255).astype(np.uint8), alpha])


def _sprite(path: Path) -> U8:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), np.uint8)


# --- the frame -------------------------------------------------------------------------------


def frame(picture: U8, points: Mapping[str, Point]) -> Framed:
    """Turn the head upright and cut a square around it, as wide as the picture has something."""
    height, width = picture.shape[:2]
    left, right = middle(points, "Left"), middle(points, "Right")
    centre, across = (left + right) / 2, left - right
    unit_px = float(np.hypot(*across)) / (2 * EYE_X)
    room = 2 * min(centre[0], width - centre[0]) / unit_px / 2
    half_units = min(max(min(room, height / unit_px / 2), FRAME_UNITS[0]), FRAME_UNITS[1])
    crown = points.get("headTop")
    hair = 0.0 if crown is None else float(centre[1] - crown[1]) / unit_px
    wanted = max(EYES_AT * half_units, hair + ABOVE_HAIR)
    top = _top(wanted, centre[1] / unit_px, height / unit_px, half_units)
    scale = SIZE_PX / 2 / (half_units * unit_px)
    angle = math.degrees(math.atan2(across[1], across[0]))
    turn = np.asarray(
        cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), angle, scale), np.float64
    )
    eyes_px = top * SIZE_PX / 2 / half_units
    turn[:, 2] += np.array([SIZE_PX / 2, eyes_px]) - centre
    cut = _cut(picture, turn, scale)
    moved = {name: turn[:, :2] @ point + turn[:, 2] for name, point in points.items()}
    y = EYE_Y + top - half_units
    focal = (CAMERA_Z - FACE_Z) / half_units
    camera = Camera(z=CAMERA_Z, focal=float(focal), y=float(y), size_px=SIZE_PX)
    return Framed(picture=cut, points=moved, camera=camera)


def _cut(picture: U8, turn: NDArray[np.float64], scale: float) -> U8:
    """The frame. An affine warp does not average: what shrinks much is shrunk first."""
    if scale < 0.5:
        picture = np.asarray(
            cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
        turn = np.concatenate([turn[:, :2] / scale, turn[:, 2:]], 1)
    return np.asarray(
        cv2.warpAffine(
            picture,
            turn,
            (SIZE_PX, SIZE_PX),
            flags=cv2.INTER_LINEAR if scale < 1 else cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )


def _top(wanted: float, above: float, height: float, half: float) -> float:
    """Head units from the frame's top to the eyes: less than wanted where the picture ends above,
    more where it ends below."""
    return max(min(wanted, above, 1.3 * half), 2 * half - (height - above), 0.4 * half)


# --- geometry --------------------------------------------------------------------------------


def _raster() -> tuple[Field, Field]:
    """Pixels of the grid's nodes."""
    centres = (np.arange(GRID) + 0.5) * SIZE_PX / GRID
    x, y = np.meshgrid(centres, centres)
    return x, y


def _flat(framed: Framed) -> Points:
    """The nodes on the plane of the face."""
    return framed.place(np.stack(_raster(), -1), FACE_Z)


def _depth(framed: Framed) -> Field:
    """A skull, and a nose where it is known to be."""
    nodes = _flat(framed)
    x, y = nodes[..., 0], nodes[..., 1]
    skull = np.sqrt(np.clip(1 - (x / 0.85) ** 2 - ((y - 0.15) / 1.05) ** 2, 0, 1)) * 0.75 - 0.25
    nose = framed.points.get("noseTip")
    if nose is not None:
        tip = framed.place(nose, FACE_Z)
        skull += NOSE_Z * np.exp(-(((x - tip[0]) / NOSE_WIDTH) ** 2) - ((y - tip[1]) / 0.17) ** 2)
    return np.asarray(cv2.GaussianBlur(skull.astype(np.float32), (0, 0), 2.2), np.float64)


def _hold(framed: Framed) -> Field:
    """(GRID, GRID) TURN on the head, 0 on the torso and at the frame's borders."""
    nodes = _flat(framed)
    x, y = nodes[..., 0], nodes[..., 1]
    head = 1 - step(0.72, 1.47, np.hypot(x / 1.25, (y - 0.10) / 1.35))
    torso = 1 - step(0.80, 1.55, -y)
    i = (np.arange(GRID) + 0.5) / GRID
    inwards = np.minimum(i, 1 - i)
    border = step(0.0, 0.14, np.minimum(inwards[None], inwards[:, None]))
    return np.asarray(TURN * head * torso * border)


def _mouth(framed: Framed) -> tuple[float, Mouth]:
    """The height of the mouth in this head, and its line where our own heads have theirs."""
    corner_l, corner_r, centre = (
        framed.place(framed.points[name], FACE_Z)
        for name in ("mouthLeft", "mouthRight", "mouthCentre")
    )
    mouth_y = float((corner_l[1] + corner_r[1] + 2 * centre[1]) / 4)
    half = float(corner_l[0] - corner_r[0]) / 2
    bend = _stretch(framed, mouth_y)
    left, mid, right = (float(bend(np.array(p[1]))) for p in (corner_l, centre, corner_r))

    def seam(x: Field) -> Field:
        u = np.clip(x / half, -1, 1)
        corners = (left + right) / 2 + (left - right) / 2 * u
        return np.asarray(mid * (1 - u * u) + corners * u * u)

    return mouth_y, Mouth(half, seam)


def _stretch(framed: Framed, mouth_y: float) -> Any:
    """Heights of this head to those of our own: eyes, mouth and chin meet."""
    chin_y = float(framed.place(framed.points["chin"], FACE_Z)[1])
    above = (EYE_Y - MOUTH_Y) / (EYE_Y - mouth_y)
    below = (MOUTH_Y - CHIN_Y) / (mouth_y - chin_y)

    def bend(y: Field) -> Field:
        return np.where(y > mouth_y, EYE_Y - (EYE_Y - y) * above, MOUTH_Y - (mouth_y - y) * below)

    return bend


def _fields(
    framed: Framed, depth: Field, mouth_y: float, mouth: Mouth
) -> tuple[list[str], dict[str, NDArray[np.float64]]]:
    px = np.stack(_raster(), -1)
    nodes = framed.place(px, depth)
    bend = _stretch(framed, mouth_y)
    corners = [framed.place(framed.points[f"mouth{side}"], FACE_Z) for side in SIDES]
    middle_x = float(corners[0][0] + corners[1][0]) / 2

    chin_y = float(framed.place(framed.points["chin"], FACE_Z)[1])

    def moved(points: Points, *, upper: bool) -> tuple[list[str], NDArray[np.float64]]:
        forward = points[..., 2] + FORWARD
        ours = np.stack([points[..., 0] - middle_x, bend(points[..., 1]), forward], -1)
        shapes = displacements(ours, mouth, upper=upper)
        rise = (bend(points[..., 1] + 1e-3) - bend(points[..., 1] - 1e-3)) / 2e-3
        stacked = np.stack(list(shapes.values()))
        stacked[..., 1] /= rise
        stacked *= step(chin_y - 0.45, chin_y - 0.08, points[..., 1])[..., None]  # not the collar
        return list(shapes), stacked

    names, over = moved(nodes, upper=True)
    under = moved(nodes, upper=False)[1]
    rows, columns = _mouth_window(nodes, mouth_y)
    line = _seam(framed, depth, mouth)
    return names, {
        "upper": over,
        "lower": (under - over)[:, rows, columns],
        "lower_at": np.array([rows.start, columns.start], np.float64),
        "seam": line,
        "seam_upper": moved(line, upper=True)[1],
        "seam_lower": moved(line, upper=False)[1],
    }


def _mouth_window(nodes: Points, mouth_y: float) -> tuple[slice, slice]:
    x, y = nodes[..., 0], nodes[..., 1]
    inside = (np.abs(x) < 0.46) & (y < mouth_y + 0.20) & (y > mouth_y - 0.64)
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    row, column = (
        slice(max(0, int(i[0]) - MOUTH_MARGIN), min(GRID, int(i[-1]) + 1 + MOUTH_MARGIN))
        for i in (rows, columns)
    )
    return row, column


def _seam(framed: Framed, depth: Field, mouth: Mouth) -> Points:
    """(SEAM_POINTS, 3): through the corners and the middle."""
    right, centre, left = (
        framed.points[name] for name in ("mouthRight", "mouthCentre", "mouthLeft")
    )
    u = np.linspace(-1, 1, SEAM_POINTS)[:, None]
    px = centre * (1 - u * u) + ((left + right) / 2 + (left - right) / 2 * u) * (u * u)
    px[:, 0] = ((left[0] + right[0]) / 2 + (left[0] - right[0]) / 2 * u)[:, 0]
    return framed.place(px, _at(depth, px))


def _at(depth: Field, px: NDArray[np.float64]) -> Field:
    at = (px * GRID / SIZE_PX - 0.5).astype(np.float32)
    found = cv2.remap(depth.astype(np.float32), at[None, :, 0], at[None, :, 1], cv2.INTER_LINEAR)
    return np.asarray(found[0], np.float64)


# --- eyes ------------------------------------------------------------------------------------


def _curve(points: Mapping[str, Point], side: str, part: str) -> NDArray[np.float64]:
    """(LID_POINTS, 2) px from the picture's left to its right: a lid's edge, an arch."""
    ends = sorted((points[f"eye{side}Inner"], points[f"eye{side}Outer"]), key=lambda p: float(p[0]))
    top = points[f"eye{side}{part}"]
    t = np.linspace(0, 1, LID_POINTS)[:, None]
    base = ends[0] * (1 - t) + ends[1] * t
    peak = min(max(float((top[0] - ends[0][0]) / (ends[1][0] - ends[0][0])), 0.25), 0.75)
    # one arch over both halves, whose height is reached where the point is
    skewed = np.where(t < peak, t / (2 * peak), 0.5 + (t - peak) / (2 * (1 - peak)))
    arch = np.sqrt(np.clip(1 - np.abs(2 * skewed - 1) ** 2.2, 0, 1))
    rise = float(top[1] - (ends[0][1] * (1 - peak) + ends[1][1] * peak))
    return np.concatenate([base[:, :1], base[:, 1:] + rise * arch], 1)


def _outlines(framed: Framed) -> dict[str, NDArray[np.float64]]:
    """By side, the opening between the lids, (2 * LID_POINTS, 2) px."""
    return {
        side: np.concatenate(
            [_curve(framed.points, side, "Top"), _curve(framed.points, side, "Bottom")[::-1]]
        )
        for side in SIDES
    }


def _lids(framed: Framed) -> dict[str, NDArray[np.float64]]:
    lids: dict[str, list[Points]] = {"lid_up": [], "lid_low": [], "lid_shut": []}
    for side in SIDES:
        up, low = _curve(framed.points, side, "Top"), _curve(framed.points, side, "Bottom")
        for part, px in (("lid_up", up), ("lid_low", low), ("lid_shut", 0.8 * low + 0.2 * up)):
            lids[part].append(framed.place(px, FACE_Z))
    return {part: np.stack(curves) for part, curves in lids.items()}


def _lash(framed: Framed) -> float:
    """As strong as the line above the picture's eyes is thick."""
    return min(max(lash_px(framed.picture, _outlines(framed)) / LASH_PX, LASH[0]), LASH[1])


def _ball(framed: Framed, side: str, radius_px: float) -> tuple[float, float, float, float]:
    """Centre and radius; the front of the ball is the pupil."""
    pupil = framed.place(framed.points[f"pupil{side}"], FACE_Z)
    scale = framed.camera.focal / (CAMERA_Z - FACE_Z) * SIZE_PX / 2
    radius = min(max(radius_px / scale, 0.05), 0.6)
    return float(pupil[0]), float(pupil[1]), float(FACE_Z - radius), float(radius)
