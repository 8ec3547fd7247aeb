"""Runs asyncio code in virtual time: waiting costs nothing and every run is the same."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context
from typing import Any, NoReturn, TypeVar, TypeVarTuple, Unpack

from rtav.clock import Clock

_Result = TypeVar("_Result")
_Arguments = TypeVarTuple("_Arguments")

LIMIT_S = 48 * 3600.0  # virtual; nobody tests a longer call, so what runs on is a loop without end


class Deadlock(AssertionError):
    """Nothing is ready, no timer is set, and the main coroutine has not returned."""


class Forgotten(AssertionError):
    """The main coroutine has returned while tasks of its own still run."""


class RanAway(AssertionError):
    """Virtual time passed the limit: something waits in a loop for what never comes."""


class Unhandled(AssertionError):
    """A callback or a task failed and nobody looked at its exception."""


def run(
    main: Coroutine[Any, Any, _Result], *, start: float = 0.0, limit_s: float = LIMIT_S
) -> _Result:
    """Run `main` to its end on a clock that begins at `start` and jumps from timer to timer.

    Raises Deadlock, Forgotten, RanAway or Unhandled, each naming the tasks and lines concerned.
    Threads, executors, sockets and subprocesses do not exist here: they take real time, which the
    clock could not wait for. Asking for one raises RuntimeError.
    """
    loop = VirtualLoop(start=start, limit_s=limit_s)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(_alone(main, loop))


async def _alone(main: Coroutine[Any, Any, _Result], loop: VirtualLoop) -> _Result:
    result = await main
    if forgotten := asyncio.all_tasks() - {asyncio.current_task()}:
        raise Forgotten("still running at the end:\n" + _describe(forgotten))
    if loop.unhandled:
        raise Unhandled("\n".join(str(context["message"]) for context in loop.unhandled)) from (
            loop.unhandled[0].get("exception")
        )
    return result


def _describe(tasks: set[asyncio.Task[Any]]) -> str:
    return "\n".join(sorted(f"  {task.get_name()} waits at {_place(task)}" for task in tasks))


def _place(task: asyncio.Task[Any]) -> str:
    """The line of the innermost await, which `Task.get_stack` does not reach."""
    awaited: Any = task.get_coro()  # any awaitable: a coroutine, a generator, a future
    place = "its first line"
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "ag_frame", None)
        if frame is not None:
            place = f"{frame.f_code.co_filename}:{frame.f_lineno} ({frame.f_code.co_name})"
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "ag_await", None)
    return place


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop whose clock stands still while anything is ready and jumps when nothing is.

    It has no selector: `BaseEventLoop` asks itself how long it may sleep, and gets told that it
    has slept.
    """

    _scheduled: list[asyncio.TimerHandle]
    """`BaseEventLoop`'s heap of timers; its first entry is never cancelled while we look."""

    def __init__(self, *, start: float = 0.0, limit_s: float = LIMIT_S) -> None:
        super().__init__()
        self._now = start
        self._limit = start + limit_s
        self._owner = threading.get_ident()
        self._clock_resolution = 1e-9  # of BaseEventLoop: timers closer than this fire together
        self._selector = self
        self.unhandled: list[dict[str, Any]] = []
        """Contexts of the exception handler: whatever would have been logged and forgotten."""
        self.set_exception_handler(lambda _, context: self.unhandled.append(context))

    def time(self) -> float:
        """Virtual seconds."""
        return self._now

    @property
    def clock(self) -> Clock:
        """The same time, for whatever takes a Clock."""
        return self.time

    def select(self, timeout: float | None) -> list[Any]:
        """Sleep as a selector would; `timeout` None means for ever."""
        if timeout is None:
            if self.is_closed() or not asyncio.all_tasks(self):
                return []
            raise Deadlock("nothing will ever happen:\n" + _describe(asyncio.all_tasks(self)))
        if timeout > 0:
            # The timer's own time, not `now + timeout`: no rounding error adds up.
            self._now = max(self._now, self._scheduled[0].when())
        if self._now > self._limit:
            self._limit = float("inf")  # once: the tasks must still be able to end
            raise RanAway(f"{self._now} s:\n" + _describe(asyncio.all_tasks(self)))
        return []

    def _process_events(self, _: list[Any]) -> None:
        """Nothing: `select` never returns any."""

    def _write_to_self(self) -> None:
        """Nothing to wake: `call_soon_threadsafe` is only allowed from the loop's own thread."""

    def call_soon_threadsafe(
        self,
        callback: Callable[[Unpack[_Arguments]], object],
        *args: *_Arguments,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """As `call_soon`: asyncio itself calls it, for generators that are collected."""
        if threading.get_ident() != self._owner:
            _refuse("other threads")
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[Unpack[_Arguments]], _Result],
        *args: *_Arguments,
    ) -> NoReturn:
        """Always raises RuntimeError."""
        _refuse("threads and executors")


def _refuse(what: str) -> NoReturn:
    raise RuntimeError(f"virtual time has no {what}: inject a scripted stand-in instead")
