from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from rtav.engines.base import (
    LlmDelta,
    LlmEnd,
    LlmRequest,
    Message,
    TextDelta,
    Tool,
    ToolCallDelta,
)
from rtav.engines.llm.openai import OpenAiLlm
from rtav.errors import ConfigError, EngineError, EngineFailed, EngineTimeout, EngineUnavailable
from rtav.testing.model_server import BREAK, FOR_EVER, ModelServer, Refusal, chunk_of

ASK = LlmRequest(
    model="gpt-realtime", instructions="Be brief.", messages=(Message(role="user", text="Hi"),)
)


def _replies(
    server: ModelServer, request: LlmRequest = ASK, *, times: int = 1, **options: Any
) -> list[list[LlmDelta]]:
    """What a freshly started engine answers, `times` times in a row."""

    async def main() -> list[list[LlmDelta]]:
        async with server:
            engine = OpenAiLlm(base_url=server.base_url, model="stub", **options)
            await engine.start()
            try:
                return [[d async for d in engine.reply(request)] for _ in range(times)]
            finally:
                await engine.close()

    return asyncio.run(main())


def _failure(server: ModelServer, **options: Any) -> EngineError:
    with pytest.raises(EngineError) as failure:
        _replies(server, **options)
    return failure.value


def test_text_comes_as_it_was_streamed() -> None:
    assert _replies(ModelServer(["Hel", "lo."]))[0] == [
        TextDelta("Hel"),
        TextDelta("lo."),
        LlmEnd(),
    ]


def test_the_request_is_a_chat_completion() -> None:
    server = ModelServer()
    _replies(server)
    assert server.requests == [
        {
            "model": "stub",
            "stream": True,
            "stream_options": {"include_usage": True},
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hi"},
            ],
        }
    ]


def test_usage_and_the_reason_come_with_the_end() -> None:
    usage = {
        "prompt_tokens": 20,
        "completion_tokens": 3,
        "total_tokens": 23,
        "prompt_tokens_details": {"cached_tokens": 16},
    }
    last = {**chunk_of({}, usage=usage), "choices": []}
    server = ModelServer(["Well", chunk_of({}, finish="length"), last])
    assert _replies(server)[0][-1] == LlmEnd(
        reason="length", input_tokens=20, output_tokens=3, cached_tokens=16
    )


def test_a_tool_call_comes_in_pieces() -> None:
    def piece(**fields: Any) -> dict[str, Any]:
        return chunk_of({"tool_calls": [{"index": 0, **fields}]})

    server = ModelServer(
        [
            piece(id="c1", type="function", function={"name": "wave", "arguments": ""}),
            piece(function={"arguments": '{"hand":'}),
            piece(function={"arguments": '"left"}'}),
            chunk_of({}, finish="tool_calls"),
        ]
    )
    assert _replies(server)[0] == [
        ToolCallDelta(index=0, call_id="c1", name="wave"),
        ToolCallDelta(index=0, arguments='{"hand":'),
        ToolCallDelta(index=0, arguments='"left"}'),
        LlmEnd(),
    ]


def test_parallel_calls_with_the_same_index_are_told_apart() -> None:
    calls = [
        {"index": 0, "id": f"c{n}", "function": {"name": "wave", "arguments": "{}"}} for n in (1, 2)
    ]
    server = ModelServer([chunk_of({"tool_calls": calls}), chunk_of({}, finish="stop")])
    assert _replies(server)[0][:2] == [
        ToolCallDelta(index=0, call_id="c1", name="wave", arguments="{}"),
        ToolCallDelta(index=1, call_id="c2", name="wave", arguments="{}"),
    ]


def test_tools_limits_and_temperature_are_passed_on() -> None:
    server = ModelServer()
    request = LlmRequest(
        model="",
        instructions="",
        messages=(),
        tools=(Tool(name="wave", description="Waves."),),
        tool_choice={"type": "function", "name": "wave"},
        max_output_tokens=50,
        temperature=0.7,
    )
    _replies(server, request)
    sent = server.requests[0]
    assert sent["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "wave",
                "description": "Waves.",
                "parameters": {"type": "object", "properties": {}},
            },
        }
    ]
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "wave"}}
    assert (sent["max_tokens"], sent["temperature"]) == (50, 0.7)


def test_thoughts_are_not_spoken() -> None:
    replies = _replies(ModelServer(["<think>", "The user said hi.", "</think>", "\n\n", "Hi!"]))
    assert replies[0][0] == TextDelta("Hi!")


def test_a_model_the_server_has_is_asked_by_its_name() -> None:
    server = ModelServer(models=("stub", "larger"))
    _replies(server, LlmRequest(model="larger", instructions="", messages=()))
    assert server.requests[0]["model"] == "larger"


def test_a_server_that_takes_no_usage_option_is_asked_without_it_from_then_on() -> None:
    server = ModelServer(Refusal(400), ["One"])
    replies = _replies(server, times=2)
    assert [reply[0] for reply in replies] == [TextDelta("One"), TextDelta("One")]
    assert ["stream_options" in request for request in server.requests] == [True, False, False]


@pytest.mark.parametrize(
    ("status", "is_retryable"), [(400, False), (404, False), (429, True), (500, True), (503, True)]
)
def test_an_http_error_tells_the_status_but_not_what_was_said(
    status: int, is_retryable: bool
) -> None:
    body = {"error": {"message": "you said: Hi, my PIN is 1234", "code": "oops"}}
    error = _failure(ModelServer(Refusal(status, body)))
    assert isinstance(error, EngineFailed)
    assert error.retryable is is_retryable
    assert f"HTTP {status}, oops" in str(error)
    assert "PIN" not in str(error)
    assert error.__cause__ is None


def test_a_server_that_hangs_is_given_up() -> None:
    error = _failure(ModelServer([FOR_EVER]), timeout_s=0.1)
    assert isinstance(error, EngineTimeout)


def test_a_server_that_hangs_in_the_middle_is_given_up() -> None:
    error = _failure(ModelServer(["Well,", FOR_EVER]), idle_s=0.1)
    assert isinstance(error, EngineTimeout)


def test_an_error_in_the_stream_fails_the_reply() -> None:
    error = _failure(ModelServer(["Well,", {"error": {"message": "my PIN is 1234"}}]))
    assert isinstance(error, EngineFailed)
    assert str(error) == "openai: the model server broke the stream"


@pytest.mark.parametrize("script", [[BREAK], ["Well,", BREAK]])
@pytest.mark.parametrize("headers", ["", "Content-Length: 99999\r\n"])
def test_a_server_that_goes_away_fails_the_reply(script: list[Any], headers: str) -> None:
    """Without a length nothing but the missing reason shows it."""
    server = ModelServer(script, headers=headers)
    error = _failure(server)
    assert isinstance(error, EngineFailed)
    assert error.retryable


def test_a_reply_without_words_that_ends_well_is_no_failure() -> None:
    assert _replies(ModelServer([chunk_of({"role": "assistant"})])) == [[LlmEnd()]]


def test_a_wish_that_the_server_does_not_know_is_not_repeated() -> None:
    request = dataclasses.replace(ASK, reasoning_effort="low")
    server = ModelServer(Refusal(400), ["One"])
    _replies(server, request, times=2)
    assert [r.get("reasoning_effort") for r in server.requests] == ["low", None, None]
    assert all("stream_options" in r for r in server.requests)


def test_a_server_that_takes_no_options_at_all_is_asked_without_them() -> None:
    request = dataclasses.replace(ASK, reasoning_effort="low")
    server = ModelServer(Refusal(422), Refusal(422), ["One"])
    _replies(server, request, times=2)
    options = [sorted(r.keys() & {"reasoning_effort", "stream_options"}) for r in server.requests]
    assert options == [["reasoning_effort", "stream_options"], ["stream_options"], [], []]


def test_a_request_that_is_bad_in_itself_is_refused_and_its_options_are_not_blamed() -> None:
    request = dataclasses.replace(ASK, reasoning_effort="low")
    bad = Refusal(400)

    async def main() -> None:
        server = ModelServer(bad, bad, bad, ["One"])
        async with server:
            engine = OpenAiLlm(base_url=server.base_url, model="stub")
            with pytest.raises(EngineFailed):
                [delta async for delta in engine.reply(request)]
            [delta async for delta in engine.reply(request)]
            await engine.close()
        assert server.requests[3]["reasoning_effort"] == "low"

    asyncio.run(main())


def test_closing_the_reply_closes_the_connection() -> None:
    server = ModelServer(["Once upon a time", FOR_EVER])

    async def main() -> None:
        async with server:
            engine = OpenAiLlm(base_url=server.base_url, model="stub")
            reply = engine.reply(ASK)
            assert await anext(reply) == TextDelta("Once upon a time")
            await reply.aclose()  # type: ignore[attr-defined]
            async with asyncio.timeout(1):
                await server.wait_idle()
            await engine.close()

    asyncio.run(main())
    assert server.hung_up == 1


def test_cancelling_the_reply_closes_the_connection() -> None:
    server = ModelServer([FOR_EVER])

    async def main() -> None:
        async with server:
            engine = OpenAiLlm(base_url=server.base_url, model="stub")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await anext(engine.reply(ASK))
            async with asyncio.timeout(1):
                await server.wait_idle()
            await engine.close()

    asyncio.run(main())
    assert server.hung_up == 1


def test_a_refused_key_stops_the_start_with_the_setting() -> None:
    async def main() -> None:
        async with ModelServer(key="right") as server:
            engine = OpenAiLlm(base_url=server.base_url, model="stub", api_key="wrong")
            with pytest.raises(EngineUnavailable, match=r"refuses llm\.api_key \(HTTP 401\)"):
                await engine.start()
            await engine.close()

    asyncio.run(main())


def test_a_server_that_is_not_there_yet_is_only_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with ModelServer() as server:
            gone = server.base_url
        engine = OpenAiLlm(base_url=gone, model="stub")
        await engine.start()
        assert list(engine.models()) == ["stub"]
        with pytest.raises(EngineFailed, match="cannot reach") as failure:
            await anext(engine.reply(ASK))
        assert failure.value.retryable
        await engine.close()

    asyncio.run(main())
    assert caplog.messages == ["the model server did not list its models: APIConnectionError"]


def test_the_configured_model_is_listed_first() -> None:
    async def main() -> list[str]:
        async with ModelServer(models=("a", "stub", "b")) as server:
            engine = OpenAiLlm(base_url=server.base_url, model="stub")
            await engine.start()
            await engine.close()
            return list(engine.models())

    assert asyncio.run(main()) == ["stub", "a", "b"]


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({"model": "m", "base_url": "localhost:11434/v1"}, "llm.base_url"),
        ({"model": "", "base_url": "http://localhost:1/v1"}, "llm.model"),
        ({"model": "m"}, "llm.api_key"),
    ],
)
def test_a_bad_option_names_its_setting(options: dict[str, Any], setting: str) -> None:
    with pytest.raises(ConfigError) as failure:
        OpenAiLlm(**options)
    assert failure.value.setting == setting


def test_the_key_of_the_environment_is_never_sent_to_another_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert _replies(ModelServer(["Fine."], key="none"))[0][0] == TextDelta("Fine.")
