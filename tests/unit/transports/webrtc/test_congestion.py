from rtav.transports.webrtc.congestion import Ceiling


def _sending(bitrate: int, *, until: float = 1.0) -> Ceiling:
    """25 frames a second up to `until`."""
    ceiling = Ceiling()
    for frame in range(int(25 * until)):
        ceiling.sent((frame + 1) / 25, bitrate // 200)
    return ceiling


def test_less_than_what_is_sent_is_a_limit():
    assert _sending(800_000).estimated(1.0, 600_000) == 600_000


def test_more_than_what_is_sent_is_no_limit():
    assert _sending(800_000).estimated(1.0, 1_200_000) is None


def test_what_a_calm_picture_is_thought_to_need_is_no_limit():
    assert _sending(100_000).estimated(1.0, 14_000) is None


def test_a_limit_rises_with_the_estimate():
    ceiling = _sending(800_000)
    ceiling.estimated(1.0, 600_000)
    assert ceiling.estimated(2.5, 700_000) == 700_000
    assert ceiling.estimated(3.5, 1_500_000) == 1_500_000


def test_a_limit_stays_while_a_calm_picture_lowers_the_estimate():
    ceiling = _sending(800_000)
    ceiling.estimated(1.0, 600_000)
    assert ceiling.estimated(3.0, 60_000) is None


def test_the_same_estimate_again_is_nothing_new():
    ceiling = _sending(800_000)
    ceiling.estimated(1.0, 600_000)
    assert ceiling.estimated(1.0, 600_000) is None


def test_only_the_last_second_counts_as_being_sent():
    assert _sending(800_000).estimated(1.9, 600_000) is None
