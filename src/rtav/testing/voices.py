"""Speech to test with: says a sentence with whatever voice this machine has.

As a command, `python -m rtav.testing.voices TEXT FILE.wav [VOICE]` writes a WAV file, for a
browser's fake microphone for example.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from rtav.media.pcm import MIC_RATE_HZ, Pcm

_FLITE = ("slt", "rms", "awb", "kal16")
_ESPEAK = "espeak"
_TIMEOUT_S = 30.0  # a sentence takes 0.1 s; a loaded machine takes longer


def voices() -> tuple[str, ...]:
    """Names `say` knows on this machine, most natural first; never empty.

    flite's slt (female), rms, awb and kal16 (male) where it is installed, and always espeak.
    """
    return (*_FLITE, _ESPEAK) if shutil.which("flite") else (_ESPEAK,)


def say(text: str, voice: str | None = None) -> Pcm:
    """`text` as speech at MIC_RATE_HZ, with the voice's own silence before and after.

    `voice` is one of `voices()`; None takes the best. The same call gives the same samples; they
    are kept in the temporary folder. Blocks for some 100 ms the first time. Raises ValueError for
    a voice this machine does not have.
    """
    voice = voice or voices()[0]
    if voice not in voices():
        raise ValueError(f"no voice {voice!r} on this machine, only {', '.join(voices())}")
    kept = _cache() / f"{hashlib.sha256(f'{voice}:{text}'.encode()).hexdigest()[:32]}.wav"
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            made = Path(folder) / "speech.wav"
            _synthesise(text, voice, made)
            write_wav(made, read_wav(made))
            made.rename(kept)  # in one step: several test runs may share the folder
    return read_wav(kept)


def silence(duration_s: float) -> Pcm:
    """Zeros at MIC_RATE_HZ."""
    return np.zeros(round(duration_s * MIC_RATE_HZ), np.int16)


def pink_noise(duration_s: float, *, seed: int = 1) -> NDArray[np.float64]:
    """Noise whose power falls with frequency, as rooms have it; float64, RMS 1, MIC_RATE_HZ."""
    spectrum = np.fft.rfft(
        np.random.default_rng(seed).standard_normal(round(duration_s * MIC_RATE_HZ))
    )
    spectrum /= np.sqrt(np.maximum(np.arange(spectrum.size), 20))  # flat below 20 bins: no rumble
    noise = np.fft.irfft(spectrum)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)), np.float64)


def with_noise(pcm: Pcm, *, snr_db: float, seed: int = 1) -> Pcm:
    """`pcm` in pink noise; the ratio is against the RMS of all of `pcm`, pauses included."""
    level = np.sqrt(np.mean(pcm.astype(np.float64) ** 2)) / 10 ** (snr_db / 20)
    noisy = pcm + level * pink_noise(len(pcm) / MIC_RATE_HZ, seed=seed)[: len(pcm)]
    return np.asarray(np.clip(np.rint(noisy), -32768, 32767), np.int16)


def read_wav(path: Path) -> Pcm:
    """A mono 16-bit file, resampled to MIC_RATE_HZ."""
    with wave.open(str(path), "rb") as file:
        rate_hz = file.getframerate()
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    if rate_hz == MIC_RATE_HZ:
        return pcm
    return np.asarray(soxr.resample(pcm, rate_hz, MIC_RATE_HZ), np.int16)


def write_wav(path: Path, pcm: Pcm, *, rate_hz: int = MIC_RATE_HZ) -> None:
    """A mono 16-bit file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm.astype("<i2").tobytes())


def _cache() -> Path:
    folder = Path(tempfile.gettempdir()) / f"rtav-voices-{getattr(os, 'getuid', int)()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _synthesise(text: str, voice: str, path: Path) -> None:
    if voice == _ESPEAK:
        # A process of its own: espeak-ng is a singleton per process, and an engine may hold it.
        command = [sys.executable, "-m", __spec__.name, "--espeak", str(path)]
        subprocess.run(command, input=text.encode(), check=True, timeout=_TIMEOUT_S)
        return
    written = path.with_suffix(".txt")
    written.write_text(text, encoding="latin-1")
    command = ["flite", "-voice", voice, "-f", str(written), "-o", str(path)]
    subprocess.run(command, check=True, timeout=_TIMEOUT_S, stdout=subprocess.DEVNULL)


def _espeak(text: str, path: Path) -> None:
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = espeakng_loader.get_data_path().encode()
    # 2: synchronous, the audio comes to the callback before espeak_Synth returns.
    rate_hz = library.espeak_Initialize(2, 0, data, 0x8000)
    chunks: list[bytes] = []

    def keep(samples: ctypes._Pointer[ctypes.c_short], count: int, _: int | None) -> int:
        if samples and count:
            chunks.append(ctypes.string_at(samples, 2 * count))
        return 0

    prototype = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
    )
    callback = prototype(keep)  # kept in a name: the library only holds its address
    library.espeak_SetSynthCallback(callback)
    library.espeak_SetVoiceByName(b"en-us")
    utf8 = 1
    spoken = text.encode()
    library.espeak_Synth(spoken, len(spoken) + 1, 0, 0, 0, utf8, None, None)
    write_wav(path, np.frombuffer(b"".join(chunks), np.int16), rate_hz=rate_hz)


def _main(arguments: list[str]) -> None:
    if arguments[:1] == ["--espeak"]:
        _espeak(sys.stdin.read(), Path(arguments[1]))
        return
    text, path, *voice = arguments
    write_wav(Path(path), say(text, *voice))


if __name__ == "__main__":
    _main(sys.argv[1:])
