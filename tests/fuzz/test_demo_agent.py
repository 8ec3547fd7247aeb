from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from rtav.engines.base import LlmEnd, LlmRequest, Message, TextDelta, Tool, ToolCall, ToolCallDelta
from rtav.engines.llm.demo import DemoLlm
from rtav.engines.llm.demo_agent.hearing import words
from rtav.engines.llm.demo_agent.intents import INTENTS

TOOLS = (Tool(name="express"), Tool(name="get_weather"))
AGENT = DemoLlm(timezone="UTC", now=lambda: datetime(2026, 11, 22, 15, 20, tzinfo=UTC))
VOCABULARY = sorted({word for i in INTENTS for phrase in i.phrases for word in words(phrase)})

said = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from([*VOCABULARY, "ten", "plus", "spell", "say"]), max_size=12).map(
        " ".join
    ),
)
call = ToolCall(call_id="c1", name="get_weather", arguments="{}")
messages = st.lists(
    st.one_of(
        said.map(lambda text: Message(role="user", text=text)),
        said.map(lambda text: Message(role="assistant", text=text)),
        said.map(lambda text: Message(role="system", text=text)),
        said.map(lambda text: Message(role="tool", text=text, tool_call_id="c1")),
        st.just(Message(role="assistant", tool_calls=(call,))),
    ),
    max_size=8,
)


@given(messages)
def test_whatever_is_said_gets_a_whole_reply(conversation: list[Message]) -> None:
    """Invariant: words or one whole tool call, then exactly one end; and the same again."""
    request = LlmRequest(model="", instructions="", messages=tuple(conversation), tools=TOOLS)

    async def reply() -> list[object]:
        return [delta async for delta in AGENT.reply(request)]

    deltas = asyncio.run(reply())
    assert [isinstance(delta, LlmEnd) for delta in deltas] == [False] * (len(deltas) - 1) + [True]
    text = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
    calls = [delta for delta in deltas if isinstance(delta, ToolCallDelta)]
    assert bool(text.strip()) != bool(calls)
    if calls:
        assert isinstance(json.loads("".join(piece.arguments for piece in calls)), dict)
    assert asyncio.run(reply()) == deltas
