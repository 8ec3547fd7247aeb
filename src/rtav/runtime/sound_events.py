"""Replies' audio for clients that get it in events."""

from __future__ import annotations

import base64
from typing import cast

from rtav.core.outputs import SendAudio
from rtav.media.telephone import AudioEncoder, AudioFormat
from rtav.protocol.server import ServerEvent
from rtav.runtime.playout import Playout


class SoundEvents:
    """Only one reply at a time is sent: its encoder is the only one there is."""

    def __init__(self, playout: Playout) -> None:
        self._playout = playout
        self._turn = 0
        self._encoder = AudioEncoder("audio/pcm")

    def event(self, order: SendAudio) -> ServerEvent:
        """The event with the audio that the order means."""
        if order.turn != self._turn:
            self._turn = order.turn
            self._encoder = AudioEncoder(cast(AudioFormat, order.format))
        pcm = self._playout.track(order.turn).read(order.start, order.end - order.start)
        delta = base64.b64encode(self._encoder.encode(pcm)).decode()
        fields = {**order.place, "delta": delta}
        return ServerEvent("response.output_audio.delta", fields, order.event_id)
