from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtav.media.ingress import MAX_WAITING, Microphone
from rtav.media.opus import OpusEncoder

TICK = 480


def _packets(count: int) -> list[bytes]:
    """A steady tone in packets of 20 ms."""
    encoder = OpusEncoder()
    at = np.arange(count * TICK) / 24_000
    voice = (8_000 * np.sin(2 * np.pi * 200 * at)).astype(np.int16)
    return [encoder.encode(voice[n * TICK : (n + 1) * TICK]) for n in range(count)]


PACKETS = _packets(50)


def send(microphone: Microphone, number: int, now: float, *, sequence: int = 0) -> None:
    """Packet `number` of a stream whose first packet has `sequence` and RTP time 0."""
    microphone.push(
        (sequence + number) & 0xFFFF, number * 960 & 0xFFFFFFFF, PACKETS[number % 50], now
    )


def test_what_is_in_order_comes_out_at_once() -> None:
    microphone = Microphone()

    sizes = []
    for number in range(3):
        send(microphone, number, now=number * 0.02)
        sizes.append(microphone.pull(number * 0.02).size)

    assert sizes == [320, 320, 320]
    assert microphone.position == 960
    assert microphone.pull(0.05).size == 0


def test_before_the_first_packet_there_is_nothing() -> None:
    microphone = Microphone()

    assert microphone.pull(100.0).size == 0
    assert microphone.deadline is None


def test_packets_that_overtook_each_other_are_put_in_order() -> None:
    straight, swapped = Microphone(), Microphone()
    for number in range(4):
        send(straight, number, now=0.0)
    for number in (0, 2, 1, 3):
        send(swapped, number, now=0.0)

    assert swapped.pull(0.0).tolist() == straight.pull(0.0).tolist()
    assert swapped.counts.lost == 0


def test_behind_a_gap_a_packet_waits_40_ms_and_no_longer() -> None:
    microphone = Microphone()
    send(microphone, 0, now=0.0)
    microphone.pull(0.0)
    send(microphone, 2, now=0.04)

    assert microphone.pull(0.04).size == 0
    assert microphone.deadline == pytest.approx(0.08)
    assert microphone.pull(0.0799).size == 0
    assert microphone.pull(0.0801).size == 640
    assert microphone.counts.lost == 1
    assert microphone.counts.concealed_samples == 320


def test_a_lost_packet_sounds_like_what_came_before_it() -> None:
    microphone = Microphone()
    for number in range(10):
        send(microphone, number, now=0.0)
    microphone.pull(0.0)
    send(microphone, 11, now=0.02)

    concealed = microphone.pull(0.07)[:320]

    assert np.abs(concealed).max() > 6_000


def test_a_packet_that_comes_after_its_turn_is_counted_and_left_out() -> None:
    microphone = Microphone()
    for number in (0, 2):
        send(microphone, number, now=0.0)
    microphone.pull(0.05)

    send(microphone, 1, now=0.06)

    assert microphone.pull(0.06).size == 0
    assert microphone.counts.late == 1


def test_a_packet_that_comes_twice_is_played_once() -> None:
    microphone = Microphone()
    send(microphone, 0, now=0.0)
    send(microphone, 0, now=0.0)

    assert microphone.pull(0.0).size == 320
    assert microphone.counts.duplicates == 1


def test_sequence_and_time_wrap_without_a_seam() -> None:
    microphone = Microphone()
    for number in range(6):
        microphone.push(
            (65_533 + number) & 0xFFFF,
            (0xFFFFFFFF - 1_919 + number * 960) & 0xFFFFFFFF,
            PACKETS[number],
            now=number * 0.02,
        )

    assert microphone.pull(0.1).size == 6 * 320
    assert microphone.counts.lost == 0
    assert microphone.counts.restarts == 0
    assert microphone.counts.concealed_samples == 0


def test_a_pause_of_the_sender_is_filled_to_the_sample() -> None:
    """With DTX the sequence goes on by one and the time by the pause."""
    microphone = Microphone()
    send(microphone, 0, now=0.0)
    microphone.pull(0.0)

    microphone.push(1, 20 * 960, PACKETS[1], now=0.4)
    pcm = microphone.pull(0.4)

    assert microphone.position == 21 * 320
    assert not pcm[320 : 19 * 320].any()
    assert microphone.counts.lost == 0


def test_silence_stands_in_200_ms_after_the_last_packet() -> None:
    microphone = Microphone()
    send(microphone, 0, now=1.0)
    microphone.pull(1.0)

    assert microphone.pull(1.21).size == 0
    assert microphone.deadline == pytest.approx(1.22)
    assert microphone.pull(1.2201).size == 320
    assert microphone.pull(1.3201).size == 5 * 320
    assert microphone.deadline == pytest.approx(1.34)


def test_after_a_stand_in_the_sender_s_clock_still_holds() -> None:
    microphone = Microphone()
    send(microphone, 0, now=0.0)
    for tick in range(50):
        microphone.pull(tick * 0.02)

    microphone.push(1, 50 * 960, PACKETS[1], now=1.0)
    microphone.pull(1.0)

    assert microphone.position == 51 * 320


def test_what_a_network_held_back_is_played_after_the_stand_in() -> None:
    microphone = Microphone()
    send(microphone, 0, now=0.0)
    for tick in range(30):
        microphone.pull(tick * 0.02 + 0.001)
    stood_in = microphone.position - 320

    for number in range(1, 31):
        send(microphone, number, now=0.6)
    burst = microphone.pull(0.6)

    assert stood_in == 19 * 320
    assert burst.size == 30 * 320
    assert microphone.counts.late == 0


def test_an_hour_that_nobody_waited_for_is_not_believed() -> None:
    microphone = Microphone()
    send(microphone, 0, now=0.0)
    microphone.pull(0.0)

    microphone.push(1, 3_600 * 48_000, PACKETS[1], now=0.02)

    assert microphone.pull(0.02).size == 320
    assert microphone.counts.restarts == 1


def test_a_new_stream_is_believed_at_its_second_packet() -> None:
    microphone = Microphone()
    send(microphone, 0, now=0.0)
    microphone.pull(0.0)

    microphone.push(30_000, 777, PACKETS[0], now=0.02)
    assert microphone.pull(0.02).size == 0
    microphone.push(30_001, 777 + 960, PACKETS[1], now=0.04)
    microphone.push(30_002, 777 + 1_920, PACKETS[2], now=0.06)

    assert microphone.pull(0.06).size == 640
    assert microphone.counts.restarts == 1


def test_a_broken_packet_leaves_silence_of_its_length() -> None:
    microphone = Microphone()
    send(microphone, 0, now=0.0)
    microphone.push(1, 960, b"\xff\xff\xff", now=0.0)
    send(microphone, 2, now=0.0)

    pcm = microphone.pull(0.0)

    assert pcm.size == 3 * 320
    assert not pcm[320:640].any()
    assert microphone.counts.broken == 1


def test_more_than_the_buffer_holds_is_played_without_waiting() -> None:
    microphone = Microphone()
    send(microphone, 0, now=0.0)
    microphone.pull(0.0)
    for number in range(2, MAX_WAITING + 4):
        send(microphone, number, now=0.0)

    assert microphone.pull(0.0).size == (MAX_WAITING + 3) * 320


def test_a_pull_after_a_long_stall_of_the_loop_returns_a_second_at_most() -> None:
    microphone = Microphone()
    send(microphone, 0, now=0.0)
    microphone.pull(0.0)

    assert microphone.pull(3_600.0).size == 16_000


def test_a_stream_that_runs_faster_than_time_is_cut_to_it() -> None:
    microphone = Microphone()
    for number in range(3_000):
        send(microphone, number, now=number * 0.001)
        microphone.pull(number * 0.001)

    # Sixty seconds were sent in three: the credit, and at most twice the time that passed.
    assert microphone.position / 16_000 < 5 + 2 * 3.1
    assert microphone.counts.flooding > 2_000


def test_five_seconds_that_a_network_held_back_are_all_played() -> None:
    microphone = Microphone()
    send(microphone, 0, now=0.0)
    microphone.pull(0.0)
    for number in range(1, 250):
        send(microphone, number, now=5.0)

    assert microphone.pull(5.0).size == 249 * 320
    assert microphone.counts.flooding == 0


deliveries = st.lists(
    st.tuples(
        st.integers(0, 60),  # packet
        st.integers(0, 5),  # ticks that pass before it comes
    ),
    max_size=80,
)


@given(deliveries, st.integers(0, 0xFFFF))
def test_any_order_loss_and_duplication_gives_one_gapless_line(
    deliveries: list[tuple[int, int]], sequence: int
) -> None:
    microphone = Microphone()
    now, heard = 0.0, 0
    for number, ticks in deliveries:
        for _ in range(ticks):
            now += 0.02
            heard += microphone.pull(now).size
        send(microphone, number, now, sequence=sequence)
    heard += microphone.pull(now + 0.04).size

    assert microphone.position == heard
    assert microphone.pull(now + 0.04).size == 0
    if deliveries:
        highest = max(number for number, _ in deliveries)
        longest = (highest + 1) * 320 + int(now * 16_000) + 16_000
        assert heard <= longest
    assert microphone.deadline is None or microphone.deadline > now


@given(
    st.lists(
        st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.binary(max_size=40)),
        max_size=40,
    )
)
def test_any_packets_are_survived_and_never_make_more_than_their_time(
    packets: list[tuple[int, int, bytes]],
) -> None:
    microphone = Microphone()
    for tick, (sequence, rtp_time, payload) in enumerate(packets):
        microphone.push(sequence, rtp_time, payload, tick * 0.02)
        microphone.pull(tick * 0.02)

    assert microphone.counts.received == len(packets)
    # The credit of five seconds, the last packet's 120 ms, the time that passed and the stand-in.
    assert microphone.position <= 16_000 * (5 + 0.12 + len(packets) * 0.02 * 2.02)
