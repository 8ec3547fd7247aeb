"""Whatever a client does and its engines suffer, in any order: every response that began ends once,
its deltas are its transcript, no bug ends a call, and nothing is left when the client goes."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rtav.errors import EngineFailed
from rtav.media.pcm import SESSION_RATE_HZ, Pcm
from rtav.runtime.fitting import FaceSettings
from rtav.testing.calls import RULES, ScriptedEngines, exchange
from rtav.testing.engines import HANG, ScriptedLlm, ScriptedStt, ScriptedTts, tool_call
from rtav.testing.peer import FakePeer
from rtav.testing.virtual import run

_CONTENT = [{"type": "input_text", "text": "hello"}]
_ITEM = {"type": "message", "role": "user", "content": _CONTENT}
MESSAGES: tuple[Any, ...] = (
    {"type": "conversation.item.create", "item": _ITEM},
    {"type": "response.create"},
    {"type": "response.create", "response": {"output_modalities": ["text"]}},
    {"type": "response.cancel"},
    {"type": "output_audio_buffer.clear"},
    {"type": "generate", "text": "Read this. And that."},
    {"type": "session.update", "session": {"type": "realtime", "face": "face2"}},
    {"type": "session.update", "session": {"type": "realtime", "turn_detection": None}},
    {"type": "session.update", "session": {"type": "realtime", "target_fps": 10}},
    {"type": "session.update", "session": {"type": "realtime", "upsample_factor": 0.5}},
    {"type": "session.update", "session": {"type": "realtime", "driving": ["Wink", "default"]}},
    "no event",
)
BROKEN = EngineFailed("scripted", "broke")
LLM_STEPS = st.lists(
    st.sampled_from(
        ["Hello. ", "And [wink] more, ", "...\n\n", 0.3, HANG, BROKEN, tool_call("look", "{}")[0]]
    ),
    max_size=4,
)
ACTS = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(MESSAGES)),
    st.tuples(st.just("voice"), st.sampled_from([0.1, 0.3, 0.8])),
    st.tuples(st.just("silence"), st.sampled_from([0.02, 0.2, 0.7, 2.0])),
)


SMALL = dataclasses.replace(RULES, face=FaceSettings(size_px=64, fps=2, bitrate=200_000))


def _tone(seconds: float) -> Pcm:
    time = np.arange(round(seconds * SESSION_RATE_HZ)) / SESSION_RATE_HZ
    return (8_000 * np.sin(2 * np.pi * 300 * time)).astype(np.int16)


def _engines(replies: list[list[Any]], hears: str, speaks_s: float) -> ScriptedEngines:
    stt = ScriptedStt(BROKEN) if hears == "broken" else ScriptedStt(["hel", hears])
    return ScriptedEngines(
        stt=stt, llm=ScriptedLlm(*replies), tts=ScriptedTts(samples_per_char=300, delay_s=speaks_s)
    )


async def _live(peer: FakePeer, acts: list[tuple[str, Any]]) -> None:
    for act, what in acts:
        match act:
            case "say":
                peer.say(what)
            case "voice":
                await peer.hear(_tone(what))
            case "silence":
                await peer.hear_silence(what)


@settings(max_examples=25)  # some seconds
@given(
    dialect=st.sampled_from(["rtav", "openai", "beta"]),
    replies=st.lists(LLM_STEPS, min_size=1, max_size=3),
    hears=st.sampled_from(["hello", "", "broken"]),
    speaks_s=st.sampled_from([0.0, 0.2, HANG]),
    acts=st.lists(ACTS, min_size=2, max_size=12),
    waits=st.booleans(),
)
def test_any_life_of_a_call_ends_well(
    dialect: str,
    replies: list[list[Any]],
    hears: str,
    speaks_s: float,
    acts: list[tuple[str, Any]],
    waits: bool,
) -> None:
    engines, peer = _engines(replies, hears, speaks_s), FakePeer()

    async def main() -> str:
        async with exchange(engines, SMALL) as office:
            call = office.take(peer, dialect=dialect)
            await asyncio.sleep(0)
            peer.open()
            await _live(peer, acts)
            if waits:
                await peer.hear_silence(1.0)
                await asyncio.sleep(60)
            peer.vanish("left")
            await asyncio.sleep(0)
        return call.reason

    assert run(main()) == "left"

    begun = Counter(event["response"]["id"] for event in peer.got("response.created"))
    ended = Counter(event["response"]["id"] for event in peer.got("response.done"))
    assert ended == begun if waits else ended <= begun
    assert set(begun.values()) <= {1}
    assert len(engines.llm.requests) == engines.llm.ended
    assert len(engines.stt.callers) == len(engines.stt.heard) or hears == "broken"
    assert engines.stt.forgotten == ["call_1"]
    _compare_deltas(peer)


def _compare_deltas(peer: FakePeer) -> None:
    for name in ("response.output_audio_transcript", "response.audio_transcript"):
        for done in peer.got(f"{name}.done"):
            deltas = [
                event["delta"]
                for event in peer.got(f"{name}.delta")
                if event["item_id"] == done["item_id"]
            ]
            assert "".join(deltas) == done["transcript"]
