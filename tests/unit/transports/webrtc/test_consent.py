from rtav.transports.webrtc.consent import Consent, Verdict


def test_a_peer_that_just_spoke_is_not_asked():
    consent = Consent(100.0, vanished_after_s=5.0)
    assert consent.judge(100.4) == Verdict(ask=False, gone=False, look_again_in_s=1.0)


def test_a_silent_peer_is_asked_every_second():
    consent = Consent(100.0, vanished_after_s=5.0)
    for second in (101.0, 102.0, 103.0, 104.0):
        assert consent.judge(second) == Verdict(ask=True, gone=False, look_again_in_s=1.0)


def test_a_peer_is_gone_exactly_when_its_time_is_over():
    consent = Consent(100.0, vanished_after_s=5.0)
    assert consent.judge(104.75) == Verdict(ask=True, gone=False, look_again_in_s=0.25)
    assert consent.judge(105.0) == Verdict(ask=False, gone=True, look_again_in_s=0.0)


def test_any_packet_begins_the_time_anew():
    consent = Consent(100.0, vanished_after_s=5.0)
    consent.heard(104.5)
    assert not consent.judge(109.0).gone
    assert consent.judge(109.5).gone


def test_a_stall_of_our_own_is_not_held_against_the_peer():
    consent = Consent(100.0, vanished_after_s=5.0)
    consent.judge(101.0)
    assert consent.judge(120.0) == Verdict(ask=True, gone=False, look_again_in_s=1.0)
    assert not consent.judge(121.0).gone
    assert not consent.judge(122.0).gone
    assert consent.judge(123.0).gone


def test_an_old_packet_changes_nothing():
    consent = Consent(100.0, vanished_after_s=5.0)
    consent.heard(0.0)
    assert not consent.judge(104.5).gone


def test_an_impatient_server_asks_four_times_before_it_gives_up():
    consent = Consent(0.0, vanished_after_s=0.4)
    assert consent.judge(0.1) == Verdict(ask=True, gone=False, look_again_in_s=0.1)


def test_timers_that_are_always_a_little_late_do_not_keep_a_dead_peer_alive():
    consent = Consent(0.0, vanished_after_s=5.0)
    now, looks = 0.0, 0
    while not (verdict := consent.judge(now)).gone:
        now += verdict.look_again_in_s + 0.001
        looks += 1
        assert looks < 20

    assert 5.0 <= now < 5.2
