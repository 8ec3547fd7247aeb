"""What becomes of a call's frames: RTP payloads for a track, or pictures for a channel."""

from __future__ import annotations

import contextlib
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rtav.media.pcm import I420, SESSION_RATE_HZ
from rtav.media.video import Codec, VideoEncoder
from rtav.runtime.reels import Encoding, Follower, Reels, open_encoder

T = TypeVar("T")

KEYFRAME_SAMPLES = SESSION_RATE_HZ * 3 // 10  # browsers repeat a request until it is answered
FORGOTTEN_SAMPLES = SESSION_RATE_HZ  # a frame that nobody took or dropped for a second
BITRATE_RISE = 0.25  # of the way up with each report; down at once, where losses already happen
COMMON_BITRATE = 0.75  # of the normal one: who can take less gets frames of their own
MIN_BITRATE = 150_000  # bit/s: below, a face is not worth watching; losses are the better sign


@dataclass(slots=True)
class EncodedCounts:
    encoded: int = 0
    keyframes: int = 0
    shared: int = 0
    """Frames that were encoded for several calls."""
    missed: int = 0
    """Frames that were too late to be encoded, or encoded and not sent."""


class EncodedVideo:
    """RTP payloads, kept until the egress clock takes them."""

    def __init__(
        self,
        encoding: Encoding,
        reels: Reels,
        *,
        kind: Callable[[], Hashable | None],
        use: Callable[[str], None],
    ) -> None:
        """`kind()` names what the frame that is finished has in common with other calls' frames of
        the same kind, None if it is this call's alone. `use` is told of another codec, in the event
        loop, right before the first frame in it is taken."""
        self._follower, self._kind, self._use = Follower(reels), kind, use
        self._followed = 0  # frames in a row that were encoded for several calls
        self._lock = threading.Lock()  # guards all but the encoder, which one thread has at a time
        self._encoding = encoding
        self._next: tuple[tuple[int, int], Encoding] | None = None  # with frames of that shape
        self._bitrate = encoding.bitrate
        self._key_wanted = False
        self._is_broken = False
        self._dropped_until = -1
        self._ready: dict[int, tuple[Codec, list[bytes]]] = {}
        self._taken = encoding.codec
        self._encoder: _Open | None = None
        self._shape: tuple[int, ...] | None = None  # of the last frame, also where others encode
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

    def change(self, encoding: Encoding, *, shape: tuple[int, int] | None = None) -> None:
        """Another codec, rate or ceiling: from the next frame on, or, where `shape` is not that of
        the present ones, with the first frame of that shape. That is a key frame.

        The bit rate keeps its share of the normal one, within the new ceiling.
        """
        with self._lock:
            if shape is not None and self._shape is not None and self._shape != shape:
                self._next = shape, encoding
            else:
                self._become(encoding)

    @property
    def bitrate(self) -> int:
        """What the encoder aims at now, bit/s."""
        return self._bitrate

    def take(self, at: int) -> Sequence[bytes] | None:
        with self._lock:
            codec, payloads = self._ready.pop(at, (self._taken, None))
        if codec != self._taken:
            self._taken = codec
            self._use(codec)
        return payloads

    def drop(self, at: int) -> None:
        with self._lock:
            self._dropped_until = max(self._dropped_until, at)

    # --- in an encoder's thread --------------------------------------------------------------

    @property
    def is_shared(self) -> bool:
        return self._followed > 0

    def finish(self, at: int, frame: I420) -> None:
        """Encode, unless it is too late already: a frame that is encoded and not sent breaks the
        prediction of those after it, and only a key frame repairs that."""
        unsent, is_late = self._sweep(at)
        if unsent:
            self._repair(unsent)
        if is_late:
            return
        with self._lock:
            if self._next is not None and self._next[0] == frame.shape:
                self._become(self._next[1])
            self._shape = frame.shape
            encoding, bitrate = self._encoding, self._bitrate
        payloads = self._in_common(at, frame, encoding, bitrate)
        if payloads is None:
            self._prepare(frame, encoding, bitrate)
            payloads = self._alone(at, frame)
        with self._lock:
            self.counts.encoded += 1
            self.counts.shared += self._followed > 0
            self._ready[at] = encoding.codec, payloads

    def close(self) -> None:
        """Free the encoder."""
        self._follower.leave()
        self._free()

    def _in_common(
        self, at: int, frame: I420, encoding: Encoding, bitrate: int
    ) -> list[bytes] | None:
        with self._lock:
            if self._is_broken or (self._key_wanted and self._may_be_key(at)):
                self._follower.leave()
        kind = self._kind() if bitrate >= COMMON_BITRATE * encoding.bitrate else None
        payloads = self._follower.payloads(frame, kind, encoding)
        with self._lock:
            if payloads is None:  # the next frame must not be predicted from another picture
                self._is_broken |= self._followed > 0
            self._followed = 0 if payloads is None else self._followed + 1
        return payloads

    def _alone(self, at: int, frame: I420) -> list[bytes]:
        assert self._encoder is not None, "just prepared"
        return self._encoder.encoder.encode(frame, key=self._takes_key(at))

    def _free(self) -> None:
        if self._encoder is not None:
            self._encoder.encoder.close()
            self._encoder = None

    def _become(self, encoding: Encoding) -> None:
        """Under the lock."""
        share = encoding.bitrate / self._encoding.bitrate
        self._bitrate = min(int(self._bitrate * share), encoding.ceiling)
        self._encoding, self._next = encoding, None

    def _may_be_key(self, at: int) -> bool:
        return at - self._last_key >= KEYFRAME_SAMPLES

    def _sweep(self, at: int) -> tuple[int, bool]:
        """How many of the last frames were encoded and not sent, and whether `at` is given up."""
        with self._lock:
            given_up = max(self._dropped_until, at - FORGOTTEN_SAMPLES)
            unsent = [ready for ready in self._ready if ready <= given_up]
            for ready in unsent:
                del self._ready[ready]
            is_late = at <= self._dropped_until
            self.counts.missed += len(unsent) + is_late
            return len(unsent), is_late

    def _repair(self, unsent: int) -> None:
        """Send later what was encoded for several calls; else begin again."""
        if self._followed < unsent or not self._follower.rewind(unsent):
            with self._lock:
                self._is_broken = True

    def _takes_key(self, at: int) -> bool:
        with self._lock:
            if not (self._is_broken or (self._key_wanted and self._may_be_key(at))):
                return False
            self._key_wanted = self._is_broken = False
            self._last_key = at
            self.counts.keyframes += 1
            return True

    def _prepare(self, frame: I420, encoding: Encoding, bitrate: int) -> None:
        """An encoder for this frame: the present one unless encoding or size have changed."""
        current = self._encoder
        if current is None or current.encoding != encoding or current.shape != frame.shape:
            self._free()
            encoder = open_encoder(frame, encoding, bitrate=bitrate)
            self._encoder = _Open(encoder, encoding, frame.shape, bitrate)
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

    @property
    def is_shared(self) -> bool:
        return False

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
