from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from rtav.engines.base import (
    AvatarEngine,
    Hypothesis,
    LlmDelta,
    LlmEnd,
    LlmEngine,
    LlmRequest,
    Moment,
    Pause,
    Speech,
    SttEngine,
    TextDelta,
    ToolCallDelta,
    TtsEngine,
    VadEngine,
    Viseme,
    Word,
)
from rtav.errors import EngineFailed
from rtav.media.pcm import Pcm
from rtav.testing import engines
from rtav.testing.engines import (
    HANG,
    ScriptedLlm,
    ScriptedStt,
    ScriptedTts,
    ScriptedVad,
    tool_call,
)
from rtav.testing.face import ScriptedAvatar, Stamp, read
from rtav.testing.virtual import run

ASK = LlmRequest(model="", instructions="", messages=())
BROKEN = EngineFailed("scripted", "told to")


def test_the_detector_hears_what_is_loud_frame_by_frame() -> None:
    engine: VadEngine = ScriptedVad(frame_samples=4)
    ear = engine.open()
    assert ear.push(np.array([0, 0, 9000], np.int16)) == []
    assert ear.push(np.array([0, 0, 0, 0, 0, 0], np.int16)) == [1.0, 0.0]


# --- ears ------------------------------------------------------------------------------------


async def _audio(*parts: int | Pause) -> AsyncIterator[Pcm | Pause]:
    for part in parts:
        yield part if isinstance(part, Pause) else np.zeros(part, np.int16)


def _heard(engine: SttEngine, *parts: int | Pause) -> list[tuple[str, bool]]:
    async def main() -> list[Hypothesis]:
        return [h async for h in engine.transcribe(_audio(*parts), caller="c")]

    return [(hypothesis.text, hypothesis.is_final) for hypothesis in run(main())]


def test_the_recogniser_follows_its_script() -> None:
    engine = ScriptedStt(["he", "hell", "hello there"])
    assert _heard(engine, 320, 320, Pause(), 320) == [
        ("he", False),
        ("hell", False),
        ("hello there", True),
        ("hello there", True),
    ]
    assert (engine.callers, engine.heard) == (["c"], [960])


def test_each_utterance_is_the_next_of_the_script_and_the_last_for_ever() -> None:
    engine = ScriptedStt("one", "two")
    assert [_heard(engine, 320)[-1][0] for _ in range(3)] == ["one", "two", "two"]


def test_the_recogniser_fails_when_told_to() -> None:
    with pytest.raises(EngineFailed):
        _heard(ScriptedStt(BROKEN), 320)


# --- minds -----------------------------------------------------------------------------------


def _reply(engine: LlmEngine) -> list[LlmDelta]:
    async def main() -> list[LlmDelta]:
        return [delta async for delta in engine.reply(ASK)]

    return run(main())


def test_the_mind_says_its_lines_with_their_pauses() -> None:
    async def main() -> tuple[list[LlmDelta], float]:
        deltas = [d async for d in ScriptedLlm(["One", 2.5, " two."]).reply(ASK)]
        return deltas, asyncio.get_running_loop().time()

    expected = [TextDelta("One"), TextDelta(" two."), LlmEnd(output_tokens=2)]
    assert run(main()) == (expected, 2.5)


def test_the_mind_calls_tools_ends_early_and_fails_when_told_to() -> None:
    call = tool_call("wave", "{}")
    engine = ScriptedLlm([*call], [LlmEnd(reason="length")], ["Well", BROKEN])
    assert _reply(engine)[0] == ToolCallDelta(index=0, call_id="call_1", name="wave")
    assert _reply(engine) == [LlmEnd(reason="length")]
    with pytest.raises(EngineFailed):
        _reply(engine)
    assert (len(engine.requests), engine.ended) == (3, 3)


def test_a_mind_that_hangs_can_be_cancelled() -> None:
    engine = ScriptedLlm([HANG])

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(15):
                await anext(engine.reply(ASK))

    run(main())
    assert engine.ended == 1


# --- voices ----------------------------------------------------------------------------------


def _spoken(engine: TtsEngine, text: str, *, speed: float = 1.0) -> list[Speech]:
    async def main() -> list[Speech]:
        return [s async for s in engine.speak(text, voice="default", speed=speed)]

    return run(main())


def test_the_voice_gives_every_character_the_same_time() -> None:
    one, two = _spoken(ScriptedTts(samples_per_char=100), "Hi you")
    assert one.words == (Word(text="Hi ", start=0, end=300),)
    assert two.words == (Word(text="you", start=300, end=600),)
    assert one.visemes == (
        Viseme(name="DD", start=0, end=100),
        Viseme(name="I", start=100, end=200),
        Viseme(name="sil", start=200, end=300),
    )
    assert (len(one.pcm), len(two.pcm)) == (300, 300)
    assert np.abs(one.pcm[:200]).max() > 5_000
    assert not one.pcm[200:].any()


def test_words_concatenate_to_the_text() -> None:
    text = "  Well,  I never! "
    said = _spoken(ScriptedTts(), text)
    assert "".join(word.text for speech in said for word in speech.words) == text


def test_twice_the_speed_is_half_the_time() -> None:
    (speech,) = _spoken(ScriptedTts(samples_per_char=100), "Hi", speed=2.0)
    assert len(speech.pcm) == 100


def test_what_cannot_be_said_is_not() -> None:
    assert _spoken(ScriptedTts(), " ... ") == []


def test_a_voice_fails_at_the_text_it_is_told_to_fail_at() -> None:
    engine = ScriptedTts(failing={"bad": BROKEN})
    assert len(_spoken(engine, "good")) == 1
    with pytest.raises(EngineFailed):
        _spoken(engine, "bad")
    assert engine.spoken == ["good", "bad"]


# --- faces -----------------------------------------------------------------------------------


def test_a_picture_says_what_it_shows() -> None:
    engine: AvatarEngine = ScriptedAvatar()
    face = engine.open("face1", size_px=64, fps=25, seed=0)
    visemes = (Viseme(name="aa", start=0, end=100), Viseme(name="PP", start=100, end=200))
    spoken = Moment(at=123_456_789, speech_at=50, visemes=visemes, mood="speaking")
    picture = face.render(spoken)
    assert picture.shape == (96, 64)
    assert read(picture) == Stamp(
        at=123_456_789, motion="default", openness=255, face="face1", mood="speaking"
    )
    shut = face.render(Moment(at=1, speech_at=150, visemes=visemes))
    assert read(shut).openness == 0


def test_motions_play_once_in_order_and_the_last_one_loops() -> None:
    face = ScriptedAvatar().open("default", size_px=16, fps=25, seed=0)
    face.drive(["Wink", "AgreeYesTotaly", "default"], at=24_000)

    def motion(seconds: float) -> str:
        return read(face.render(Moment(at=round(seconds * 24_000)))).motion

    seen = [motion(seconds) for seconds in (1.0, 2.1, 2.3, 3.7, 3.9, 99.0)]
    assert seen == ["Wink", "Wink", "AgreeYesTotaly", "AgreeYesTotaly", "default", "default"]
    assert face.drives == [(("Wink", "AgreeYesTotaly", "default"), 24_000)]


def test_an_unknown_motion_or_face_is_a_key_error_and_changes_nothing() -> None:
    face = ScriptedAvatar().open("default", size_px=16, fps=25, seed=0)
    with pytest.raises(KeyError):
        face.drive(["Wink", "Somersault"], at=0)
    with pytest.raises(KeyError):
        face.show("nobody")
    stamp = read(face.render(Moment(at=0)))
    assert (stamp.motion, stamp.face) == ("default", "default")


def test_engines_count_their_starts_and_closings() -> None:
    engine = engines.ScriptedLlm()

    async def main() -> None:
        await engine.start()
        await engine.close()

    run(main())
    assert (engine.started, engine.closed) == (1, 1)
