"""What the tests of whole calls share: tones that stand for voices, and what becomes of calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from rtav.media.opus import OpusDecoder
from rtav.media.pcm import MIC_RATE_HZ, SESSION_RATE_HZ, Pcm
from rtav.runtime.call import Call
from rtav.runtime.supervisor import Supervisor
from rtav.testing.calls import ScriptedEngines
from rtav.testing.peer import FakePeer


class Voices:
    """Tones in the place of speech, and ears for them."""

    @staticmethod
    def tone(seconds: float, *, hz: int = 300) -> Pcm:
        time = np.arange(round(seconds * SESSION_RATE_HZ)) / SESSION_RATE_HZ
        return (8_000 * np.sin(2 * np.pi * hz * time)).astype(np.int16)

    @staticmethod
    def heard(peer: FakePeer) -> Pcm:
        """Everything that the client was sent, at MIC_RATE_HZ."""
        assert peer.audio is not None
        decoder = OpusDecoder()
        return np.concatenate([decoder.decode(sent.payloads[0]) for sent in peer.audio.sent])

    @classmethod
    def pitches(cls, peer: FakePeer) -> set[int]:
        """The pitches that the client heard for at least 200 ms in all, rounded to 100 Hz."""
        return cls.pitches_of(cls.heard(peer))

    @staticmethod
    def pitches_of(frames: Pcm, *, rate_hz: int = MIC_RATE_HZ) -> set[int]:
        frames = frames[: frames.size // 800 * 800].reshape(-1, 800).astype(float)
        loud = frames[np.abs(frames).max(axis=1) > 1_000]
        peaks = np.abs(np.fft.rfft(loud * np.hanning(800))).argmax(axis=1)
        hz, counts = np.unique(
            np.round(peaks * rate_hz / 800 / 100).astype(int) * 100, return_counts=True
        )
        return set(hz[counts >= 4].tolist())

    @classmethod
    def is_loud(cls, peer: FakePeer, begin_s: float, end_s: float) -> bool:
        """Whether any packet of that time (seconds of the loop) was a loud one."""
        assert peer.audio is not None
        packets = cls.heard(peer).reshape(-1, MIC_RATE_HZ // 50)
        sent_at = np.array([sent.at_s for sent in peer.audio.sent])
        within = packets[(begin_s <= sent_at) & (sent_at < end_s)]
        assert within.size, "nothing was sent then"
        return bool(np.abs(within).max() > 1_000)


@pytest.fixture
def voices() -> type[Voices]:
    return Voices


class Remains:
    """Looks for what a call should have taken with it."""

    @staticmethod
    def of(supervisor: Supervisor, call: Call, engines: ScriptedEngines) -> dict[str, Any]:
        """All that is left; empty if nothing is. (Tasks are found by virtual time itself.)"""
        stt, llm, tts = engines.stt, engines.llm, engines.tts
        left = {
            "calls": supervisor.calls,
            "found": supervisor.find(call.id),
            "recognitions": len(stt.callers) - len(stt.heard),
            "replies": len(llm.requests) - llm.ended,
            "speeches": len(tts.spoken) - tts.ended,
            "unforgotten": 1 - stt.forgotten.count(call.id),
        }
        return {name: count for name, count in left.items() if count}


@pytest.fixture
def remains() -> type[Remains]:
    return Remains


@pytest.fixture
def quiet_logs(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Log lines from INFO on."""
    with caplog.at_level("INFO"):
        yield caplog
