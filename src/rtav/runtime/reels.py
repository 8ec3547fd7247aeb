"""Frames that several calls show: encoded once and sent to all of them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass

from rtav.media.pcm import I420
from rtav.media.video import Codec, VideoEncoder, make_encoder

KEPT = 12  # frames: who is further behind goes alone. Calls in step differ by a frame or two
BEHIND = 4  # frames: who is further behind is waiting for a key frame to go on from
ENTRY = BEHIND  # frames: a key frame that is older is too old to begin with
KEY_FRAMES = 50  # from one key frame to the next: everybody gets the one that somebody needs
ALONE_FRAMES = 25  # a second in common comes before the way back in, which costs key frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How frames become video. Their size is the avatar's."""

    codec: Codec
    fps: int
    bitrate: int
    """bit/s to begin with."""
    ceiling: int
    """bit/s that no report of the receiver exceeds."""


def open_encoder(frame: I420, encoding: Encoding, *, bitrate: int) -> VideoEncoder:
    """An encoder for frames like this one."""
    rows, width = frame.shape
    return make_encoder(
        encoding.codec,
        width=width,
        height=rows * 2 // 3,
        fps=encoding.fps,
        bitrate=bitrate,
        ceiling=encoding.ceiling,
    )


class Reels:
    """The reels that run. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reels: dict[Hashable, Reel] = {}

    @property
    def running(self) -> int:
        return len(self._reels)

    def enter(self, kind: Hashable, encoding: Encoding, who: Follower) -> Reel:
        """The reel of what `kind` names, from now on also for `who`, who must `leave`."""
        with self._lock:
            reel = self._reels.setdefault((kind, encoding), Reel(encoding))
            reel.enter(who)
            return reel

    def leave(self, kind: Hashable, encoding: Encoding, who: Follower) -> None:
        with self._lock:
            if self._reels[kind, encoding].leave(who):
                del self._reels[kind, encoding]


class Reel:
    """One encoder for all who show the same. Whoever is first with a frame encodes it.

    Each sends all frames one after the other from a key frame on, so that predictions hold; who
    leaves one out is a frame behind until the next key frame, which nobody sees of a face at rest.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._lock = threading.Lock()
        self._encoding = encoding
        self._encoder: VideoEncoder | None = None
        self._next: dict[Follower, int | None] = {}  # the number to send; None: waits for a key
        self._payloads: deque[list[bytes]] = deque(maxlen=KEPT)
        self._end = 0  # number of the frame that comes next
        self._last_key = -KEY_FRAMES
        self._key_wanted = False

    def enter(self, who: Follower) -> None:
        with self._lock:
            self._next[who] = None

    def leave(self, who: Follower) -> bool:
        """True if nobody is left: the encoder is freed then."""
        with self._lock:
            del self._next[who]
            if not self._next and self._encoder is not None:
                self._encoder.close()
                self._encoder = None
            return not self._next

    def rewind(self, who: Follower, frames: int) -> bool:
        """The last `frames` of `who` were not sent and come next; False if they are forgotten."""
        with self._lock:
            number = (self._next[who] or 0) - frames
            if number < self._end - len(self._payloads):
                return False
            self._next[who] = number
            return True

    def payloads(self, who: Follower, frame: I420) -> list[bytes] | None:
        """What `who` sends next, who shows `frame` now; None: must encode it alone."""
        with self._lock:
            number = self._next[who]
            if number is None:
                number = self._begin()
            if number is None or number < self._end - len(self._payloads):
                self._next[who] = None
                return None
            if number < self._last_key:
                number = self._last_key  # nobody needs what lies between
            if self._end - number > BEHIND:
                self._key_wanted = True
            if number == self._end:
                self._append(frame)
            self._next[who] = number + 1
            return self._payloads[number - self._end]

    def _begin(self) -> int | None:
        """Where somebody can begin now."""
        if len(self._next) == 1:
            return None  # alone
        if self._end - self._last_key <= ENTRY:
            return self._last_key
        self._key_wanted = True
        nobody_follows = all(number is None for number in self._next.values())
        return self._end if nobody_follows else None

    def _append(self, frame: I420) -> None:
        if self._encoder is None:
            self._encoder = open_encoder(frame, self._encoding, bitrate=self._encoding.bitrate)
            self._key_wanted = True
        key = self._key_wanted and self._end - self._last_key >= KEY_FRAMES
        if key:
            self._key_wanted, self._last_key = False, self._end
        self._payloads.append(self._encoder.encode(frame, key=key))
        self._end += 1


class Follower:
    """One call's place on reels. Its methods belong to one thread at a time."""

    def __init__(self, reels: Reels) -> None:
        self._reels = reels
        self._on: tuple[Hashable, Encoding] | None = None
        self._reel: Reel | None = None
        self._frames = ALONE_FRAMES  # in a row that are in common; a call begins with a key frame

    def payloads(
        self, frame: I420, kind: Hashable | None, encoding: Encoding
    ) -> list[bytes] | None:
        """What to send for `frame`, which all who show `kind` show; None: encode it alone, as a key
        frame if the last one was from here."""
        on = None if kind is None else (kind, encoding)
        if on != self._on and self._on is not None:
            self.leave()
        self._on = on
        if on is None:
            self._frames = 0
            return None
        self._frames += 1
        if self._frames <= ALONE_FRAMES:
            return None
        if self._reel is None:
            self._reel = self._reels.enter(*on, self)
        return self._reel.payloads(self, frame)

    def rewind(self, frames: int) -> bool:
        """The last `frames` that came from here were not sent; False if they cannot be any more."""
        return self._reel is not None and self._reel.rewind(self, frames)

    def leave(self) -> None:
        """Go alone for some time."""
        if self._on is not None and self._reel is not None:
            self._reels.leave(*self._on, self)
        self._on, self._reel, self._frames = None, None, 0
