"""Many cheap callers in one event loop, to load a server and count what comes back.

Unrealistic about them: they decode nothing, ask for no lost packet, report no loss, hear through
one microphone that is silent, and their network is loopback.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from itertools import pairwise

import httpx
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from rtav.media.egress import TICK_S
from rtav.media.opus import RTP_RATE_HZ, silence_packet
from rtav.testing.messages import message
from rtav.transports.webrtc import internals
from rtav.transports.webrtc.codecs import Codec
from rtav.transports.webrtc.receiver import PushReceiver
from rtav.transports.webrtc.sender import Feedback, PushSender

_TICK_SAMPLES = round(RTP_RATE_HZ * TICK_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What one caller got in a stretch of time."""

    fps: float
    longest_audio_gap_ms: float
    speaking: float
    """Share of the time in which the avatar spoke."""


class QuietCaller:
    """One call. All times are of the running loop."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._channel = self._pc.createDataChannel("realtime")
        self._channel.on("message", self._told)
        self._microphone: PushSender | None = None
        self._created = asyncio.Event()
        self._changed = asyncio.Event()
        self._voice: list[tuple[float, bool]] = []
        """When the avatar's voice began and ended."""
        self._packets: list[float] = []
        self._frames: list[float] = []
        self._last_frame = -1

    async def connect(self) -> None:
        """Call the server: H.264 and Opus. Returns once the session has begun.

        Raises httpx.HTTPStatusError if the server does not take the call.
        """
        pc = self._pc
        pc.addTransceiver(AudioStreamTrack())
        known = RTCRtpSender.getCapabilities("video").codecs
        pc.addTransceiver("video", "recvonly").setCodecPreferences(
            [codec for codec in known if codec.mimeType in ("video/H264", "video/rtx")]
        )
        await pc.setLocalDescription()
        form = {"sdp": pc.localDescription.sdp, "session": '{"type":"realtime"}'}
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            answer = await http.post(
                f"{self._url}/v1/realtime/calls",
                data=form,
                headers={"Authorization": f"Bearer {self._key}"},
            )
        answer.raise_for_status()
        await pc.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        self._take_over()
        async with asyncio.timeout(10):
            await self._created.wait()

    def push(self, tick: int) -> None:
        """Send 20 ms of silence."""
        if self._microphone is not None:
            self._microphone.push([silence_packet()], tick * _TICK_SAMPLES)

    async def listen_to(self, text: str) -> float:
        """Have the avatar say `text`; returns, when it has said it, how many seconds that took."""
        self._channel.send(json.dumps(message("assistant", text)))
        began = await self._until(speaks=True)
        return await self._until(speaks=False) - began

    def received(self, start: float, end: float) -> Received:
        """What came between two moments."""
        packets = [at for at in self._packets if start <= at < end]
        frames = sum(start <= at < end for at in self._frames)
        spoken = sum(
            max(0.0, min(end, until) - max(start, since))
            for (since, speaks), (until, _) in pairwise([*self._voice, (end, False)])
            if speaks
        )
        return Received(
            fps=frames / (end - start),
            longest_audio_gap_ms=1000 * max(b - a for a, b in pairwise([start, *packets, end])),
            speaking=spoken / (end - start),
        )

    async def close(self) -> None:
        await self._pc.close()

    # --- pieces ------------------------------------------------------------------------------

    async def _until(self, *, speaks: bool) -> float:
        async with asyncio.timeout(60):
            while not self._voice or self._voice[-1][1] is not speaks:
                self._changed.clear()
                await self._changed.wait()
        return self._voice[-1][0]

    def _told(self, message: str) -> None:
        kind = json.loads(message)["type"]
        if kind == "session.created":
            self._created.set()
        elif kind in ("output_audio_buffer.started", "output_audio_buffer.stopped"):
            now = asyncio.get_running_loop().time()
            self._voice.append((now, kind.endswith("started")))
            self._changed.set()

    def _take_over(self) -> None:
        """Put our sender and receivers, which neither decode nor pull, in the place of aiortc's."""
        for transceiver, heard in zip(
            self._pc.getTransceivers(), (self._heard, self._seen), strict=True
        ):
            payload_type = transceiver._codecs[0].payloadType
            assert payload_type is not None, "negotiated"
            receiver = PushReceiver(payload_type, transceiver.receiver.transport)
            receiver.listen(heard)
            vars(transceiver)[internals.RECEIVER] = receiver
            if transceiver.kind == "audio":
                codec = Codec(name="opus", payload_type=payload_type)
                self._microphone = internals.replace_sender(transceiver, [codec])
                self._microphone.listen(
                    Feedback(
                        ready=lambda: None,
                        keyframe_wanted=lambda: None,
                        bitrate_changed=lambda bitrate: None,
                    )
                )

    def _heard(self, sequence: int, rtp_time: int, payload: bytes) -> None:
        self._packets.append(asyncio.get_running_loop().time())

    def _seen(self, sequence: int, rtp_time: int, payload: bytes) -> None:
        if rtp_time != self._last_frame:
            self._last_frame = rtp_time
            self._frames.append(asyncio.get_running_loop().time())
