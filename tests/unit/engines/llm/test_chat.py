from __future__ import annotations

from typing import Any

from rtav.engines.base import Image, LlmRequest, Message, ToolCall
from rtav.engines.llm.chat import NO_OUTPUT, UNSEEN, messages


def _messages(*conversation: Message, sees: bool = True) -> list[dict[str, Any]]:
    request = LlmRequest(model="", instructions="", messages=conversation)
    return messages(request, sees=sees)


def _user(text: str) -> Message:
    return Message(role="user", text=text)


def _calling(call_id: str, text: str = "") -> Message:
    call = ToolCall(call_id=call_id, name="wave", arguments="{}")
    return Message(role="assistant", text=text, tool_calls=(call,))


def _output(call_id: str, text: str) -> Message:
    return Message(role="tool", text=text, tool_call_id=call_id)


def _wire_call(call_id: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "wave", "arguments": "{}"}}


def test_instructions_come_first() -> None:
    request = LlmRequest(model="", instructions="Be brief.", messages=(_user("Hi"),))
    assert messages(request, sees=True) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]


def test_an_output_follows_its_call_though_the_caller_spoke_in_between() -> None:
    said = _messages(_calling("c1"), _user("Hello?"), _output("c1", "waved"))
    assert said == [
        {"role": "assistant", "content": None, "tool_calls": [_wire_call("c1")]},
        {"role": "tool", "tool_call_id": "c1", "content": "waved"},
        {"role": "user", "content": "Hello?"},
    ]


def test_a_call_that_still_runs_gets_a_stand_in_for_its_output() -> None:
    said = _messages(_calling("c1"), _user("Hello?"))
    assert said[1] == {"role": "tool", "tool_call_id": "c1", "content": NO_OUTPUT}


def test_an_output_whose_call_was_deleted_is_left_out() -> None:
    assert _messages(_user("Hi"), _output("gone", "waved")) == [{"role": "user", "content": "Hi"}]


def test_calls_in_a_row_become_one_message() -> None:
    said = _messages(_calling("c1"), _calling("c2"), _output("c1", "1"), _output("c2", "2"))
    assert said == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [_wire_call("c1"), _wire_call("c2")],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
        {"role": "tool", "tool_call_id": "c2", "content": "2"},
    ]


def test_a_second_call_after_the_first_ones_output_stays_a_second_message() -> None:
    said = _messages(_calling("c1"), _output("c1", "1"), _calling("c2"), _output("c2", "2"))
    assert [message["role"] for message in said] == ["assistant", "tool", "assistant", "tool"]


def test_pictures_are_parts_beside_the_text() -> None:
    picture = Image(url="data:image/png;base64,AA", detail="low")
    shown = Message(role="user", text="Look!", images=(picture,))
    assert _messages(shown) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look!"},
                {
                    "type": "image_url",
                    "image_url": {"url": "data:image/png;base64,AA", "detail": "low"},
                },
            ],
        }
    ]


def test_a_model_that_does_not_see_is_told_that_there_was_a_picture() -> None:
    shown = Message(role="user", images=(Image(url="https://example.org/cat.png"),))
    assert _messages(shown, sees=False) == [
        {"role": "user", "content": [{"type": "text", "text": UNSEEN}]}
    ]
