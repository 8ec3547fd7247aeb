from __future__ import annotations

import numpy as np
import pytest

from rtav.errors import EngineFailed
from rtav.runtime.film import Film, Gesture, Shot, say
from rtav.testing.engines import ScriptedTts
from rtav.testing.face import ScriptedAvatar, ScriptedFace
from rtav.testing.virtual import run

CUES = {"wink": "Wink", "smileteeth": "SmileTeeth"}
CHAR = 1_200  # samples of a character


def said(text: str) -> Film:
    return run(say(text, tts=ScriptedTts(), voice="default", motions=CUES))


def shown(text: str, *, fps: int = 25) -> tuple[list[Shot], ScriptedFace]:
    face = ScriptedAvatar().open("face1", size_px=128, fps=fps, seed=1)
    return list(said(text).shots(face, fps=fps, motions=("default",))), face


def test_the_face_is_at_rest_before_the_first_word_and_after_the_last() -> None:
    shots, face = shown("aaaa")

    sounding = [shot.at for shot in shots if shot.pcm.any()]
    assert (sounding[0], sounding[-1] + 480) == (12_000, 12_000 + 4 * CHAR)
    assert shots[-1].at + 480 == 12_000 + 4 * CHAR + 24_000
    assert face.moments[0].mood == face.moments[-1].mood == "idle"
    assert {m.mood for m in face.moments if 12_000 <= m.at < 16_800} == {"speaking"}


def test_every_frame_shows_what_is_heard_at_its_sample() -> None:
    _, face = shown("abab", fps=30)

    speaking = [moment for moment in face.moments if moment.speech_at is not None]
    assert [m.speech_at for m in speaking] == [m.at - 12_000 for m in speaking]
    assert [m.at for m in face.moments[:4]] == [0, 800, 1_600, 2_400]


def test_the_rate_of_frames_need_not_fit_into_ticks() -> None:
    shots, _ = shown("a", fps=7)

    ats = [at for shot in shots for at, _ in shot.frames]
    assert ats == [number * 24_000 // 7 for number in range(len(ats))]
    assert all(shot.at <= at < shot.at + 480 for shot in shots for at, _ in shot.frames)


def test_a_cue_is_played_where_it_stands_and_not_spoken() -> None:
    tts = ScriptedTts()
    film = run(say("aa [Wink] bb [unknown] cc", tts=tts, voice="default", motions=CUES))

    assert film.gestures == [Gesture(3 * CHAR, "Wink")]
    assert "".join(tts.spoken) == "aa bb [unknown] cc"


def test_a_cue_at_the_end_is_played_when_all_is_said() -> None:
    film = said("aa [SmileTeeth]")

    assert film.gestures == [Gesture(film.track.length, "SmileTeeth")]


def test_what_loops_goes_on_after_a_cue() -> None:
    face = ScriptedAvatar().open("face1", size_px=128, fps=25, seed=1)
    list(said("aa [Wink] bb").shots(face, fps=25, motions=("SmileTeeth", "default")))

    # 12,000 samples of rest and 3,600 of speech, in whole ticks
    assert face.drives == [(("SmileTeeth", "default"), 0), (("Wink", "default"), 15_840)]


def test_a_text_without_sound_has_none() -> None:
    film = said("...")

    assert film.track.length == 0


def test_a_voice_that_breaks_says_so() -> None:
    tts = ScriptedTts(failing={"aa": EngineFailed("scripted-tts", "broken")})
    with pytest.raises(EngineFailed):
        run(say("aa", tts=tts, voice="default", motions={}))


def test_clauses_stand_apart_as_in_a_call() -> None:
    film = said("This is the first sentence. And this is another one.")

    pcm = film.track.read(0, film.track.length)
    silence = np.flatnonzero(pcm == 0)
    gaps = np.split(silence, np.flatnonzero(np.diff(silence) > 1) + 1)
    # 200 ms behind a full stop, and the space that the scripted voice says as silence
    assert 4_800 + CHAR in {len(gap) - 1 for gap in gaps} | {len(gap) for gap in gaps}
