"""Noise reduction, as the detector and the recogniser hear it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np

from rtav.engines.base import Hypothesis, Pause
from rtav.media.pcm import SESSION_RATE_HZ, Pcm
from rtav.testing.calls import ScriptedEngines, exchange
from rtav.testing.engines import ScriptedStt, ScriptedVad
from rtav.testing.peer import WEBSOCKET, FakePeer
from rtav.testing.virtual import run


class LoudnessVad(ScriptedVad):
    """Takes nothing for speech and remembers how loud every frame was."""

    def __init__(self) -> None:
        super().__init__()
        self.loudness: list[float] = []

    def open(self) -> Any:
        ear, loudness = super().open(), self.loudness

        class Ear:
            def push(self, pcm: Pcm) -> Sequence[float]:
                if pcm.size:
                    loudness.append(float(np.abs(pcm.astype(int)).mean()))
                return [0.9] * len(ear.push(pcm))

        return Ear()


class LoudnessStt(ScriptedStt):
    """Remembers how loud the last second of the utterance was."""

    loudness = 0.0

    async def transcribe(
        self,
        audio: AsyncIterator[Pcm | Pause],
        *,
        caller: str,
        language: str | None = None,
        prompt: str | None = None,
    ) -> AsyncIterator[Hypothesis]:
        pieces = [piece async for piece in audio if not isinstance(piece, Pause)]
        self.loudness = float(np.abs(np.concatenate(pieces)[-16_000:].astype(int)).mean())
        yield Hypothesis(text="noise", is_final=True)


def update(reduction: dict[str, Any] | None) -> dict[str, Any]:
    heard = {"noise_reduction": reduction, "turn_detection": None}
    session = {"type": "realtime", "audio": {"input": heard}}
    return {"type": "session.update", "session": session}


def hiss() -> list[str]:
    noise = np.random.default_rng(1).standard_normal(3 * SESSION_RATE_HZ) * 300
    pcm = noise.astype("<i2").reshape(-1, 2_400)
    return [base64.b64encode(piece.tobytes()).decode() for piece in pcm]


def test_it_changes_during_a_call_for_the_detector_and_for_the_recogniser() -> None:
    engines = ScriptedEngines(vad=LoudnessVad(), stt=LoudnessStt())
    peer = FakePeer(WEBSOCKET)
    heard: list[float] = []

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open(label="")
            for count, reduction in enumerate(
                (None, {"type": "near_field"}, {"type": "far_field"}, None)
            ):
                peer.say(update(reduction))
                for audio in hiss():
                    peer.say({"type": "input_audio_buffer.append", "audio": audio})
                    await asyncio.sleep(0.01)
                peer.say({"type": "input_audio_buffer.commit"})
                await peer.wait_for("input_audio_buffer.committed", count=count + 1)
                await asyncio.sleep(1)
                heard.extend((engines.vad.loudness[-2], engines.stt.loudness))
            peer.vanish()

    run(main())

    vad, stt = heard[::2], heard[1::2]
    for loud in (vad, stt):
        assert loud[0] > 1.3 * loud[1] > 1.5 * loud[2]
        assert abs(loud[3] - loud[0]) < 0.1 * loud[0]
    assert peer.got("error") == []
