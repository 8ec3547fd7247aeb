"""One client connected by WebRTC."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from aiortc import RTCPeerConnection, RTCRtpTransceiver
from aiortc.exceptions import InvalidStateError

from rtav.errors import PeerGone
from rtav.media.track import Track
from rtav.runtime.peer import PeerListener, PeerMedia, PeerStats, VideoFormat
from rtav.transports.webrtc import ice, internals
from rtav.transports.webrtc.background import Background
from rtav.transports.webrtc.channel import ChannelEvents, EventChannel
from rtav.transports.webrtc.codecs import Codec
from rtav.transports.webrtc.consent import Consent
from rtav.transports.webrtc.mux import Link
from rtav.transports.webrtc.receiver import PushReceiver
from rtav.transports.webrtc.sdp import OUR_MESSAGE_BYTES, Offer
from rtav.transports.webrtc.sender import Feedback, PushSender
from rtav.transports.webrtc.settings import IceSettings

logger = logging.getLogger(__name__)

FAREWELL_S = 0.8  # for what waits to be sent and the channel's visible end
RELEASE_S = 1.0  # aiortc closes in milliseconds; with the farewell it stays within 2 s

LEFT = "left"
VANISHED = "vanished"
NEVER_CONNECTED = "never connected"
HANDSHAKE_FAILED = "handshake failed"
BROKE = "broke"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """How a call is reached from the network."""

    links: tuple[Link, ...]
    release: Callable[[], None]
    """Called once, when the call uses them no more."""


class WebRtcPeer:
    """A `Peer`. It runs no task of its own: timers, callbacks and `background` carry it.

    Whatever ends it, itself included, goes through `_end` once: the tracks fall silent and the
    timers stop at once, then `background` releases aiortc's objects and the sockets.
    """

    def __init__(
        self,
        offer: Offer,
        connection: RTCPeerConnection,
        attachment: Attachment,
        *,
        settings: IceSettings,
        background: Background,
    ) -> None:
        """`connection` has its remote description, which is `offer`."""
        self._offer = offer
        self._connection = connection
        self._attachment = attachment
        self._settings = settings
        self._background = background
        self._loop = asyncio.get_running_loop()
        self._listener: PeerListener | None = None
        self._ended: str | None = None
        self._released = asyncio.Event()
        self._senders: dict[str, PushSender] = {}
        self._microphone: PushReceiver | None = None
        for transceiver in connection.getTransceivers():
            self._take_over(transceiver)
        self._media = PeerMedia(
            transport="webrtc",
            hears="audio" in self._senders,
            speaks=self._microphone is not None,
            video=_video_format(offer) if "video" in self._senders else None,
            max_message_bytes=offer.max_message_bytes or OUR_MESSAGE_BYTES,
        )
        self._channel = EventChannel(connection, self._media.max_message_bytes)
        self._transport = internals.transport_of(connection)
        self._transport.on("statechange", self._transport_changed)
        internals.guard_connection(connection, self._broke)
        for link in attachment.links:
            link.on_broken = self._broke
        if offer.audio is None and offer.video is None:
            internals.do_without_srtp(self._transport)
        self._consent = Consent(self._loop.time(), vanished_after_s=settings.vanished_after_s)
        self._setup = self._loop.call_later(settings.setup_timeout_s, self._setup_over)
        self._watch: asyncio.TimerHandle | None = None

    @property
    def media(self) -> PeerMedia:
        return self._media

    @property
    def audio(self) -> Track | None:
        return self._senders.get("audio")

    @property
    def video(self) -> Track | None:
        return self._senders.get("video")

    @property
    def buffered_bytes(self) -> int:
        return self._channel.buffered_bytes

    def stats(self) -> PeerStats:
        """Losses: `loss` is what the client misses of us, `packets_lost` what we miss of it."""
        senders = self._senders.values()
        return PeerStats(
            rtt_s=next((s.rtt_s for s in senders if s.rtt_s is not None), None),
            loss=max((sender.loss for sender in senders), default=0.0),
            bitrate=next((s.estimate for s in senders if s.estimate is not None), None),
            packets_sent=sum(sender.packets_sent for sender in senders),
            packets_received=0 if self._microphone is None else self._microphone.received,
            packets_lost=0 if self._microphone is None else self._microphone.lost,
        )

    def listen(self, listener: PeerListener) -> None:
        """Before `answer`: the client cannot say anything without it."""
        if self._ended is not None:
            self._loop.call_soon(listener.gone, self._ended)
            return
        self._listener = listener
        self._channel.listen(
            ChannelEvents(
                opened=self._opened,
                received=listener.received,
                closed=lambda: self._end(LEFT),
                broke=self._broke,
            )
        )
        feedback = Feedback(
            ready=self._track_ready,
            keyframe_wanted=listener.keyframe_wanted,
            bitrate_changed=listener.bitrate_changed,
        )
        for sender in self._senders.values():
            sender.listen(feedback)
        if self._microphone is not None:
            self._microphone.listen(listener.heard)

    async def answer(self) -> str:
        """The complete SDP answer: every candidate is in it, nothing follows by trickle.

        Raises PeerGone if the peer was closed or its set-up time has passed.
        """
        try:
            await self._connection.setLocalDescription()
        except InvalidStateError as error:
            raise PeerGone("the client was given up before it was answered") from error
        return self._offer.complete(self._connection.localDescription.sdp)

    def send(self, message: str) -> None:
        self._channel.send(message)

    async def close(self, reason: str, words: str = "") -> None:
        self._end(reason, by_client=False)
        await self._released.wait()

    # What happens

    def _transport_changed(self) -> None:
        state = self._transport.state
        if state == "connected":
            self._consent.heard(self._loop.time())
            self._look()
            self._set_up()
        elif state == "closed":
            self._end(LEFT)
        elif state == "failed":
            self._end(HANDSHAKE_FAILED)

    def _opened(self, label: str, subprotocol: str) -> None:
        self._set_up()
        if self._listener is not None:
            self._listener.opened(label=label, subprotocol=subprotocol)

    def _set_up(self) -> None:
        """Cancel the deadline once all that was offered is there."""
        waits_for_channel = self._offer.max_message_bytes is not None and not self._channel.is_open
        if self._transport.state == "connected" and not waits_for_channel:
            self._setup.cancel()

    def _setup_over(self) -> None:
        # aioice would wait for a trickled candidate for ever.
        self._end(NEVER_CONNECTED)

    def _track_ready(self) -> None:
        if self._listener is not None and all(s.ready for s in self._senders.values()):
            self._listener.media_ready()

    def _look(self) -> None:
        """Ask a silent client whether it is there."""
        now = self._loop.time()
        self._consent.heard(max(link.heard_at for link in self._attachment.links))
        verdict = self._consent.judge(now)
        if verdict.gone:
            self._end(VANISHED)
            return
        if verdict.ask:
            ice.ask(internals.ice_of(self._transport))
        self._watch = self._loop.call_later(verdict.look_again_in_s, self._look)

    def _broke(self, error: Exception) -> None:
        if self._ended is None:
            logger.warning("the WebRTC stack failed: %r", error, exc_info=error)
        self._end(BROKE)

    # The end

    def _end(self, reason: str, *, by_client: bool = True) -> None:
        """Stop everything that could still happen, then release it. Only the first call counts."""
        if self._ended is not None:
            return
        self._ended = reason
        self._setup.cancel()
        if self._watch is not None:
            self._watch.cancel()
        self._channel.listen(None)
        for sender in self._senders.values():
            sender.silence()
        if self._microphone is not None:
            self._microphone.listen(None)
        self._background.run(self._release(by_client=by_client), f"release WebRTC peer ({reason})")
        if by_client and self._listener is not None:
            self._listener.gone(reason)

    async def _release(self, *, by_client: bool) -> None:
        try:
            if not by_client:
                await self._say_goodbye()
            async with asyncio.timeout(RELEASE_S):
                await self._connection.close()
        except TimeoutError:
            logger.warning("aiortc did not close within %s s", RELEASE_S)
        finally:
            for link in self._attachment.links:
                link.transport.close()
            self._attachment.release()
            self._released.set()
        if not by_client and self._listener is not None and self._ended is not None:
            self._listener.gone(self._ended)

    async def _say_goodbye(self) -> None:
        try:
            async with asyncio.timeout(FAREWELL_S):
                await self._channel.close()
        except TimeoutError:
            return  # the end of the connection closes the channel too, without what waits

    # Helpers

    def _take_over(self, transceiver: RTCRtpTransceiver) -> None:
        """Replace aiortc's sender and receiver by ours, and say what is answered."""
        stream = self._offer.audio if transceiver.kind == "audio" else self._offer.video
        assert stream is not None
        internals.answer_only(transceiver, stream.codecs)
        receiver = internals.replace_receiver(transceiver, stream.codec)
        client_listens = stream.direction in ("sendrecv", "recvonly")
        client_talks = stream.direction in ("sendrecv", "sendonly")
        if client_listens:
            self._senders[transceiver.kind] = internals.replace_sender(transceiver, stream.codecs)
        if transceiver.kind == "audio":
            transceiver.direction = "sendrecv"
            self._microphone = receiver if client_talks else None
        else:
            # A camera is accepted and ignored: where we send, the client is told to keep it.
            transceiver.direction = "sendonly" if client_listens else "recvonly"


def _video_format(offer: Offer) -> VideoFormat | None:
    if offer.video is None:
        return None
    codecs = offer.video.codecs
    bound = next((codec for codec in codecs if codec.name == "h264"), codecs[0])
    names = [_video_name(codec) for codec in codecs]
    return VideoFormat(
        codec=names[0],
        max_pixels=bound.max_pixels,
        max_pixel_rate=bound.max_pixel_rate,
        other=names[1] if names[1:] else None,
    )


def _video_name(codec: Codec) -> Literal["h264", "vp8"]:
    return "vp8" if codec.name == "vp8" else "h264"
