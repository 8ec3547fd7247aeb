"""Where mouth and eyes are drawn anew while the rest of a picture stays."""

from __future__ import annotations

import numpy as np

from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.geometry import Geometry
from rtav.engines.avatar.layers import CELL_PX, Nodes
from rtav.engines.avatar.lips import MOUTH
from rtav.engines.avatar.paint import Rect, without
from rtav.engines.avatar.scene import Planes

ROOM_PX = 24  # below a head whose jaw is shut, for one whose jaw is open
BARELY = 0.0003  # of the frame's height: what the widest mouth moves by less is not redrawn
LASHES = 0.031  # of the frame's height: how far below the lids' curves the eyes reach
EYES_ROOM = 0.02  # of the frame's height: how far lids may move within their region
EYES_REACH_PX = 10  # around the lids' curves: nothing is drawn farther away
FADE_PX = 8  # rows in which one mouth's cheeks become the other's: they differ by up to 2 px


def spoken(asset: FaceAsset) -> Nodes:
    """The nodes of the head that speech moves visibly."""
    rows = [asset.shapes[name] for name in MOUTH if name in asset.shapes]
    basis = asset.layers["head"].basis
    assert basis is not None, "the head has expressions"
    moves = np.abs(basis[rows].reshape(len(rows), 3, -1)).max((0, 1))
    return np.flatnonzero(moves * asset.camera.focal / asset.camera.z > 2 * BARELY)


def mouth_region(asset: FaceAsset, geometry: Geometry, nodes: Nodes, frame: Rect) -> Rect | None:
    """What speech moves below the eyes, in whole cells within `frame`; None if it is not in it.

    `nodes` are those that speech moves, of the head.
    """
    across = geometry.pixels("head")[0, nodes]
    eyes = float(geometry.pixels("lids")[1].max()) + LASHES * asset.size_px
    cells = [
        int(across.min()) // CELL_PX,
        int(eyes) // CELL_PX + 1,
        int(across.max()) // CELL_PX + 1,
        -(-frame[3] // CELL_PX),
    ]
    x0, y0, x1, y1 = (cell * CELL_PX for cell in cells)
    left, right = -(-frame[0] // CELL_PX) * CELL_PX, frame[2] // CELL_PX * CELL_PX
    region = (max(x0, left), max(y0, frame[1]), min(x1, right), min(y1, frame[3]))
    is_seen = region[2] - region[0] >= CELL_PX and region[3] - region[1] > FADE_PX
    return region if is_seen and region[1] == y0 and region[3] % CELL_PX == 0 else None


def eyes_region(asset: FaceAsset, geometry: Geometry, frame: Rect, below: int) -> Rect | None:
    """Where the eyes are within `frame`, and above the row `below`; None if they are not in it."""
    x, y = geometry.pixels("lids")
    room = EYES_ROOM * asset.size_px + EYES_REACH_PX
    region = (
        max(int(x.min() - room) // 4 * 4, frame[0]),
        max(int(y.min() - room) // 4 * 4, frame[1]),
        min(int(x.max() + room) // 4 * 4 + 4, frame[2]),
        min(int(y.max() + room) // 4 * 4 + 4, frame[3], below),
    )
    is_seen = region[2] > region[0] and region[3] > region[1]
    return region if is_seen else None


def eyes_fit(geometry: Geometry, region: Rect) -> bool:
    """Whether what the eyes show is all in `region`."""
    x, y = geometry.pixels("lids")
    return (
        int(x.min()) - EYES_REACH_PX >= region[0]
        and int(y.min()) - EYES_REACH_PX >= region[1]
        and int(x.max()) + EYES_REACH_PX <= region[2]
        and int(y.max()) + LASHES * geometry.size_px <= region[3]
    )


def outside(holes: list[Rect], region: Rect | None) -> list[Rect]:
    """What of `holes` is not in `region`."""
    if region is None:
        return holes
    return [piece for hole in holes for piece in without(hole, [region])]


def inside(rect: Rect, region: Rect) -> Rect | None:
    """What of `rect` is in `region`."""
    x0, y0 = max(rect[0], region[0]), max(rect[1], region[1])
    x1, y1 = min(rect[2], region[2]), min(rect[3], region[3])
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def fade(into: Planes, before: Planes, region: Rect) -> None:
    """Let the region's first rows grow out of the picture that was there before."""
    x0, y0, x1, _ = region
    for step, new, old in zip((1, 2, 2), into, before, strict=True):
        rows = FADE_PX // step
        top = np.s_[y0 // step : y0 // step + rows, x0 // step : x1 // step]
        share = ((np.arange(rows, dtype=np.int16) * 2 + 1) * 128 // rows)[:, None]  # of 256
        was = old[top].astype(np.int16)
        change = (new[top] - was) * share
        new[top] = was + ((change + 128) >> 8)
