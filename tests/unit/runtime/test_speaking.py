from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from rtav.core import inputs as told
from rtav.core.outputs import Ask, Delivery, Line, Picture, Say
from rtav.engines import base
from rtav.errors import EngineFailed, EngineTimeout
from rtav.media.pcm import TICK_SAMPLES
from rtav.runtime.playout import Playout
from rtav.runtime.speaking import CLAUSES, Means, Speaking
from rtav.testing.engines import HANG, ScriptedLlm, ScriptedTts, tool_call
from rtav.testing.virtual import run

TURN = 4
ALOUD = Delivery(voice="default", speed=1.0, aloud=True)
SILENT = Delivery(voice="default", speed=1.0, aloud=False)
CHAR = 1_200  # samples per character of ScriptedTts


def ask(delivery: Delivery = ALOUD, **changes: Any) -> Ask:
    wanted: dict[str, Any] = {
        "turn": TURN,
        "model": "m",
        "instructions": "Be kind.",
        "history": (Line(role="user", text="hello"),),
        "tools": (),
        "tool_choice": "auto",
        "max_output_tokens": None,
        "temperature": None,
        "delivery": delivery,
    }
    return Ask(**wanted | changes)


def say(text: str, delivery: Delivery = ALOUD) -> Say:
    return Say(turn=TURN, text=text, delivery=delivery)


@dataclass
class Desk:
    """A session that only takes notes, except where a test answers for it."""

    llm: ScriptedLlm = field(default_factory=ScriptedLlm)
    tts: Any = field(default_factory=ScriptedTts)
    told: list[told.Input] = field(default_factory=list)
    on_told: Callable[[told.Input], None] = lambda event: None

    def __post_init__(self) -> None:
        self.playout = Playout(lambda turn, upto: None)
        self.speaking = Speaking(
            TURN,
            Means(
                llm=self.llm,
                tts=self.tts,
                playout=self.playout,
                tell=self._tell,
                motions={"wink": "Wink"},
                caller="call_1",
            ),
        )

    def _tell(self, event: told.Input) -> None:
        self.told.append(event)
        self.on_told(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.of(told.ReplyText))

    @property
    def words(self) -> list[told.SpokenWord]:
        return [word for event in self.of(told.Spoken) for word in event.words]

    @property
    def transcript(self) -> str:
        return "".join(word.text for word in self.words)


def carry_out(desk: Desk, *orders: Ask | Say) -> None:
    async def main() -> None:
        for order in orders:
            desk.speaking.order(order)
        await desk.speaking.run()

    run(main())


def interrupted(desk: Desk, *orders: Ask | Say, after_s: float) -> None:
    """Carry out orders and cancel them, as a barge-in does."""

    async def main() -> None:
        for order in orders:
            desk.speaking.order(order)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(desk.speaking.run())
            if after_s:
                await asyncio.sleep(after_s)
            task.cancel()

    run(main())


# --- from the model to the track -----------------------------------------------------------------


def test_a_reply_is_told_spoken_and_ended_in_that_order() -> None:
    desk = Desk(llm=ScriptedLlm(["Good ", "day."]))

    carry_out(desk, ask())

    assert [type(event).__name__ for event in desk.told] == [
        "ReplyText",
        "ReplyText",
        "ReplyEnded",
        "Spoken",
        "Spoken",
        "Spoken",
        "SpokenAll",
    ]
    assert desk.text == desk.transcript == "Good day."
    assert desk.of(told.ReplyEnded) == [
        told.ReplyEnded(turn=TURN, reason="stop", input_tokens=1, output_tokens=2)
    ]
    track = desk.playout.track(TURN)
    assert track.is_whole
    assert track.length == len("Good day.") * CHAR


def test_the_model_is_asked_what_the_session_wanted() -> None:
    desk = Desk()

    carry_out(
        desk,
        ask(
            SILENT,
            history=(
                Line(role="user", text="hi", images=(Picture("data:image/png;base64,", "low"),)),
                Line(role="assistant", text="{}", call_id="c1", call_name="f"),
                Line(role="tool", text="done", call_id="c1"),
            ),
            tools=({"name": "f", "description": "d", "parameters": {"type": "object"}},),
            max_output_tokens=5,
            temperature=0.3,
        ),
    )

    assert desk.llm.requests == [
        base.LlmRequest(
            model="m",
            instructions="Be kind.",
            messages=(
                base.Message(
                    role="user",
                    text="hi",
                    images=(base.Image(url="data:image/png;base64,", detail="low"),),
                ),
                base.Message(
                    role="assistant",
                    tool_calls=(base.ToolCall(call_id="c1", name="f", arguments="{}"),),
                ),
                base.Message(role="tool", text="done", tool_call_id="c1"),
            ),
            tools=(base.Tool(name="f", description="d", parameters={"type": "object"}),),
            max_output_tokens=5,
            temperature=0.3,
            caller="call_1",
        )
    ]


def test_clauses_are_spoken_as_the_model_writes_them() -> None:
    desk = Desk(llm=ScriptedLlm(["One is here. Two ", 5.0, "is late."]))
    spoken_at_3_s: list[str] = []

    async def main() -> None:
        desk.speaking.order(ask())
        asyncio.get_running_loop().call_later(3, lambda: spoken_at_3_s.extend(desk.tts.spoken))
        await desk.speaking.run()

    run(main())

    assert spoken_at_3_s == ["One is here. "]
    assert desk.tts.spoken == ["One is here. ", "Two is late."]


def test_words_and_visemes_stand_where_they_sound_behind_pauses() -> None:
    desk = Desk(llm=ScriptedLlm("Go. Up, no."))

    carry_out(desk, ask())

    pause = 4_800  # 0.2 s behind a full stop
    second = len("Go. ") * CHAR + pause
    assert [(word.text, word.start, word.end) for word in desk.words] == [
        ("Go. ", 0, 4_800),
        ("Up, ", second, second + 4_800),
        ("no.", second + 4_800, second + 8_400),
    ]
    track = desk.playout.track(TURN)
    assert [shape.start for shape in track.visemes[:5]] == [0, 1_200, 2_400, 3_600, second]
    assert track.length == second + 8_400
    assert not track.read(3_600, 1_200 + pause).any()
    assert np.abs(track.read(second, 1_200)).max() > 5_000


def test_a_voice_at_another_rate_keeps_its_words_in_their_place() -> None:
    class Slow(ScriptedTts):
        rate_hz = 16_000

    desk = Desk(llm=ScriptedLlm("Go on."), tts=Slow(samples_per_char=800))

    carry_out(desk, ask())

    assert [(word.start, word.end) for word in desk.words] == [(0, 3_600), (3_600, 7_200)]
    assert desk.playout.track(TURN).length == 7_200


@pytest.mark.parametrize("text", ["Well.\n\n\nYes.", "...\nHm.", "Yes.\n \n", " . "])
def test_what_cannot_be_said_is_in_the_transcript_all_the_same(text: str) -> None:
    desk = Desk(llm=ScriptedLlm(text))

    carry_out(desk, ask())

    assert desk.transcript == desk.text == text
    assert desk.of(told.Spoken)[-1].end == desk.playout.track(TURN).length


def test_a_cue_is_told_by_its_true_name_and_neither_written_nor_said() -> None:
    desk = Desk(llm=ScriptedLlm(["Hi [WI", "NK] you [shrug]."]))

    carry_out(desk, ask())

    assert desk.of(told.ReplyCue) == [told.ReplyCue(turn=TURN, motion="Wink", after=3)]
    assert desk.text == desk.transcript == "Hi you [shrug]."


def test_pieces_of_tool_calls_pass_through() -> None:
    desk = Desk(llm=ScriptedLlm(tool_call("look_up", "{}")))

    carry_out(desk, ask())

    assert desk.of(told.ReplyToolCall) == [
        told.ReplyToolCall(turn=TURN, index=0, call_id="call_1", name="look_up"),
        told.ReplyToolCall(turn=TURN, index=0, arguments="{}"),
    ]
    assert desk.tts.spoken == []


def test_a_reply_that_is_asked_on_goes_on_in_the_same_track() -> None:
    desk = Desk(llm=ScriptedLlm(tool_call("express", "{}"), "And now I speak."))

    def answer(event: told.Input) -> None:
        if isinstance(event, told.ReplyEnded) and len(desk.llm.requests) == 1:
            desk.speaking.order(ask())

    desk.on_told = answer
    carry_out(desk, ask())

    assert len(desk.of(told.ReplyEnded)) == 2
    assert len(desk.of(told.SpokenAll)) == 1
    assert desk.transcript == "And now I speak."
    assert desk.playout.track(TURN).is_whole


def test_a_text_that_only_is_to_be_read_is_not_spoken() -> None:
    desk = Desk(llm=ScriptedLlm(["Good ", "day."]))

    carry_out(desk, ask(SILENT))

    assert [type(event).__name__ for event in desk.told] == ["ReplyText", "ReplyText", "ReplyEnded"]
    assert desk.tts.spoken == []


def test_a_given_text_is_said_as_it_stands_but_for_its_cues() -> None:
    desk = Desk()

    carry_out(desk, say("Read [this]. [Wink] Slowly. [wink"))

    assert desk.llm.requests == []
    assert desk.transcript == "Read [this]. Slowly. [wink"
    assert desk.of(told.ReplyCue) == [told.ReplyCue(turn=TURN, motion="Wink", after=13)]
    assert desk.of(told.ReplyText) == []


def test_a_long_text_for_nobodys_ears_keeps_nobody_waiting() -> None:
    desk = Desk()

    carry_out(desk, say("One more sentence. " * 2 * CLAUSES, SILENT))

    assert desk.told == []


def test_the_voice_waits_while_half_a_minute_is_ahead() -> None:
    desk = Desk(llm=ScriptedLlm("A sentence of forty characters it is ok. " * 30))

    async def main() -> tuple[int, int]:
        desk.speaking.order(ask())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(desk.speaking.run())
            await asyncio.sleep(1)
            ahead = desk.playout.track(TURN).length
            desk.playout.play(TURN)
            for at in range(0, 100 * 24_000, TICK_SAMPLES):
                desk.playout.read(at)
                await asyncio.sleep(0)
        return ahead, len(desk.transcript)

    ahead, said = run(main())

    assert 30 * 24_000 < ahead < 34 * 24_000
    assert said == 41 * 30


# --- what goes wrong -----------------------------------------------------------------------------

BROKEN = EngineFailed("scripted-llm", "it broke")


@pytest.mark.parametrize("steps", [[HANG], ["One. ", HANG]])
def test_a_model_that_hangs_is_a_timeout(steps: list[Any]) -> None:
    desk = Desk(llm=ScriptedLlm(steps))

    carry_out(desk, ask())

    assert desk.told[-1] == told.ReplyFailed(
        turn=TURN, code="engine_timeout", message="The reply took too long."
    )
    assert desk.llm.ended == 1


@pytest.mark.parametrize("steps", [[BROKEN], ["One. ", BROKEN]])
def test_a_model_that_breaks_fails_the_reply(steps: list[Any]) -> None:
    desk = Desk(llm=ScriptedLlm(steps))

    carry_out(desk, ask())

    assert desk.of(told.ReplyFailed) == [
        told.ReplyFailed(turn=TURN, code="engine_failed", message="The reply could not be made.")
    ]


def test_a_model_that_says_itself_that_it_waited_too_long_is_a_timeout() -> None:
    desk = Desk(llm=ScriptedLlm([EngineTimeout("scripted-llm", "no answer from upstream")]))

    carry_out(desk, ask())

    assert desk.of(told.ReplyFailed)[0].code == "engine_timeout"


def test_a_voice_that_breaks_fails_the_reply_and_frees_the_model() -> None:
    tts = ScriptedTts(failing={"One is bad. ": EngineFailed("scripted-tts", "no voice")})
    desk = Desk(llm=ScriptedLlm(["One is bad. Two.", HANG]), tts=tts)

    carry_out(desk, ask())

    assert desk.of(told.ReplyFailed)[0].code == "engine_failed"
    assert desk.llm.ended == 1


def test_a_voice_that_hangs_is_a_timeout() -> None:
    desk = Desk(llm=ScriptedLlm("One."), tts=ScriptedTts(delay_s=HANG))

    carry_out(desk, ask())

    assert desk.of(told.ReplyFailed)[0].code == "engine_timeout"
    assert desk.tts.ended == 1


def test_a_failed_reply_is_logged_without_what_was_said(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(llm=ScriptedLlm(["A secret. ", BROKEN]))

    carry_out(desk, ask())

    assert [record.getMessage() for record in caplog.records] == [
        "a reply failed: scripted-llm: it broke"
    ]


# --- cuts ----------------------------------------------------------------------------------------


def test_a_cut_closes_the_streams_of_model_and_voice() -> None:
    desk = Desk(llm=ScriptedLlm(["One is here. ", HANG]), tts=ScriptedTts(delay_s=3.0))

    interrupted(desk, ask(), after_s=4.0)

    assert desk.llm.ended == 1
    assert desk.tts.ended == 1
    assert desk.of(told.ReplyFailed) == []


def test_a_cut_closes_the_stream_of_a_model_that_is_far_ahead_of_its_voice() -> None:
    desk = Desk(
        llm=ScriptedLlm(["One more sentence. "] * 3 * CLAUSES), tts=ScriptedTts(delay_s=HANG)
    )

    interrupted(desk, ask(), after_s=1.0)

    assert desk.llm.ended == 1
    assert desk.tts.ended == 1


def test_a_reply_that_is_cut_before_it_begins_asks_nobody() -> None:
    desk = Desk()

    interrupted(desk, ask(), after_s=0.0)

    assert desk.told == []
    assert desk.llm.requests == []
