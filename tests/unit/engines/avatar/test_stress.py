from rtav.engines.avatar.album import AMONG_S, FEW, Company
from rtav.engines.avatar.stress import stress
from rtav.engines.base import Accent

STRONG, WEAK = Accent(at=24_000, strength=1.0), Accent(at=24_000, strength=0.4)


def test_the_head_is_lowest_where_the_syllable_sounds() -> None:
    pitch = {t: stress(t, [STRONG]).get("headPitch", 0.0) for t in (0.8, 0.9, 1.0, 1.15, 1.4)}

    assert pitch[1.0] == max(pitch.values()) == 2.6
    assert pitch[0.8] == pitch[1.4] == 0.0
    assert 0.0 < pitch[0.9] < 2.6
    assert 0.0 < pitch[1.15] < 2.6


def test_a_strong_stress_raises_the_brows_and_a_weak_one_hardly() -> None:
    assert stress(1.0, [STRONG])["browOuterUpLeft"] > 0.3
    assert stress(1.0, [WEAK])["browOuterUpLeft"] < 0.1


def test_beats_never_jump() -> None:
    accents = [Accent(at=24_000 * i // 2, strength=1.0) for i in range(20)]
    poses = [stress(i / 25, accents) for i in range(250)]

    for before, after in zip(poses, poses[1:], strict=False):
        for name in before.keys() | after.keys():
            step = abs(after.get(name, 0.0) - before.get(name, 0.0))
            assert step < (1.2 if name.startswith("head") else 0.2), name


def test_more_than_a_few_who_speak_are_a_crowd_until_they_fall_silent() -> None:
    company, speakers = Company(), [object() for _ in range(FEW + 1)]

    few = [company.is_crowd(who, 1.0) for who in speakers[:FEW]]

    assert not any(few)
    assert company.is_crowd(speakers[FEW], 1.0)
    assert not company.is_crowd(speakers[0], 1.1 + AMONG_S)
