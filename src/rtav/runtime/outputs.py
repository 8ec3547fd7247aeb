"""What becomes of a call's frames: RTP payloads for a track, or pictures for a channel."""

from __future__ import annotations

import contextlib
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rtav.media.pcm import I420, SESSION_RATE_HZ
from rtav.media.video import Codec, VideoEncoder, make_encoder

T = TypeVar("T")

KEYFRAME_SAMPLES = SESSION_RATE_HZ * 3 // 10  # browsers repeat a request until it is answered
FORGOTTEN_SAMPLES = SESSION_RATE_HZ  # a frame that nobody took or dropped for a second
BITRATE_RISE = 0.25  # of the way up with each report; down at once, where losses already happen
MIN_BITRATE = 150_000  # bit/s: below, a face is not worth watching; losses are the better sign


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How frames become video. Their size is the avatar's."""

    codec: Codec
    fps: int
    bitrate: int
    """bit/s to begin with."""
    ceiling: int
    """bit/s that no report of the receiver exceeds."""


@dataclass(slots=True)
class EncodedCounts:
    encoded: int = 0
    keyframes: int = 0
    missed: int = 0
    """Frames that were too late to be encoded, or encoded and not sent."""


class EncodedVideo:
    """RTP payloads, kept until the egress clock takes them."""

    def __init__(self, encoding: Encoding) -> None:
        self._lock = threading.Lock()  # guards all but the encoder, which one thread has at a time
        self._encoding = encoding
        self._bitrate = encoding.bitrate
        self._key_wanted = False
        self._is_broken = False
        self._dropped_until = -1
        self._ready: dict[int, list[bytes]] = {}
        self._encoder: _Open | None = None
        self._last_key = -KEYFRAME_SAMPLES
        self.counts = EncodedCounts()

    # --- in the event loop -------------------------------------------------------------------

    def keyframe(self) -> None:
        """The receiver wants a key frame: the next one, but not more than one in 300 ms."""
        with self._lock:
            self._key_wanted = True

    def set_bitrate(self, bitrate: int) -> None:
        """The receiver says what it can take (bit/s)."""
        with self._lock:
            target = max(MIN_BITRATE, min(bitrate, self._encoding.ceiling))
            rise = max(0, target - self._bitrate) * BITRATE_RISE
            self._bitrate = int(min(target, self._bitrate + rise))

    def change(self, encoding: Encoding) -> None:
        """Another codec, rate or ceiling from the next frame on, which is a key frame.

        The bit rate goes on as it is, within the new ceiling.
        """
        with self._lock:
            self._encoding, self._bitrate = encoding, min(self._bitrate, encoding.ceiling)

    @property
    def bitrate(self) -> int:
        """What the encoder aims at now, bit/s."""
        return self._bitrate

    def take(self, at: int) -> Sequence[bytes] | None:
        with self._lock:
            return self._ready.pop(at, None)

    def drop(self, at: int) -> None:
        with self._lock:
            self._dropped_until = max(self._dropped_until, at)

    # --- in an encoder's thread --------------------------------------------------------------

    def finish(self, at: int, frame: I420) -> None:
        """Encode, unless it is too late already: a frame that is encoded and not sent breaks the
        prediction of those after it, and only a key frame repairs that."""
        if not self._is_awaited(at):
            return
        self._prepare(frame)
        assert self._encoder is not None, "just prepared"
        payloads = self._encoder.encoder.encode(frame, key=self._takes_key(at))
        with self._lock:
            self.counts.encoded += 1
            self._ready[at] = payloads

    def close(self) -> None:
        """Free the encoder."""
        if self._encoder is not None:
            self._encoder.encoder.close()
            self._encoder = None

    def _is_awaited(self, at: int) -> bool:
        with self._lock:
            given_up = max(self._dropped_until, at - FORGOTTEN_SAMPLES)
            unsent = [ready for ready in self._ready if ready <= given_up]
            for ready in unsent:
                del self._ready[ready]
            is_late = at <= self._dropped_until
            self.counts.missed += len(unsent) + is_late
            self._is_broken |= bool(unsent)
            return not is_late

    def _takes_key(self, at: int) -> bool:
        with self._lock:
            is_wanted = self._key_wanted and at - self._last_key >= KEYFRAME_SAMPLES
            if not (is_wanted or self._is_broken):
                return False
            self._key_wanted = self._is_broken = False
            self._last_key = at
            self.counts.keyframes += 1
            return True

    def _prepare(self, frame: I420) -> None:
        """An encoder for this frame: the present one unless encoding or size have changed."""
        with self._lock:
            encoding, bitrate = self._encoding, self._bitrate
        current = self._encoder
        if current is None or current.encoding != encoding or current.shape != frame.shape:
            self.close()
            self._encoder = _open(frame, encoding, bitrate=bitrate)
            with self._lock:
                self._is_broken = True  # decoders can start with a key frame only
        elif current.bitrate != bitrate:
            current.encoder.set_bitrate(bitrate)
            current.bitrate = bitrate


@dataclass(slots=True)
class _Open:
    encoder: VideoEncoder
    encoding: Encoding
    shape: tuple[int, ...]
    bitrate: int


def _open(frame: I420, encoding: Encoding, *, bitrate: int) -> _Open:
    rows, width = frame.shape
    encoder = make_encoder(
        encoding.codec,
        width=width,
        height=rows * 2 // 3,
        fps=encoding.fps,
        bitrate=bitrate,
        ceiling=encoding.ceiling,
    )
    return _Open(encoder=encoder, encoding=encoding, shape=frame.shape, bitrate=bitrate)


class Pictures(Generic[T]):
    """Frames for a channel: `convert(frame)` in an encoder's thread, `deliver(at, result)` in the
    event loop."""

    def __init__(
        self,
        convert: Callable[[I420], T],
        deliver: Callable[[int, T], None],
        *,
        loop: AbstractEventLoop,
    ) -> None:
        self._convert, self._deliver, self._loop = convert, deliver, loop

    def finish(self, at: int, frame: I420) -> None:
        converted = self._convert(frame)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to look
            self._loop.call_soon_threadsafe(self._deliver, at, converted)

    def take(self, at: int) -> None:
        """Nothing: pictures deliver themselves."""

    def drop(self, at: int) -> None:
        pass

    def close(self) -> None:
        pass
