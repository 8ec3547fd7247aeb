"""A face in events: one JPEG after the other, as many as the connection takes in time."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Callable

from rtav import metrics
from rtav.core.inputs import FrameDrawn
from rtav.core.outputs import SendImage
from rtav.media.images import jpeg
from rtav.media.pcm import I420, SESSION_RATE_HZ
from rtav.protocol.server import ServerEvent
from rtav.runtime.peer import Peer

MAX_FPS = 10
"""Frames in events cost ten times the bytes of video."""

MAX_PIXELS = 512 * 512

LATE_SAMPLES = SESSION_RATE_HZ // 5
"""A frame is left out rather than shown 200 ms behind its sound."""

MAX_WAITING_BYTES = 16 * 1024
"""With more than this waiting to be sent the last frame is still on its way: no event waits behind
more than one."""

AROUND_BYTES = 512
"""What an event has besides its picture."""

QUALITIES = (80, 60, 40, 20)


class Stills:
    """What becomes of a call's frames; see `rtav.runtime.picture.Output`."""

    def __init__(
        self, peer: Peer, *, tell: Callable[[FrameDrawn], None], at: Callable[[], int]
    ) -> None:
        """`at` is the sample that the call's clock has come to."""
        self._peer, self._tell, self._at = peer, tell, at
        self._loop = asyncio.get_running_loop()
        self._limit_bytes = (peer.media.max_message_bytes - AROUND_BYTES) * 3 // 4
        self._latest = b""

    # --- in an encoder's thread --------------------------------------------------------------

    @property
    def is_shared(self) -> bool:
        return False

    def finish(self, at: int, frame: I420) -> None:
        fitting = (jpeg(frame, quality=quality) for quality in QUALITIES)
        picture = next((data for data in fitting if len(data) <= self._limit_bytes), b"")
        rows, width = frame.shape
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to look
            self._loop.call_soon_threadsafe(self._drawn, at, picture, width, rows * 2 // 3)

    def close(self) -> None:
        """There is no encoder to free."""

    # --- in the event loop -------------------------------------------------------------------

    def take(self, at: int) -> None:
        """Nothing: pictures deliver themselves."""

    def drop(self, at: int) -> None:
        """Nobody waits for them."""

    def event(self, order: SendImage) -> ServerEvent:
        """The event with the frame that was drawn last."""
        delta = base64.b64encode(self._latest).decode()
        fields = {**order.fields, "delta": delta}
        return ServerEvent("response.output_image.delta", fields, order.event_id)

    def _drawn(self, at: int, picture: bytes, width: int, height: int) -> None:
        is_late = self._at() - at > LATE_SAMPLES
        if not picture or is_late or self._peer.buffered_bytes > MAX_WAITING_BYTES:
            metrics.frames_dropped_total.labels(reason="late").inc()
            return
        self._latest = picture
        self._tell(FrameDrawn(width=width, height=height))
