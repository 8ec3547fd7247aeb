"""From a pose to a frame: warp the layers, draw mouth and eyes, convert what changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from rtav.engines.avatar.album import Drawn, Head
from rtav.engines.avatar.asset import ORDER, FaceAsset
from rtav.engines.avatar.camera import F32
from rtav.engines.avatar.channels import Pose
from rtav.engines.avatar.eyes import EyePainter
from rtav.engines.avatar.geometry import Geometry, Shape
from rtav.engines.avatar.layers import CELL_PX, Layer
from rtav.engines.avatar.mouth import paint_mouth
from rtav.engines.avatar.paint import CLEAR, U8, Rect, beneath, fill, over, room, without
from rtav.engines.avatar.scene import BREATH, Planes, planes
from rtav.engines.avatar.talking import (
    ROOM_PX,
    fade,
    inside,
    mouth_region,
    outside,
    spoken,
)
from rtav.engines.avatar.warp import Warp
from rtav.media.pcm import I420

MAX_STEPS_HEAD, MAX_STEPS_HAIR = 10, 8  # of the inversion; more change nothing within the limits
MIN_HOLE_PX = 16
STILL = 0.0004  # of the frame's height, 0.2 px at 512: unseen in movements this slow


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things are on this frame."""

    frame: Rect
    """Everything the head touches, in multiples of 4 px: chroma is half as large."""
    boxes: dict[str, Rect]
    holes: dict[str, list[Rect]]


class Renderer:
    """One per call: knows the last picture.

    A picture depends on the pose alone, but for movements of less than STILL.
    """

    def __init__(self, asset: FaceAsset) -> None:
        self.asset = asset
        self._geometry = Geometry(asset)
        self._order = [name for name in ORDER if name in asset.layers]
        self._warps = {name: Warp(asset.layers[name]) for name in self._order}
        self._warps["lower"] = Warp(asset.lower)
        self._eyes = EyePainter(asset.eyes)
        self._spoken = spoken(asset)
        self._drawn: Drawn | None = None
        self._moved = np.empty_like(self._geometry.points)
        scratch = self._scratch = asset.scratch
        self._maps, self._lower_maps = scratch.maps, scratch.lower_maps
        self._work, self._head, self._tiles = scratch.work, scratch.head, scratch.tiles

    def render(self, pose: Pose, *, shared: bool = False) -> I420:
        """The face in `pose`, (size * 3 / 2, size), not to be changed.

        It is the last picture again if nothing has moved by STILL since that was drawn: a face
        at rest is drawn half as often as it is shown. `shared`: others are likely to have this very
        pose; then it is drawn for the first of them.
        """
        album = self._scratch.album
        with self._scratch.lock:
            found = album.find(pose) if shared else None
            self._drawn = found or self._picture(pose)
            if shared and found is None:
                album.keep(pose, self._drawn)
        return self._drawn.frame

    def speak(self, pose: Pose) -> I420:
        """As `render`, for a face that speaks: others are likely to differ by the mouth alone.

        The whole is drawn for the first of them and the mouth's part for the others.
        """
        album = self._scratch.album
        with self._scratch.lock:
            has_company = album.speakers.speaks(self)
            shape, head = self._geometry.pose(pose), album.find_head(pose)
            size = self.asset.size_px
            if head is not None:
                frame = head.frame.copy()
                self._give_mouth(head, planes(frame, size, size), pose, shape)
            else:
                frame = np.empty((size * 3 // 2, size), np.uint8)
                kept = self._draw(planes(frame, size, size), pose, shape, keeps=has_company)
                if kept is not None:
                    region, under, front = kept
                    album.keep_head(pose, Head(frame, region, under, front))
            frame.flags.writeable = False
            points = self._geometry.points.copy()
            self._drawn = Drawn(frame=frame, points=points, breath=pose.get("breath", 0.0))
        return frame

    def _picture(self, pose: Pose) -> Drawn:
        shape, breath = self._geometry.pose(pose), pose.get("breath", 0.0)
        if self._drawn is not None and not self._moves(self._drawn, breath):
            return self._drawn
        size = self.asset.size_px
        frame = np.empty((size * 3 // 2, size), np.uint8)
        self._draw(planes(frame, size, size), pose, shape)
        frame.flags.writeable = False
        return Drawn(frame=frame, points=self._geometry.points.copy(), breath=breath)

    def _moves(self, drawn: Drawn, breath: float) -> bool:
        """Whether anything must be drawn."""
        moved, size = self._moved, self.asset.size_px
        np.subtract(self._geometry.points, drawn.points, out=moved)
        moved_px = max(
            float(np.abs(moved, out=moved).max()), abs(breath - drawn.breath) * size * BREATH
        )
        return moved_px >= size * STILL

    def _draw(
        self, into: Planes, pose: Pose, shape: Shape, *, keeps: bool = False
    ) -> tuple[Rect, U8, list[tuple[Rect, U8]]] | None:
        """Draw everything.

        If `keeps`, return the mouth's region and what lies behind and in front of the head there,
        unless it is off the frame.
        """
        scene = self.asset.scene
        breath = pose.get("breath", 0.0)
        scene.fill(into, breath)
        layout = self._layout(room_px=ROOM_PX if keeps else 0)
        region = (
            mouth_region(self.asset, self._geometry, self._spoken, layout.frame) if keeps else None
        )
        under, front = None, []
        x0, y0, x1, y1 = layout.frame
        work = room(self._work, y1 - y0, x1 - x0)
        scene.fill_part(work, layout.frame, breath)
        for name in self._order:
            box = layout.boxes[name]
            if box[2] <= box[0] or box[3] <= box[1]:  # off the frame
                continue
            if name == "head":
                if region is not None:
                    under = work[_within(region, layout.frame)].copy()
                self._draw_head(work, layout, shape, _steps_head(pose))
                self._draw_mouth(work, layout, pose)
                self._draw_eyes(work, layout, shape)
            else:
                steps = min(2 + round(_turn(pose) / 2.5), MAX_STEPS_HAIR)
                kept = self._draw_hair(work, layout, name, steps, region)
                front = kept if name == "hair_front" else []
        _store(work, layout.frame, into)
        return None if region is None or under is None else (region, under, front)

    def _give_mouth(self, head: Head, into: Planes, pose: Pose, shape: Shape) -> None:
        """Draw the mouth of `pose` into the picture of a head that has all but the mouth of it."""
        x0, y0, x1, y1 = region = head.region
        work = room(self._work, y1 - y0, x1 - x0)
        np.copyto(work, head.under)
        whole = self._layout()
        box = inside(whole.boxes["head"], region)
        if box is not None:
            holes = [hole for one in whole.holes["head"] if (hole := inside(one, box)) is not None]
            layout = _Layout(region, {"head": box}, {"head": holes})
            self._draw_head(work, layout, shape, _steps_head(pose))
            self._draw_mouth(work, layout, pose)
        for rect, pixels in head.front:
            over(work[_within(rect, region)], pixels, self._tiles[1])
        _store(work, region, into)
        size = self.asset.size_px
        fade(into, planes(head.frame, size, size), region)

    # --- layout ------------------------------------------------------------------------------

    def _layout(self, room_px: int = 0) -> _Layout:
        """`room_px` is left below the head."""
        boxes, holes = {}, {}
        for name in self._order:
            layer = self.asset.layers[name]
            x, y = self._geometry.pixels(name)
            boxes[name] = _box(layer, x[layer.outline], y[layer.outline])
            holes[name] = _holes(layer, x, y, boxes[name])
        seen = [b for b in boxes.values() if b[2] > b[0] and b[3] > b[1]] or [(0, 0, 8, 8)]
        size = self.asset.size_px
        frame = (
            min(b[0] for b in seen) // 4 * 4,
            min(b[1] for b in seen) // 4 * 4,
            min(size, -(-max(b[2] for b in seen) // 4) * 4),
            min(size, -(-max(b[3] for b in seen) // 4) * 4 + room_px),
        )
        return _Layout(frame, boxes, holes)

    # --- layers ------------------------------------------------------------------------------

    def _warp(self, name: str, box: Rect, steps: int, maps: F32) -> tuple[F32, F32]:
        warp, (x, y) = self._warps[name], self._geometry.pixels(name)
        warp.invert(x, y, box, steps)
        return warp.dense(box, maps[0], maps[1])

    def _draw_hair(
        self, work: U8, layout: _Layout, name: str, steps: int, region: Rect | None
    ) -> list[tuple[Rect, U8]]:
        """Returns what of it is in `region`."""
        box, holes = layout.boxes[name], layout.holes[name]
        if name == "hair_back":
            # not drawn where the opaque face will cover it, whatever mouth that has
            holes = outside(layout.holes.get("head", []), region) + holes
        kept = []
        map_x, map_y = self._warp(name, box, steps, self._maps)
        picture = self.asset.layers[name].picture
        for rect in without(box, holes):
            s = _within(rect, box)
            drawn = _sample(picture, map_x[s], map_y[s], self._tiles[0])
            over(work[_within(rect, layout.frame)], drawn, self._tiles[1])
            if region is not None and (part := inside(rect, region)) is not None:
                kept.append((part, drawn[_within(part, rect)].copy()))
        return kept

    def _draw_head(self, work: U8, layout: _Layout, shape: Shape, steps: int) -> None:
        box = layout.boxes["head"]
        map_x, map_y = self._warp("head", box, steps, self._maps)
        lips = self._geometry.pixels("lips")
        n = self.asset.mouth.points
        # pressed lips: the lower edge never rises above the upper one
        np.maximum(lips[1, n:], lips[1, :n], out=lips[1, n:])
        band = None
        if shape.lips_part:
            band = self._lower_lip(box, lips[1, n:], steps, (map_x, map_y))
        picture = self.asset.layers["head"].picture
        head = _sample(picture, map_x, map_y, self._head)
        if band is not None:
            self._seam(head, box, band, lips[:, n:])
        for rect in without(box, layout.holes["head"]):
            over(work[_within(rect, layout.frame)], head[_within(rect, box)], self._tiles[1])
        for rect in layout.holes["head"]:  # opaque: no blending
            np.copyto(work[_within(rect, layout.frame)], head[_within(rect, box)])

    def _lower_lip(
        self, box: Rect, edge_y: F32, steps: int, maps: tuple[F32, F32]
    ) -> tuple[Rect, U8] | None:
        """Write the lower lip's field into the head's maps below the band that holds the seam.

        Returns the band and its pixels as the lower field shows them, or None off the frame.
        """
        top, bottom = int(edge_y.min()) - 1, int(edge_y.max()) + 2
        r = self.asset.lower_rect
        x0, x1 = max(r[0] * CELL_PX, box[0]), min(r[2] * CELL_PX, box[2])
        y0 = max(top // CELL_PX * CELL_PX, r[1] * CELL_PX, box[1])
        y1 = min(r[3] * CELL_PX, box[3])
        if x1 <= x0 or y1 <= y0:
            return None
        low_x, low_y = self._warp("lower", (x0, y0, x1, y1), steps, self._lower_maps)
        bottom = max(y0, min(bottom, y1))
        below = np.s_[bottom - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]]
        np.copyto(maps[0][below], low_x[bottom - y0 :])
        np.copyto(maps[1][below], low_y[bottom - y0 :])
        if bottom == y0:
            return None
        picture, rows = self.asset.lower.picture, np.s_[: bottom - y0]
        pixels = _sample(picture, low_x[rows], low_y[rows], self._tiles[0])
        return (x0, y0, x1, bottom), pixels

    def _seam(self, head: U8, box: Rect, band: tuple[Rect, U8], edge: F32) -> None:
        """In the band, everything below the lower lip's edge comes from the lower field."""
        rect, pixels = band
        x0, y0, x1, y1 = rect
        fill(head[_within(rect, box)], pixels, beneath(edge, (x0, y0), (y1 - y0, x1 - x0)))

    # --- apertures ---------------------------------------------------------------------------

    # On the composite: a layer would have to carry their alpha.

    def _draw_mouth(self, work: U8, layout: _Layout, pose: Pose) -> None:
        points = self._geometry.pixels("lips"), self._geometry.pixels("sprites")
        paint_mouth(work, layout.frame[:2], self.asset.mouth, points, pose, self._tiles)

    def _draw_eyes(self, work: U8, layout: _Layout, shape: Shape) -> None:
        geometry, n = self._geometry, self.asset.eyes.points
        eye_points = (
            geometry.pixels("lids").reshape(2, 2, 3, n),
            geometry.pixels("gaze").reshape(2, 2, 3),
        )
        self._eyes.paint(work, layout.frame[:2], eye_points, shape.lids, self._tiles[0])


def _turn(pose: Pose) -> float:
    return abs(pose.get("headYaw", 0.0)) + abs(pose.get("headPitch", 0.0))


def _steps_head(pose: Pose) -> int:
    return min(3 + round(_turn(pose) / 2), MAX_STEPS_HEAD)


def _within(rect: Rect, outer: Rect) -> tuple[slice, slice]:
    x0, y0 = outer[:2]
    return slice(rect[1] - y0, rect[3] - y0), slice(rect[0] - x0, rect[2] - x0)


def _sample(picture: U8, map_x: F32, map_y: F32, into: U8) -> U8:
    h, w = map_x.shape
    drawn = cv2.remap(
        picture,
        map_x,
        map_y,
        cv2.INTER_LINEAR,
        dst=room(into, h, w),
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=CLEAR,
    )
    return cast(U8, drawn)


def _box(layer: Layer, x: F32, y: F32) -> Rect:
    """The whole cells that the outline covers."""
    r = layer.rect
    return (
        max(r[0], int(x.min() / CELL_PX)) * CELL_PX,
        max(r[1], int(y.min() / CELL_PX)) * CELL_PX,
        min(r[2], int(x.max() / CELL_PX) + 1) * CELL_PX,
        min(r[3], int(y.max() / CELL_PX) + 1) * CELL_PX,
    )


def _holes(layer: Layer, x: F32, y: F32, box: Rect) -> list[Rect]:
    """Where the layer's holes are now, a little inside their moved sides."""
    found = []
    for hole in layer.holes:
        left, top, right, bottom = hole.sides
        inner = (
            int(x[left].max()) + 2,
            int(y[top].max()) + 2,
            int(x[right].min()) - 1,
            int(y[bottom].min()) - 1,
        )
        at = [box[i] if hole.open[i] else inner[i] for i in range(4)]
        rect = (max(at[0], box[0]), max(at[1], box[1]), min(at[2], box[2]), min(at[3], box[3]))
        if rect[2] - rect[0] >= MIN_HOLE_PX and rect[3] - rect[1] >= MIN_HOLE_PX:
            found.append(rect)
    return found


def _store(work: U8, box: Rect, into: Planes) -> None:
    """Convert the part of the frame that the head touches; the rest is there already."""
    x0, y0, x1, y1 = box
    h, w = y1 - y0, x1 - x0
    y, u, v = planes(cast(U8, cv2.cvtColor(work, cv2.COLOR_BGRA2YUV_I420)), h, w)
    np.copyto(into[0][y0:y1, x0:x1], y)
    half = np.s_[y0 // 2 : y1 // 2, x0 // 2 : x1 // 2]
    np.copyto(into[1][half], u)
    np.copyto(into[2][half], v)
