"""How a face moves, in numbers, for clients that draw it themselves."""

from __future__ import annotations

import contextlib
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from rtav.core.inputs import PosesMade
from rtav.core.outputs import SendPoses
from rtav.core.units import to_ms
from rtav.engines.base import Actor, Expression, Moment
from rtav.media.pcm import SESSION_RATE_HZ
from rtav.protocol.server import ServerEvent
from rtav.runtime.playout import Playout
from rtav.runtime.stage import Stage

BATCH_S = 0.1
"""Of poses in one event: ten events a second."""

AHEAD_SAMPLES = SESSION_RATE_HZ // 10
"""Poses are made this long before they are due, so that an event comes with its first one. What
then begins or ends to sound was not foreseen: they are made once more, and told again."""

MAX_PENDING = 30  # poses, half a second at 60 fps: the render thread is behind, more would not help


@dataclass(frozen=True, slots=True)
class _Made:
    moment: Moment
    turn: int | None
    expression: Expression


class Poses:
    """Of one call. Its methods belong to the event loop and return at once."""

    def __init__(  # noqa: PLR0913 - where they come from, and where they go
        self,
        actor: Actor,
        stage: Stage,
        playout: Playout,
        *,
        fps: float,
        loop: AbstractEventLoop,
        tell: Callable[[PosesMade], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        """`tell` is called in the loop when some are ready, `on_failure` when one is left out."""
        self._actor, self._stage, self._playout, self._loop = actor, stage, playout, loop
        self._tell, self._on_failure = tell, on_failure
        self._fps = max(1, round(fps))
        self._size = max(1, round(self._fps * BATCH_S))
        self._orders: deque[tuple[Sequence[str], int]] = deque()
        self._batch: list[_Made] = []
        self._ready: list[_Made] = []
        self._pending = 0
        self._next = 0  # no pose before this sample is made any more
        self._foreseen: deque[tuple[int, int | None, int | None]] = deque()
        self._is_open = True

    def drive(self, motions: Sequence[str], *, at: int) -> None:
        self._orders.append((motions, at))

    def tick(self, at: int) -> None:
        """The call's clock has come to `at`: make what is due soon."""
        if not self._is_as_foreseen(at):
            self._next = at
            self._foreseen.clear()
        until = at + AHEAD_SAMPLES
        number = -(-max(at, self._next) * self._fps // SESSION_RATE_HZ)
        while (due := number * SESSION_RATE_HZ // self._fps) < until:
            if self._pending < MAX_PENDING:
                self._make(due)
            number += 1
        self._next = until

    def event(self, order: SendPoses) -> ServerEvent:
        """The event with the poses that were made last."""
        first = self._ready[0]
        is_said = order.place["item_id"] is not None and first.moment.speech_at is not None
        frames = [
            {"blendshapes": dict(made.expression.blendshapes), "head": [*made.expression.head]}
            for made in self._ready
        ]
        fields = {
            **order.place,
            "at_ms": to_ms(first.moment.at),
            "audio_start_ms": to_ms(first.moment.speech_at or 0) if is_said else None,
            "fps": self._fps,
            "frames": frames,
        }
        return ServerEvent("avatar.blendshapes", fields, order.event_id)

    def close(self) -> None:
        """Nothing is told any more."""
        self._is_open = False

    def _is_as_foreseen(self, at: int) -> bool:
        """Whether what sounds from `at` on is what the poses of that time were made for."""
        while self._foreseen and self._foreseen[0][0] < at:
            self._foreseen.popleft()
        if not self._foreseen:
            return True
        due, turn, speech_at = self._foreseen[0]
        now = self._playout.moment(due).speech_at
        return (turn, speech_at) == (None if now is None else self._playout.sounding, now)

    def _make(self, due: int) -> None:
        moment = self._playout.moment(due)
        turn = None if moment.speech_at is None else self._playout.sounding
        self._foreseen.append((due, turn, moment.speech_at))
        orders, self._orders = self._orders, deque()
        self._pending += 1

        def act() -> _Made:
            for motions, at in orders:
                self._actor.drive(motions, at=at)
            return _Made(moment, turn, self._actor.express(moment))

        self._stage.render(act, self._acted)

    def _acted(self, acted: Future[_Made]) -> None:
        """In the render thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(self._made, acted)

    def _made(self, acted: Future[_Made]) -> None:
        self._pending -= 1
        if not self._is_open:
            return
        if (error := acted.exception()) is not None:
            self._on_failure(error)
            return
        made = acted.result()
        if self._batch and not self._follows(self._batch[-1], made):
            self._flush()
        self._batch.append(made)
        if len(self._batch) >= self._size:
            self._flush()

    def _follows(self, last: _Made, made: _Made) -> bool:
        """Whether it belongs into one event with the last one: a step later, in the same sound."""
        step = made.moment.at - last.moment.at
        if not 0 < step <= SESSION_RATE_HZ // self._fps + 1 or made.turn != last.turn:
            return False
        before, now = last.moment.speech_at, made.moment.speech_at
        return now is None if before is None else now == before + step

    def _flush(self) -> None:
        self._ready, self._batch = self._batch, []
        self._tell(PosesMade(turn=self._ready[0].turn))
