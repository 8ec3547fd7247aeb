"""Voices that callers bring: a sample of speech, or a standard voice spoken otherwise, as JSON."""

from __future__ import annotations

import io
import json
import math
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np

from rtav.errors import ProtocolError
from rtav.media.pcm import SESSION_RATE_HZ, Pcm

SHORTEST_S, LONGEST_S = 3.0, 60.0
CONTAINERS = frozenset({"wav", "mp3", "flac", "ogg"})
PITCH, RATE = (0.6, 1.7), (0.5, 1.5)
"""Factors: beyond them nobody takes the voice for a person's."""
QUIET = 300  # int16: the loudest tenth of a whispered sample is above

F0_HZ = (60.0, 450.0)
_FRAME_S, _HOP_S = 0.04, 0.02
_VOICED = 0.55  # of the autocorrelation at a pitch period; noise stays below
_FEWEST_FRAMES = 10


def prepare_voice(upload: bytes, folder: Path, wish: Mapping[str, Any]) -> dict[str, Any]:
    """Write `sample.wav` (mono, 24 kHz) into `folder`, or nothing for a voice that is JSON.

    Returns its length and median pitch, or `base`, `pitch` and `rate`. Raises ProtocolError
    `invalid_voice`.
    """
    del wish
    if upload.lstrip()[:1] == b"{":
        return _described(upload)
    pcm = _decoded(upload)
    seconds = len(pcm) / SESSION_RATE_HZ
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise refused(f"a sample is {SHORTEST_S:g} to {LONGEST_S:g} s long, not {seconds:.1f}")
    if float(np.percentile(np.abs(pcm.astype(np.int32)), 90)) < QUIET:
        raise refused("the sample is silent, or almost")
    pitch_hz = median_pitch_hz(pcm, SESSION_RATE_HZ)
    if pitch_hz is None:
        raise refused("no voice is heard in the sample")
    with wave.open(str(folder / "sample.wav"), "wb") as out:
        out.setparams((1, 2, SESSION_RATE_HZ, len(pcm), "NONE", ""))
        out.writeframes(pcm.tobytes())
    return {"duration_seconds": round(seconds, 3), "pitch_hz": round(pitch_hz, 1)}


def refused(message: str, *, param: str = "file") -> ProtocolError:
    """What is wrong with the voice that was brought."""
    return ProtocolError(message, code="invalid_voice", param=param)


def median_pitch_hz(pcm: Pcm, rate_hz: int) -> float | None:
    """The pitch that half of the voiced sound is above; None if hardly anything is voiced."""
    size, hop = round(_FRAME_S * rate_hz), round(_HOP_S * rate_hz)
    if len(pcm) < size:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(pcm, size)[::hop].astype(np.float32)
    frames = frames - frames.mean(1, keepdims=True)
    power = np.square(frames).sum(1)
    frames = frames[power > 0.05 * np.percentile(power, 95)]
    spectrum = np.fft.rfft(frames, 2 * size)
    correlated = np.fft.irfft(np.square(np.abs(spectrum)))[:, :size]
    # the farther it is shifted, the less of a frame overlaps itself
    correlated /= correlated[:, :1] * (1 - np.arange(size, dtype=np.float32) / size) + 1e-9
    first, last = round(rate_hz / F0_HZ[1]), min(round(rate_hz / F0_HZ[0]), size * 3 // 4)
    window = correlated[:, first:last]
    best = window.max(1)
    # twice the period fits as well: of those that are about as good the shortest counts
    lags = first + (window >= 0.92 * best[:, None]).argmax(1)
    climbed = [_peak(row, int(lag)) for row, lag in zip(correlated, lags, strict=True)]
    voiced = np.array(climbed, np.float64)[best > _VOICED]
    return float(rate_hz / np.median(voiced)) if len(voiced) >= _FEWEST_FRAMES else None


def _peak(correlated: Any, lag: int) -> int:  # (size,) float32
    while lag + 1 < len(correlated) and correlated[lag + 1] > correlated[lag]:
        lag += 1
    return lag


def _described(upload: bytes) -> dict[str, Any]:
    try:
        document = json.loads(upload)
    except (ValueError, RecursionError):
        raise refused("the JSON cannot be read") from None
    if unknown := sorted(document.keys() - {"base", "pitch", "rate"}):
        raise refused(f"{unknown[0][:64]!r} is none of base, pitch, rate")
    base = document.get("base", "default")
    if not isinstance(base, str):
        raise refused("base must be the id of a standard voice")
    return {
        "base": base,
        "pitch": _factor(document, "pitch", PITCH),
        "rate": _factor(document, "rate", RATE),
    }


def _factor(document: Mapping[str, Any], name: str, limits: tuple[float, float]) -> float:
    value = document.get(name, 1.0)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not limits[0] <= value <= limits[1]:
        raise refused(f"{name} must be {limits[0]:g} to {limits[1]:g}")
    return float(value)


def _decoded(upload: bytes) -> Pcm:
    """Mono, 24 kHz, and little more than the longest sample."""
    try:
        with av.open(io.BytesIO(upload)) as container:
            if not CONTAINERS & set(container.format.name.split(",")):
                raise refused("a sample is WAV, MP3, FLAC or OGG")
            if not container.streams.audio:
                raise refused("there is no sound in the file")
            return _samples(container)
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise refused(f"the sound cannot be decoded: {reason[:100]}") from None


def _samples(container: Any) -> Pcm:  # av's own type, without stubs
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SESSION_RATE_HZ)
    pieces: list[Pcm] = []
    length = 0
    for frame in container.decode(audio=0):
        for fitted in resampler.resample(frame):
            pieces.append(fitted.to_ndarray()[0])
            length += fitted.samples
        if length > (LONGEST_S + 1) * SESSION_RATE_HZ:
            break
    pieces += [fitted.to_ndarray()[0] for fitted in resampler.resample(None)]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
