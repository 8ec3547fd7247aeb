from __future__ import annotations

import numpy as np
import pytest

from rtav.core.inputs import Spoken, SpokenWord
from rtav.engines.base import Speech, Viseme, Word
from rtav.runtime.clause import ClauseOnTrack, pause_after
from rtav.runtime.playout import Track


def speech(samples: int, *words: Word, visemes: tuple[Viseme, ...] = ()) -> Speech:
    return Speech(pcm=np.ones(samples, np.int16), words=words, visemes=visemes)


def test_positions_of_the_first_clause_are_the_voices_own() -> None:
    track = Track(7)
    laid = ClauseOnTrack("Hi there. ", track, rate_hz=24_000, pause_s=0.0)

    told = laid.lay(
        speech(
            1_000,
            Word(text="Hi ", start=0, end=400),
            Word(text="there. ", start=400, end=1_000),
            visemes=(Viseme(name="aa", start=0, end=400),),
        )
    )

    assert told == Spoken(
        turn=7,
        end=1_000,
        words=(
            SpokenWord(text="Hi ", start=0, end=400),
            SpokenWord(text="there. ", start=400, end=1_000),
        ),
    )
    assert track.visemes == [Viseme(name="aa", start=0, end=400)]
    assert laid.finish() == Spoken(turn=7, end=1_000)


def test_a_later_clause_stands_behind_the_track_and_the_pause() -> None:
    track = Track(1)
    track.add(np.ones(500, np.int16), ())
    laid = ClauseOnTrack("Yes.", track, rate_hz=24_000, pause_s=0.1)

    told = laid.lay(
        speech(
            600,
            Word(text="Yes.", start=0, end=600),
            visemes=(Viseme(name="E", start=100, end=600),),
        )
    )

    assert told == Spoken(
        turn=1, end=3_500, words=(SpokenWord(text="Yes.", start=2_900, end=3_500),)
    )
    assert track.visemes == [Viseme(name="E", start=3_000, end=3_500)]
    assert not track.read(500, 2_400).any()
    assert track.read(2_900, 600).all()


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 24_000, 44_100, 48_000])
def test_words_keep_their_place_at_any_rate_and_end_within_the_track(rate_hz: int) -> None:
    track = Track(1)
    laid = ClauseOnTrack("ab", track, rate_hz=rate_hz, pause_s=0.0)
    second, total = rate_hz // 3, rate_hz // 2 + 1

    words = laid.lay(speech(second, Word(text="a", start=0, end=second))).words
    words += laid.lay(speech(total - second, Word(text="b", start=second, end=total))).words
    end = laid.finish().end

    assert words[0].start == 0
    assert words[0].end == words[1].start == round(second * 24_000 / rate_hz)
    assert words[1].end <= end == track.length
    assert abs(track.length - total * 24_000 / rate_hz) <= 0.5


def test_a_clause_that_cannot_be_said_is_told_as_a_word_of_no_length_and_makes_no_pause() -> None:
    track = Track(1)
    track.add(np.ones(500, np.int16), ())
    laid = ClauseOnTrack(" \n", track, rate_hz=24_000, pause_s=0.2)

    assert laid.finish() == Spoken(
        turn=1, end=500, words=(SpokenWord(text=" \n", start=500, end=500),)
    )
    assert not laid.is_heard
    assert track.length == 500


def test_words_that_a_voice_leaves_untimed_are_told_behind_it() -> None:
    track = Track(1)
    laid = ClauseOnTrack("One two three.", track, rate_hz=24_000, pause_s=0.0)
    laid.lay(speech(480, Word(text="One ", start=0, end=480)))

    assert laid.finish().words == (SpokenWord(text="two three.", start=480, end=480),)
    assert laid.is_heard


@pytest.mark.parametrize(
    ("clause", "seconds"),
    [
        ("Yes. ", 0.2),
        ('"Really?" ', 0.2),
        ("first, ", 0.08),
        ("this: ", 0.14),
        ("and so on ", 0.06),
        ("", 0.06),
    ],
)
def test_the_mark_that_ends_a_clause_makes_its_pause(clause: str, seconds: float) -> None:
    assert pause_after(clause) == seconds
