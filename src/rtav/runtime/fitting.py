"""What of a wished picture a connection carries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from rtav.core.sight import Sight
from rtav.engines.look import STEP_PX, Framing, Look, picture_px
from rtav.media.video import Codec
from rtav.runtime.peer import VideoFormat
from rtav.runtime.stills import MAX_FPS, MAX_PIXELS

MIN_PX, MAX_PX = 64, 1024
"""Of the shorter side. Faces are painted at 720."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSettings:
    """The operator's picture: width and height, frames per second, and bit/s at most."""

    size_px: int
    fps: int
    bitrate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """`video` is what was negotiated; None: pictures go in events."""

    settings: FaceSettings
    video: VideoFormat | None

    def fit(self, wish: Sight) -> Sight:
        """The picture as it comes out; what comes out is carried as it is.

        Where H.264 cannot carry it, VP8 does, or else the size is reduced, then the rate.
        """
        fps = float(max(1, round(self.settings.fps if wish.fps is None else wish.fps)))
        size_px = min(_in_steps(self.settings.size_px * wish.scale), MAX_PX)
        look = look_of(wish)
        if self.video is None:
            size_px = _reduced(size_px, look, MAX_PIXELS)
            return self._sight(wish, size_px=size_px, fps=min(fps, float(MAX_FPS)), codec=None)
        codecs = _in_order(self.video, wish.codec)
        for codec in codecs:
            if codec == "vp8" or self._fits_h264(size_px, look, fps):
                return self._sight(wish, size_px=size_px, fps=fps, codec=codec)
        size_px = _reduced(size_px, look, self.video.max_pixels)
        fps = min(fps, self.video.max_pixel_rate // _pixels(size_px, look))
        return self._sight(wish, size_px=size_px, fps=max(1.0, fps), codec=codecs[0])

    def size_px(self, sight: Sight) -> int:
        """The shorter side of a picture that comes out."""
        return round(self.settings.size_px * sight.scale)

    def _fits_h264(self, size_px: int, look: Look, fps: float) -> bool:
        assert self.video is not None, "RTP video goes out"
        pixels = _pixels(size_px, look)
        return pixels <= self.video.max_pixels and pixels * fps <= self.video.max_pixel_rate

    def _sight(self, wish: Sight, *, size_px: int, fps: float, codec: Codec | None) -> Sight:
        return replace(wish, fps=fps, scale=size_px / self.settings.size_px, codec=codec)


def look_of(sight: Sight) -> Look:
    return Look(framing=cast(Framing, sight.framing), background=sight.background)


def _in_order(video: VideoFormat, wanted: str | None) -> Sequence[Codec]:
    if video.other is None:
        return (video.codec,)
    return (video.other, video.codec) if wanted == video.other else (video.codec, video.other)


def _in_steps(size_px: float) -> int:
    return max(MIN_PX, round(size_px) // STEP_PX * STEP_PX)


def _pixels(size_px: int, look: Look) -> int:
    width, height = picture_px(size_px, look)
    return width * height


def _reduced(size_px: int, look: Look, max_pixels: int) -> int:
    while size_px > MIN_PX and _pixels(size_px, look) > max_pixels:
        size_px -= STEP_PX
    return size_px
