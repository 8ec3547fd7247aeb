"""What every face must do; subclass it and give it an engine.

class TestMyFace(AvatarContract):
    def make(self) -> AvatarEngine:
        return MyFace()
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np
import pytest

from rtav.engines.base import Avatar, AvatarEngine, Moment, Mood, MotionInfo, Viseme
from rtav.engines.look import Look
from rtav.errors import ConfigError
from rtav.media.pcm import I420, SESSION_RATE_HZ

_SIZE_PX = 256
_FPS = 25
_FRAME = SESSION_RATE_HZ // _FPS
_SECOND = SESSION_RATE_HZ
_SHUT_AFTER = SESSION_RATE_HZ * 8 // 100  # 80 ms: the voice has stopped, the mouth has too


class AvatarContract(ABC):
    """Inherit, implement `make`, name the class Test….

    Two avatars of one seed that are asked for the same moments are twins: what differs between
    them is what differed in their orders. Speech and motions are judged by that, not by where
    an engine draws its mouth.
    """

    @abstractmethod
    def make(self) -> AvatarEngine:
        """A new engine, not started."""

    @pytest.mark.parametrize("size_px", [256, 512])
    def test_a_frame_is_a_square_picture_in_i420(self, size_px: int) -> None:
        engine = _started(self.make())

        frame = engine.open("default", size_px=size_px, fps=_FPS, seed=1).render(_silent(0))

        assert frame.shape == (size_px * 3 // 2, size_px)
        assert frame.dtype == np.uint8
        assert frame[:size_px].std() > 10  # something is seen

    @pytest.mark.parametrize(
        ("look", "width", "height"),
        [
            (Look(framing="portrait"), 256, 448),
            (Look(framing="landscape"), 448, 256),
            (Look(background="#336699"), 256, 256),
            (Look(framing="landscape", background="matte"), 448, 512),
        ],
    )
    def test_a_frame_is_as_large_as_its_look_wants_it(
        self, look: Look, width: int, height: int
    ) -> None:
        engine = _started(self.make())

        avatar = engine.open("default", size_px=_SIZE_PX, fps=_FPS, seed=1, look=look)

        assert avatar.render(_silent(0)).shape == (height * 3 // 2, width)

    def test_a_frame_belongs_to_the_caller(self) -> None:
        avatar = _open(self.make())
        first = avatar.render(_silent(0))
        kept = first.copy()

        avatar.render(_silent(_SECOND))

        assert np.array_equal(first, kept)

    def test_every_face_that_is_listed_can_be_shown(self) -> None:
        engine = _started(self.make())
        avatar = engine.open("default", size_px=_SIZE_PX, fps=_FPS, seed=1)

        for face in engine.faces():
            avatar.show(face.id)

            assert avatar.render(_silent(0)).shape == (_SIZE_PX * 3 // 2, _SIZE_PX)

    def test_every_motion_that_is_listed_can_be_driven_and_moves(self) -> None:
        engine = _started(self.make())

        for motion in engine.motions():
            twins = _twins(engine)
            twins[0].drive([motion.id], at=0)
            frames = [_run(twin, 0, _SECOND) for twin in twins]

            assert motion.duration_s > 0
            moved = max(_change(a, b) for a, b in zip(*frames, strict=True))
            assert (moved > 0) == (motion.id != "default"), motion.id

    def test_the_default_motion_is_there(self) -> None:
        engine = _started(self.make())

        assert "default" in [motion.id for motion in engine.motions()]

    def test_a_face_at_rest_is_alive(self) -> None:
        """It may show a picture again while hardly anything moves, but not for long."""
        steps = _steps(_run(_open(self.make()), 0, 4 * _SECOND))

        still = [
            len(list(group)) for is_still, group in groupby(step == 0 for step in steps) if is_still
        ]
        assert max(still, default=0) <= 4
        assert sum(still) < len(steps) * 2 / 3

    def test_the_mouth_moves_with_the_visemes(self) -> None:
        speaking, silent = _twins(_started(self.make()))

        mouth = _speech_seen(speaking, silent, until=_SECOND)

        assert max(mouth) > 0.1
        assert np.std(mouth) > 0.02

    def test_the_mouth_rests_within_80_ms_of_silence(self) -> None:
        speaking, silent = _twins(_started(self.make()))
        talking = _speech_seen(speaking, silent, until=_SECOND)

        after = _SECOND + _SHUT_AFTER
        rest = [_seen(speaking, silent, _silent(at)) for at in (after, after + _FRAME)]

        assert max(rest) < 0.35 * max(talking)

    def test_lips_that_meet_differ_from_an_open_mouth(self) -> None:
        opened, met = _twins(_started(self.make()))

        def held(name: str) -> Moment:
            return _talking(_SECOND // 2, [Viseme(name=name, start=0, end=_SECOND)])

        assert _change(opened.render(held("aa")), met.render(held("PP"))) > 0.1

    def test_an_unknown_face_is_a_key_error(self) -> None:
        engine = _started(self.make())

        with pytest.raises(KeyError):
            engine.open("nobody", size_px=_SIZE_PX, fps=_FPS, seed=1)
        with pytest.raises(KeyError):
            _twins(engine)[0].show("nobody")

    def test_an_unknown_motion_is_a_key_error_and_changes_nothing(self) -> None:
        asked, left_alone = _twins(_started(self.make()))

        with pytest.raises(KeyError):
            asked.drive(["default", "Somersault"], at=0)

        assert _same(_run(asked, 0, _SECOND), _run(left_alone, 0, _SECOND))

    def test_motions_are_found_without_regard_to_case(self) -> None:
        engine = _started(self.make())
        name = engine.motions()[0].id
        exact, loud = _twins(engine)

        exact.drive([name], at=0)
        loud.drive([name.upper()], at=0)

        assert _same(_run(exact, 0, _SECOND), _run(loud, 0, _SECOND))

    def test_all_but_the_last_motion_are_played_once(self) -> None:
        engine = _started(self.make())
        first, last = _gesture_and_loop(engine)
        duration = round(first.duration_s * _SECOND)
        sequence, later = _twins(engine)
        sequence.drive([first.id, first.id, last.id], at=0)
        _run(sequence, 0, 2 * duration + 2 * _SECOND)
        _run(later, 0, 2 * duration)

        later.drive([last.id], at=2 * duration)
        _run(later, 2 * duration, 2 * duration + 2 * _SECOND)

        at = 2 * duration + 2 * _SECOND
        assert _change(sequence.render(_silent(at)), later.render(_silent(at))) < 0.02

    def test_the_last_motion_loops(self) -> None:
        engine = _started(self.make())
        gesture, _ = _gesture_and_loop(engine)
        driven, at_rest = _twins(engine)
        driven.drive([gesture.id], at=0)
        duration = round(gesture.duration_s * _SECOND)

        passes = []
        for n in range(3):
            span = n * duration, (n + 1) * duration
            pairs = zip(_run(driven, *span), _run(at_rest, *span), strict=True)
            passes.append(max(_change(a, b) for a, b in pairs))

        assert min(passes) > 0.5 * max(passes) > 0

    def test_motions_give_way_to_each_other_without_a_jump(self) -> None:
        engine = _started(self.make())
        gesture, loop = _gesture_and_loop(engine)
        avatar = engine.open("default", size_px=_SIZE_PX, fps=_FPS, seed=1)
        within = _steps(_run(avatar, 0, 4 * _SECOND))
        avatar.drive([gesture.id], at=4 * _SECOND)
        within += _steps(_run(avatar, 4 * _SECOND + _FRAME, 9 * _SECOND))
        switches = []

        for n in range(8):  # in the midst of whatever is shown
            start = 9 * _SECOND + n * 17 * _FRAME
            before = avatar.render(_silent(start))
            avatar.drive([(gesture, loop)[n % 2].id], at=start)
            frames = [before, *_run(avatar, start + _FRAME, start + 17 * _FRAME)]
            switches += _steps(frames)[:2]

        assert max(switches) < 1.8 * max(within)  # mostly the pixels of a blink

    def test_frames_that_were_skipped_are_not_missed(self) -> None:
        every, few = _twins(_started(self.make()))
        _run(every, 0, 5 * _SECOND)

        at = 5 * _SECOND

        assert _change(every.render(_silent(at)), few.render(_silent(at))) < 0.4

    def test_calls_do_not_disturb_each_other(self) -> None:
        engine = _started(self.make())
        gesture, _ = _gesture_and_loop(engine)
        alone = _run(_twins(engine)[0], 0, _SECOND)
        first, second = _twins(engine)
        frames = []

        second.drive([gesture.id], at=0)
        for at in range(0, _SECOND, _FRAME):
            frames.append(first.render(_silent(at)))
            second.render(_talking(at, _VISEMES, mood="speaking"))

        assert _same(frames, alone)

    def test_one_seed_is_one_face(self) -> None:
        one, other = _twins(_started(self.make()))

        assert _same(_run(one, 0, 2 * _SECOND), _run(other, 0, 2 * _SECOND))

    def test_time_that_goes_back_stands_still(self) -> None:
        asked, left_alone = _twins(_started(self.make()))
        last = [_run(twin, 0, _SECOND) for twin in (asked, left_alone)][0][-1]

        back = asked.render(_silent(_SECOND // 2))

        assert _change(back, last) == 0
        after = _SECOND, 2 * _SECOND
        steps = zip(_run(asked, *after), _run(left_alone, *after), strict=True)
        assert max(_change(a, b) for a, b in steps) < 0.4

    def test_frames_cannot_be_written_to(self) -> None:
        frame = _open(self.make()).render(_silent(0))

        assert not frame.flags.writeable

    def test_seeds_make_faces_behave_differently(self) -> None:
        engine = _started(self.make())

        one, two = (engine.open("default", size_px=_SIZE_PX, fps=_FPS, seed=s) for s in (1, 2))

        assert not _same(_run(one, 0, 4 * _SECOND), _run(two, 0, 4 * _SECOND))

    def test_faces_without_a_seed_are_drawn_on_one_clock(self) -> None:
        engine = _started(self.make())
        one, two = (engine.open("default", size_px=_SIZE_PX, fps=_FPS, seed=None) for _ in range(2))

        for at in range(100 * _SECOND, 101 * _SECOND, _FRAME):
            frames = one.render(_silent(at)), two.render(_silent(at - _FRAME))

        assert _change(*frames) < 5

    def test_closing_twice_is_harmless(self) -> None:
        engine = _started(self.make())

        async def close_twice() -> None:
            await engine.close()
            await engine.close()

        asyncio.run(close_twice())

    def test_an_unknown_option_is_the_operators_error(self) -> None:
        engine: Callable[..., object] = type(self.make())

        with pytest.raises(ConfigError, match="no_such_option"):
            engine(no_such_option=1)


_VISEMES = tuple(
    Viseme(name=name, start=n * 2400, end=(n + 1) * 2400)
    for n, name in enumerate("aa DD E PP O SS aa FF U nn".split())
)
"""One second of speech without a gap."""


def _started(engine: AvatarEngine) -> AvatarEngine:
    asyncio.run(engine.start())
    return engine


def _open(engine: AvatarEngine) -> Avatar:
    return _started(engine).open("default", size_px=_SIZE_PX, fps=_FPS, seed=1)


def _twins(engine: AvatarEngine) -> tuple[Avatar, Avatar]:
    one, two = (engine.open("default", size_px=_SIZE_PX, fps=_FPS, seed=1) for _ in range(2))
    return one, two


def _silent(at: int) -> Moment:
    return Moment(at=at)


def _talking(at: int, visemes: Sequence[Viseme], *, mood: Mood = "idle") -> Moment:
    return Moment(at=at, speech_at=at, visemes=visemes, mood=mood)


def _run(avatar: Avatar, start: int, end: int) -> list[I420]:
    return [avatar.render(_silent(at)) for at in range(start, end, _FRAME)]


def _change(a: I420, b: I420) -> float:
    """Mean absolute difference of the luma, in levels."""
    luma = _SIZE_PX
    return float(np.abs(a[:luma].astype(np.int16) - b[:luma]).mean())


def _steps(frames: Sequence[I420]) -> list[float]:
    return [_change(a, b) for a, b in zip(frames, frames[1:], strict=False)]


def _same(a: Sequence[I420], b: Sequence[I420]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def _seen(speaking: Avatar, silent: Avatar, moment: Moment) -> float:
    """How much of the speech at `moment` is seen."""
    return _change(speaking.render(moment), silent.render(_silent(moment.at)))


def _speech_seen(speaking: Avatar, silent: Avatar, *, until: int) -> list[float]:
    moments = [_talking(at, _VISEMES) for at in range(0, until, _FRAME)]
    return [_seen(speaking, silent, moment) for moment in moments]


def _gesture_and_loop(engine: AvatarEngine) -> tuple[MotionInfo, MotionInfo]:
    """The shortest motion that ends, and one that goes round, other than the default."""
    gesture = min((m for m in engine.motions() if not m.loops), key=lambda m: m.duration_s)
    loop = next(m for m in engine.motions() if m.loops and m.id != "default")
    return gesture, loop
