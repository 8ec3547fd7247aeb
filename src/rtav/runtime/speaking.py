"""A reply on its way: the model's text, cut into clauses, spoken, laid into the playout."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rtav import metrics
from rtav.core import inputs as told
from rtav.core.outputs import Ask, Delivery, Say
from rtav.engines import base
from rtav.engines.base import LlmEngine, TtsEngine
from rtav.engines.text import ClauseChunker, Cue, CueFilter
from rtav.errors import EngineError, EngineTimeout
from rtav.runtime.asking import request
from rtav.runtime.clause import ClauseOnTrack, pause_after, speech
from rtav.runtime.playout import Playout, Track
from rtav.runtime.queues import Bounded
from rtav.runtime.streams import EngineStream

logger = logging.getLogger(__name__)

FIRST_DELTA_S = 20.0
"""A model that has said nothing by then is said to hang; local ones load for many seconds."""

NEXT_DELTA_S = 15.0

CLAUSES = 64
"""How many clauses a model may be ahead of the voice: some minutes of speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the replies of one call are made with."""

    llm: LlmEngine
    tts: TtsEngine
    playout: Playout
    tell: Callable[[told.Input], None]
    motions: Mapping[str, str]
    """What a cue may name, in lower case, and the motion it means."""
    caller: str


class Speaking:
    """One turn of the reply's side: ordered at least once before it runs, cancelled at will."""

    def __init__(self, turn: int, means: Means) -> None:
        self._turn = turn
        self._means = means
        self._tell = means.tell
        self._orders: deque[Ask | Say] = deque()
        self._cues, self._chunker = CueFilter(), ClauseChunker()
        self._written = 0
        """Characters of the text, without cues."""
        self._clauses: Bounded[str] = Bounded(CLAUSES, "wait")
        self._voice: tuple[Track, Delivery] | None = None
        """Where and how it is spoken; None if only the text is wanted."""

    def order(self, order: Ask | Say) -> None:
        """Answer or say this next. While it runs: only until it has told `ReplyEnded`."""
        self._orders.append(order)
        if order.delivery.aloud and self._voice is None:
            self._voice = self._means.playout.track(self._turn), order.delivery

    async def run(self) -> None:
        """Carry out orders until there are no more. What goes wrong is told to the session."""
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._voice is not None:
                    tasks.create_task(self._speak(*self._voice), name=f"voice {self._turn}")
                await self._follow_orders()
        except* EngineError as group:
            self._failed(group)

    async def _follow_orders(self) -> None:
        while self._orders:
            match self._orders.popleft():
                case Say() as order:
                    await self._recite(order.text)
                case Ask() as order:
                    await self._answer(order)
            await self._put(self._chunker.flush())
        self._clauses.close()

    # --- text --------------------------------------------------------------------------------

    async def _answer(self, order: Ask) -> None:
        end = base.LlmEnd()
        async with self._reply(order) as deltas:
            async for delta in deltas:
                match delta:
                    case base.TextDelta():
                        await self._write(delta.text)
                    case base.ToolCallDelta():
                        self._call_tool(delta)
                    case base.LlmEnd():
                        end = delta
        await self._say(self._cues.flush())
        self._tell(
            told.ReplyEnded(
                turn=self._turn,
                reason=end.reason,
                input_tokens=end.input_tokens,
                output_tokens=end.output_tokens,
                cached_tokens=end.cached_tokens,
            )
        )

    def _reply(self, order: Ask) -> EngineStream[base.LlmDelta]:
        llm = self._means.llm
        return EngineStream(
            llm.reply(request(order, caller=self._means.caller)),
            engine=llm.capabilities.name,
            first_s=FIRST_DELTA_S,
            next_s=NEXT_DELTA_S,
            on_first=metrics.llm_first_delta_seconds.observe,
        )

    def _call_tool(self, delta: base.ToolCallDelta) -> None:
        self._tell(
            told.ReplyToolCall(
                turn=self._turn,
                index=delta.index,
                call_id=delta.call_id,
                name=delta.name,
                arguments=delta.arguments,
            )
        )

    async def _write(self, text: str) -> None:
        """Take the model's text as it comes, cues and all."""
        for piece in self._read(text):
            await self._say(piece)

    async def _recite(self, text: str) -> None:
        """Take a text that the session knows, cues and all."""
        for piece in self._read(text):
            await self._voice_piece(piece)
        await self._voice_piece(self._cues.flush())

    def _read(self, text: str) -> Iterator[str]:
        """What of a text is to be spoken; its cues are told when what is before them was taken."""
        motions = self._means.motions
        for piece in self._cues.push(text, lambda name: name.lower() in motions):
            match piece:
                case Cue():
                    motion = motions[piece.name.lower()]
                    self._tell(told.ReplyCue(turn=self._turn, motion=motion, after=self._written))
                case str():
                    yield piece

    async def _say(self, text: str) -> None:
        if text:
            self._tell(told.ReplyText(turn=self._turn, text=text))
            await self._voice_piece(text)

    async def _voice_piece(self, text: str) -> None:
        self._written += len(text)
        await self._put(self._chunker.push(text))

    async def _put(self, clauses: list[str]) -> None:
        if self._voice is not None:
            for clause in clauses:
                await self._clauses.put(clause)

    # --- voice -------------------------------------------------------------------------------

    async def _speak(self, track: Track, delivery: Delivery) -> None:
        pause_s = 0.0
        async for clause in self._clauses:
            await self._means.playout.room(track)
            if await self._speak_clause(clause, track, delivery, pause_s=pause_s):
                pause_s = pause_after(clause)
        track.is_whole = True
        self._tell(told.SpokenAll(turn=self._turn))

    async def _speak_clause(
        self, clause: str, track: Track, delivery: Delivery, *, pause_s: float
    ) -> bool:
        """False if there was nothing to hear of it."""
        tts, is_first = self._means.tts, not track.length
        laid = ClauseOnTrack(clause, track, rate_hz=tts.rate_hz, pause_s=pause_s)
        stretches = speech(
            clause,
            tts,
            voice=delivery.voice,
            speed=delivery.speed,
            on_first=metrics.tts_first_audio_seconds.observe if is_first else None,
        )
        async with stretches:
            async for stretch in stretches:
                self._tell(laid.lay(stretch))
        self._tell(laid.finish())
        return laid.is_heard

    # --- failures ----------------------------------------------------------------------------

    def _failed(self, group: BaseExceptionGroup[EngineError]) -> None:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        assert isinstance(error, EngineError), "nothing else was caught"
        is_late = isinstance(error, EngineTimeout)
        logger.warning("a reply failed: %s", error)
        metrics.engine_failures_total.labels(
            kind="tts" if error.engine == self._means.tts.capabilities.name else "llm",
            engine=error.engine,
            error=type(error).__name__,
        ).inc()
        self._tell(
            told.ReplyFailed(
                turn=self._turn,
                code="engine_timeout" if is_late else "engine_failed",
                message="The reply took too long." if is_late else "The reply could not be made.",
            )
        )
