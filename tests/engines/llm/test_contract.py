from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from rtav.engines.base import LlmEngine, LlmRequest
from rtav.engines.llm.anthropic import AnthropicLlm
from rtav.engines.llm.demo import DemoLlm
from rtav.engines.llm.openai import OpenAiLlm
from rtav.testing.claude_server import ClaudeServer, called, ended
from rtav.testing.contracts.llm import LlmContract, question
from rtav.testing.engines import ScriptedLlm, tool_call
from rtav.testing.model_server import ModelServer, chunk_of


class TestDemo(LlmContract):
    def make(self) -> LlmEngine:
        return DemoLlm()

    def calling(self) -> LlmRequest:
        return question('call get_weather with {"city": "Oslo"}')


class TestScripted(LlmContract):
    def make(self) -> LlmEngine:
        return ScriptedLlm(["Let me see.", *tool_call("get_weather", '{"city": "Oslo"}')])

    def calling(self) -> LlmRequest:
        return question()


def _piece(**fields: Any) -> dict[str, Any]:
    return chunk_of({"tool_calls": [{"index": 0, **fields}]})


CALL = (
    _piece(id="c1", type="function", function={"name": "get_weather", "arguments": ""}),
    _piece(function={"arguments": '{"city": '}),
    _piece(function={"arguments": '"Oslo"}'}),
    chunk_of({}, finish="tool_calls"),
)


class TestOpenAi(LlmContract):
    def surroundings(self) -> AbstractAsyncContextManager[object]:
        return self._serving()

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        async with ModelServer(["Quite", " a lot.", *CALL]) as server:
            self._base_url = server.base_url
            yield

    def make(self) -> LlmEngine:
        return OpenAiLlm(base_url=self._base_url, model="stub")

    def calling(self) -> LlmRequest:
        return question()


class TestAnthropic(LlmContract):
    def surroundings(self) -> AbstractAsyncContextManager[object]:
        return self._serving()

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        call = called("c1", "get_weather", '{"city": ', '"Oslo"}', index=1)
        async with ClaudeServer(["Quite", " a lot.", *call, ended("tool_use")]) as server:
            self._base_url = server.base_url
            yield

    def make(self) -> LlmEngine:
        return AnthropicLlm(base_url=self._base_url, model="stub")

    def calling(self) -> LlmRequest:
        return question()
