"""Where the egress clock puts its packets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Track(Protocol):
    """One outgoing RTP track. Called by the egress clock, in the event loop; never blocks."""

    @property
    def ready(self) -> bool:
        """True from the end of the handshake until the end of the call."""

    @property
    def loss(self) -> float:
        """Share of the last packets that the peer says it missed, 0 to 1."""

    def push(self, payloads: Sequence[bytes], rtp_time: int) -> None:
        """Send one frame now. `rtp_time` counts in the codec's clock (Opus 48 kHz, video 90 kHz)
        from the first sample of the call. Dropped silently while not `ready`."""

    def use(self, codec: str) -> None:
        """What is pushed from now on is of this codec, one of those that were negotiated."""

    def report(self, wall: float, rtp_time: int) -> None:
        """Send a sender report: `wall` (seconds since 1970) and `rtp_time` are one instant."""
