"""A reply on its way: the model's text, cut into clauses, spoken, laid into the playout."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from rtav import metrics
from rtav.core import inputs as told
from rtav.core.outputs import Ask, Delivery, Line, Say
from rtav.engines import base
from rtav.engines.base import LlmEngine, Speech, TtsEngine, Viseme
from rtav.engines.text import ClauseChunker, CueFilter
from rtav.errors import EngineError
from rtav.media.pcm import SESSION_RATE_HZ, Pcm
from rtav.media.resample import Resampler
from rtav.runtime.playout import Playout, Track
from rtav.runtime.queues import Bounded

logger = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_DELTA_S = 20.0
"""A model that has said nothing by then is said to hang; local ones load for many seconds."""

NEXT_DELTA_S = 15.0
SPEECH_S = 10.0
"""The longest wait for the next stretch of a clause's speech."""

PAUSE_S = {".": 0.2, "!": 0.2, "?": 0.2, ":": 0.14, ";": 0.14, ",": 0.08}
"""Silence between two clauses, by the mark that ends the first: voices trim their own."""

CLAUSES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the replies of one call are made with."""

    llm: LlmEngine
    tts: TtsEngine
    playout: Playout
    tell: Callable[[told.Input], None]
    knows_motion: Callable[[str], bool]
    caller: str


class Speaking:
    """One turn of the reply's side: started once, asked one or more times, cancelled at will."""

    def __init__(self, turn: int, means: Means) -> None:
        self._turn = turn
        self._means = means
        self._tell = means.tell
        self._orders: Bounded[Ask | Say] = Bounded(1, "wait")
        self._clauses: Bounded[str] = Bounded(CLAUSES, "wait")

    def order(self, order: Ask | Say) -> None:
        self._orders.put_now(order)

    async def run(self) -> None:
        """Carry out orders until the reply is whole. What goes wrong is told to the session."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._work(tasks), name=f"reply {self._turn}")
        except* EngineError as group:
            self._failed(group.exceptions[0])
        except* TimeoutError as group:
            self._failed(group.exceptions[0])

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        speaks = False
        async for order in self._orders:
            if order.delivery.aloud and not speaks:
                speaks = True
                tasks.create_task(self._speak(order.delivery), name=f"voice {self._turn}")
            if isinstance(order, Say):
                await self._say(order)
            else:
                await self._answer(order)
            if not len(self._orders):
                self._clauses.close()
                return

    # --- text --------------------------------------------------------------------------------

    async def _say(self, order: Say) -> None:
        chunker = ClauseChunker()
        for clause in chunker.push(order.text) + chunker.flush():
            await self._clauses.put(clause)

    async def _answer(self, order: Ask) -> None:
        cues, chunker = CueFilter(), ClauseChunker()
        end = base.LlmEnd()
        deltas = _in_time(self._means.llm.reply(_request(order, self._means.caller)))
        async for delta in deltas:
            match delta:
                case base.TextDelta():
                    await self._text(delta.text, cues, chunker, aloud=order.delivery.aloud)
                case base.ToolCallDelta():
                    self._tell(
                        told.ReplyToolCall(
                            turn=self._turn,
                            index=delta.index,
                            call_id=delta.call_id,
                            name=delta.name,
                            arguments=delta.arguments,
                        )
                    )
                case base.LlmEnd():
                    end = delta
        await self._clean_text(cues.flush(), chunker, aloud=order.delivery.aloud)
        if order.delivery.aloud:
            for clause in chunker.flush():
                await self._clauses.put(clause)
        self._tell(
            told.ReplyEnded(
                turn=self._turn,
                reason=end.reason,
                input_tokens=end.input_tokens,
                output_tokens=end.output_tokens,
                cached_tokens=end.cached_tokens,
            )
        )

    async def _text(
        self, text: str, cues: CueFilter, chunker: ClauseChunker, *, aloud: bool
    ) -> None:
        for piece in cues.push(text, self._means.knows_motion):
            if isinstance(piece, str):
                await self._clean_text(piece, chunker, aloud=aloud)
            else:
                self._tell(told.ReplyCue(turn=self._turn, motion=piece.name))

    async def _clean_text(self, text: str, chunker: ClauseChunker, *, aloud: bool) -> None:
        if not text:
            return
        self._tell(told.ReplyText(turn=self._turn, text=text))
        if aloud:
            for clause in chunker.push(text):
                await self._clauses.put(clause)

    # --- voice -------------------------------------------------------------------------------

    async def _speak(self, delivery: Delivery) -> None:
        track = self._means.playout.track(self._turn)
        mark = ""
        async for clause in self._clauses:
            await self._means.playout.room(self._turn)
            if mark:
                track.add(_silence(PAUSE_S.get(mark, 0.06)), ())
            spoke = await self._speak_clause(clause, track, delivery)
            mark = clause.rstrip("\"')]} \n")[-1:] if spoke else mark
        self._means.playout.finish(self._turn)
        self._tell(told.SpokenAll(turn=self._turn))

    async def _speak_clause(self, clause: str, track: Track, delivery: Delivery) -> bool:
        """Lay one clause into the track. False if there was nothing to say in it."""
        begin, ratio = track.length, SESSION_RATE_HZ / self._means.tts.rate_hz
        resampler = Resampler(self._means.tts.rate_hz, SESSION_RATE_HZ)
        started = asyncio.get_running_loop().time()
        stretches = self._means.tts.speak(clause, voice=delivery.voice, speed=delivery.speed)
        async for speech in _each_within(stretches, SPEECH_S):
            if track.length == begin == 0 and speech.pcm.size:
                took = asyncio.get_running_loop().time() - started
                metrics.tts_first_audio_seconds.observe(took)
            self._lay(speech, resampler.push(speech.pcm), track, begin=begin, ratio=ratio)
        rest = resampler.flush()
        if rest.size:
            track.add(rest, ())
            self._tell(told.Spoken(turn=self._turn, end=track.length))
        return track.length > begin

    def _lay(self, speech: Speech, pcm: Pcm, track: Track, *, begin: int, ratio: float) -> None:
        track.add(
            pcm,
            [
                Viseme(
                    name=viseme.name,
                    start=begin + round(viseme.start * ratio),
                    end=begin + round(viseme.end * ratio),
                )
                for viseme in speech.visemes
            ],
        )
        words = tuple(
            told.SpokenWord(
                text=word.text,
                start=begin + round(word.start * ratio),
                end=begin + round(word.end * ratio),
            )
            for word in speech.words
        )
        self._tell(told.Spoken(turn=self._turn, end=track.length, words=words))

    # --- failures ----------------------------------------------------------------------------

    def _failed(self, error: BaseException) -> None:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        engine = error.engine if isinstance(error, EngineError) else "engine"
        logger.warning("a reply failed: %s", error or "no answer in time")
        metrics.engine_failures_total.labels(
            kind="reply", engine=engine, error=type(error).__name__
        ).inc()
        late = isinstance(error, TimeoutError)
        self._tell(
            told.ReplyFailed(
                turn=self._turn,
                code="engine_timeout" if late else "engine_failed",
                message="The reply took too long." if late else "The reply could not be made.",
            )
        )


async def _in_time(deltas: AsyncIterator[base.LlmDelta]) -> AsyncIterator[base.LlmDelta]:
    """The model's deltas; raises TimeoutError when it hangs."""
    loop = asyncio.get_running_loop()
    started, is_first = loop.time(), True
    async for delta in _each_within(deltas, NEXT_DELTA_S, first_s=FIRST_DELTA_S):
        if is_first:
            is_first = False
            metrics.llm_first_delta_seconds.observe(loop.time() - started)
        yield delta


async def _each_within(
    entries: AsyncIterator[T], seconds: float, *, first_s: float | None = None
) -> AsyncIterator[T]:
    """The entries of an engine's stream; raises TimeoutError if one does not come in time, and
    closes the stream however this ends."""
    patience = first_s or seconds
    try:
        while True:
            async with asyncio.timeout(patience):
                entry = await anext(entries, _END)
            if entry is _END:
                return
            yield entry  # type: ignore[misc]  # _END was just excluded
            patience = seconds
    finally:
        close = getattr(entries, "aclose", None)
        if close is not None:
            await close()


_END = object()


def _request(order: Ask, caller: str) -> base.LlmRequest:
    return base.LlmRequest(
        model=order.model,
        instructions=order.instructions,
        messages=tuple(_message(line) for line in order.history),
        tools=tuple(
            base.Tool(
                name=tool["name"],
                description=tool.get("description", ""),
                parameters=tool.get("parameters", {}),
            )
            for tool in order.tools
        ),
        tool_choice=order.tool_choice,
        max_output_tokens=order.max_output_tokens,
        temperature=order.temperature,
        caller=caller,
    )


def _message(line: Line) -> base.Message:
    if line.call_name:
        call = base.ToolCall(call_id=line.call_id, name=line.call_name, arguments=line.text)
        return base.Message(role="assistant", tool_calls=(call,))
    return base.Message(
        role=line.role,
        text=line.text,
        images=tuple(base.Image(url=url) for url in line.images),
        tool_call_id=line.call_id or None,
    )


def _silence(seconds: float) -> Pcm:
    return np.zeros(int(seconds * SESSION_RATE_HZ), np.int16)
