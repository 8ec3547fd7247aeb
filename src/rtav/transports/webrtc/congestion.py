"""Reads a receiver's estimate of the bandwidth for what it says about the network."""

from __future__ import annotations

from collections import deque

WINDOW_S = 1.0  # over which receivers measure too
QUIET_BITRATE = 150_000  # bit/s; a track that sends less cannot be what fills the network


class Ceiling:
    """What one track may send, in bit/s.

    A browser's estimate (REMB) is never more than about 1.5 times what arrives, and grows by 8 %
    a second: with a calm picture Chromium says 14 kbit/s on loopback. Taken at its word it would
    keep the next lively picture blurred for half a minute. So it counts only while it is less
    than what is being sent, and from then on as it rises again.
    """

    def __init__(self) -> None:
        self._sent: deque[tuple[float, int]] = deque()
        self._bitrate: int | None = None

    def sent(self, now: float, size_bytes: int) -> None:
        """A frame of `size_bytes` has been sent at `now` (seconds, any steady clock)."""
        self._sent.append((now, size_bytes))
        self._forget(now)

    def estimated(self, now: float, bitrate: int) -> int | None:
        """The new ceiling after the receiver has estimated `bitrate`; None if it is as it was."""
        self._forget(now)
        rate = sum(size_bytes for _, size_bytes in self._sent) * 8 / WINDOW_S
        is_congested = bitrate < rate and rate > QUIET_BITRATE
        is_rising = self._bitrate is not None and bitrate > self._bitrate
        if not (is_congested or is_rising) or bitrate == self._bitrate:
            return None
        self._bitrate = bitrate
        return bitrate

    def _forget(self, now: float) -> None:
        while self._sent and self._sent[0][0] <= now - WINDOW_S:
            self._sent.popleft()
