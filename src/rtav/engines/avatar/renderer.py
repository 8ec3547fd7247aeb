"""From a pose to a frame: warp the layers, draw mouth and eyes, convert what changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from rtav.engines.avatar.album import Drawn, Head, Patch
from rtav.engines.avatar.asset import ORDER, FaceAsset
from rtav.engines.avatar.camera import F32
from rtav.engines.avatar.channels import Pose
from rtav.engines.avatar.eyes import EyePainter
from rtav.engines.avatar.folds import fold
from rtav.engines.avatar.geometry import Geometry, Shape
from rtav.engines.avatar.layers import CELL_PX, moved_box, moved_holes
from rtav.engines.avatar.mouth import paint_mouth
from rtav.engines.avatar.paint import U8, Rect, beneath, fill, over, room, sample, within, without
from rtav.engines.avatar.scene import Planes, planes
from rtav.engines.avatar.steadiness import (
    LIVELY,
    PATIENCE,
    STEADY,
    STEPS,
    STILL,
    UNSEEN,
    Bearing,
)
from rtav.engines.avatar.talking import (
    ROOM_PX,
    eyes_fit,
    eyes_region,
    fade,
    inside,
    mouth_region,
    outside,
    spoken,
)
from rtav.engines.avatar.warp import Warp
from rtav.engines.avatar.watch import Watch
from rtav.media.pcm import I420

MAX_STEPS_HEAD, MAX_STEPS_HAIR = 10, 8  # of the inversion; more change nothing within the limits


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things are on this frame."""

    frame: Rect
    """Everything the head touches, in multiples of 4 px: chroma is half as large."""
    boxes: dict[str, Rect]
    holes: dict[str, list[Rect]]


class Renderer:
    """One per call: knows the last picture.

    A picture depends on the pose alone, but for movements of less than STILL, or of less than
    STEADY of the head of a face that speaks.
    """

    def __init__(self, asset: FaceAsset) -> None:
        self.asset = asset
        self._geometry = Geometry(asset)
        self._order = [name for name in ORDER if name in asset.layers]
        self._warps = {name: Warp(asset.layers[name]) for name in self._order}
        self._warps["lower"] = Warp(asset.lower)
        self._eyes = EyePainter(asset.eyes)
        self._spoken = spoken(asset)
        self._watch = Watch(asset)
        self._drawn: Drawn | None = None
        self._last: Bearing | None = None
        self._repeats = 0
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
            self._drawn = drawn = found or self._picture(pose, speaks=False)
            if shared and found is None:
                album.keep(pose, drawn)
        return drawn.frame

    def speak(self, pose: Pose) -> I420:
        """As `render`, for a face that speaks.

        A head is used as long as it has not moved by STEADY, also one that another speaker has
        drawn. Only mouth and eyes are drawn anew then.
        """
        with self._scratch.lock:
            self._drawn = drawn = self._picture(pose, speaks=True)
        return drawn.frame

    def _picture(self, pose: Pose, *, speaks: bool) -> Drawn:
        here = self._watch.bearing(pose)
        head = self._find_head(here, speaks=speaks)
        drawn = None if head is None else self._given(head, pose, here)
        drawn = drawn or self._whole(pose, here, speaks=speaks)
        self._repeats = self._repeats + 1 if drawn is self._drawn else 0
        return drawn

    def _find_head(self, here: Bearing, *, speaks: bool) -> Head | None:
        """One that has hardly moved: the last one, or one of another speaker."""
        heads = [] if self._drawn is None else [self._drawn.head]
        if speaks:
            heads += self._scratch.album.heads
        near_px = self._near_px(here, speaks=speaks)
        return next((head for head in heads if here.head_px(head.bearing) < near_px), None)

    def _near_px(self, here: Bearing, *, speaks: bool) -> float:
        """How far a head may be from where it should be: at rest not quite as far as it goes in two
        frames, so that slow movements remain even."""
        size, last = self.asset.size_px, self._last
        self._last = here
        if speaks:
            return STEADY * size
        step_px = 0.0 if last is None else here.head_px(last)
        near_px = min(max(STILL * size, STEPS * step_px), LIVELY * size)
        return near_px / 4 if self._repeats >= PATIENCE else near_px

    def _given(self, head: Head, pose: Pose, here: Bearing) -> Drawn | None:
        """`head` with the mouth and the eyes of `pose`; None if it cannot be given them."""
        drawn = self._drawn
        if drawn is None or drawn.head is not head:
            drawn = Drawn(frame=head.frame, bearing=head.bearing, head=head)
        unseen_px, was = UNSEEN * self.asset.size_px, drawn.bearing
        speaks, looks = here.mouth_px(was) >= unseen_px, here.eyes_px(was) >= unseen_px
        if not speaks and not looks:
            return drawn
        if (speaks and head.mouth is None) or (looks and head.eyes is None):
            return None
        held = head.with_apertures(pose)
        shape = self._geometry.pose(held)
        frame = drawn.frame.copy()
        into = planes(frame, self.asset.size_px, self.asset.size_px)
        if looks and head.eyes is not None:
            if not eyes_fit(self._geometry, head.eyes.region):
                return None
            self._give_eyes(head.eyes, into, shape)
        if speaks and head.mouth is not None:
            self._give_mouth(head, head.mouth, into, held, shape)
        frame.flags.writeable = False
        shown = Bearing(
            was.head, here.mouth if speaks else was.mouth, here.eyes if looks else was.eyes
        )
        return Drawn(frame=frame, bearing=shown, head=head)

    def _whole(self, pose: Pose, here: Bearing, *, speaks: bool) -> Drawn:
        shape, size = self._geometry.pose(pose), self.asset.size_px
        frame = np.empty((size * 3 // 2, size), np.uint8)
        patches = self._draw(planes(frame, size, size), pose, shape, keeps_mouth=speaks)
        frame.flags.writeable = False
        mouth, eyes = patches.get("mouth"), patches.get("eyes")
        head = Head(frame=frame, pose=pose, bearing=here, mouth=mouth, eyes=eyes)
        if mouth is not None:
            self._scratch.album.heads.appendleft(head)
        return Drawn(frame=frame, bearing=here, head=head)

    def _draw(
        self, into: Planes, pose: Pose, shape: Shape, *, keeps_mouth: bool
    ) -> dict[str, Patch]:
        """Draw everything.

        Return what is needed to draw the eyes anew, and the mouth if it is to be kept, unless they
        are off the frame.
        """
        scene = self.asset.scene
        breath = pose.get("breath", 0.0)
        scene.fill(into, breath)
        layout = self._layout(room_px=ROOM_PX if keeps_mouth else 0)
        regions = self._regions(layout.frame, with_mouth=keeps_mouth)
        under: dict[str, U8] = {}
        front: dict[str, list[tuple[Rect, U8]]] = {}
        x0, y0, x1, y1 = layout.frame
        work = room(self._work, y1 - y0, x1 - x0)
        scene.fill_part(work, layout.frame, breath)
        for name in self._order:
            box = layout.boxes[name]
            if box[2] <= box[0] or box[3] <= box[1]:  # off the frame
                continue
            if name == "head":
                if "mouth" in regions:
                    under["mouth"] = work[within(regions["mouth"], layout.frame)].copy()
                self._draw_head(work, layout, shape, pose)
                self._draw_mouth(work, layout, pose)
                if "eyes" in regions:
                    under["eyes"] = work[within(regions["eyes"], layout.frame)].copy()
                self._draw_eyes(work, layout.frame, shape)
            else:
                steps = min(2 + round(_turn(pose) / 2.5), MAX_STEPS_HAIR)
                kept = self._draw_hair(work, layout, name, steps, regions)
                front = kept if name == "hair_front" else {}
        _store(work, layout.frame, into)
        return {n: Patch(regions[n], pixels, front.get(n, [])) for n, pixels in under.items()}

    def _regions(self, frame: Rect, *, with_mouth: bool) -> dict[str, Rect]:
        regions, below = {}, frame[3]
        if with_mouth:
            mouth = mouth_region(self.asset, self._geometry, self._spoken, frame)
            if mouth is not None:
                regions["mouth"], below = mouth, mouth[1]
        eyes = eyes_region(self.asset, self._geometry, frame, below)
        return regions if eyes is None else regions | {"eyes": eyes}

    def _give_eyes(self, patch: Patch, into: Planes, shape: Shape) -> None:
        """Draw the eyes into the picture of a head that has all but them."""
        x0, y0, x1, y1 = region = patch.region
        work = room(self._work, y1 - y0, x1 - x0)
        np.copyto(work, patch.under)
        self._draw_eyes(work, region, shape)
        self._finish(work, patch, into)

    def _give_mouth(self, head: Head, patch: Patch, into: Planes, pose: Pose, shape: Shape) -> None:
        """Draw the mouth of `pose` into the picture of a head that has all but the mouth of it."""
        x0, y0, x1, y1 = region = patch.region
        work = room(self._work, y1 - y0, x1 - x0)
        np.copyto(work, patch.under)
        whole, found = self._place("head")
        box = inside(whole, region)
        if box is not None:
            holes = [hole for one in found if (hole := inside(one, box)) is not None]
            layout = _Layout(region, {"head": box}, {"head": holes})
            self._draw_head(work, layout, shape, pose)
            self._draw_mouth(work, layout, pose)
        self._finish(work, patch, into)
        size = self.asset.size_px
        fade(into, planes(head.frame, size, size), region)

    def _finish(self, work: U8, patch: Patch, into: Planes) -> None:
        for rect, pixels in patch.front:
            over(work[within(rect, patch.region)], pixels, self._tiles[1])
        _store(work, patch.region, into)

    # --- layout ------------------------------------------------------------------------------

    def _layout(self, room_px: int = 0) -> _Layout:
        """`room_px` is left below the head."""
        boxes, holes = {}, {}
        for name in self._order:
            boxes[name], holes[name] = self._place(name)
        seen = [b for b in boxes.values() if b[2] > b[0] and b[3] > b[1]] or [(0, 0, 8, 8)]
        size = self.asset.size_px
        frame = (
            min(b[0] for b in seen) // 4 * 4,
            min(b[1] for b in seen) // 4 * 4,
            min(size, -(-max(b[2] for b in seen) // 4) * 4),
            min(size, -(-max(b[3] for b in seen) // 4) * 4 + room_px),
        )
        return _Layout(frame, boxes, holes)

    def _place(self, name: str) -> tuple[Rect, list[Rect]]:
        """All that a layer touches, and what of it is opaque or clear."""
        layer, (x, y) = self.asset.layers[name], self._geometry.pixels(name)
        box = moved_box(layer, x[layer.outline], y[layer.outline])
        return box, moved_holes(layer, x, y, box)

    # --- layers ------------------------------------------------------------------------------

    def _warp(self, name: str, box: Rect, steps: int, maps: F32) -> tuple[F32, F32]:
        warp, (x, y) = self._warps[name], self._geometry.pixels(name)
        warp.invert(x, y, box, steps)
        return warp.dense(box, maps[0], maps[1])

    def _draw_hair(
        self, work: U8, layout: _Layout, name: str, steps: int, regions: Mapping[str, Rect]
    ) -> dict[str, list[tuple[Rect, U8]]]:
        """Returns what of it is in the regions."""
        box, holes = layout.boxes[name], layout.holes[name]
        if name == "hair_back":
            # not drawn where the opaque face will cover it, whatever mouth that has: above the lips
            lips_px = int(self._geometry.pixels("lips")[1].min()) - CELL_PX
            kept_px = None
            if (mouth := regions.get("mouth")) is not None:
                kept_px = (mouth[0], max(mouth[1], lips_px), mouth[2], mouth[3])
            holes = outside(layout.holes.get("head", []), kept_px) + holes
        kept: dict[str, list[tuple[Rect, U8]]] = {}
        map_x, map_y = self._warp(name, box, steps, self._maps)
        picture = self.asset.layers[name].picture
        for rect in without(box, holes):
            s = within(rect, box)
            drawn = sample(picture, map_x[s], map_y[s], self._tiles[0])
            over(work[within(rect, layout.frame)], drawn, self._tiles[1])
            for part_of, region in regions.items():
                if (part := inside(rect, region)) is not None:
                    pixels = drawn[within(part, rect)].copy()
                    kept.setdefault(part_of, []).append((part, pixels))
        return kept

    def _draw_head(self, work: U8, layout: _Layout, shape: Shape, pose: Pose) -> None:
        box, steps = layout.boxes["head"], _steps_head(pose)
        map_x, map_y = self._warp("head", box, steps, self._maps)
        lips = self._geometry.pixels("lips")
        n = self.asset.mouth.points
        # pressed lips: the lower edge never rises above the upper one
        np.maximum(lips[1, n:], lips[1, :n], out=lips[1, n:])
        band = None
        if shape.lips_part:
            band = self._lower_lip(box, lips[1, n:], steps, (map_x, map_y))
        picture = self.asset.layers["head"].picture
        head = sample(picture, map_x, map_y, self._head)
        if band is not None:
            self._seam(head, box, band, lips[:, n:])
        nodes = self._geometry.pixels("head")
        for area in self.asset.folds:
            fold(head, box, area, (map_x, map_y), (nodes[0], nodes[1]), pose)
        for rect in without(box, layout.holes["head"]):
            over(work[within(rect, layout.frame)], head[within(rect, box)], self._tiles[1])
        for rect in layout.holes["head"]:  # opaque: no blending
            np.copyto(work[within(rect, layout.frame)], head[within(rect, box)])

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
        pixels = sample(picture, low_x[rows], low_y[rows], self._tiles[0])
        return (x0, y0, x1, bottom), pixels

    def _seam(self, head: U8, box: Rect, band: tuple[Rect, U8], edge: F32) -> None:
        """In the band, everything below the lower lip's edge comes from the lower field."""
        rect, pixels = band
        x0, y0, x1, y1 = rect
        (mask,) = beneath((edge,), (x0, y0), (y1 - y0, x1 - x0))
        fill(head[within(rect, box)], pixels, mask)

    # --- apertures ---------------------------------------------------------------------------

    # On the composite: a layer would have to carry their alpha.

    def _draw_mouth(self, work: U8, layout: _Layout, pose: Pose) -> None:
        points = self._geometry.pixels("lips"), self._geometry.pixels("sprites")
        paint_mouth(work, layout.frame[:2], self.asset.mouth, points, pose, self._tiles)

    def _draw_eyes(self, work: U8, frame: Rect, shape: Shape) -> None:
        geometry, n = self._geometry, self.asset.eyes.points
        eye_points = (
            geometry.pixels("lids").reshape(2, 2, 3, n),
            geometry.pixels("gaze").reshape(2, 2, 3),
        )
        self._eyes.paint(work, frame[:2], eye_points, shape.lids, self._tiles[0])


def _turn(pose: Pose) -> float:
    return abs(pose.get("headYaw", 0.0)) + abs(pose.get("headPitch", 0.0))


def _steps_head(pose: Pose) -> int:
    return min(3 + round(_turn(pose) / 2), MAX_STEPS_HEAD)


def _store(work: U8, box: Rect, into: Planes) -> None:
    """Convert the part of the frame that the head touches; the rest is there already."""
    x0, y0, x1, y1 = box
    h, w = y1 - y0, x1 - x0
    y, u, v = planes(cast(U8, cv2.cvtColor(work, cv2.COLOR_BGRA2YUV_I420)), h, w)
    np.copyto(into[0][y0:y1, x0:x1], y)
    half = np.s_[y0 // 2 : y1 // 2, x0 // 2 : x1 // 2]
    np.copyto(into[1][half], u)
    np.copyto(into[2][half], v)
