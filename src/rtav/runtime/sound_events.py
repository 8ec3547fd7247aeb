"""Replies' audio for clients that get it in events."""

from __future__ import annotations

import base64
from typing import cast

from rtav.core.outputs import SendAudio
from rtav.media.telephone import AudioEncoder, AudioFormat
from rtav.protocol.server import ServerEvent
from rtav.runtime.playout import Playout


class SoundEvents:
    """Each reply that is being sent has an encoder of its own; some run side by side."""

    def __init__(self, playout: Playout) -> None:
        self._playout = playout
        self._encoders: dict[int, AudioEncoder] = {}

    def event(self, order: SendAudio) -> ServerEvent:
        """The event with the audio that the order means."""
        pcm = self._playout.track(order.turn).read(order.start, order.end - order.start)
        delta = base64.b64encode(self._encoder(order).encode(pcm)).decode()
        fields = {**order.place, "delta": delta}
        return ServerEvent("response.output_audio.delta", fields, order.event_id)

    def _encoder(self, order: SendAudio) -> AudioEncoder:
        encoder = self._encoders.get(order.turn)
        if encoder is None:
            known = self._playout.turns
            self._encoders = {t: kept for t, kept in self._encoders.items() if t in known}
            encoder = self._encoders[order.turn] = AudioEncoder(cast(AudioFormat, order.format))
        return encoder
