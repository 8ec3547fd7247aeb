from __future__ import annotations

import asyncio
import dataclasses
import logging
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
from rtav.engines.llm.anthropic import AnthropicLlm
from rtav.errors import ConfigError, EngineError, EngineFailed, EngineTimeout, EngineUnavailable
from rtav.testing.claude_server import ClaudeServer, called, delta, ended, failed, opened, started
from rtav.testing.model_server import BREAK, FOR_EVER, Refusal

ASK = LlmRequest(
    model="gpt-realtime", instructions="Be brief.", messages=(Message(role="user", text="Hi"),)
)


def _replies(
    server: ClaudeServer, request: LlmRequest = ASK, *, times: int = 1, **options: Any
) -> list[list[LlmDelta]]:
    """What a freshly started engine answers, `times` times in a row."""

    async def main() -> list[list[LlmDelta]]:
        async with server:
            engine = AnthropicLlm(**{"base_url": server.base_url, "model": "stub"} | options)
            await engine.start()
            try:
                return [[d async for d in engine.reply(request)] for _ in range(times)]
            finally:
                await engine.close()

    return asyncio.run(main())


def _failure(server: ClaudeServer, **options: Any) -> EngineError:
    with pytest.raises(EngineError) as failure:
        _replies(server, **options)
    return failure.value


def test_text_comes_as_it_was_streamed() -> None:
    assert _replies(ClaudeServer(["Hel", "lo."]))[0] == [
        TextDelta("Hel"),
        TextDelta("lo."),
        LlmEnd(),
    ]


def test_the_request_is_one_for_a_message_with_a_limit() -> None:
    server = ClaudeServer()
    _replies(server)
    block = {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}
    assert server.requests == [
        {
            "model": "stub",
            "stream": True,
            "max_tokens": 4096,
            "system": "Be brief.",
            "messages": [{"role": "user", "content": [block]}],
        }
    ]


def test_a_base_url_may_end_as_openais_do() -> None:
    server = ClaudeServer(["Fine."])

    async def main() -> list[LlmDelta]:
        async with server:
            engine = AnthropicLlm(base_url=f"{server.base_url}/v1/", model="stub")
            deltas = [d async for d in engine.reply(ASK)]
            await engine.close()
            return deltas

    assert asyncio.run(main())[0] == TextDelta("Fine.")
    assert server.paths == ["/v1/messages"]


def test_the_clients_limit_counts() -> None:
    server = ClaudeServer()
    _replies(server, dataclasses.replace(ASK, max_output_tokens=50))
    assert server.requests[0]["max_tokens"] == 50


def test_usage_counts_what_came_from_the_cache_and_what_went_there() -> None:
    usage = {
        "input_tokens": 20,
        "cache_read_input_tokens": 1600,
        "cache_creation_input_tokens": 300,
    }
    server = ClaudeServer([started(**usage), "Well", ended("max_tokens", output_tokens=3)])
    assert _replies(server)[0][-1] == LlmEnd(
        reason="length", input_tokens=1920, output_tokens=3, cached_tokens=1600
    )


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("a_new_one", "stop"),
    ],
)
def test_every_reason_to_stop_has_its_name(told: str, reason: str) -> None:
    last = _replies(ClaudeServer(["Well", ended(told)]))[0][-1]
    assert isinstance(last, LlmEnd)
    assert last.reason == reason


def test_parallel_tool_calls_come_in_pieces() -> None:
    server = ClaudeServer(
        [
            "Look.",
            *called("c1", "wave", '{"hand":', '"left"}', index=1),
            *called("c2", "nod", "", index=2),
            *called("c3", "wink", index=3, whole={"eye": "left"}),
            ended("tool_use"),
        ]
    )
    assert _replies(server)[0] == [
        TextDelta("Look."),
        ToolCallDelta(index=0, call_id="c1", name="wave"),
        ToolCallDelta(index=0, arguments='{"hand":'),
        ToolCallDelta(index=0, arguments='"left"}'),
        ToolCallDelta(index=1, call_id="c2", name="nod"),
        ToolCallDelta(index=1, arguments="{}"),
        ToolCallDelta(index=2, call_id="c3", name="wink"),
        ToolCallDelta(index=2, arguments='{"eye": "left"}'),
        LlmEnd(),
    ]


def test_thoughts_are_not_spoken() -> None:
    thought = [
        opened({"type": "thinking", "thinking": "", "signature": ""}),
        delta({"type": "thinking_delta", "thinking": "The user said hi."}),
        delta({"type": "signature_delta", "signature": "x"}),
        opened({"type": "text", "text": ""}, index=1),
        delta({"type": "text_delta", "text": "Hi!"}, index=1),
    ]
    assert _replies(ClaudeServer(thought)) == [[TextDelta("Hi!"), LlmEnd()]]


def test_a_model_is_asked_by_the_name_with_or_without_its_date() -> None:
    models = ("claude-haiku-4-5-20251001", "claude-opus-4-5-20251101")

    def asked(name: str) -> str:
        server = ClaudeServer(models=models)
        _replies(server, dataclasses.replace(ASK, model=name), model="claude-haiku-4-5")
        found: str = server.requests[0]["model"]
        return found

    assert asked("claude-opus-4-5") == "claude-opus-4-5"
    assert asked("claude-opus-4-5-20251101") == "claude-opus-4-5-20251101"
    assert asked("gpt-realtime") == "claude-haiku-4-5"


def test_models_are_listed_without_dates_first() -> None:
    async def main() -> list[str]:
        models = ("claude-opus-4-5-20251101", "claude-haiku-4-5-20251001")
        async with ClaudeServer(models=models) as server:
            engine = AnthropicLlm(base_url=server.base_url)
            await engine.start()
            await engine.close()
            return list(engine.models())

    assert asyncio.run(main()) == [
        "claude-haiku-4-5",
        "claude-opus-4-5",
        "claude-opus-4-5-20251101",
        "claude-haiku-4-5-20251001",
    ]


def test_wishes_are_passed_on_in_the_formats_words() -> None:
    server = ClaudeServer()
    _replies(server, dataclasses.replace(ASK, temperature=1.2, reasoning_effort="minimal"))
    sent = server.requests[0]
    assert (sent["temperature"], sent["output_config"]) == (1.0, {"effort": "low"})


def test_wishes_that_a_model_does_not_take_are_not_repeated_to_it() -> None:
    request = dataclasses.replace(ASK, reasoning_effort="low")
    server = ClaudeServer(Refusal(400), ["One"])
    replies = _replies(server, request, times=2)
    assert [reply[0] for reply in replies] == [TextDelta("One"), TextDelta("One")]
    assert ["output_config" in r for r in server.requests] == [True, False, False]


def test_a_request_that_is_bad_in_itself_is_refused_and_the_wishes_are_not_blamed() -> None:
    request = dataclasses.replace(ASK, reasoning_effort="low")
    server = ClaudeServer(Refusal(400), Refusal(400), ["One"])

    async def main() -> None:
        async with server:
            engine = AnthropicLlm(base_url=server.base_url, model="stub")
            with pytest.raises(EngineFailed):
                [delta async for delta in engine.reply(request)]
            [delta async for delta in engine.reply(request)]
            await engine.close()

    asyncio.run(main())
    assert server.requests[2]["output_config"] == {"effort": "low"}


@pytest.mark.parametrize(
    ("status", "kind", "is_retryable"),
    [
        (400, "invalid_request_error", False),
        (404, "not_found_error", False),
        (413, "request_too_large", False),
        (429, "rate_limit_error", True),
        (500, "api_error", True),
        (529, "overloaded_error", True),
    ],
)
def test_an_http_error_tells_its_kind_but_neither_what_was_said_nor_the_key(
    status: int, kind: str, is_retryable: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="rtav")
    body = failed(kind, "you said: Hi, my PIN is 1234")
    server = ClaudeServer(Refusal(status, body), key="sk-ant-1")
    error = _failure(server, api_key="sk-ant-1")
    assert isinstance(error, EngineFailed)
    assert error.retryable is is_retryable
    assert f"the model server answered HTTP {status}, {kind}" in str(error)
    assert "PIN" not in str(error)
    assert error.__cause__ is None
    assert "sk-ant-1" not in caplog.text


def test_a_server_that_is_overloaded_in_the_middle_fails_the_reply() -> None:
    server = ClaudeServer(["Well,", failed("overloaded_error", "my PIN is 1234"), FOR_EVER])
    error = _failure(server)
    assert isinstance(error, EngineFailed)
    assert str(error) == "anthropic: the model server broke the stream, overloaded_error"
    assert error.retryable


def test_a_stream_that_is_no_json_fails_the_reply() -> None:
    class Garbled(ClaudeServer):
        def _written(self, step: Any) -> bytes:
            return b'event: message_start\ndata: {"type": "mess\n\n'

    error = _failure(Garbled())
    assert str(error) == "anthropic: the model server broke the stream"


@pytest.mark.parametrize("script", [[BREAK], ["Well,", BREAK]])
@pytest.mark.parametrize("headers", ["", "Content-Length: 99999\r\n"])
def test_a_server_that_goes_away_fails_the_reply(script: list[Any], headers: str) -> None:
    """Without a length nothing but the missing reason shows it."""
    error = _failure(ClaudeServer(script, headers=headers))
    assert isinstance(error, EngineFailed)
    assert error.retryable


def test_a_server_that_hangs_is_given_up() -> None:
    silent = ClaudeServer([FOR_EVER, started()])
    assert isinstance(_failure(silent, timeout_s=0.1, idle_s=0.1), EngineTimeout)


def test_a_server_that_hangs_in_the_middle_is_given_up() -> None:
    assert isinstance(_failure(ClaudeServer(["Well,", FOR_EVER]), idle_s=0.1), EngineTimeout)


def test_a_reply_without_words_that_ends_well_is_no_failure() -> None:
    assert _replies(ClaudeServer([ended()])) == [[LlmEnd()]]


def test_closing_the_reply_closes_the_connection() -> None:
    server = ClaudeServer(["Once upon a time", FOR_EVER])

    async def main() -> None:
        async with server:
            engine = AnthropicLlm(base_url=server.base_url, model="stub")
            reply = engine.reply(ASK)
            assert await anext(reply) == TextDelta("Once upon a time")
            await reply.aclose()  # type: ignore[attr-defined]
            async with asyncio.timeout(1):
                await server.wait_idle()
            await engine.close()

    asyncio.run(main())
    assert server.hung_up == 1


def test_cancelling_the_reply_closes_the_connection() -> None:
    server = ClaudeServer([FOR_EVER, started()])

    async def main() -> None:
        async with server:
            engine = AnthropicLlm(base_url=server.base_url, model="stub")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await anext(engine.reply(ASK))
            async with asyncio.timeout(1):
                await server.wait_idle()
            await engine.close()

    asyncio.run(main())
    assert server.hung_up == 1


def test_a_refused_key_stops_the_start_with_the_setting() -> None:
    async def main() -> None:
        async with ClaudeServer(key="right") as server:
            engine = AnthropicLlm(base_url=server.base_url, model="stub", api_key="wrong")
            with pytest.raises(EngineUnavailable, match=r"refuses llm\.api_key \(HTTP 401\)"):
                await engine.start()
            await engine.close()

    asyncio.run(main())


def test_a_server_that_is_not_there_yet_is_only_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with ClaudeServer() as server:
            gone = server.base_url
        engine = AnthropicLlm(base_url=gone, model="stub")
        await engine.start()
        assert list(engine.models()) == ["stub"]
        with pytest.raises(EngineFailed, match="cannot reach") as failure:
            await anext(engine.reply(ASK))
        assert failure.value.retryable
        await engine.close()

    asyncio.run(main())
    assert caplog.messages == ["the model server did not list its models: APIConnectionError"]


def test_a_model_that_is_not_listed_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    _replies(ClaudeServer(models=("claude-haiku-4-5-20251001",)), model="claude-typo")
    assert caplog.messages == ["the model server does not list llm.model 'claude-typo'"]


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({"base_url": "localhost:11434"}, "llm.base_url"),
        ({"model": "", "base_url": "http://localhost:1"}, "llm.model"),
        ({}, "llm.api_key"),
    ],
)
def test_a_bad_option_names_its_setting(options: dict[str, Any], setting: str) -> None:
    with pytest.raises(ConfigError) as failure:
        AnthropicLlm(**options)
    assert failure.value.setting == setting


def test_the_keys_of_the_environment_are_never_sent_to_another_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-secret")
    assert _replies(ClaudeServer(["Fine."], key="none"))[0][0] == TextDelta("Fine.")


# --- the conversation in the format's words --------------------------------------------------


def _sent(*messages: Message, **fields: Any) -> dict[str, Any]:
    """The body of the request, without its mark for the cache."""
    server = ClaudeServer()
    images = fields.pop("images", True)
    _replies(server, LlmRequest(model="", messages=messages, **fields), images=images)
    last = server.requests[0]["messages"][-1]["content"][-1]
    assert last.pop("cache_control") == {"type": "ephemeral"}
    return server.requests[0]


def _user(*texts: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}


def _assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "text", "text": text}]}


def test_a_conversation_begins_and_ends_with_the_user() -> None:
    sent = _sent(
        Message(role="assistant", text="Hello!"),
        Message(role="user", text="Hi"),
        Message(role="user", text="there"),
        Message(role="user", text=" "),
        Message(role="assistant", text="Yes?"),
        instructions="",
    )
    assert "system" not in sent
    assert sent["messages"] == [
        _user("(silence)"),
        _assistant("Hello!"),
        _user("Hi", "there"),
        _assistant("Yes?"),
        _user("(silence)"),
    ]


def test_a_conversation_of_nothing_is_a_silence() -> None:
    assert _sent(instructions="Greet.")["messages"] == [_user("(silence)")]


def test_what_the_operator_says_first_is_the_prompt_and_later_is_marked() -> None:
    sent = _sent(
        Message(role="system", text="It rains."),
        Message(role="user", text="Hi"),
        Message(role="system", text="The sun shines."),
        instructions="Be brief.",
    )
    assert sent["system"] == "Be brief.\n\nIt rains."
    assert sent["messages"] == [_user("Hi", "<system>\nThe sun shines.\n</system>")]


def test_outputs_stand_behind_their_calls_whatever_was_said_between() -> None:
    wave = ToolCall(call_id="c.1", name="wave", arguments='{"hand": "left"}')
    nod = ToolCall(call_id="c2", name="nod", arguments="")
    broken = ToolCall(call_id="c3", name="nod", arguments='{"depth": ')
    sent = _sent(
        Message(role="user", text="Wave"),
        Message(role="assistant", tool_calls=(wave,)),
        Message(role="assistant", tool_calls=(nod, broken)),
        Message(role="user", text="Well?"),
        Message(role="tool", text="done", tool_call_id="c.1"),
        Message(role="tool", text="of a deleted call", tool_call_id="gone"),
        instructions="",
    )
    assert sent["messages"] == [
        _user("Wave"),
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "c_1", "name": "wave", "input": {"hand": "left"}},
                {"type": "tool_use", "id": "c2", "name": "nod", "input": {}},
                {
                    "type": "tool_use",
                    "id": "c3",
                    "name": "nod",
                    "input": {"unreadable": '{"depth": '},
                },
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c_1", "content": "done"},
                {"type": "tool_result", "tool_use_id": "c2", "content": "(no result yet)"},
                {"type": "tool_result", "tool_use_id": "c3", "content": "(no result yet)"},
                {"type": "text", "text": "Well?"},
            ],
        },
    ]
    empty = {"type": "object", "properties": {}}
    assert sent["tools"] == [
        {"name": name, "description": "", "input_schema": empty} for name in ("nod", "wave")
    ]
    assert sent["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", {"type": "auto"}),
        ("required", {"type": "any"}),
        ("none", {"type": "none"}),
        ({"type": "function", "name": "wave"}, {"type": "tool", "name": "wave"}),
        ({"type": "function", "function": {"name": "wave"}}, {"type": "tool", "name": "wave"}),
    ],
)
def test_tools_and_the_choice_among_them_are_passed_on(choice: Any, sent: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"hand": {"type": "string"}}}
    wave = Tool(name="wave", description="Waves.", parameters=schema)
    body = _sent(instructions="", tools=(wave,), tool_choice=choice)
    assert body["tools"] == [{"name": "wave", "description": "Waves.", "input_schema": schema}]
    assert body["tool_choice"] == sent

    alone = _sent(instructions="", tools=(wave,), tool_choice=choice, parallel_tool_calls=False)
    one = {} if choice == "none" else {"disable_parallel_tool_use": True}
    assert alone["tool_choice"] == sent | one


def test_pictures_are_taken_apart_or_left_to_the_server_to_fetch() -> None:
    shown = Message(
        role="user",
        text="What is this?",
        images=(
            Image(url="data:image/JPG;base64,/9j/"),
            Image(url="https://pictures.example/cat.png"),
        ),
    )
    sources = [
        {"type": "base64", "media_type": "image/jpeg", "data": "/9j/"},
        {"type": "url", "url": "https://pictures.example/cat.png"},
    ]
    content = _sent(shown, instructions="")["messages"][0]["content"]
    assert content == [
        {"type": "text", "text": "What is this?"},
        *({"type": "image", "source": source} for source in sources),
    ]

    unseen = "[The user sent a picture, which you cannot see.]"
    blind = _sent(shown, instructions="", images=False)["messages"]
    assert blind == [_user("What is this?", unseen, unseen)]
