"""The utterances of a call that are being recognised: each in a task of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

from rtav.core.outputs import Listen, StopListening, Transcribe
from rtav.media.pcm import MIC_RATE_HZ, Pcm
from rtav.media.resample import Resampler
from rtav.media.telephone import AudioFormat, rate_of
from rtav.runtime.inbox import decode
from rtav.runtime.listening import Listening
from rtav.runtime.tasks import Start
from rtav.runtime.utterance import Utterance

AT_ONCE = 5
"""Pieces of a second that a recogniser is given before it has said anything."""

PIECE_S = 0.25
"""It gets the others one by one, no faster than four times as they were said: the embedded one
takes a third of the time in noise, and is given up if it is far behind."""


class Transcribing:
    """Those of one call. Its methods return at once, and belong to the loop."""

    def __init__(self, listening: Listening, start: Start) -> None:
        self._listening, self._start = listening, start
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._one_by_one = asyncio.Lock()

    def listen(self, order: Listen) -> None:
        """Recognise the microphone."""
        self._listening.begin(order)
        self._run(order.utterance, self._listening.transcribe(order))

    def transcribe(self, order: Transcribe) -> None:
        """Recognise sound that came inside an item, once those before it are through."""
        self._run(order.utterance, self._read_out(order))

    def stop(self, order: StopListening) -> None:
        self._listening.stop(order)
        if task := self._tasks.pop(order.utterance, None):
            task.cancel()

    def _run(self, utterance: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._start(work, f"hearing {utterance}")
        self._tasks[utterance] = task
        task.add_done_callback(lambda _: self._tasks.pop(utterance, None))

    async def _read_out(self, order: Transcribe) -> None:
        kind = cast(AudioFormat, order.format)
        async with self._one_by_one, asyncio.TaskGroup() as tasks:
            utterance = self._listening.begin_apart(order)
            reading = tasks.create_task(
                self._listening.transcribe(order), name=f"reading {order.utterance}"
            )
            await _feed(utterance, decode(order.audio, kind), rate_of(kind), until=reading)


async def _feed(utterance: Utterance, pcm: Pcm, rate_hz: int, *, until: asyncio.Task[None]) -> None:
    """Hand sound to a recogniser as it can take it, a second at a time."""
    resampler = Resampler(rate_hz, MIC_RATE_HZ)
    for count, start in enumerate(range(0, pcm.size, rate_hz)):
        await asyncio.sleep(0 if count < AT_ONCE else PIECE_S)
        if until.done():
            return
        utterance.audio.put_now(resampler.push(pcm[start : start + rate_hz]))
    utterance.audio.put_now(resampler.flush())
    utterance.end()
