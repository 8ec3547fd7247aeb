from rtav.engines.avatar.nodding import NOD_S, REST_S, Nods
from rtav.engines.base import Moment
from rtav.media.pcm import SESSION_RATE_HZ

FRAME = 960


def pitches(
    nods: Nods, *, seconds: float, pause_s: float | None, start_s: float = 0.0
) -> list[float]:
    first, last = (round(s * SESSION_RATE_HZ / FRAME) for s in (start_s, start_s + seconds))
    pause_at = None if pause_s is None else round(pause_s * SESSION_RATE_HZ)
    return [
        nods.pose(i * FRAME / SESSION_RATE_HZ, Moment(at=i * FRAME, pause_at=pause_at)).get(
            "headPitch", 0.0
        )
        for i in range(first, last)
    ]


def test_a_pause_is_answered_by_a_small_nod_that_ends() -> None:
    pitch = pitches(Nods(), seconds=2, pause_s=0.0)

    assert 1.5 < max(pitch) < 4
    assert pitch[0] == 0.0
    assert all(value == 0.0 for value in pitch[round(NOD_S * 25) + 1 :])


def test_nobody_nods_while_the_caller_speaks() -> None:
    assert max(pitches(Nods(), seconds=10, pause_s=None)) == 0.0


def test_a_nod_is_finished_when_the_caller_goes_on() -> None:
    nods = Nods()
    begun = pitches(nods, seconds=0.2, pause_s=0.0)
    rest = pitches(nods, seconds=2, pause_s=None, start_s=0.2)

    assert max(rest) > max(begun) > 0.0
    assert rest[-1] == 0.0


def test_not_every_pause_is_nodded_at() -> None:
    nods = Nods()
    pitches(nods, seconds=1.2, pause_s=0.0)
    soon = pitches(nods, seconds=0.8, pause_s=1.2, start_s=1.2)
    later = pitches(nods, seconds=1.0, pause_s=REST_S + 0.2, start_s=REST_S + 0.2)

    assert max(soon) == 0.0
    assert max(later) > 1.0


def test_a_pause_that_is_long_past_is_let_go() -> None:
    assert max(pitches(Nods(), seconds=1, pause_s=1.0, start_s=4.0)) == 0.0


def test_a_nod_never_jumps() -> None:
    pitch = pitches(Nods(), seconds=2, pause_s=0.0)

    assert all(abs(b - a) < 1.2 for a, b in zip(pitch, pitch[1:], strict=False))
