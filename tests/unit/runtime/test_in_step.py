from rtav.engines.base import Moment
from rtav.runtime.in_step import CommonClock, InStep
from rtav.testing.face import ScriptedAvatar, ScriptedFace

FRAME = 960  # samples at 25 frames per second


def scripted() -> ScriptedFace:
    return ScriptedAvatar().open("default", size_px=64, fps=25, seed=None)


def started(now: float, at: int = 0, *, fps: int = 25) -> CommonClock:
    clock = CommonClock(lambda: now)
    clock.start(at, fps=fps)
    return clock


def test_calls_that_began_at_any_time_are_asked_for_the_same_instants() -> None:
    aheads = [started(now).ahead for now in (10.0, 10.019, 10.021, 12.345)]

    assert aheads == [240_000, 240_000, 240_960, 296_640]


def test_a_call_that_runs_already_is_where_its_clock_says() -> None:
    assert started(10.0, at=48_000).ahead == 192_000


def test_the_clock_starts_once() -> None:
    clock = started(10.0)

    clock.start(240_000, fps=30)

    assert clock.ahead == 240_000


def test_frames_and_orders_are_moved_to_the_common_clock() -> None:
    face = scripted()
    avatar = InStep(face, started(1.0))

    avatar.drive(["default"], at=FRAME)
    avatar.render(Moment(at=2 * FRAME, mood="listening"))

    assert face.drives == [(("default",), 24_000 + FRAME)]
    assert face.moments == [Moment(at=24_000 + 2 * FRAME, mood="listening")]


def test_a_pause_is_moved_to_the_common_clock() -> None:
    face = scripted()

    InStep(face, started(1.0)).render(Moment(at=2 * FRAME, pause_at=FRAME))

    assert face.moments == [Moment(at=24_000 + 2 * FRAME, pause_at=24_000 + FRAME)]


def test_orders_from_before_the_start_are_carried_out_before_the_first_frame() -> None:
    face, clock = scripted(), CommonClock(lambda: 1.0)
    avatar = InStep(face, clock)
    avatar.drive(["default"], at=0)
    before = list(face.drives)

    clock.start(0, fps=25)
    avatar.render(Moment(at=0))

    assert before == []
    assert face.drives == [(("default",), 24_000)]


def test_another_face_is_shown() -> None:
    face = scripted()

    InStep(face, started(1.0)).show("face2")

    assert face.face == "face2"


def test_the_clock_knows_what_the_last_frame_had_in_common() -> None:
    clock = started(1.0)
    face = scripted()
    face.in_step = "rest"  # type: ignore[assignment]
    avatar = InStep(face, clock)

    assert clock.kind is None
    avatar.render(Moment(at=0))
    assert (clock.kind, avatar.in_step) == ("rest", "rest")
