"""Audio as events carry it: PCM16 at the session's rate, or G.711 at 8 kHz."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rtav.media.pcm import SESSION_RATE_HZ, Pcm

AudioFormat = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]

TELEPHONE_RATE_HZ = 8_000

_STEP = SESSION_RATE_HZ // TELEPHONE_RATE_HZ
_TAPS = 48  # 1 ms of delay: -1 dB at 3.2 kHz, -44 dB at 4.5 kHz
_BIAS = 33  # G.711: what is added to a 14 bit sample before its exponent is taken


class AudioEncoder:
    """One reply's samples (int16 at the session rate) to the bytes of a format.

    G.711 takes every third sample after a low pass, which delays the sound by 1 ms.
    """

    def __init__(self, kind: AudioFormat) -> None:
        self._table = None if kind == "audio/pcm" else _encoding(kind)
        self._line: NDArray[np.float32] = np.zeros(_TAPS - _STEP, np.float32)

    def encode(self, pcm: Pcm) -> bytes:
        if self._table is None:
            return pcm.astype("<i2").tobytes()
        return self._table[self._decimate(pcm).astype(np.uint16)].tobytes()

    def _decimate(self, pcm: Pcm) -> Pcm:
        line = np.concatenate((self._line, pcm.astype(np.float32)))
        windows = max(0, (line.size - _TAPS) // _STEP + 1)
        self._line = line[windows * _STEP :]
        if not windows:
            return np.zeros(0, np.int16)
        filtered = sliding_window_view(line, _TAPS)[::_STEP][:windows] @ _LOW_PASS
        decimated: Pcm = np.clip(np.rint(filtered), -32_768, 32_767).astype(np.int16)
        return decimated


def decode_audio(kind: AudioFormat, data: bytes) -> Pcm:
    """Samples at `rate_of(kind)`. Raises ValueError for half a sample."""
    if kind != "audio/pcm":
        return _decoding(kind)[np.frombuffer(data, np.uint8)]
    if len(data) % 2:
        raise ValueError("PCM16 has two bytes a sample")
    return np.frombuffer(data, "<i2").astype(np.int16)


def rate_of(kind: AudioFormat) -> int:
    """Samples per second of a format."""
    return SESSION_RATE_HZ if kind == "audio/pcm" else TELEPHONE_RATE_HZ


def _low_pass() -> NDArray[np.float32]:
    n = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = np.sinc(n * 2 * 3_700 / SESSION_RATE_HZ) * np.hamming(_TAPS)
    low_pass: NDArray[np.float32] = (taps / taps.sum()).astype(np.float32)
    return low_pass


_LOW_PASS = _low_pass()


def _from_mulaw(code: int) -> int:
    code = ~code & 0xFF
    magnitude = ((((code & 0x0F) << 1) + _BIAS) << (code >> 4 & 7)) - _BIAS
    return -4 * magnitude if code & 0x80 else 4 * magnitude


def _from_alaw(code: int) -> int:
    code ^= 0x55
    exponent, mantissa = code >> 4 & 7, code & 0x0F
    magnitude = (mantissa << 1) + 1 if exponent == 0 else (((mantissa << 1) + 33) << (exponent - 1))
    return 8 * magnitude if code & 0x80 else -8 * magnitude


def _table(decode: Callable[[int], int]) -> Pcm:
    return np.array([decode(code) for code in range(256)], np.int16)


def _nearest(decoded: Pcm) -> NDArray[np.uint8]:
    """For each int16, read as uint16, the code whose sample is nearest."""
    order = np.argsort(decoded, kind="stable")
    levels = decoded[order].astype(np.int32)
    samples = np.arange(1 << 16, dtype=np.uint16).astype(np.int16).astype(np.int32)
    borders = (levels[:-1] + levels[1:]) / 2
    codes: NDArray[np.uint8] = order[np.searchsorted(borders, samples)].astype(np.uint8)
    return codes


_DECODED = {"audio/pcmu": _table(_from_mulaw), "audio/pcma": _table(_from_alaw)}
_ENCODED = {kind: _nearest(decoded) for kind, decoded in _DECODED.items()}


def _decoding(kind: AudioFormat) -> Pcm:
    return _DECODED[kind]


def _encoding(kind: AudioFormat) -> NDArray[np.uint8]:
    return _ENCODED[kind]
