"""Opus both ways: the reply to packets, the microphone's packets to samples."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache

import av
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rtav.media.pcm import MIC_RATE_HZ, SESSION_RATE_HZ, TICK_SAMPLES, Pcm

RTP_RATE_HZ = 48_000  # RFC 7587 section 4.1: whatever the rate of the audio
BITRATE = 32_000  # bit/s: full quality for one voice, 80 bytes a packet
# 0..10, libopus' own default is 10; 5 is what browsers use on phones: 35 % less CPU than 10, and no
# difference to hear in one voice at this bit rate.
COMPLEXITY = 5
# From this share of lost packets on, they carry what the ones before them said (FEC). Only libopus'
# mode for voices can; it takes 0.2 ms a packet, the general one 0.05 ms and with less distortion.
LOSSY = 0.01
SILENT_TICKS = 10  # 200 ms: the encoder's tail is over, from here on silence is one constant packet
DITHER = 1  # what resampling to int16 leaves of silence


class OpusEncoder:
    """Mono at the session rate, 20 ms a packet, with in-band FEC where packets are lost.

    Cheap enough for the event loop: a hop to a thread costs as much.
    """

    def __init__(self, loss: Callable[[], float] = lambda: 0.0) -> None:
        """`loss()` is the share of packets that the receiver misses. It is heeded when a voice
        begins after silence, where no change of mode is heard."""
        self._loss = loss
        self._codec, self._is_robust = _open_encoder(is_robust=False), False
        self._at = 0
        self._silent_ticks = 0

    def encode(self, pcm: Pcm | None) -> bytes:
        """One packet for TICK_SAMPLES samples; None is silence.

        After SILENT_TICKS of silence the packet is a constant one and costs nothing.
        Raises ValueError for another number of samples.
        """
        if pcm is not None and pcm.size != TICK_SAMPLES:
            raise ValueError(f"an Opus packet holds {TICK_SAMPLES} samples, not {pcm.size}")
        if pcm is None or _is_silent(pcm):
            self._silent_ticks += 1
            if self._silent_ticks > SILENT_TICKS:
                return silence_packet()
            pcm = _SILENCE
        else:
            if self._silent_ticks > SILENT_TICKS:
                self._heed_loss()
            self._silent_ticks = 0
        packet = _encode(self._codec, pcm, self._at)
        self._at += TICK_SAMPLES
        return packet

    def _heed_loss(self) -> None:
        is_robust = self._loss() >= LOSSY
        if is_robust != self._is_robust:
            self._codec, self._is_robust = _open_encoder(is_robust=is_robust), is_robust
            self._at = 0


@cache
def silence_packet() -> bytes:
    """20 ms of digital silence, the same bytes for every call."""
    codec = _open_encoder(is_robust=False)
    packet = b""
    for tick in range(SILENT_TICKS):
        packet = _encode(codec, _SILENCE, tick * TICK_SAMPLES)
    return packet


_SILENCE: Pcm = np.zeros(TICK_SAMPLES, np.int16)


def _is_silent(pcm: Pcm) -> bool:
    return bool(pcm.max() <= DITHER and pcm.min() >= -DITHER)


def _open_encoder(*, is_robust: bool) -> av.AudioCodecContext:
    codec = av.CodecContext.create("libopus", "w")
    assert isinstance(codec, av.AudioCodecContext)
    codec.bit_rate = BITRATE
    codec.format, codec.layout = av.AudioFormat("s16"), av.AudioLayout("mono")
    codec.sample_rate, codec.time_base = SESSION_RATE_HZ, Fraction(1, SESSION_RATE_HZ)
    codec.options = {
        "application": "voip" if is_robust else "audio",
        "frame_duration": "20",
        "compression_level": str(COMPLEXITY),
        "fec": str(int(is_robust)),
        "packet_loss": "5" if is_robust else "0",  # percent expected: FEC needs some
    }
    codec.open()
    return codec


def _encode(codec: av.AudioCodecContext, pcm: Pcm, at: int) -> bytes:
    frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate, frame.time_base = SESSION_RATE_HZ, Fraction(1, SESSION_RATE_HZ)
    frame.pts = at
    # What `encode` calls once it has cut frames to size by a filter graph. Ours have the size, and
    # the graph has a thread per core and call that ends only with the garbage collector.
    packets = codec._send_frame_and_recv(frame)  # type: ignore[attr-defined]  # not in the stubs
    return b"".join(bytes(packet) for packet in packets)


# --- the microphone --------------------------------------------------------------------------

_STEP = RTP_RATE_HZ // MIC_RATE_HZ  # every third sample is kept
_TAPS = 48  # 1 ms at 48 kHz: -1 dB at 6.5 kHz, -14 dB at 8 kHz, -44 dB at 9 kHz; 17 us per 20 ms
_PITCH_SHORTEST = MIC_RATE_HZ // 400  # periods of a voice, 400 Hz down to 66 Hz
_PITCH_LONGEST = MIC_RATE_HZ // 66
_GATHER = 16  # packets whose samples are put together at once
_HISTORY = 3 * _PITCH_LONGEST  # what the search for the pitch looks at: 45 ms
_JOIN_SAMPLES = MIC_RATE_HZ * 5 // 1000  # long enough for no click, short enough for every stop
_FADE_SAMPLES = MIC_RATE_HZ * 60 // 1000  # a lost packet's repetition is inaudible by then


class OpusDecoder:
    """Opus packets of any bandwidth and channel count to int16 mono at MIC_RATE_HZ.

    FFmpeg's decoders neither conceal a lost packet nor use its FEC, hence `conceal`.
    """

    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "r")
        assert isinstance(codec, av.AudioCodecContext)
        codec.sample_rate, codec.layout = RTP_RATE_HZ, av.AudioLayout("mono")  # mixes stereo down
        codec.open()
        self._codec = codec
        self._low_pass = _Decimator()
        self._history: Pcm = np.zeros(_HISTORY, np.int16)  # of the decoded output
        self._recent: list[Pcm] = []  # what comes behind that
        self._concealed = 0  # samples since the last good packet

    def decode(self, packet: bytes) -> Pcm:
        """The packet's samples, a third of its 48 kHz samples. Raises ValueError if it is broken.

        A broken packet leaves the decoder usable.
        """
        if not packet:  # FFmpeg takes an empty packet for the end of the stream
            raise ValueError("empty Opus packet")
        try:
            frames = self._codec.decode(av.Packet(packet))
        except av.error.FFmpegError as error:
            raise ValueError("broken Opus packet") from error
        if not frames:
            raise ValueError("Opus packet without samples")
        pcm = self._low_pass.push(
            _samples(frames[0])
            if len(frames) == 1
            else np.concatenate([_samples(frame) for frame in frames])
        )
        if self._concealed:
            pcm = self._join(pcm)
        self._concealed = 0
        self._remember(pcm)
        return pcm

    def conceal(self, samples: int) -> Pcm:
        """Stand in for `samples` that never came: the last pitch period again, fading to silence
        within 60 ms. Consecutive calls continue the same fade."""
        level = 1 - (self._concealed + np.arange(samples)) / _FADE_SAMPLES
        self._concealed += samples
        if level[0] <= 0:
            return np.zeros(samples, np.int16)
        self._gather()
        period = self._history[-_pitch_period(self._history) :]
        pcm = (np.resize(period, samples) * np.maximum(level, 0)).astype(np.int16)
        if self._concealed < _FADE_SAMPLES:  # unfaded, so that a second call does not fade twice
            self._remember(np.resize(period, samples))
        return pcm

    def _join(self, pcm: Pcm) -> Pcm:
        """Blend from the concealment, as it would have gone on, into what was really said."""
        size = min(_JOIN_SAMPLES, pcm.size)
        rise = np.arange(size) / size
        joined = pcm.copy()
        joined[:size] = pcm[:size] * rise + self.conceal(size) * (1 - rise)
        return joined

    def _remember(self, pcm: Pcm) -> None:
        self._recent.append(pcm)
        if len(self._recent) > _GATHER:
            self._gather()

    def _gather(self) -> None:
        self._history = np.concatenate((self._history, *self._recent))[-_HISTORY:]
        self._recent.clear()


def _samples(frame: av.AudioFrame) -> Pcm:
    """A view: `to_ndarray` takes 20 us to copy the one plane that there is."""
    return np.frombuffer(memoryview(frame.planes[0]), np.int16, frame.samples)


class _Decimator:
    """Every third sample of a stream after the low-pass; what is left of it carries over.

    Views of the line are kept: making them takes as long as filtering, and packets are alike.
    """

    def __init__(self) -> None:
        self._line: NDArray[np.float32] = np.zeros(_TAPS - _STEP, np.float32)
        self._windows = self._line.reshape(1, -1)

    def push(self, pcm: Pcm) -> Pcm:
        carried = _TAPS - _STEP
        if self._line.size != carried + pcm.size:
            line = np.empty(carried + pcm.size, np.float32)
            line[pcm.size :] = self._line[self._line.size - carried :]
            self._line = line
            # (samples, _TAPS) float32, one row per sample that is kept
            self._windows = sliding_window_view(line, _TAPS)[::_STEP]
        line = self._line
        line[:carried] = line[line.size - carried :].copy()
        line[carried:] = pcm
        filtered = self._windows @ _LOW_PASS
        np.minimum(filtered, 32767, out=filtered)
        np.maximum(filtered, -32768, out=filtered)
        decimated: Pcm = filtered.astype(np.int16)
        return decimated


def _low_pass() -> NDArray[np.float32]:
    n = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = np.sinc(n * 2 * 7_400 / RTP_RATE_HZ) * np.hamming(_TAPS)
    low_pass: NDArray[np.float32] = (taps / taps.sum()).astype(np.float32)
    return low_pass


_LOW_PASS = _low_pass()


def _pitch_period(history: Pcm) -> int:
    """The lag, in samples, at which the end of `history` resembles what came before it most."""
    line = history.astype(np.float32)
    recent = line[-_PITCH_LONGEST:]
    lags = sliding_window_view(line, _PITCH_LONGEST)[-1 - _PITCH_LONGEST : -_PITCH_SHORTEST]
    power = np.einsum("ij,ij->i", lags, lags) + 1.0
    return len(lags) - 1 - int(np.argmax(lags @ recent / np.sqrt(power))) + _PITCH_SHORTEST
