"""One call's picture: what the playout sounds like, drawn by an avatar, encoded for the peer."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from rtav import metrics
from rtav.core.sight import Sight
from rtav.engines.base import Avatar, AvatarEngine
from rtav.engines.look import picture_px
from rtav.runtime.fitting import FaceSettings, Fitting, look_of
from rtav.runtime.in_step import CommonClock, InStep
from rtav.runtime.outputs import EncodedVideo
from rtav.runtime.peer import VideoFormat
from rtav.runtime.picture import Picture
from rtav.runtime.playout import Playout
from rtav.runtime.reels import Encoding
from rtav.runtime.stage import Stage
from rtav.runtime.stills import Stills

logger = logging.getLogger(__name__)

CEILING = 2.5
"""How far above the normal bitrate a receiver with a good line may lift it."""


class Face:
    """The video source of a call's clock."""

    def __init__(
        self,
        *,
        engine: AvatarEngine,
        stage: Stage,
        playout: Playout,
        video: VideoFormat | Stills,
        use: Callable[[str], None],
        settings: FaceSettings,
    ) -> None:
        """`video`: what was negotiated, or where still pictures go. `use` is told of another codec
        before the first frame in it is taken."""
        self._engine, self._stage, self._playout = engine, stage, playout
        self._video, self._settings = video, settings
        self._is_drawn = not isinstance(video, Stills)
        self._fitting = Fitting(
            settings=settings, video=None if isinstance(video, Stills) else video
        )
        self._sight = self._fitting.fit(Sight())
        self._face: str | None = None
        self._motions: tuple[str, ...] | None = None
        self._driven_at = 0
        self._encoded: EncodedVideo | None = None
        loop = asyncio.get_running_loop()
        clock = self._clock = CommonClock(loop.time)
        output: EncodedVideo | Stills
        if isinstance(video, Stills):
            output = video
        else:
            output = self._encoded = EncodedVideo(
                self._encoding(), stage.reels, kind=lambda: clock.kind, use=use
            )
        self._is_open = False
        self._picture = Picture(
            stage,
            output,
            loop=loop,
            on_failure=self._failed,
        )

    # --- from the session --------------------------------------------------------------------

    def show(self, face: str) -> None:
        """Change the face. A new one is loaded beside the running picture."""
        before, self._face = self._face, face
        if before != face and (self._is_drawn or self._is_open):
            self._open()

    def draw(self, *, on: bool) -> None:
        """Still pictures are wanted now, or not; video always is. The face is loaded when it is
        wanted for the first time."""
        if not isinstance(self._video, Stills):
            return
        self._is_drawn = on
        if on and not self._is_open and self._face is not None:
            self._open()

    def drive(self, motions: tuple[str, ...], *, at: int) -> None:
        self._motions, self._driven_at = motions, at
        self._picture.do(lambda avatar: avatar.drive(motions, at=at))

    def see(self, wish: Sight) -> None:
        """Another picture, as far as the connection carries it. The rate changes at once; another
        size or look is loaded beside the running picture."""
        before, self._sight = self._sight, self._fitting.fit(wish)
        if self._encoded is not None:
            width, height = self._picture_px()
            self._encoded.change(self._encoding(), shape=(height * 3 // 2, width))
        if self._is_open and replace(before, fps=0, codec=None) != replace(
            self._sight, fps=0, codec=None
        ):
            self._open()

    @property
    def fps(self) -> int:
        return round(self._sight.fps or 0)

    # --- from the peer -----------------------------------------------------------------------

    def keyframe(self) -> None:
        if self._encoded is not None:
            self._encoded.keyframe()

    def set_bitrate(self, bitrate: int) -> None:
        if self._encoded is not None:
            self._encoded.set_bitrate(bitrate)

    # --- from the clock ----------------------------------------------------------------------

    def request(self, at: int) -> bool:
        self._clock.start(at, fps=self.fps)
        return self._is_drawn and self._picture.request(self._playout.moment(at))

    def take(self, at: int) -> Sequence[bytes] | None:
        return self._picture.take(at)

    def drop(self, at: int) -> None:
        metrics.frames_dropped_total.labels(reason="late").inc()
        self._picture.drop(at)

    def close(self) -> None:
        self._picture.close()

    # --- pieces ------------------------------------------------------------------------------

    def _open(self) -> None:
        engine, face, look = self._engine, self._face, look_of(self._sight)
        size_px = self._fitting.size_px(self._sight)
        fps, motions, driven_at = self.fps, self._motions, self._driven_at
        clock = self._clock
        assert face is not None
        self._is_open = True

        def opener() -> Avatar:
            avatar = InStep(
                engine.open(face, size_px=size_px, fps=fps, seed=None, look=look), clock
            )
            if motions is not None:
                avatar.drive(motions, at=driven_at)
            return avatar

        self._picture.open(opener)

    def _picture_px(self) -> tuple[int, int]:
        return picture_px(self._fitting.size_px(self._sight), look_of(self._sight))

    def _encoding(self) -> Encoding:
        width, height = self._picture_px()
        share = math.sqrt(width * height) / self._settings.size_px
        bitrate = int(self._settings.bitrate * share)
        return Encoding(
            codec="vp8" if self._sight.codec == "vp8" else "h264",
            fps=self.fps,
            bitrate=bitrate,
            ceiling=int(bitrate * CEILING),
        )

    def _failed(self, error: BaseException, gave_up: bool) -> None:
        metrics.engine_failures_total.labels(
            kind="avatar", engine=self._engine.capabilities.name, error=type(error).__name__
        ).inc()
        if gave_up:
            logger.error("the face has stopped: it failed too often")
