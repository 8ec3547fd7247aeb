from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from rtav.engines.base import Accent, Moment, Viseme
from rtav.media.pcm import TICK_SAMPLES, Pcm
from rtav.runtime.playout import AHEAD_SAMPLES, FADE_SAMPLES, WINDOW_SAMPLES, Playout, Track
from rtav.testing.virtual import run

LEVEL = 1_000


def ramp(start: int, count: int) -> Pcm:
    """Samples that say where they are in their track."""
    return np.arange(start, start + count).astype(np.int16)


class Listener:
    """Reads a playout tick by tick, as the clock does, and notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []
        self.playout = Playout(lambda turn, upto: self.told.append((turn, upto)))
        self.at = 0

    def add(self, turn: int, pcm: Pcm, *, whole: bool = True, visemes: tuple[Viseme, ...] = ()):
        track = self.playout.track(turn)
        track.add(pcm, visemes)
        track.is_whole = whole
        return track

    def tick(self) -> Pcm | None:
        pcm = self.playout.read(self.at)
        self.at += TICK_SAMPLES
        return pcm

    def hear(self, ticks: int) -> Pcm:
        """The next ticks in one piece, silence as zeros."""
        heard = [self.tick() for _ in range(ticks)]
        return np.concatenate([np.zeros(TICK_SAMPLES, np.int16) if t is None else t for t in heard])


@pytest.fixture
def listener() -> Listener:
    return Listener()


# --- order ---------------------------------------------------------------------------------------


def test_without_a_track_there_is_silence(listener: Listener) -> None:
    assert listener.tick() is None
    assert listener.told == []


def test_a_track_is_not_heard_before_it_may_play(listener: Listener) -> None:
    listener.add(1, ramp(1, 480))

    assert listener.tick() is None

    listener.playout.play(1)
    assert np.array_equal(listener.hear(1), ramp(1, 480))
    assert listener.told == [(1, 480)]


def test_every_sample_of_a_track_is_played_once_whatever_its_pieces(listener: Listener) -> None:
    for start, count in ((0, 1), (1, 700), (701, 30), (731, 479), (1210, 230)):
        listener.add(1, ramp(start, count), whole=start == 1210)
    listener.playout.play(1)

    assert np.array_equal(listener.hear(3), ramp(0, 1440))
    assert listener.tick() is None
    assert listener.told == [(1, 480), (1, 960), (1, 1440)]


def test_the_last_part_of_a_tick_is_silent(listener: Listener) -> None:
    listener.add(1, ramp(1, 500))
    listener.playout.play(1)

    heard = listener.hear(2)

    assert np.array_equal(heard[:500], ramp(1, 500))
    assert not heard[500:].any()
    assert listener.told == [(1, 480), (1, 500)]


def test_tracks_play_one_after_the_other_as_they_were_allowed_to(listener: Listener) -> None:
    listener.add(2, np.full(480, 2, np.int16))
    listener.add(1, np.full(480, 1, np.int16))
    listener.playout.play(1)
    listener.playout.play(2)

    assert [set(listener.hear(1)) for _ in range(3)] == [{1}, {2}, {0}]


def test_a_guess_that_becomes_wanted_does_not_cut_what_is_played(listener: Listener) -> None:
    listener.add(1, np.full(480, 1, np.int16))
    listener.add(2, np.full(960, 2, np.int16))
    listener.playout.play(2)
    listener.tick()

    listener.playout.play(1)

    assert [set(listener.hear(1)) for _ in range(2)] == [{2}, {1}]


def test_a_track_with_nothing_in_it_holds_nobody_up(listener: Listener) -> None:
    listener.add(1, np.zeros(0, np.int16))
    listener.add(2, np.full(480, 2, np.int16))
    listener.playout.play(1)
    listener.playout.play(2)

    assert set(listener.hear(1)) == {2}


def test_a_later_track_waits_for_an_earlier_one_that_is_not_whole(listener: Listener) -> None:
    first = listener.add(1, np.full(480, 1, np.int16), whole=False)
    listener.add(2, np.full(480, 2, np.int16))
    listener.playout.play(1)
    listener.playout.play(2)
    listener.tick()

    assert listener.tick() is None

    first.is_whole = True
    assert set(listener.hear(1)) == {2}


# --- underruns -----------------------------------------------------------------------------------


def test_a_track_that_runs_dry_is_silent_never_half_a_tick(listener: Listener) -> None:
    listener.add(1, ramp(0, 600), whole=False)
    listener.playout.play(1)
    listener.tick()

    assert listener.tick() is None
    assert listener.tick() is None

    listener.add(1, ramp(600, 360))
    assert np.array_equal(listener.hear(1), ramp(480, 480))
    assert listener.told == [(1, 480), (1, 960)]


# --- hold and resume -----------------------------------------------------------------------------


def test_a_hold_fades_within_5_ms_and_nothing_is_lost(listener: Listener) -> None:
    listener.add(1, np.full(2400, LEVEL, np.int16))
    listener.playout.play(1)
    listener.tick()

    listener.playout.hold()
    held = listener.hear(3)
    listener.playout.resume()
    resumed = listener.hear(4)

    assert held[0] == LEVEL
    assert (np.diff(held[:FADE_SAMPLES].astype(int)) <= 0).all()
    assert not held[FADE_SAMPLES:].any()
    assert resumed[0] == 0
    assert (np.diff(resumed[:FADE_SAMPLES].astype(int)) >= 0).all()
    assert (resumed[FADE_SAMPLES : 4 * TICK_SAMPLES] == LEVEL).all()
    assert listener.told[-1] == (1, 2400)


def test_what_was_faded_out_is_said_again(listener: Listener) -> None:
    listener.add(1, ramp(0, 1440))
    listener.playout.play(1)
    listener.tick()
    listener.playout.hold()
    listener.tick()
    listener.playout.resume()

    assert np.array_equal(listener.hear(2)[FADE_SAMPLES:], ramp(480 + FADE_SAMPLES, 840))


def test_while_held_nothing_begins_either(listener: Listener) -> None:
    listener.playout.hold()
    listener.add(1, np.full(480, LEVEL, np.int16))
    listener.playout.play(1)

    assert listener.tick() is None
    assert listener.told == []


def test_a_hold_that_is_taken_back_twice_still_rises_softly(listener: Listener) -> None:
    listener.add(1, np.full(1440, LEVEL, np.int16))
    listener.playout.play(1)
    listener.tick()
    listener.playout.hold()
    listener.tick()
    listener.playout.resume()
    listener.playout.resume()

    assert listener.hear(1)[0] == 0


def test_a_resume_without_a_hold_changes_nothing(listener: Listener) -> None:
    listener.add(1, np.full(480, LEVEL, np.int16))
    listener.playout.play(1)
    listener.playout.resume()

    assert set(listener.hear(1)) == {LEVEL}


# --- cuts ----------------------------------------------------------------------------------------


def test_a_void_track_fades_out_and_is_not_reported_any_more(listener: Listener) -> None:
    listener.add(1, np.full(4800, LEVEL, np.int16))
    listener.playout.play(1)
    listener.tick()

    listener.playout.void(1)
    heard = listener.hear(2)

    assert heard[0] == LEVEL
    assert 0 < heard[FADE_SAMPLES // 2] < LEVEL
    assert not heard[FADE_SAMPLES:].any()
    assert listener.told == [(1, 480)]


def test_a_void_track_that_waits_is_never_heard(listener: Listener) -> None:
    listener.add(1, np.full(960, 1, np.int16))
    listener.add(2, np.full(480, 2, np.int16))
    listener.add(3, np.full(480, 3, np.int16))
    for turn in (1, 2, 3):
        listener.playout.play(turn)
    listener.tick()

    listener.playout.void(2)

    assert [set(listener.hear(1)) for _ in range(3)] == [{1}, {3}, {0}]


def test_a_track_that_is_void_while_held_makes_no_further_sound(listener: Listener) -> None:
    listener.add(1, np.full(4800, LEVEL, np.int16))
    listener.playout.play(1)
    listener.tick()
    listener.playout.hold()
    listener.tick()

    listener.playout.void(1)
    listener.playout.resume()

    assert not listener.hear(3).any()


def test_a_turn_nobody_knows_can_be_void(listener: Listener) -> None:
    listener.playout.void(7)

    assert listener.tick() is None


def test_what_is_added_to_a_void_track_is_lost(listener: Listener) -> None:
    track = listener.add(1, np.full(480, 1, np.int16), whole=False)
    listener.playout.play(1)
    listener.playout.void(1)

    track.add(np.full(480, 1, np.int16), ())

    assert not listener.hear(2).any()


# --- the face ------------------------------------------------------------------------------------


def shapes(*spans: tuple[int, int]) -> tuple[Viseme, ...]:
    return tuple(Viseme(name="aa", start=start, end=end) for start, end in spans)


def test_the_moment_ahead_of_the_voice_is_ahead_in_its_track(listener: Listener) -> None:
    listener.add(1, ramp(0, 4800), visemes=shapes((0, 480), (480, 4800)))
    listener.playout.play(1)
    listener.hear(3)

    moment = listener.playout.moment(listener.at + 200)

    assert replace(moment, loudness=1.0) == Moment(
        at=1640,
        speech_at=1640,
        visemes=shapes((0, 480), (480, 4800)),
        accents=(Accent(at=2640, strength=1.0),),
        mood="speaking",
    )


def test_stresses_far_from_the_voice_are_not_in_the_moment(listener: Listener) -> None:
    listener.add(1, ramp(0, 48_000), visemes=shapes((0, 480), (480, 4800)))
    listener.playout.play(1)
    listener.hear(60)

    assert listener.playout.moment(listener.at).accents == ()
    assert listener.playout.track(1).accents == []


def test_speech_positions_count_from_the_track_not_from_the_call(listener: Listener) -> None:
    listener.hear(10)
    listener.add(1, ramp(0, 4800))
    listener.playout.play(1)
    listener.tick()

    assert listener.playout.moment(10 * 480 + 100).speech_at == 100


def test_the_moment_shows_the_mood_while_nothing_is_heard(listener: Listener) -> None:
    listener.playout.mood = "thinking"

    assert listener.playout.moment(5) == Moment(at=5, mood="thinking")


@pytest.mark.parametrize("stop", ["hold", "void"])
def test_the_face_falls_silent_with_the_voice(listener: Listener, stop: str) -> None:
    listener.add(1, ramp(0, 4800))
    listener.playout.play(1)
    listener.tick()

    listener.playout.hold() if stop == "hold" else listener.playout.void(1)

    assert listener.playout.moment(listener.at).speech_at is None


def test_behind_the_end_of_the_track_nothing_is_spoken(listener: Listener) -> None:
    listener.add(1, ramp(0, 500))
    listener.playout.play(1)
    listener.tick()

    assert listener.playout.moment(499).speech_at == 499
    assert listener.playout.moment(500).speech_at is None


def test_the_face_is_shown_the_visemes_of_half_a_second_to_both_sides(listener: Listener) -> None:
    spans = [(start, start + 2400) for start in range(0, 72_000, 2400)]
    listener.add(1, ramp(0, 72_000), visemes=shapes(*spans))
    listener.playout.play(1)
    listener.hear(50)  # the voice is at the tick from 23,520 on

    visemes = listener.playout.moment(24_000).visemes

    assert visemes[0].end >= 24_000 - WINDOW_SAMPLES > visemes[0].start
    assert visemes[-1].start < 24_000 + WINDOW_SAMPLES <= visemes[-1].end


def test_loudness_is_that_of_a_syllable_against_the_loudest_so_far(listener: Listener) -> None:
    loud, quiet, silent = (np.full(24_000, level, np.int16) for level in (8_000, 2_000, 0))
    for pcm in (loud, quiet, silent):
        listener.add(1, pcm)
    listener.playout.play(1)
    listener.tick()
    loudness = [listener.playout.moment(at).loudness for at in (12_000, 36_000, 24_000, 60_000)]

    assert loudness == pytest.approx([1.0, 0.25, 0.729, 0.0], abs=0.001)


def test_the_first_syllable_is_as_loud_as_any(listener: Listener) -> None:
    listener.add(1, np.full(24_000, 300, np.int16))
    listener.playout.play(1)
    listener.tick()

    assert listener.playout.moment(12_000).loudness == 1.0
    assert 0.5 < listener.playout.moment(0).loudness < 1.0  # half of it is before the beginning


# --- memory --------------------------------------------------------------------------------------


def test_what_was_played_is_let_go(listener: Listener) -> None:
    track = listener.playout.track(1)
    for start in range(0, 240_000, 480):
        track.add(ramp(start, 480), shapes((start, start + 480)))
    listener.playout.play(1)
    listener.hear(490)

    assert len(track.pieces) <= 11
    assert len(track.visemes) <= 11 + WINDOW_SAMPLES // 480


def test_a_track_that_is_through_is_forgotten(listener: Listener) -> None:
    track = listener.add(1, ramp(0, 480))
    listener.playout.play(1)
    listener.hear(2)

    assert listener.playout.track(1) is not track


def test_a_voice_waits_while_half_a_minute_is_ahead() -> None:
    async def main() -> list[str]:
        listener, order = Listener(), []
        track = listener.add(1, np.zeros(AHEAD_SAMPLES + 480, np.int16), whole=False)
        listener.playout.play(1)

        async def speak() -> None:
            await listener.playout.room(track)
            order.append("spoke on")

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(speak())
            await asyncio.sleep(1)
            order.append("waited")
            listener.tick()
        return order

    assert run(main()) == ["waited", "spoke on"]


def test_there_is_room_at_once_where_little_is_ahead() -> None:
    async def main() -> None:
        playout = Playout(lambda turn, upto: None)
        await playout.room(playout.track(1))

    run(main())


def test_tracks_are_told_apart_by_what_they_are_not_by_what_they_hold() -> None:
    assert Track(1) != Track(1)
