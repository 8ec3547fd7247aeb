"""What of a wished size and rate of the picture a connection carries."""

from __future__ import annotations

from dataclasses import dataclass

from rtav.media import h264
from rtav.runtime.peer import VideoFormat
from rtav.runtime.stills import MAX_FPS, MAX_PIXELS

SIZE_STEP_PX = 16
"""Faces are drawn and encoded in blocks of this size."""


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

    def size_px(self, factor: float) -> int:
        """Width and height at a scale of the operator's size."""
        size_px = round(self.settings.size_px * factor)
        max_pixels = MAX_PIXELS if self.video is None else self.video.max_pixels
        while size_px * size_px > max_pixels:
            size_px -= SIZE_STEP_PX
        return max(SIZE_STEP_PX * 4, size_px - size_px % SIZE_STEP_PX)

    def fps(self, wished: float | None, *, size_px: int) -> int:
        """The rate that the codec's level allows at this size; None wishes the operator's."""
        fps = self.settings.fps if wished is None else round(wished)
        if self.video is None:
            fps = min(fps, MAX_FPS)
        elif self.video.codec == "h264":
            fps = min(fps, h264.max_fps(size_px, size_px))
        return max(1, fps)

    def fit(self, fps: float | None, scale: float) -> tuple[float, float]:
        """Frames per second and scale as they come out."""
        size_px = self.size_px(scale)
        return float(self.fps(fps, size_px=size_px)), size_px / self.settings.size_px
