"""What every language model engine must do; subclass it and give it an engine.

    class TestMyLlm(LlmContract):
        def make(self) -> LlmEngine:
            return MyLlm()

The questions are easy ones: this is about behaviour, not about wit.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TypeVar

import pytest

from rtav.engines.base import (
    LlmDelta,
    LlmEnd,
    LlmEngine,
    LlmRequest,
    Message,
    TextDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
)
from rtav.errors import EngineError

_T = TypeVar("_T")
_CLOSING_S = 1.0  # closing a reply gives its resources back at once; this much is for slow machines

TOOL = Tool(
    name="get_weather",
    description="The weather in a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}},
)


class LlmContract(ABC):
    """Inherit, implement `make`, name the class Test…."""

    @abstractmethod
    def make(self) -> LlmEngine:
        """A new engine, not started. Called inside `surroundings`, in a running loop."""

    def surroundings(self) -> AbstractAsyncContextManager[object]:
        """What the engine needs around it, a server for instance; nothing unless overridden."""
        return nullcontext()

    def calling(self) -> LlmRequest | None:
        """A request that this engine answers by calling `get_weather`; None if it never does."""
        return None

    def test_a_reply_is_deltas_and_then_exactly_one_end(self) -> None:
        deltas = self._run(lambda engine: _reply(engine, question()))

        assert isinstance(deltas[-1], LlmEnd)
        assert not any(isinstance(delta, LlmEnd) for delta in deltas[:-1])
        assert "".join(d.text for d in deltas if isinstance(d, TextDelta)).strip()

    def test_no_delta_is_empty(self) -> None:
        deltas = self._run(lambda engine: _reply(engine, question()))

        assert all(delta.text for delta in deltas if isinstance(delta, TextDelta))

    def test_an_unknown_model_stands_for_the_default(self) -> None:
        deltas = self._run(lambda engine: _reply(engine, question(model="nobody-has-this")))

        assert isinstance(deltas[-1], LlmEnd)

    def test_a_conversation_with_a_finished_tool_call_is_understood(self) -> None:
        call = ToolCall(call_id="c1", name="get_weather", arguments='{"city": "Oslo"}')
        messages = (
            Message(role="user", text="What is the weather in Oslo?"),
            Message(role="assistant", tool_calls=(call,)),
            Message(role="tool", text="sunny", tool_call_id="c1"),
        )
        request = LlmRequest(model="", instructions="", messages=messages, tools=(TOOL,))
        deltas = self._run(lambda engine: _reply(engine, request))

        assert any(isinstance(delta, TextDelta) for delta in deltas)

    def test_nothing_said_yet_is_answered_or_refused_but_no_bug(self) -> None:
        request = LlmRequest(model="", instructions="Greet the user.", messages=())
        try:
            deltas = self._run(lambda engine: _reply(engine, request))
        except EngineError:
            return
        assert isinstance(deltas[-1], LlmEnd)

    def test_closing_a_reply_ends_it_at_once_and_leaves_the_engine_usable(self) -> None:
        async def leave_early(engine: LlmEngine) -> list[LlmDelta]:
            reply = engine.reply(question())
            await anext(reply)
            async with asyncio.timeout(_CLOSING_S):
                await reply.aclose()  # type: ignore[attr-defined]  # the runtime closes it so too
            return await _reply(engine, question())

        assert isinstance(self._run(leave_early)[-1], LlmEnd)

    def test_calls_at_the_same_time_each_get_a_whole_reply(self) -> None:
        async def ask_thrice(engine: LlmEngine) -> list[list[LlmDelta]]:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_reply(engine, question())) for _ in range(3)]
            return [task.result() for task in tasks]

        for deltas in self._run(ask_thrice):
            assert isinstance(deltas[-1], LlmEnd)

    def test_a_tool_call_has_an_id_a_name_and_arguments_that_are_json(self) -> None:
        request = self.calling()
        if request is None:
            pytest.skip("this engine never calls get_weather")
        deltas = self._run(lambda engine: _reply(engine, request))

        pieces = [delta for delta in deltas if isinstance(delta, ToolCallDelta)]
        assert pieces[0].call_id
        assert pieces[0].name == "get_weather"
        assert all(not piece.name for piece in pieces[1:])
        assert isinstance(json.loads("".join(piece.arguments for piece in pieces)), dict)

    def test_models_are_named_once_each(self) -> None:
        async def names(engine: LlmEngine) -> list[str]:
            return list(engine.models())

        found = self._run(names)
        assert found
        assert all(found)
        assert len(set(found)) == len(found)

    def test_the_engine_says_what_it_is(self) -> None:
        async def capabilities(engine: LlmEngine) -> tuple[str, str, str]:
            told = engine.capabilities
            return told.name, told.runs_in, told.description

        name, runs_in, description = self._run(capabilities)
        assert name
        assert description
        assert runs_in in ("loop", "thread", "process")

    def test_closing_twice_is_harmless(self) -> None:
        self._run(lambda engine: engine.close())  # `_run` closes it again

    def _run(self, scenario: Callable[[LlmEngine], Awaitable[_T]]) -> _T:
        async def main() -> _T:
            async with self.surroundings():
                engine = self.make()
                await engine.start()
                try:
                    return await scenario(engine)
                finally:
                    await engine.close()

        return asyncio.run(main())


def question(text: str = "What can you do?", *, model: str = "") -> LlmRequest:
    """A request with one message of the user's."""
    messages = (Message(role="user", text=text),)
    return LlmRequest(model=model, instructions="Be brief.", messages=messages, tools=(TOOL,))


async def _reply(engine: LlmEngine, request: LlmRequest) -> list[LlmDelta]:
    return [delta async for delta in engine.reply(request)]
