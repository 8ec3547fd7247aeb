from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from rtav.engines.base import (
    Image,
    LlmDelta,
    LlmEnd,
    LlmRequest,
    Message,
    TextDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
)
from rtav.engines.llm.demo import DemoLlm
from rtav.engines.llm.demo_agent import lines, tour
from rtav.errors import ConfigError

NOW = datetime(2026, 11, 22, 15, 20, tzinfo=UTC)
EXPRESS = Tool(
    name="express",
    parameters={
        "type": "object",
        "properties": {"motion": {"enum": ["Wink", "AgreeYesTotaly", "SmileTeeth", "default"]}},
    },
)
WEATHER = Tool(name="get_weather")
SECOND_STOP_CUT = "Second stop: interrupting. I shall now talk about the"


class Caller:
    """Talks to the demo agent, remembering the conversation as the server would."""

    def __init__(self, *tools: Tool, now: datetime = NOW, timezone: str = "UTC") -> None:
        self.engine = DemoLlm(timezone=timezone, now=lambda: now)
        self.tools = tools
        self.messages: list[Message] = []

    def deltas(self, **request: Any) -> list[LlmDelta]:
        async def collect() -> list[LlmDelta]:
            wanted: dict[str, Any] = {"model": "", "instructions": "", "tools": self.tools}
            reply = LlmRequest(**{**wanted, "messages": tuple(self.messages), **request})
            return [delta async for delta in self.engine.reply(reply)]

        return asyncio.run(collect())

    def says(self, text: str) -> str:
        """What is answered in words, the messages of the turn being kept."""
        self.messages.append(Message(role="user", text=text))
        deltas = self.deltas()
        answer = "".join(d.text for d in deltas if isinstance(d, TextDelta))
        self.messages.append(Message(role="assistant", text=answer))
        return answer

    def asks_for(self, text: str) -> tuple[str, Any]:
        """The tool that is called and its arguments, the call being kept."""
        self.messages.append(Message(role="user", text=text))
        first, second, end = self.deltas()
        assert isinstance(first, ToolCallDelta)
        assert isinstance(second, ToolCallDelta)
        assert isinstance(end, LlmEnd)
        call = ToolCall(call_id=first.call_id, name=first.name, arguments=second.arguments)
        self.messages.append(Message(role="assistant", tool_calls=(call,)))
        return call.name, json.loads(call.arguments)

    def tool_answers(self, text: str) -> str:
        call_id = self.messages[-1].tool_calls[0].call_id
        self.messages.append(Message(role="tool", text=text, tool_call_id=call_id))
        return "".join(d.text for d in self.deltas() if isinstance(d, TextDelta))


def test_the_reply_streams_word_by_word_and_ends() -> None:
    caller = Caller()
    caller.messages.append(Message(role="user", text="what is two plus two"))
    assert caller.deltas() == [
        TextDelta("2 "),
        TextDelta("plus "),
        TextDelta("2 "),
        TextDelta("is "),
        TextDelta("4."),
        LlmEnd(input_tokens=5, output_tokens=5),
    ]


def test_the_limit_on_tokens_cuts_the_reply_and_is_named_as_the_reason() -> None:
    caller = Caller()
    caller.messages.append(Message(role="user", text="what is two plus two"))
    assert caller.deltas(max_output_tokens=2) == [
        TextDelta("2 "),
        TextDelta("plus "),
        LlmEnd(reason="length", input_tokens=5, output_tokens=2),
    ]


def test_it_says_that_it_is_a_script() -> None:
    for question in ("who are you", "hello", "what can you do", "how would you end all wars"):
        assert "script" in Caller().says(question)


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("what time is it", "It is three twenty in the afternoon, by the server's watch."),
        ("wat dime is it", "It is three twenty in the afternoon, by the server's watch."),
        ("tell me the time please", "It is three twenty in the afternoon, by the server's watch."),
        ("what is the date today", "Today is Sunday, the twenty-second of November, 2026."),
        ("what is twenty three times seven", "23 times 7 is 161."),
        ("twenty-three times seven", "23 times 7 is 161."),
        ("What's 15% of 80?", "15 percent of 80 is 12."),
        ("how much is ten divided by three", "10 divided by 3 is about 3.3333."),
        ("divide ten by four", "10 divided by 4 is 2.5."),
        ("five over zero", "Dividing by zero is where even a script draws the line."),
        ("count to five", "One, two, three, four, five."),
        ("account to five", "One, two, three, four, five."),
        ("can you count from eight to eleven", "Eight, nine, ten, eleven."),
        ("count for me to three please", "One, two, three."),
        ("fifteen percent and eighty", "15 percent of 80 is 12."),
        ("divide ten by far", "10 divided by 4 is 2.5."),
        (
            "one is twenty three nine seven",
            "I heard 1 and 23 and 9 and 7, but not what to do with them. Say plus, minus or times.",
        ),
        ("seven times a", "7 times 8 is 56."),
        ("come down from three", "Three, two, one."),
        ("can you count", "One, two, three, four, five, six, seven, eight, nine, ten."),
        ("please not", "I would, but in this conversation my face is not mine to move."),
        ("start the chair", tour.STOPS[0]),
        ("not your head", "I would, but in this conversation my face is not mine to move."),
        ("how do i connect a real nadal", lines.CONNECT[0]),
        ("go back", "There is nothing to go back to yet. Shall I show you around?"),
        ("count down from three", "Three, two, one."),
        ("spell avatar", "A, V, A, T, A, R. Avatar."),
        ("how do you spell the word lip please", "L, I, P. Lip."),
        ("say hello world", "Hello world."),
        ("repeat after me, lips move", "Lips move."),
        ("what can you too", lines.CAPABLE[0]),
        ("help", lines.CAPABLE[0]),
        ("tell me a choke", lines.JOKES[0]),
        ("please tell me a story about a dog", lines.STORIES[0]),
        ("how do I connect a real model", lines.CONNECT[0]),
        ("how can i use ollama with you", lines.CONNECT[0]),
        ("start the tore", tour.STOPS[0]),
        ("what did I say", "Nothing before this. You are off to a careful start."),
        ("uh", f"I heard you, but no words. {lines.SUGGESTIONS[0]}"),
        ("", f"I heard you, but no words. {lines.SUGGESTIONS[0]}"),
        (
            "what do you think about politics",
            "I heard: What do you think about politics. That is not in my script. "
            + lines.SUGGESTIONS[0],
        ),
        (
            "Как тебя зовут?",
            "I only speak English, as far as a script speaks anything. " + lines.SUGGESTIONS[0],
        ),
    ],
)
def test_what_is_heard_finds_its_answer(heard: str, expected: str) -> None:
    assert Caller().says(heard) == expected


def test_counting_is_not_read_into_a_sentence_without_numbers() -> None:
    said = Caller().says("counter the connector eel not at all")
    assert said.startswith("I heard: Counter the connector")


def test_it_remembers_a_name() -> None:
    caller = Caller()
    assert caller.says("hi, my name is sarah").startswith("Nice to meet you, Sarah.")
    caller.says("tell me a joke")
    assert caller.says("what's my name?") == "Your name is Sarah. I told you I would know."
    assert caller.says("spell my name") == "S, A, R, A, H. Sarah."


def test_a_name_it_was_never_told_it_does_not_know() -> None:
    assert "have not told me" in Caller().says("what is my name")


def test_it_remembers_what_was_said_last() -> None:
    caller = Caller()
    caller.says("lips do not lie")
    assert caller.says("what did I say") == "Just now you said: Lips do not lie."


def test_jokes_rotate_with_the_turns() -> None:
    caller = Caller()
    told = [caller.says("another joke") for _ in lines.JOKES]
    assert told == list(lines.JOKES)


def test_the_same_messages_get_the_same_reply() -> None:
    first, second = Caller(), Caller()
    for text in ("hello", "tell me a joke", "why is the sky blue"):
        assert first.says(text) == second.says(text)


# --- the tour --------------------------------------------------------------------------------


def test_the_tour_goes_from_stop_to_stop_and_ends() -> None:
    caller = Caller()
    seen = [caller.says("start the tour"), *(caller.says("next") for _ in tour.STOPS[1:])]
    assert seen == list(tour.STOPS)
    assert caller.says("next").startswith("That was the last stop.")


def test_the_tour_goes_on_after_a_detour() -> None:
    caller = Caller()
    caller.says("start the tour")
    caller.says("what time is it")
    assert caller.says("go on") == tour.STOPS[1]


def test_a_stop_is_repeated_in_full_even_if_it_was_cut_short() -> None:
    caller = Caller()
    caller.messages.append(Message(role="assistant", text=SECOND_STOP_CUT))
    assert caller.says("say that again") == tour.STOPS[1]
    assert caller.says("next") == tour.STOPS[2]


def test_a_stop_of_which_nothing_was_heard_is_still_to_come() -> None:
    caller = Caller()
    caller.says("start the tour")
    caller.messages.append(Message(role="assistant", text=""))
    assert caller.says("next") == tour.STOPS[1]


def test_the_tour_goes_back() -> None:
    caller = Caller()
    caller.says("start the tour")
    caller.says("next")
    assert caller.says("go back") == tour.STOPS[0]


def test_the_tour_ends_when_told_to() -> None:
    caller = Caller()
    caller.says("start the tour")
    assert caller.says("stop").startswith("The tour ends here.")
    assert caller.says("next") == "There is nothing to skip yet. Shall I show you around?"
    assert caller.says("yes please") == tour.STOPS[0]


def test_a_yes_to_the_greeting_starts_the_tour_and_a_no_does_not() -> None:
    caller = Caller()
    caller.says("hello")
    assert caller.says("yes") == tour.STOPS[0]
    caller = Caller()
    caller.says("hello")
    assert caller.says("no thanks").startswith("No tour, then.")


def test_repeat_outside_the_tour_repeats_the_last_reply() -> None:
    caller = Caller()
    joke = caller.says("tell me a joke")
    assert caller.says("pardon?") == joke


# --- tools -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heard", "motion"),
    [
        ("wink", "Wink"),
        ("wing at me", "Wink"),
        ("could you wink at me please", "Wink"),
        ("nod", "AgreeYesTotaly"),
        ("please nod your head", "AgreeYesTotaly"),
        ("smile for me", "SmileTeeth"),
        ("stop smiling", "default"),
    ],
)
def test_the_face_is_moved_by_a_tool_call(heard: str, motion: str) -> None:
    assert Caller(EXPRESS).asks_for(heard) == ("express", {"motion": motion})


def test_after_the_motion_it_goes_on_to_speak() -> None:
    caller = Caller(EXPRESS)
    caller.asks_for("wink at me")
    assert caller.tool_answers("ok") == "There you go. Between you and me."


def test_without_a_face_it_says_so() -> None:
    assert "my face is not mine to move" in Caller().says("wink at me")


def test_a_motion_that_is_not_offered_is_not_asked_for() -> None:
    blank = Tool(name="express", parameters={"properties": {"motion": {"enum": ["default"]}}})
    assert "has not learnt" in Caller(blank).says("wink at me")


def test_a_motion_is_asked_for_as_the_tool_spells_it() -> None:
    small = Tool(name="express", parameters={"properties": {"motion": {"enum": ["wink"]}}})
    assert Caller(small).asks_for("wink at me") == ("express", {"motion": "wink"})


@pytest.mark.parametrize(
    ("heard", "arguments"),
    [
        ("call get_weather", {}),
        ("please call get weather", {}),
        ('call get_weather with {"city": "Oslo"}', {"city": "Oslo"}),
    ],
)
def test_a_clients_tool_is_called_by_its_name(heard: str, arguments: dict[str, str]) -> None:
    assert Caller(EXPRESS, WEATHER).asks_for(heard) == ("get_weather", arguments)


def test_arguments_that_are_no_object_are_refused_in_words() -> None:
    said = Caller(WEATHER).says("call get_weather with Oslo")
    assert said == "To call get_weather I need its arguments as a JSON object."


def test_the_output_of_a_tool_is_read_out() -> None:
    caller = Caller(WEATHER)
    caller.asks_for("call get_weather")
    assert caller.tool_answers("sunny,\n  21 degrees") == "get_weather says: sunny, 21 degrees"


@pytest.mark.parametrize(
    "choice",
    [
        "required",
        {"type": "function", "name": "get_weather"},
        {"type": "function", "function": {"name": "get_weather"}},
    ],
)
def test_a_call_that_is_required_is_made(choice: Any) -> None:
    caller = Caller(WEATHER)
    caller.messages.append(Message(role="user", text="hello"))
    first = caller.deltas(tool_choice=choice)[0]
    assert first == ToolCallDelta(index=0, call_id="call_demo_1", name="get_weather")


def test_with_tools_forbidden_none_is_called() -> None:
    caller = Caller(EXPRESS)
    caller.messages.append(Message(role="user", text="wink at me"))
    assert all(isinstance(d, TextDelta | LlmEnd) for d in caller.deltas(tool_choice="none"))


def test_call_ids_are_new_in_the_conversation() -> None:
    caller = Caller(EXPRESS)
    caller.asks_for("wink")
    caller.tool_answers("ok")
    caller.asks_for("wink")
    ids = [call.call_id for message in caller.messages for call in message.tool_calls]
    assert ids == ["call_demo_1", "call_demo_2"]


# --- unusual requests ------------------------------------------------------------------------


def test_asked_to_begin_it_greets() -> None:
    text = "".join(d.text for d in Caller().deltas() if isinstance(d, TextDelta))
    assert text.startswith("Hello! I am the demo agent")


def test_asked_to_go_on_without_being_spoken_to_it_says_it_is_there() -> None:
    caller = Caller()
    caller.says("hello")
    text = "".join(d.text for d in caller.deltas() if isinstance(d, TextDelta))
    assert text.startswith("I am still here.")


def test_it_admits_that_it_sees_no_pictures() -> None:
    caller = Caller()
    caller.messages.append(Message(role="user", images=(Image(url="data:image/png;base64,AA"),)))
    text = "".join(d.text for d in caller.deltas() if isinstance(d, TextDelta))
    assert "a script has no eyes" in text


def test_a_caller_who_says_nothing_is_asked_for_a_sign() -> None:
    assert Caller().says("(silence)").startswith("Are you still there?")


def test_notes_of_the_operator_are_not_answered() -> None:
    caller = Caller()
    caller.messages.append(Message(role="user", text="what is two plus two"))
    caller.messages.append(Message(role="system", text="The user looks tired."))
    assert caller.deltas()[0] == TextDelta("2 ")


def test_the_time_is_told_where_the_operator_says_the_server_is() -> None:
    told = Caller(timezone="Asia/Tokyo").says("what time is it")
    assert told == "It is twelve twenty at night, by the server's watch."


def test_a_timezone_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"llm\.timezone: 'Atlantis'"):
        DemoLlm(timezone="Atlantis")


def test_a_long_utterance_is_answered_within_the_budget_of_words() -> None:
    assert Caller().says("blah " * 5000).count("Blah") == 1
