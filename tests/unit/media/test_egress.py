from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from rtav.media.egress import AudioOut, Egress, Timer, VideoOut
from rtav.media.opus import OpusDecoder
from rtav.media.pcm import Pcm

LOUD = np.full(480, 9_000, np.int16)


class Alarm:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when, self.callback = when, callback

    def cancel(self) -> None:
        self.callback = lambda: None


class FakeTimer:
    """A loop with one alarm whose time is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.alarm: Alarm | None = None

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Alarm:
        self.alarm = Alarm(when, callback)
        return self.alarm

    def fire(self, *, late_s: float = 0.0) -> None:
        """Let the alarm go off, not before the time it was set to."""
        alarm = self.alarm
        assert alarm is not None
        self.now = max(self.now, alarm.when) + late_s
        alarm.callback()


class FakeTrack:
    ready = True

    def __init__(self, log: list[str] | None = None, name: str = "") -> None:
        self.sent: list[tuple[int, Sequence[bytes]]] = []
        self.reports: list[tuple[float, int]] = []
        self.loss = 0.0
        self._log, self._name = log, name

    @property
    def times(self) -> list[int]:
        return [rtp_time for rtp_time, _ in self.sent]

    def push(self, payloads: Sequence[bytes], rtp_time: int) -> None:
        self.sent.append((rtp_time, payloads))
        if self._log is not None:
            self._log.append(self._name)

    def report(self, wall: float, rtp_time: int) -> None:
        self.reports.append((wall, rtp_time))


class Voice:
    def __init__(self, pcm: Pcm | None = None) -> None:
        self.pcm = pcm
        self.read_at: list[int] = []

    def read(self, at: int) -> Pcm | None:
        self.read_at.append(at)
        return self.pcm


class Face:
    """Frames that are ready at once, unless `is_slow`."""

    def __init__(self) -> None:
        self.requested: list[int] = []
        self.dropped: list[int] = []
        self.is_slow = False
        self.is_there = True

    def request(self, at: int) -> bool:
        self.requested.append(at)
        return self.is_there

    def take(self, at: int) -> Sequence[bytes] | None:
        return None if self.is_slow else [b"frame %d" % at]

    def drop(self, at: int) -> None:
        self.dropped.append(at)


class Call:
    """An egress with everything around it faked."""

    def __init__(
        self, *, audio: AudioOut | None = None, video: VideoOut | None = None, wall: float = 5_000.0
    ) -> None:
        self.timer = FakeTimer()
        self.ticks: list[tuple[int, float]] = []
        self.failures: list[BaseException] = []
        self.egress = Egress(
            self.timer,
            wall=lambda: wall,
            audio=audio,
            video=video,
            on_tick=lambda at, now: self.ticks.append((at, now)),
            on_failure=self.failures.append,
        )

    def play(self, ticks: int) -> None:
        self.egress.start()
        for _ in range(ticks - 1):
            self.timer.fire()


def test_each_tick_sends_20_ms_of_audio_at_its_rtp_time() -> None:
    track, voice = FakeTrack(), Voice(LOUD)

    Call(audio=AudioOut(source=voice, track=track)).play(4)

    assert voice.read_at == [0, 480, 960, 1_440]
    assert track.times == [0, 960, 1_920, 2_880]
    assert OpusDecoder().decode(track.sent[0][1][0]).size == 320


def test_no_samples_are_sent_as_silence() -> None:
    track = FakeTrack()

    Call(audio=AudioOut(source=Voice(None), track=track)).play(12)

    assert track.sent[10][1] == track.sent[11][1]


def test_ticks_never_drift() -> None:
    call = Call()
    call.egress.start()
    for _ in range(1_000):
        call.timer.fire(late_s=0.004)

    assert call.timer.alarm is not None
    assert call.timer.alarm.when == pytest.approx(100 + 1_001 * 0.02, abs=1e-9)
    assert call.egress.late_ticks == 0


def test_a_short_stall_is_replayed_tick_by_tick() -> None:
    voice = Voice()
    call = Call(audio=AudioOut(source=voice))
    call.egress.start()
    call.timer.now += 0.1
    for _ in range(5):
        call.timer.fire()

    assert voice.read_at == [0, 480, 960, 1_440, 1_920, 2_400]
    assert call.egress.late_ticks == 4
    assert call.egress.stalls == 0
    assert call.egress.late_s == pytest.approx(0.0)


def test_a_long_stall_is_skipped_in_both_clocks() -> None:
    audio, video, face = FakeTrack(), FakeTrack(), Face()
    voice = Voice()
    call = Call(
        audio=AudioOut(source=voice, track=audio),
        video=VideoOut(source=face, fps=25, track=video),
    )
    call.play(2)
    call.timer.fire(late_s=0.5)
    call.timer.fire()

    assert voice.read_at == [0, 480, 27 * 480, 28 * 480]
    assert audio.times[-1] == 28 * 960
    assert video.times[-1] == 28 * 480 * 15 // 4
    assert call.egress.stalls == 1
    assert face.dropped == [960]


def test_frames_are_asked_for_a_tick_ahead_and_sent_with_their_audio() -> None:
    order: list[str] = []
    audio, video, face = FakeTrack(order, "voice"), FakeTrack(order, "face"), Face()
    call = Call(
        audio=AudioOut(source=Voice(), track=audio),
        video=VideoOut(source=face, fps=25, track=video),
    )

    call.play(2)
    assert face.requested == [0, 960]
    call.timer.fire()

    assert video.sent[1] == (3_600, [b"frame 960"])
    assert order[-2:] == ["voice", "face"]


@pytest.mark.parametrize(
    ("fps", "requested"),
    [
        (25, [0, 960, 1_920, 2_880, 3_840, 4_800]),
        (30, [0, 800, 1_600, 2_400, 3_200, 4_000, 4_800]),
        (
            60,
            [
                0,
                400,
                800,
                1_200,
                1_600,
                2_000,
                2_400,
                2_800,
                3_200,
                3_600,
                4_000,
                4_400,
                4_800,
                5_200,
            ],
        ),
        (7, [0, 3_428]),
        (1, [0]),
    ],
)
def test_frames_are_due_at_multiples_of_their_period(fps: int, requested: list[int]) -> None:
    video, face = FakeTrack(), Face()

    Call(video=VideoOut(source=face, fps=fps, track=video)).play(10)

    assert face.requested == requested
    assert video.times == [due * 15 // 4 for due in requested if due < 4_800]


def test_the_frame_rate_changes_during_the_call() -> None:
    face = Face()
    call = Call(video=VideoOut(source=face, fps=25, track=FakeTrack()))
    call.play(3)
    call.egress.set_fps(50)
    for _ in range(3):
        call.timer.fire()

    assert face.requested == [0, 960, 1_920, 2_400, 2_880]


@pytest.mark.parametrize("fps", [0, 61, -5])
def test_an_impossible_frame_rate_is_refused(fps: int) -> None:
    with pytest.raises(ValueError, match="not in 1..60"):
        Call(video=VideoOut(source=Face(), fps=fps))


def test_a_frame_that_is_one_tick_late_is_still_sent_with_its_own_time() -> None:
    video, face = FakeTrack(), Face()
    call = Call(video=VideoOut(source=face, fps=25, track=video))
    call.play(2)
    face.is_slow = True
    call.timer.fire()
    face.is_slow = False
    call.timer.fire()

    assert video.times == [0, 3_600]
    assert call.egress.frames_dropped == 0


def test_a_frame_that_is_later_is_dropped_and_never_sent() -> None:
    video, face = FakeTrack(), Face()
    call = Call(video=VideoOut(source=face, fps=25, track=video))
    face.is_slow = True
    call.play(4)
    face.is_slow = False
    call.timer.fire()

    assert face.dropped == [0, 960]
    assert video.times == [4 * 480 * 15 // 4]
    assert (call.egress.frames_sent, call.egress.frames_dropped) == (1, 2)


def test_a_frame_that_nobody_makes_is_not_missed() -> None:
    face = Face()
    face.is_there = False
    call = Call(video=VideoOut(source=face, fps=25, track=FakeTrack()))

    call.play(10)

    assert call.egress.frames_dropped == 0
    assert face.dropped == []


def test_without_a_track_sources_are_only_called() -> None:
    voice, face = Voice(LOUD), Face()
    call = Call(audio=AudioOut(source=voice), video=VideoOut(source=face, fps=10))

    call.play(6)

    assert voice.read_at == [0, 480, 960, 1_440, 1_920, 2_400]
    assert face.requested == [0, 2_400]
    assert face.dropped == []
    assert call.egress.frames_sent == 0


def test_the_call_hears_of_every_tick() -> None:
    call = Call()

    call.play(3)

    assert [at for at, _ in call.ticks] == [0, 480, 960]
    assert [round(now, 6) for _, now in call.ticks] == [100.0, 100.02, 100.04]
    assert call.egress.at == 1_440


def test_reports_of_both_tracks_lie_on_one_line() -> None:
    audio, video = FakeTrack(), FakeTrack()
    call = Call(
        audio=AudioOut(source=Voice(), track=audio),
        video=VideoOut(source=Face(), fps=25, track=video),
    )

    call.play(120)

    walls = [round(wall, 6) for wall, _ in audio.reports]
    assert walls == [5_000.0, 5_000.1, 5_000.2, 5_000.3, 5_001.3, 5_002.3]
    assert [wall for wall, _ in video.reports] == [wall for wall, _ in audio.reports]
    assert [time for _, time in audio.reports] == pytest.approx(
        [0, 4_800, 9_600, 14_400, 62_400, 110_400], abs=1
    )
    assert [time for _, time in video.reports] == pytest.approx(
        [0, 9_000, 18_000, 27_000, 117_000, 207_000], abs=1
    )


def test_a_stopped_clock_calls_nobody() -> None:
    call = Call()
    call.play(2)

    call.egress.stop()
    call.egress.stop()
    call.timer.fire()

    assert len(call.ticks) == 2


def test_a_call_may_stop_the_clock_from_within_a_tick() -> None:
    timer = FakeTimer()
    egress = Egress(
        timer,
        wall=lambda: 0.0,
        audio=None,
        video=None,
        on_tick=lambda at, now: egress.stop(),
        on_failure=lambda error: None,
    )

    egress.start()

    assert timer.alarm is None


def test_a_source_that_raises_stops_the_clock_and_the_call_is_told() -> None:
    class Broken:
        def read(self, at: int) -> Pcm | None:
            raise RuntimeError("no voice")

    call = Call(audio=AudioOut(source=Broken()))

    call.egress.start()

    assert [str(error) for error in call.failures] == ["no voice"]
    assert call.timer.alarm is None
    assert call.ticks == []


def test_an_event_loop_is_a_timer() -> None:
    async def play() -> list[int]:
        loop: Timer = asyncio.get_running_loop()
        ticks: list[int] = []
        done = asyncio.get_running_loop().create_future()

        def tick(at: int, now: float) -> None:
            ticks.append(at)
            if len(ticks) == 2:
                egress.stop()
                done.set_result(None)

        egress = Egress(
            loop, wall=lambda: 0.0, audio=None, video=None, on_tick=tick, on_failure=print
        )
        egress.start()
        await done
        return ticks

    assert asyncio.run(play()) == [0, 480]
