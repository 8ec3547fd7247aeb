"""One call's face on the stage: asked for by the egress clock, drawn and finished in threads."""

from __future__ import annotations

import contextlib
import logging
import threading
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Protocol

from rtav import metrics
from rtav.engines.base import Avatar, Moment
from rtav.media.pcm import I420, TICK_SAMPLES
from rtav.runtime.stage import Stage

log = logging.getLogger(__name__)

STALE_SAMPLES = 2 * TICK_SAMPLES  # a frame asked for this long ago cannot be on time any more
# A machine that has no time for every frame draws fewer in time rather than all of them too late. A
# frame that is given up thins the requests; those that are finished let more of them through again,
# each one in a row more than the one before. One in three is lost as long as time is short, ten in
# a row are enough for all of them. A stall, in which nothing is finished, counts as one.
THIN, THICKEN = 1.1, 0.98
RESERVE = 2.0  # frames: a hiccup, or a stall of half a second, thins nothing
MAX_THINNING = 5.0  # 5 of 25 frames per second: a face that still moves
MAX_FAILURES = 50  # in a row, 2 s at 25 fps: the avatar is broken, not unlucky

Order = Callable[[Avatar], object]
"""Something to do with the avatar: `lambda avatar: avatar.show("mia")`."""


class Output(Protocol):
    """What becomes of a picture's frames."""

    @property
    def is_shared(self) -> bool:
        """Whether the last frame was made once for several calls, and so took next to no time."""

    def finish(self, at: int, frame: I420) -> None:
        """Encode the frame of sample `at` and keep or deliver it. In an encoder's thread, one
        frame of a call at a time, in order."""

    def take(self, at: int) -> Sequence[bytes] | None:
        """See `rtav.media.egress.VideoSource`; in the event loop."""

    def drop(self, at: int) -> None:
        """See `rtav.media.egress.VideoSource`; in the event loop."""

    def close(self) -> None:
        """Free the encoder. In an encoder's thread, after the last frame."""


@dataclass(slots=True)
class PictureCounts:
    drawn: int = 0
    superseded: int = 0
    """Requests that were not begun in time because the threads were behind."""
    failed: int = 0
    thinned: int = 0
    """Requests that were refused because the machine has no time for all of them."""


class Picture:
    """Not to be shared between calls. Its methods belong to the event loop and return at once."""

    def __init__(
        self,
        stage: Stage,
        output: Output,
        *,
        loop: AbstractEventLoop,
        on_failure: Callable[[BaseException, bool], None],
    ) -> None:
        """`on_failure(error, gave_up)` is called in `loop`: at the first failure of the avatar, of
        opening one or of the output, and, with `gave_up`, when MAX_FAILURES frames in a row have
        failed; no frame comes then until another avatar is opened."""
        self._stage, self._output, self._loop = stage, output, loop
        self._on_failure = on_failure
        self._context = copy_context()  # threads have none: log lines would not name the call
        self._lock = threading.Lock()  # guards all below
        self._avatar: Avatar | None = None
        self._opening: _Opening | None = None
        self._orders: deque[Order] = deque()
        self._pending: deque[Moment] = deque()
        self._is_busy = False
        self._is_closed = False
        self._failures = 0
        self._thinning = 1.0  # requests for each frame that is drawn
        self._credit = RESERVE  # frames that may be drawn
        self._in_time = 0  # frames that were finished since the last one that was given up
        self.counts = PictureCounts()

    def open(self, opener: Callable[[], Avatar]) -> None:
        """Call `opener` in the loading thread and show what it returns from the next frame on.

        Until then the present avatar goes on. Orders given meanwhile are carried out by both. A
        later `open` replaces one that has not finished.
        """
        opening = _Opening()
        with self._lock:
            self._opening = opening

        def load() -> Avatar:
            with self._lock:
                if self._opening is not opening:
                    raise _Overtaken
            return opener()

        self._stage.load(load, lambda opened: self._opened(opening, opened))

    def do(self, order: Order) -> None:
        """Carry out `order` in the render thread, after those before it and before the next frame.

        What it raises counts as a failed frame.
        """
        with self._lock:
            if self._avatar is not None:
                self._orders.append(order)
            if self._opening is not None:
                self._opening.orders.append(order)

    def request(self, moment: Moment) -> bool:
        """Draw the face at `moment`; `moment.at` is what the egress clock asked for. False if there
        is nobody to draw or no time: no frame will come.

        A picture draws one frame at a time. Requests that wait for it are overtaken by newer ones
        as soon as they cannot be on time any more.
        """
        with self._lock:
            if self._avatar is None or self._failures >= MAX_FAILURES or self._is_closed:
                return False
            if not self._has_time():
                return False
            self._overtake(moment.at - STALE_SAMPLES)
            self._pending.append(moment)
            if self._is_busy:
                return True
            self._is_busy = True
        self._stage.render(self._draw, self._drawn)
        return True

    def take(self, at: int) -> Sequence[bytes] | None:
        return self._output.take(at)

    def drop(self, at: int) -> None:
        """The frame of sample `at` is given up: if it was not begun, it never will be."""
        with self._lock:
            self._overtake(at)
            if self._in_time:
                self._thinning = min(self._thinning * THIN, MAX_THINNING)
            self._in_time = 0
        self._output.drop(at)

    def close(self) -> None:
        """No frame, no failure is reported any more; what runs finishes into the void."""
        with self._lock:
            self._is_closed = True
            self._pending, self._orders = deque(), deque()
            self._opening = self._avatar = None
            if self._is_busy:
                return  # whoever finishes the frame closes the output
        self._stage.encode(self._output.close, _ignore)

    def _has_time(self) -> bool:
        """Whether the next frame may be drawn. Under the lock."""
        if self._thinning == 1:
            self._credit = RESERVE
            return True
        self._credit += 1 / self._thinning
        if self._credit < 1:
            self._thinned()
            return False
        self._credit -= 1
        return True

    def _thinned(self) -> None:
        if not self.counts.thinned:
            self._context.run(log.warning, "there is no time for every frame: fewer are drawn")
        self.counts.thinned += 1
        metrics.frames_dropped_total.labels(reason="thinned").inc()

    def _overtake(self, until: int) -> None:
        """Forget the requests for samples up to `until`. Under the lock."""
        while self._pending and self._pending[0].at <= until:
            self._pending.popleft()
            self.counts.superseded += 1

    # --- in the threads ----------------------------------------------------------------------

    def _opened(self, opening: _Opening, opened: Future[Avatar]) -> None:
        error = opened.exception()
        with self._lock:
            if self._opening is not opening:
                return
            self._opening = None
            if error is None:
                self._avatar = opened.result()
                self._orders, self._failures = opening.orders, 0
        if error is not None:
            self._report("an avatar cannot be opened", error, gave_up=False)

    def _draw(self) -> tuple[int, I420] | None:
        with self._lock:
            avatar = self._avatar
            if avatar is None or not self._pending:
                return None
            moment = self._pending.popleft()
            orders = self._orders
        while orders:
            orders.popleft()(avatar)
        return moment.at, avatar.render(moment)

    def _drawn(self, drawn: Future[tuple[int, I420] | None]) -> None:
        if (error := drawn.exception()) is not None:
            self._failed(error)
        elif (result := drawn.result()) is None:
            self._go_on()
        else:
            at, frame = result
            self._stage.encode(lambda: self._output.finish(at, frame), self._finished)

    def _finished(self, finished: Future[None]) -> None:
        if (error := finished.exception()) is not None:
            self._failed(error)
            return
        with self._lock:
            self._failures = 0
            self.counts.drawn += 1
            self._in_time += 1
            thinner = 0.0 if self._output.is_shared else self._thinning * THICKEN**self._in_time
            self._thinning = max(thinner, 1.0)
        self._go_on()

    def _failed(self, error: BaseException) -> None:
        with self._lock:
            self.counts.failed += 1
            self._failures += 1
            first, gave_up = self.counts.failed == 1, self._failures == MAX_FAILURES
        if gave_up:
            self._report("the avatar failed too often, no more frames", error, gave_up=True)
        elif first:
            self._report("the avatar failed, a frame is left out", error, gave_up=False)
        self._go_on()

    def _go_on(self) -> None:
        with self._lock:
            self._is_busy = bool(self._pending) and self._failures < MAX_FAILURES
            is_busy, is_closed = self._is_busy, self._is_closed
        if is_closed:
            self._stage.encode(self._output.close, _ignore)
        elif is_busy:
            self._stage.render(self._draw, self._drawn)

    def _report(self, what: str, error: BaseException, *, gave_up: bool) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(self._tell, what, error, gave_up, context=self._context)

    def _tell(self, what: str, error: BaseException, gave_up: bool) -> None:
        if not self._is_closed:
            log.warning("%s", what, exc_info=error)
            self._on_failure(error, gave_up)


class _Opening:
    """An avatar on its way, and the orders that it will have missed."""

    def __init__(self) -> None:
        self.orders: deque[Order] = deque()


class _Overtaken(Exception):
    """Another avatar is wanted meanwhile."""


def _ignore(_: Future[Any]) -> None:
    pass
