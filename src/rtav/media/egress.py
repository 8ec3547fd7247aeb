"""One clock per call: audio and picture leave on the same 20 ms tick, stamped by one sample count.

Tick k happens at t0 + k * 20 ms of the loop's monotonic clock and stands for the samples from
k * TICK_SAMPLES on. Audio leads: these samples are sent first, then the frame that is due within
them. A frame that is not ready one tick after its audio is dropped: browsers answer a picture that
is more than 50 ms late by delaying the *voice*, and give the delay back only slowly.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rtav.media.opus import RTP_RATE_HZ as AUDIO_RTP_RATE_HZ
from rtav.media.opus import OpusEncoder
from rtav.media.pcm import SESSION_RATE_HZ, TICK_SAMPLES, Pcm
from rtav.media.track import Track
from rtav.media.video import RTP_RATE_HZ as VIDEO_RTP_RATE_HZ

TICK_S = TICK_SAMPLES / SESSION_RATE_HZ
STALL_S = 0.2  # a longer stall is skipped, not replayed: the receiver has concealed it by then
LATE_S = 0.01  # half a tick: beyond, the tick counts as late
# Chromium aligns the tracks only after two reports of each: the first four come quickly.
FIRST_REPORTS, FIRST_REPORT_TICKS, REPORT_TICKS = 4, 5, 50  # 100 ms, then 1 s
# Up to the end of the next tick: a frame has 20 ms to be made, and its thread need not wake the
# loop, because the next tick comes anyway. (Wake-ups were 8 % of the loop's time with eight calls.)
LOOKAHEAD_SAMPLES = 2 * TICK_SAMPLES
MAX_FPS = 60


class Timer(Protocol):
    """What the clock needs of an event loop; `asyncio.AbstractEventLoop` is one."""

    def time(self) -> float: ...

    def call_at(self, when: float, callback: Callable[[], None]) -> Alarm: ...


class Alarm(Protocol):
    def cancel(self) -> None: ...


class AudioSource(Protocol):
    def read(self, at: int) -> Pcm | None:
        """The TICK_SAMPLES samples that begin at sample `at` of the call; None is silence.

        Called once a tick. `at` never goes back; it jumps ahead after a stall.
        """


class VideoSource(Protocol):
    """Frames are asked for a tick before they are due. All methods return at once."""

    def request(self, at: int) -> bool:
        """Begin to make the frame of sample `at`. False if there will be none: it is not missed."""

    def take(self, at: int) -> Sequence[bytes] | None:
        """The payloads of a requested frame, handed over once; None while it is not ready."""

    def drop(self, at: int) -> None:
        """The requested frame will not be taken any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioOut:
    """Without a track the clock still reads the source, which then delivers by itself."""

    source: AudioSource
    track: Track | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoOut:
    """Without a track frames are requested but never taken: the source delivers by itself."""

    source: VideoSource
    fps: int
    track: Track | None = None


class Egress:
    """The clock. Everything happens in the event loop; nothing in here awaits."""

    def __init__(
        self,
        timer: Timer,
        *,
        wall: Callable[[], float],
        audio: AudioOut | None,
        video: VideoOut | None,
        on_tick: Callable[[int, float], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        """`wall` gives seconds since 1970; it is asked once, so that steps of the machine's wall
        clock cannot tear the tracks apart.

        `on_tick(at, now)` is called at the end of every tick, `on_failure` once with what a source
        or `on_tick` raised: the clock has stopped then. Raises ValueError for an fps not in 1..60.
        """
        self._timer = timer
        self._wall = wall
        self._voice = None if audio is None else _Voice(audio)
        self._picture = None if video is None else _Picture(video)
        self._tracks = [
            (out.track, rate_hz)
            for out, rate_hz in ((audio, AUDIO_RTP_RATE_HZ), (video, VIDEO_RTP_RATE_HZ))
            if out is not None and out.track is not None
        ]
        self._on_tick = on_tick
        self._on_failure = on_failure
        self._alarm: Alarm | None = None
        self._running = False
        self._ticks = 0
        self._t0 = self._wall0 = 0.0
        self._reports = self._next_report = 0  # reports sent; the tick of the next one
        self.late_s = 0.0
        """How late the last tick came."""
        self.late_ticks = 0
        self.stalls = 0

    @property
    def at(self) -> int:
        """The sample that the next tick begins with."""
        return self._ticks * TICK_SAMPLES

    @property
    def frames_sent(self) -> int:
        return 0 if self._picture is None else self._picture.sent

    @property
    def frames_dropped(self) -> int:
        return 0 if self._picture is None else self._picture.dropped

    def start(self) -> None:
        """Sample 0 is now. Call it once, when every track is ready."""
        self._t0, self._wall0 = self._timer.time(), self._wall()
        self._running = True
        self._tick()

    def stop(self) -> None:
        """Nothing is called or sent any more. Idempotent."""
        self._running = False
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def set_fps(self, fps: int) -> None:
        """Another frame rate from the next frame on. Raises ValueError unless it is in 1..60."""
        if self._picture is not None:
            self._picture.set_fps(fps)

    def _tick(self) -> None:
        try:
            self._step(self._timer.time())
        except BaseException as error:  # noqa: BLE001 - handed on whole: it must end the call
            self.stop()
            self._on_failure(error)
        if self._running:
            self._ticks += 1
            self._alarm = self._timer.call_at(self._t0 + self._ticks * TICK_S, self._tick)

    def _step(self, now: float) -> None:
        self._catch_up(now)
        at = self.at
        if self._voice is not None:
            self._voice.send(at)
        if self._picture is not None:
            self._picture.send(at)
            self._picture.request(at, until=at + LOOKAHEAD_SAMPLES)
        if self._ticks >= self._next_report:
            self._report(now)
        self._on_tick(at, now)

    def _catch_up(self, now: float) -> None:
        self.late_s = now - (self._t0 + self._ticks * TICK_S)
        if self.late_s > STALL_S:
            self.stalls += 1
            self._ticks += int(self.late_s / TICK_S)
        elif self.late_s > LATE_S:
            self.late_ticks += 1

    def _report(self, now: float) -> None:
        """All reports of both tracks lie on one line: the receiver has nothing to estimate."""
        elapsed_s = now - self._t0
        self._reports += 1
        is_early = self._reports < FIRST_REPORTS
        self._next_report = self._ticks + (FIRST_REPORT_TICKS if is_early else REPORT_TICKS)
        for track, rate_hz in self._tracks:
            track.report(self._wall0 + elapsed_s, int(elapsed_s * rate_hz))


class _Voice:
    def __init__(self, out: AudioOut) -> None:
        self._source, self._track = out.source, out.track
        track = out.track
        self._encoder = None if track is None else OpusEncoder(lambda: track.loss)

    def send(self, at: int) -> None:
        pcm = self._source.read(at)
        if self._track is not None and self._encoder is not None:
            packet = self._encoder.encode(pcm)
            self._track.push([packet], at * AUDIO_RTP_RATE_HZ // SESSION_RATE_HZ)


class _Picture:
    """Frame j is due at sample j * SESSION_RATE_HZ / fps, rounded down."""

    def __init__(self, out: VideoOut) -> None:
        self._source, self._track = out.source, out.track
        self._next = 0  # no frame before this sample is requested any more
        self._waiting: deque[int] = deque()  # requested and not yet sent, in order
        self.set_fps(out.fps)
        self.sent = self.dropped = 0

    def set_fps(self, fps: int) -> None:
        if not 1 <= fps <= MAX_FPS:
            raise ValueError(f"{fps} frames per second: not in 1..{MAX_FPS}")
        self._fps = fps

    def send(self, at: int) -> None:
        """Send what is due within the tick that begins at `at`; give up what is a tick late."""
        while self._waiting and self._waiting[0] < at + TICK_SAMPLES:
            due = self._waiting[0]
            payloads = self._source.take(due) if due >= at - TICK_SAMPLES else None
            if payloads is None:
                if due >= at:
                    return  # one more tick to come
                self.dropped += 1
                self._source.drop(due)
            else:
                self.sent += 1
                self._push(payloads, due)
            self._waiting.popleft()

    def request(self, at: int, *, until: int) -> None:
        """Ask for the frames due from `at` to `until` that were not asked for yet."""
        number = -(-max(at, self._next) * self._fps // SESSION_RATE_HZ)
        while (due := number * SESSION_RATE_HZ // self._fps) < until:
            if self._source.request(due) and self._track is not None:
                self._waiting.append(due)
            number += 1
        self._next = until

    def _push(self, payloads: Sequence[bytes], due: int) -> None:
        assert self._track is not None, "only frames with a track wait"
        self._track.push(payloads, due * VIDEO_RTP_RATE_HZ // SESSION_RATE_HZ)
