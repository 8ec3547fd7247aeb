from __future__ import annotations

import os
import platform
import threading
from concurrent.futures import Future

import pytest

from rtav.runtime.stage import Stage, Threads


def names_of_threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_each_kind_of_work_has_threads_of_its_own() -> None:
    stage = Stage(Threads.start(cores=2))
    names: dict[str, str] = {}
    seen = threading.Semaphore(0)

    def note(kind: str) -> None:
        names[kind] = threading.current_thread().name
        seen.release()

    for kind, run in (("render", stage.render), ("encode", stage.encode), ("load", stage.load)):
        run(lambda kind=kind: note(kind), lambda done: None)
    for _ in range(3):
        assert seen.acquire(timeout=10)
    stage.close()

    assert names["render"] == "render_0"
    assert names["encode"].startswith("encode_")
    assert names["load"] == "load_0"


def test_drawing_is_done_in_the_order_it_was_asked_for() -> None:
    stage = Stage(Threads.start(cores=1))
    done: list[int] = []
    last = threading.Event()

    for number in range(50):
        stage.render(lambda number=number: done.append(number), lambda _: None)
    stage.render(last.set, lambda _: None)

    assert last.wait(10)
    assert done == list(range(50))
    stage.close()


def test_what_a_job_returns_or_raises_is_in_the_future() -> None:
    stage = Stage(Threads.start(cores=1))
    futures: list[Future[int]] = []
    last = threading.Event()

    stage.render(lambda: 7, futures.append)
    stage.render(lambda: 1 // 0, futures.append)
    stage.render(last.set, lambda _: None)

    assert last.wait(10)
    assert futures[0].result() == 7
    assert isinstance(futures[1].exception(), ZeroDivisionError)
    stage.close()


def test_closing_joins_every_thread_and_drops_what_comes_later() -> None:
    stage = Stage(Threads.start(cores=3))
    running, go_on = threading.Event(), threading.Event()
    late: list[int] = []

    def work() -> None:
        running.set()
        assert go_on.wait(10)

    before = names_of_threads()
    stage.render(work, lambda _: None)
    assert running.wait(10)
    stage.render(lambda: late.append(1), lambda _: late.append(2))
    go_on.set()
    stage.close()
    stage.render(lambda: late.append(3), lambda _: late.append(4))
    stage.close()

    assert not any(name.startswith(("render_", "encode_", "load_")) for name in names_of_threads())
    assert set(late) <= {1, 2}
    assert names_of_threads() <= before


@pytest.mark.skipif(platform.system() != "Linux", reason="threads have priorities on Linux only")
def test_encoders_give_way_to_the_event_loop() -> None:
    stage = Stage(Threads.start(cores=1))
    niceness: list[int] = []
    last = threading.Event()

    def look() -> None:
        niceness.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        last.set()

    stage.encode(look, lambda _: None)

    assert last.wait(10)
    assert niceness == [os.getpriority(os.PRIO_PROCESS, 0) + 5]
    stage.close()
