"""Where faces are drawn and encoded: one render thread and a few encoders for all calls.

One render thread, because a frame is some 150 short OpenCV calls that each drop and retake the
GIL: four threads draw 25 % fewer frames than one, at twice the CPU. More cores mean more processes.
An encoder is one long call without the GIL, so encoders have threads, never more than cores.
"""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from rtav.runtime.reels import Reels

T = TypeVar("T")

# Encoders give way to the event loop and the render thread, which share their cores. Only they: a
# thread of low priority that is preempted while it holds the GIL would stop the loop as well.
ENCODER_NICE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """The executors of one stage."""

    render: Executor
    """One thread: everything that touches an avatar, in order."""
    encode: Executor
    load: Executor
    """One thread: opening a face may block for 100 ms and must not delay others' frames."""

    @classmethod
    def start(cls, *, cores: int | None = None) -> Threads:
        """Threads for `cores` cores; by default those this process may use, less one for the
        event loop and the render thread."""
        encoders = max(1, cores if cores is not None else _usable_cores() - 1)
        return cls(
            render=ThreadPoolExecutor(1, "render"),
            encode=ThreadPoolExecutor(encoders, "encode", initializer=_give_way),
            load=ThreadPoolExecutor(1, "load"),
        )


class Stage:
    """The threads, and the promise that nothing is started on them after `close`.

    Its methods may be called from any thread.
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self.reels = Reels()
        """What several calls show."""
        self._lock = threading.Lock()
        self._is_open = True

    def render(self, job: Callable[[], T], then: Callable[[Future[T]], None]) -> None:
        """Run `job` in the render thread, after all that were given before it; then `then` there.

        Dropped once the stage is closed. What `job` raises is in the future; `then` must not raise.
        """
        self._run(self._threads.render, job, then)

    def encode(self, job: Callable[[], T], then: Callable[[Future[T]], None]) -> None:
        """Run `job` in an encoder's thread; the rest as `render`."""
        self._run(self._threads.encode, job, then)

    def load(self, job: Callable[[], T], then: Callable[[Future[T]], None]) -> None:
        """Run `job` in the thread for what takes long; the rest as `render`."""
        self._run(self._threads.load, job, then)

    def close(self) -> None:
        """Finish what runs, drop what waits, join the threads. Blocks: call it in a thread."""
        with self._lock:
            self._is_open = False
        for executor in (self._threads.load, self._threads.render, self._threads.encode):
            executor.shutdown(wait=True, cancel_futures=True)

    def _run(
        self, executor: Executor, job: Callable[[], T], then: Callable[[Future[T]], None]
    ) -> None:
        with self._lock:
            if not self._is_open:
                return
            future = executor.submit(job)
        future.add_done_callback(lambda done: None if done.cancelled() else then(done))


def _usable_cores() -> int:
    if platform.system() == "Linux":  # elsewhere a process cannot be confined to some cores
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _give_way() -> None:
    if platform.system() == "Linux":  # the only system where a thread has a priority of its own
        thread = threading.get_native_id()
        mine = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, mine + ENCODER_NICE)
