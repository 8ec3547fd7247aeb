"""A face in its frame: before its background, cut out, or in a picture that is not square."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import cv2
import numpy as np

from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.face import FaceFile
from rtav.engines.avatar.layers import CELL_PX
from rtav.engines.avatar.paint import U8, Rect
from rtav.engines.avatar.scene import planes
from rtav.engines.look import COLOUR, MATTE, ORIGINAL, Framing, Look, bgr, frame_px, picture_px
from rtav.media.pcm import I420

CLOSE = 1.4  # the face's square of a portrait's width: shoulders leave the frame, hair does not
KEPT = 4  # pictures: those in step ask within a few frames
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
WHITE_Y, GREY = 235, 128  # of video's range; a colour that is none
FADE = 0.35  # of the square's side: how far beside a photograph its mirror image is told
BLUR = 0.06  # of the square's side: of what is not told any more


class Staging:
    """A face at one size with one look. Shared by all who show it; for the render thread."""

    def __init__(self, face: FaceFile, size_px: int, look: Look, behind: U8 | None = None) -> None:
        """`behind` is the background's picture, (H, W, 3) BGR of any size, where it is one.

        Raises ValueError for a size that no face has, or a background that the face cannot have.
        """
        self._frame = frame_px(size_px, look.framing)  # width and height of what is seen
        self._size = picture_px(size_px, look)
        self._square = x0, y0, x1, y1 = _square(self._frame, size_px, look.framing)  # in it
        self._is_whole = look.framing == "square" and look.background != MATTE
        if look.background != ORIGINAL and not face.has_outline:
            raise ValueError(f"the face {face.id!r} is one picture with its background")
        backdrops = _backdrops(face, look, behind)
        canvases = [_canvas(face, picture, self._frame, self._square) for picture in backdrops]
        left, side = max(0, -x0), x1 - x0
        cut = [canvas[y0:y1, x0 + left : x0 + left + side] for canvas in canvases]
        first = FaceAsset(replace(face, backdrop=cut[0]), side)
        if behind is not None:
            first = first.before(replace(face, backdrop=cut[0]), is_picture=True)
        self.assets = [first, *(first.before(replace(face, backdrop=other)) for other in cut[1:])]
        """What is drawn for one picture, each before its own background."""
        width = self._frame[0]
        around = np.ascontiguousarray(canvases[0][:, left : left + width])
        self._around = cast(U8, cv2.cvtColor(around, cv2.COLOR_BGR2YUV_I420))
        self._kept: OrderedDict[tuple[int, ...], tuple[Sequence[I420], I420]] = OrderedDict()

    @property
    def pixels(self) -> int:
        """Of all squares that are drawn for one picture: what it takes of memory goes with them."""
        return sum(asset.size_px**2 for asset in self.assets)

    def compose(self, drawn: Sequence[I420]) -> I420:
        """The picture, of the squares that were drawn for it; not to be changed."""
        if self._is_whole:
            return drawn[0]
        key = tuple(map(id, drawn))
        found = self._kept.get(key)
        if found is None:  # with what it is made of: an id is only as good as its object's life
            found = self._kept[key] = (drawn, self._composed(drawn))
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found[1]

    def _composed(self, drawn: Sequence[I420]) -> I420:
        width, height = self._frame
        frame = np.empty((self._size[1] * 3 // 2, width), np.uint8)
        into = planes(frame, self._size[1], width)
        for i, part in enumerate(planes(self._around, height, width)):
            np.copyto(into[i][: len(part)], part)
        seen, source = self._overlap()
        squares = [planes(square, len(square) * 2 // 3, square.shape[1]) for square in drawn]
        for i, part in enumerate(squares[0]):
            np.copyto(into[i][_at(seen, i)], part[_at(source, i)])
        if len(squares) > 1:
            alpha = into[0][height:]
            alpha[:] = 16
            into[1][height // 2 :] = into[2][height // 2 :] = GREY
            shows = cv2.subtract(squares[1][0], squares[0][0])[_at(source, 0)]
            np.subtract(WHITE_Y, shows, out=alpha[_at(seen, 0)])
        frame.flags.writeable = False
        return frame

    def _overlap(self) -> tuple[Rect, Rect]:
        """What of the square is seen: its place in the frame, and in itself."""
        x0, y0, x1, y1 = self._square
        left, right = max(0, x0), min(self._frame[0], x1)
        return (left, y0, right, y1), (left - x0, 0, right - x0, y1 - y0)


def cover(picture: U8, width: int, height: int) -> U8:
    """The middle of `picture`, as large as fills (height, width), not stretched."""
    h, w = picture.shape[:2]
    scale = max(width / w, height / h)
    part_w, part_h = min(w, round(width / scale)), min(h, round(height / scale))
    x, y = (w - part_w) // 2, (h - part_h) // 2
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    part = picture[y : y + part_h, x : x + part_w]
    return cast(U8, cv2.resize(part, (width, height), interpolation=how))


def _square(frame: tuple[int, int], size_px: int, framing: Framing) -> Rect:
    """The face's square: as high as what is wider, its foot on the foot of what is higher."""
    width, height = frame
    side = size_px
    if framing == "portrait":
        side = round(size_px * CLOSE / (2 * CELL_PX)) * 2 * CELL_PX
    x0 = (width - side) // 4 * 2
    return x0, height - side, x0 + side, height


def _at(rect: Rect, plane: int) -> tuple[slice, slice]:
    """The part of a plane of I420: chroma is half as large."""
    x0, y0, x1, y1 = rect if plane == 0 else tuple(v // 2 for v in rect)
    return slice(y0, y1), slice(x0, x1)


def _backdrops(face: FaceFile, look: Look, behind: U8 | None) -> list[U8]:
    if look.background == MATTE:
        return [_plain(BLACK), _plain(WHITE)]
    if COLOUR.fullmatch(look.background):
        return [_plain(bgr(look.background))]
    if look.background == ORIGINAL:
        return [face.backdrop]
    if behind is None:
        raise ValueError(f"there is no background {look.background!r}")
    return [behind]


def _plain(colour: tuple[int, int, int]) -> U8:
    return np.full((8, 8, 3), colour, np.uint8)


def _canvas(face: FaceFile, backdrop: U8, frame: tuple[int, int], square: Rect) -> U8:
    """What is behind the face, in the whole frame and under all of its square."""
    x0, y0, x1, y1 = square
    width, height = frame
    if not face.has_outline:
        room = max(0, x0), max(0, width - x1)
        return _continued(cover(backdrop, x1 - x0, y1 - y0), y0, room)
    seen = cover(backdrop, width, height)
    beside = max(0, -x0), max(0, x1 - width)
    return cast(U8, cv2.copyMakeBorder(seen, 0, 0, *beside, cv2.BORDER_REPLICATE))


def _continued(picture: U8, above: int, beside: tuple[int, int]) -> U8:
    """A photograph that fills its square goes on beyond it: mirrored, and soon only in colours."""
    mirrored = cv2.copyMakeBorder(picture, above, 0, *beside, cv2.BORDER_REFLECT_101)
    if not (above or any(beside)):
        return cast(U8, mirrored)
    side = picture.shape[0]
    blurred = cv2.GaussianBlur(mirrored, (0, 0), side * BLUR)
    inside = np.zeros(mirrored.shape[:2], np.uint8)
    inside[above:, beside[0] : beside[0] + side] = 1
    away = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3) / (side * FADE)
    told = (1 - np.clip(away, 0, 1)[..., None]) ** 2
    return cast(U8, (mirrored * told + blurred * (1 - told)).astype(np.uint8))
