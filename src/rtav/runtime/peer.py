"""What a call sees of its caller, whatever the transport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from rtav.media.track import Track


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFormat:
    codec: Literal["h264", "vp8"]
    """The first of those that were negotiated."""
    max_pixels: int
    """Width times height that H.264's level allows (3.1: 3600 macroblocks, 921600); VP8 has no
    limit."""
    max_pixel_rate: int = 108_000 * 256
    """The same times frames per second (level 3.1: 108000 macroblocks)."""
    other: Literal["h264", "vp8"] | None = None
    """May be sent as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerMedia:
    """What was negotiated. Known before the first event, never changes."""

    transport: Literal["webrtc", "websocket"]
    hears: bool
    """RTP audio goes out: no audio deltas on the event channel."""
    speaks: bool
    """RTP audio comes in."""
    video: VideoFormat | None
    """RTP video goes out."""
    max_message_bytes: int

    def __str__(self) -> str:
        video = self.video.codec if self.video else "no video"
        return f"{self.transport}, {'audio' if self.hears else 'no audio'}, {video}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerStats:
    rtt_s: float | None = None
    loss: float = 0.0
    bitrate: int | None = None
    """What the receiver says it can take (REMB), bit/s."""
    packets_sent: int = 0
    packets_received: int = 0
    packets_lost: int = 0


class PeerListener(Protocol):
    """What a call wants to know. All methods are called in the event loop and return at once."""

    def opened(self, *, label: str, subprotocol: str) -> None:
        """The event channel is open: events may be sent from now on. Called once."""

    def media_ready(self) -> None:
        """Every outgoing track is ready: start the egress clock. Called once, not before
        `opened` or after it by any rule; not at all where nothing goes out by RTP."""

    def received(self, message: str | bytes) -> None:
        """One message from the client, in order."""

    def heard(self, sequence: int, rtp_time: int, payload: bytes) -> None:
        """One Opus packet of the microphone, as it came from the network: unordered, with gaps."""

    def keyframe_wanted(self) -> None: ...

    def bitrate_changed(self, bitrate: int) -> None: ...

    def gone(self, reason: str) -> None:
        """The peer left or vanished, or `close` has finished. Called exactly once, last."""


class Peer(Protocol):
    """One connected client."""

    @property
    def media(self) -> PeerMedia: ...

    @property
    def audio(self) -> Track | None: ...

    @property
    def video(self) -> Track | None: ...

    @property
    def buffered_bytes(self) -> int:
        """What waits to be sent on the event channel."""

    def stats(self) -> PeerStats: ...

    def listen(self, listener: PeerListener) -> None:
        """Say who wants to know. Called once, before the peer can have said anything."""

    def send(self, message: str) -> None:
        """Queue one text message. Dropped silently once the peer is gone. Raises ValueError if it
        is longer than `media.max_message_bytes`."""

    async def close(self, reason: str, words: str = "") -> None:
        """End the connection and release everything it made. Idempotent; returns within 2 s.

        `words` tell the client of it, where the transport carries any.
        """
