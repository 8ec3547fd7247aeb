"""What a client says, in order: also where hearing long audio takes a while."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import deque
from collections.abc import Callable
from typing import cast

import numpy as np

from rtav.core import inputs as told
from rtav.core.inputs import ClientSaid, Input
from rtav.errors import ProtocolError
from rtav.media.pcm import Pcm
from rtav.media.telephone import AudioFormat, decode_audio, rate_of
from rtav.protocol.client import InputAudioAppend, InputAudioClear, InputAudioCommit, ItemCreate
from rtav.protocol.items import InputAudio, UserMessage
from rtav.protocol.refusal import invalid
from rtav.runtime.listening import Listening
from rtav.runtime.tasks import Start

MAX_AUDIO_BYTES = 15 << 20
"""OpenAI's limit of one append."""

AT_ONCE_S = 1.0
"""Hearing a second of sound takes 3 ms. What is longer is heard in pieces, and others' calls go on
between them."""

PIECE_S = 0.1

MAX_WAITING_S = 660.0
"""Two of the longest appends: a client that sends more sound than can be heard is told so."""

MAX_WAITING = 1_000
"""Events behind such sound."""


class Inbox:
    """Its methods belong to the event loop and return at once."""

    def __init__(
        self,
        listening: Listening,
        *,
        tell: Callable[[Input], None],
        kind: Callable[[], str],
        start: Start,
    ) -> None:
        """`kind` is the format that the session names now."""
        self._listening, self._tell, self._kind, self._start = listening, tell, kind, start
        self._waiting: deque[ClientSaid | tuple[Pcm, int]] = deque()
        self._waiting_s = 0.0

    def take(self, said: ClientSaid) -> None:
        """Hand an event to the session behind all that came before it; appended sound is heard."""
        if isinstance(said.event, InputAudioAppend):
            self._append(said, said.event)
        elif self._waiting:
            self._wait(said)
        else:
            self._hand_over(said)

    # --- pieces ------------------------------------------------------------------------------

    def _wait(self, said: ClientSaid) -> None:
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(said)
            return
        error = _too_much("Too many events wait for audio that is being heard.", None)
        self._refuse(error, said)

    def _refuse(self, error: ProtocolError, said: ClientSaid) -> None:
        error.event_id = said.event.event_id
        self._tell(told.ClientErred(error, said.connection))

    def _hand_over(self, said: ClientSaid) -> None:
        if isinstance(said.event, InputAudioCommit | InputAudioClear):
            self._tell(told.Heard(self._listening.settle()))
        if isinstance(said.event, ItemCreate):
            try:
                _check_sounds(said.event, cast(AudioFormat, self._kind()))
            except ProtocolError as error:
                self._refuse(error, said)
                return
        self._tell(said)

    def _append(self, said: ClientSaid, event: InputAudioAppend) -> None:
        kind = cast(AudioFormat, self._kind())
        try:
            pcm = decode(event.audio, kind)
            self._refuse_too_much(pcm.size / rate_of(kind))
        except ProtocolError as error:
            self._refuse(error, said)
            return
        rate_hz = rate_of(kind)
        self._tell(said)  # it may be the first event, which shows the dialect
        if not self._waiting and pcm.size <= AT_ONCE_S * rate_hz:
            self._listening.append(pcm, rate_hz)
            return
        self._waiting_s += pcm.size / rate_hz
        is_idle = not self._waiting
        self._waiting.append((pcm, rate_hz))
        if is_idle:
            self._start(self._work_off(), "hearing long audio")

    def _refuse_too_much(self, seconds: float) -> None:
        if self._waiting_s + seconds > MAX_WAITING_S:
            raise _too_much("More audio was appended than can be heard at a time.", "audio")

    async def _work_off(self) -> None:
        while self._waiting:
            match self._waiting[0]:
                case (pcm, rate_hz):
                    await self._hear(pcm, rate_hz)
                case ClientSaid() as said:
                    self._hand_over(said)
            self._waiting.popleft()

    async def _hear(self, pcm: Pcm, rate_hz: int) -> None:
        step = int(PIECE_S * rate_hz)
        for start in range(0, pcm.size, step):
            self._listening.append(pcm[start : start + step], rate_hz)
            await asyncio.sleep(0)
        self._waiting_s -= pcm.size / rate_hz


def decode(audio: str, kind: AudioFormat, *, param: str = "audio") -> Pcm:
    """The samples of sound in an event, at the rate of their format. Raises ProtocolError."""
    try:
        data = base64.b64decode(audio, validate=True)
        if len(data) > MAX_AUDIO_BYTES:
            raise invalid(f"it is larger than {MAX_AUDIO_BYTES} bytes", param=param)
        return decode_audio(kind, data) if data else np.zeros(0, np.int16)
    except binascii.Error:
        raise invalid("it is not base64", param=param) from None
    except ValueError as error:
        raise invalid(str(error), param=param) from None


def _check_sounds(event: ItemCreate, kind: AudioFormat) -> None:
    """Raises ProtocolError if what an item brings as sound is none."""
    if not isinstance(event.item, UserMessage):
        return
    for index, part in enumerate(event.item.content):
        if isinstance(part, InputAudio) and part.audio is not None:
            param = f"item.content[{index}].audio"
            if not decode(part.audio, kind, param=param).size:
                raise invalid("it is empty", param=param)


def _too_much(message: str, param: str | None) -> ProtocolError:
    return ProtocolError(message, code="rate_limit_exceeded", param=param)
