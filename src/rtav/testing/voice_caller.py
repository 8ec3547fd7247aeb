"""A caller that speaks and listens by the clock: for benches of what a person would wait for.

Unrealistic about it: it decodes packets as they arrive, without a playout buffer, and its network
is loopback. It runs in one event loop with nothing else; the server belongs in another process.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import httpx
import numpy as np
import soxr
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from rtav.media.opus import OpusDecoder
from rtav.media.pcm import MIC_RATE_HZ, Pcm
from rtav.transports.webrtc.receiver import PushReceiver

LOUD = 0.006
"""RMS of a packet that is heard, of 1; a silent packet decodes to less than 0.001."""

_SEND_RATE_HZ = 48_000
_SEND_SAMPLES = 960


class Microphone(MediaStreamTrack):
    """Silence, and what it is given to say."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._queue: deque[tuple[Pcm, Callable[[float], None] | None]] = deque()
        self._sent = 0
        self._began: float | None = None

    def say(self, pcm: Pcm, *, mark: int, sent: Callable[[float], None]) -> None:
        """Queue speech at MIC_RATE_HZ; `sent(now)` is called when sample `mark` has left."""
        wide = soxr.resample(pcm, MIC_RATE_HZ, _SEND_RATE_HZ)
        at = mark * _SEND_RATE_HZ // MIC_RATE_HZ
        for start in range(0, wide.size, _SEND_SAMPLES):
            piece = wide[start : start + _SEND_SAMPLES]
            piece = np.pad(piece, (0, _SEND_SAMPLES - piece.size))
            is_mark = start <= at < start + _SEND_SAMPLES
            self._queue.append((piece, sent if is_mark else None))

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        if self._began is None:
            self._began = loop.time()
        await asyncio.sleep(self._began + self._sent / _SEND_RATE_HZ - loop.time())
        piece, sent = self._queue.popleft() if self._queue else (_SILENCE, None)
        frame = av.AudioFrame.from_ndarray(piece.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts = _SEND_RATE_HZ, self._sent
        frame.time_base = Fraction(1, _SEND_RATE_HZ)
        self._sent += _SEND_SAMPLES
        if sent is not None:
            sent(loop.time())
        return frame


_SILENCE: Pcm = np.zeros(_SEND_SAMPLES, np.int16)


@dataclass
class VoiceCaller:
    """One call. All times are of the running loop."""

    url: str
    key: str
    session: dict[str, Any] = field(default_factory=lambda: {"type": "realtime"})
    query: dict[str, str] = field(default_factory=dict)
    """Of the request that opens the call."""
    call_id: str = ""
    session_id: str = ""
    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    heard: list[tuple[float, float]] = field(default_factory=list)
    """Arrival and RMS of every audio packet."""

    def __post_init__(self) -> None:
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.microphone = Microphone()
        self._decoder = OpusDecoder()
        self._channel = self._pc.createDataChannel("realtime")
        self._channel.on("message", self._received)

    async def connect(self) -> float:
        """Call the server; returns the seconds from the request to the answer."""
        loop = asyncio.get_running_loop()
        self._pc.addTrack(self.microphone)
        await self._pc.setLocalDescription()
        form = {"sdp": self._pc.localDescription.sdp, "session": json.dumps(self.session)}
        async with httpx.AsyncClient(trust_env=False) as http:
            began = loop.time()
            answer = await http.post(
                f"{self.url}/v1/realtime/calls",
                data=form,
                params=self.query,
                headers={"Authorization": f"Bearer {self.key}"},
            )
            took = loop.time() - began
        answer.raise_for_status()
        self.call_id = answer.headers["location"].rpartition("/")[2]
        self.session_id = answer.headers["x-session-id"]
        await self._pc.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        self._take_over()
        return took

    def send(self, event: dict[str, Any]) -> None:
        self._channel.send(json.dumps(event))

    async def until(self, kind: str, *, after: float = 0, timeout_s: float = 20) -> dict[str, Any]:
        """The first event of a type that came after a moment. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while True:
                for at, event in self.events:
                    if at > after and event["type"] == kind:
                        return event
                await asyncio.sleep(0.01)

    async def say(self, pcm: Pcm) -> tuple[float, float]:
        """Speak; returns when the first and when the last loud sample left."""
        loop = asyncio.get_running_loop()
        loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > 400)
        first, last = loop.create_future(), loop.create_future()
        cut = int(loud[0])
        self.microphone.say(pcm[: cut + 1], mark=cut, sent=first.set_result)
        self.microphone.say(pcm[cut + 1 :], mark=int(loud[-1]) - cut - 1, sent=last.set_result)
        return await first, await last

    async def loud_after(self, moment: float, *, timeout_s: float = 15) -> float:
        """When the first audible packet after a moment came. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while True:
                for at, level in self.heard:
                    if at > moment and level > LOUD:
                        return at
                await asyncio.sleep(0.005)

    async def quiet_after(self, moment: float, *, for_s: float = 0.2) -> float:
        """When the last audible packet came before a silence of `for_s`, after a moment."""
        async with asyncio.timeout(20):
            while True:
                last = moment
                for at, level in self.heard:
                    if at <= moment:
                        continue
                    if level > LOUD:
                        last = at
                    elif at - last > for_s:
                        return last
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        await self._pc.close()

    # --- pieces ------------------------------------------------------------------------------

    def _received(self, message: str) -> None:
        now = asyncio.get_running_loop().time()
        self.events.append((now, json.loads(message)))

    def _take_over(self) -> None:
        """Put a receiver without a buffer in the place of aiortc's."""
        transceiver = self._pc.getTransceivers()[0]
        payload_type = transceiver._codecs[0].payloadType
        assert payload_type is not None, "negotiated"
        receiver = PushReceiver(payload_type, transceiver.receiver.transport)
        receiver.listen(self._hear)
        vars(transceiver)["_RTCRtpTransceiver__receiver"] = receiver

    def _hear(self, sequence: int, rtp_time: int, payload: bytes) -> None:
        pcm = self._decoder.decode(payload).astype(np.float32) / 32768
        level = float(np.sqrt(np.mean(pcm**2))) if pcm.size else 0.0
        self.heard.append((asyncio.get_running_loop().time(), level))
        if len(self.heard) > 20_000:
            del self.heard[:10_000]
