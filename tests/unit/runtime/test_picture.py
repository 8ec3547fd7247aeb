from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np
import pytest

from rtav.engines.base import Avatar, Moment
from rtav.log import call_id
from rtav.media.pcm import I420
from rtav.runtime.picture import MAX_FAILURES, Picture
from rtav.runtime.stage import Stage, Threads


class Hand(Executor):
    """A thread whose jobs are run by hand, one by one."""

    def __init__(self) -> None:
        self._jobs: deque[tuple[Future[Any], Callable[[], Any]]] = deque()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._jobs.append((future, fn))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for future, _ in self._jobs:
            future.cancel()
        self._jobs.clear()

    def run(self) -> None:
        """Run what was submitted so far, not what that submits in turn."""
        for _ in range(len(self._jobs)):
            future, job = self._jobs.popleft()
            try:
                result = job()
            except Exception as error:  # noqa: BLE001 - as ThreadPoolExecutor does
                future.set_exception(error)
            else:
                future.set_result(result)


class FakeLoop:
    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: Any, context: Any
    ) -> None:
        context.run(callback, *args)


class Face:
    """An avatar that notes what is asked of it."""

    def __init__(self, name: str = "face") -> None:
        self.name = name
        self.done: list[str] = []
        self.is_broken = False

    def render(self, moment: Moment) -> I420:
        self.done.append(f"render {moment.at}")
        if self.is_broken:
            raise RuntimeError("no face")
        return np.zeros((3, 2), np.uint8)

    def drive(self, motions: Sequence[str], *, at: int) -> None:
        self.done.append(f"drive {motions[0]}")

    def show(self, face: str) -> None:
        raise KeyError(face)


class Screen:
    """An output that notes what it is given."""

    def __init__(self) -> None:
        self.shown: list[int] = []
        self.dropped: list[int] = []
        self.is_closed = False
        self.is_broken = False
        self.is_shared = False

    def finish(self, at: int, frame: I420) -> None:
        if self.is_broken:
            raise ValueError("no encoder")
        self.shown.append(at)

    def take(self, at: int) -> Sequence[bytes] | None:
        return [b"payload"] if at in self.shown else None

    def drop(self, at: int) -> None:
        self.dropped.append(at)

    def close(self) -> None:
        self.is_closed = True


class Painted:
    """An avatar of one colour."""

    def __init__(self, colour: int) -> None:
        self._colour = colour

    def render(self, moment: Moment) -> I420:
        return np.full((3, 2), self._colour, np.uint8)


class Wall(Screen):
    """An output that notes colours, and when the frame of sample 7600 has come."""

    def __init__(self) -> None:
        super().__init__()
        self.colours: set[int] = set()
        self.has_all = threading.Event()

    def finish(self, at: int, frame: I420) -> None:
        self.colours |= set(frame.reshape(-1).tolist())
        if at == 7_600:
            self.has_all.set()


class Scene:
    """A picture whose threads run by hand."""

    def __init__(self) -> None:
        self.render, self.encode, self.load = Hand(), Hand(), Hand()
        self.stage = Stage(Threads(render=self.render, encode=self.encode, load=self.load))
        self.screen = Screen()
        self.failures: list[tuple[str, bool]] = []
        self.picture = Picture(
            self.stage,
            self.screen,
            loop=FakeLoop(),  # type: ignore[arg-type]
            on_failure=lambda error, gave_up: self.failures.append((str(error), gave_up)),
        )

    def open(self, face: Avatar) -> None:
        self.picture.open(lambda: face)
        self.load.run()

    def frame(self, at: int) -> bool:
        is_asked = self.picture.request(Moment(at=at))
        self.render.run()
        self.encode.run()
        return is_asked


def test_a_frame_is_drawn_then_finished_then_taken() -> None:
    scene = Scene()
    scene.open(Face())

    assert scene.picture.request(Moment(at=960))
    assert scene.picture.take(960) is None
    scene.render.run()
    assert scene.picture.take(960) is None
    scene.encode.run()

    assert scene.picture.take(960) == [b"payload"]
    assert scene.picture.counts.drawn == 1


def test_before_a_face_is_opened_no_frame_is_promised() -> None:
    scene = Scene()

    assert not scene.frame(0)
    scene.open(Face())

    assert scene.frame(960)
    assert scene.screen.shown == [960]


def test_one_frame_of_a_call_is_drawn_at_a_time() -> None:
    scene, face = Scene(), Face()
    scene.open(face)

    scene.picture.request(Moment(at=400))
    scene.picture.request(Moment(at=800))
    scene.render.run()
    scene.render.run()
    assert face.done == ["render 400"]
    scene.encode.run()
    scene.render.run()

    assert face.done == ["render 400", "render 800"]


def test_requests_that_cannot_be_on_time_are_overtaken() -> None:
    scene, face = Scene(), Face()
    scene.open(face)

    for at in (0, 960, 1_920, 2_880):
        scene.picture.request(Moment(at=at))
    scene.render.run()
    scene.encode.run()
    scene.render.run()

    assert face.done == ["render 2880"]
    assert scene.picture.counts.superseded == 3


def test_a_frame_that_is_given_up_before_it_was_begun_is_not_drawn() -> None:
    scene, face = Scene(), Face()
    scene.open(face)
    scene.picture.request(Moment(at=960))
    scene.picture.request(Moment(at=1_920))

    scene.picture.drop(960)
    scene.render.run()

    assert face.done == ["render 1920"]
    assert scene.picture.counts.superseded == 1
    assert scene.screen.dropped == [960]


def test_without_time_for_every_frame_fewer_are_drawn() -> None:
    scene = Scene()
    scene.open(Face())
    for at in range(0, 10 * 960, 960):
        scene.frame(at)
        scene.picture.drop(at)

    asked = [scene.frame(at) for at in range(10 * 960, 30 * 960, 960)]

    assert 12 <= sum(asked) <= 16  # of 20
    assert scene.picture.counts.thinned >= 20 - sum(asked)


def test_with_time_again_every_frame_is_drawn_again() -> None:
    scene = Scene()
    scene.open(Face())
    for at in range(0, 10 * 960, 960):
        scene.frame(at)
        scene.picture.drop(at)

    for at in range(10 * 960, 60 * 960, 960):
        scene.frame(at)

    assert all(scene.frame(at) for at in range(60 * 960, 80 * 960, 960))


def test_from_the_fewest_frames_it_takes_ten_in_time_to_all_of_them() -> None:
    scene = Scene()
    scene.open(Face())
    for at in range(0, 200 * 960, 960):
        if scene.frame(at):
            scene.picture.drop(at)
    before = scene.picture.counts.drawn

    at = 200 * 960
    while not all([scene.frame(at + 960 * ahead) for ahead in range(10)]):
        at += 10 * 960

    assert 7 <= scene.picture.counts.drawn - before - 10 <= 17


def test_frames_that_are_shared_are_all_asked_for() -> None:
    scene = Scene()
    scene.open(Face())
    for at in range(0, 50 * 960, 960):
        if scene.frame(at):
            scene.picture.drop(at)

    scene.screen.is_shared = True
    while not scene.frame(at := at + 960):
        pass

    assert all(scene.frame(at + 960 * ahead) for ahead in range(1, 20))


def test_while_time_is_short_one_frame_in_three_is_given_up() -> None:
    scene = Scene()
    scene.open(Face())
    due, given_up, drawn = 0.0, 0, 0

    for number in range(2_000):
        due = min(due + 0.6, 2.0)  # frames that there was time for: three in five
        if not scene.frame(number * 960):
            continue
        drawn += 1
        due -= 1
        if due < 0:
            due, given_up = due + 1, given_up + 1  # what is given up takes no time
            scene.picture.drop(number * 960)

    assert 0.32 < given_up / drawn < 0.4
    assert 0.58 < (drawn - given_up) / 2_000 < 0.61


def test_a_stall_costs_no_frame_after_it() -> None:
    scene = Scene()
    scene.open(Face())
    scene.frame(0)
    for at in range(960, 13 * 960, 960):
        scene.picture.request(Moment(at=at))
        scene.picture.drop(at)
    scene.render.run()  # finds nothing to draw

    assert all(scene.frame(at) for at in range(13 * 960, 38 * 960, 960))


def test_a_single_late_frame_costs_no_other() -> None:
    scene = Scene()
    scene.open(Face())
    scene.frame(0)
    scene.picture.drop(0)

    assert all(scene.frame(at) for at in range(960, 26 * 960, 960))


def test_calls_take_turns_in_the_render_thread() -> None:
    first, second = Scene(), Scene()
    second.picture = Picture(
        first.stage,
        second.screen,
        loop=FakeLoop(),
        on_failure=print,  # type: ignore[arg-type]
    )
    first.open(Face())
    second.picture.open(Face)
    first.load.run()

    for at in (0, 400):
        first.picture.request(Moment(at=at))
        second.picture.request(Moment(at=at))
    first.render.run()
    first.encode.run()

    assert first.screen.shown == [0]
    assert second.screen.shown == [0]


def test_orders_are_carried_out_before_the_next_frame_in_order() -> None:
    scene, face = Scene(), Face()
    scene.open(face)
    scene.picture.do(lambda avatar: avatar.drive(["Wink"], at=0))
    scene.picture.do(lambda avatar: avatar.drive(["Idle"], at=0))

    scene.frame(0)
    scene.frame(960)

    assert face.done == ["drive Wink", "drive Idle", "render 0", "render 960"]


def test_an_order_that_fails_costs_one_frame_and_the_rest_go_on() -> None:
    scene, face = Scene(), Face()
    scene.open(face)
    scene.picture.do(lambda avatar: avatar.show("nobody"))
    scene.picture.do(lambda avatar: avatar.drive(["Wink"], at=0))

    scene.frame(0)
    scene.frame(960)

    assert scene.screen.shown == [960]
    assert face.done == ["drive Wink", "render 960"]
    assert scene.failures == [("'nobody'", False)]


def test_a_new_face_takes_over_when_it_is_open_and_no_order_is_lost() -> None:
    scene, old, new = Scene(), Face(), Face()
    scene.open(old)
    scene.picture.open(lambda: new)
    scene.picture.do(lambda avatar: avatar.drive(["Wink"], at=0))
    scene.frame(0)
    scene.load.run()
    scene.frame(960)

    assert old.done == ["drive Wink", "render 0"]
    assert new.done == ["drive Wink", "render 960"]


def test_the_face_that_was_opened_last_is_shown() -> None:
    scene, first, second = Scene(), Face(), Face()
    scene.picture.open(lambda: first)
    scene.picture.open(lambda: second)
    scene.load.run()

    scene.frame(0)

    assert (first.done, second.done) == ([], ["render 0"])


def test_a_face_that_cannot_be_opened_leaves_the_present_one() -> None:
    scene, face = Scene(), Face()
    scene.open(face)

    def fail() -> Avatar:
        raise KeyError("nobody")

    scene.picture.open(fail)
    scene.load.run()

    assert scene.frame(0)
    assert scene.failures == [("'nobody'", False)]


def test_a_failure_is_told_once_and_frames_go_on(caplog: pytest.LogCaptureFixture) -> None:
    scene, face = Scene(), Face()
    scene.open(face)
    face.is_broken = True
    with caplog.at_level(logging.WARNING):
        for number in range(3):
            scene.frame(number * 960)
    face.is_broken = False

    assert scene.frame(2_880)
    assert scene.screen.shown == [2_880]
    assert scene.failures == [("no face", False)]
    assert scene.picture.counts.failed == 3
    assert [record.getMessage() for record in caplog.records] == [
        "the avatar failed, a frame is left out"
    ]


def test_an_output_that_fails_is_told_as_well() -> None:
    scene = Scene()
    scene.open(Face())
    scene.screen.is_broken = True

    scene.frame(0)

    assert scene.failures == [("no encoder", False)]


def test_a_face_that_always_fails_is_given_up_until_another_is_opened() -> None:
    scene, face = Scene(), Face()
    scene.open(face)
    face.is_broken = True

    asked = [scene.frame(number * 960) for number in range(MAX_FAILURES + 10)]
    assert asked == [True] * 50 + [False] * 10
    assert scene.failures == [("no face", False), ("no face", True)]
    scene.open(Face())

    assert scene.frame(100_000)
    assert scene.screen.shown == [100_000]


def test_failures_are_logged_with_the_call_they_belong_to() -> None:
    seen: list[str | None] = []
    token = call_id.set("call_1")
    scene = Scene()
    call_id.reset(token)
    scene.picture = Picture(
        scene.stage,
        scene.screen,
        loop=FakeLoop(),
        on_failure=print,  # type: ignore[arg-type]
    )
    token = call_id.set("call_2")
    scene.picture = Picture(
        scene.stage,
        scene.screen,
        loop=FakeLoop(),  # type: ignore[arg-type]
        on_failure=lambda error, gave_up: seen.append(call_id.get()),
    )
    call_id.reset(token)
    face = Face()
    face.is_broken = True
    scene.open(face)

    scene.frame(0)

    assert seen == ["call_2"]


def test_closing_waits_for_nothing_and_frees_the_output_after_the_frame() -> None:
    scene, face = Scene(), Face()
    scene.open(face)
    scene.picture.request(Moment(at=0))
    scene.picture.request(Moment(at=400))
    scene.render.run()

    scene.picture.close()
    assert not scene.screen.is_closed
    scene.encode.run()
    scene.encode.run()
    scene.render.run()

    assert scene.screen.is_closed
    assert face.done == ["render 0"]


def test_closing_an_idle_picture_frees_the_output() -> None:
    scene = Scene()
    scene.open(Face())
    scene.frame(0)

    scene.picture.close()
    scene.encode.run()

    assert scene.screen.is_closed
    assert not scene.picture.request(Moment(at=960))


def test_after_closing_nobody_is_told_of_anything() -> None:
    scene, face = Scene(), Face()
    face.is_broken = True
    scene.open(face)
    scene.picture.request(Moment(at=0))
    scene.picture.open(lambda: face)

    scene.picture.close()
    scene.load.run()
    scene.render.run()
    scene.encode.run()

    assert scene.failures == []
    assert face.done == []
    assert scene.screen.is_closed


def test_on_real_threads_every_call_sees_its_own_face() -> None:
    stage = Stage(Threads.start(cores=2))

    walls = [Wall() for _ in range(4)]
    pictures = [
        Picture(stage, wall, loop=FakeLoop(), on_failure=print)  # type: ignore[arg-type]
        for wall in walls
    ]
    is_open = threading.Event()
    for colour, picture in enumerate(pictures):
        picture.open(lambda colour=colour: Painted(colour))  # type: ignore[misc]
    stage.load(is_open.set, lambda _: None)
    assert is_open.wait(10)
    for number in range(20):
        for picture in pictures:
            assert picture.request(Moment(at=number * 400))
    for wall in walls:
        assert wall.has_all.wait(10)
    for picture in pictures:
        picture.close()
    stage.close()

    assert [wall.colours for wall in walls] == [{0}, {1}, {2}, {3}]


def test_a_frame_given_up_by_the_clock_is_given_up_by_the_output() -> None:
    scene = Scene()

    scene.picture.drop(960)

    assert scene.screen.dropped == [960]
