"""Responses beside the conversation, against the real command with a model server of our own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from openai import AsyncOpenAI

from rtav.testing.lifecycle import LifeCycle
from rtav.testing.model_server import BREAK, FOR_EVER, ModelServer, Step, chunk_of
from rtav.testing.oracle import problems
from rtav.testing.running import RunningServer, running_server
from rtav.testing.voice_caller import VoiceCaller

pytestmark = pytest.mark.real_time

USAGE = {
    "prompt_tokens": 40,
    "completion_tokens": 2,
    "total_tokens": 42,
    "prompt_tokens_details": {"cached_tokens": 16},
}


def model(request: Mapping[str, Any]) -> Sequence[Step]:
    """Answers as its instructions say."""
    match request["messages"][0]["content"]:
        case "classify":
            counted = {**chunk_of({}, usage=USAGE), "choices": []}
            return ["com", "plaint", chunk_of({}, finish="stop"), counted]
        case "short":
            return ["It", " is", chunk_of({}, finish="length")]
        case "hang":
            return ["Well", FOR_EVER]
        case "break":
            return ["Well, I", BREAK]
        case "announce":
            return ["Your taxi is here."]
        case _:
            return ["The sky over the sea is a deep blue today."]


def faults(events: list[dict[str, Any]]) -> list[str]:
    life = LifeCycle()
    found = [problem for event in events for problem in problems(event)]
    for event in events:
        life.feed(event)
    return found + life.finish()


def done(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """How the responses ended, by the name in their metadata."""
    ended = [event["response"] for event in events if event["type"] == "response.done"]
    return {(response["metadata"] or {}).get("name", "spoken"): response for response in ended}


def serve(models: ModelServer, **more: str) -> Any:
    environment = {"RTAV_LLM_BASE_URL": models.base_url, "RTAV_LLM_MODEL": "stub", **more}
    return running_server(environment=environment)


def apart(instructions: str, **more: Any) -> dict[str, Any]:
    return {
        "conversation": "none",
        "instructions": instructions,
        "metadata": {"name": instructions},
        "output_modalities": ["text"],
        **more,
    }


def client(server: RunningServer) -> AsyncOpenAI:
    base = server.url.replace("http", "ws", 1) + "/v1"
    return AsyncOpenAI(api_key=server.key, base_url=f"{server.url}/v1", websocket_base_url=base)


def test_openai_s_client_asks_beside_the_conversation() -> None:
    events: list[dict[str, Any]] = []

    async def converse(server: RunningServer) -> None:
        async with client(server).realtime.connect(model="gpt-realtime") as connection:
            content = [{"type": "input_text", "text": "I want my money back."}]
            item = {"type": "message", "role": "user", "content": content}
            await connection.conversation.item.create(item=item)
            await connection.response.create()
            for name in ("classify", "hang", "break"):
                await connection.response.create(response=apart(name))
            await connection.response.create(response=apart("short", max_output_tokens=2))
            async with asyncio.timeout(30):
                async for event in connection:
                    events.append(event.to_dict())
                    match events[-1]:
                        case {"type": "response.output_text.delta", "delta": "Well"} as told:
                            await connection.response.cancel(response_id=told["response_id"])
                        case {"type": "response.done"} if len(done(events)) == 5:
                            return

    async def main() -> list[dict[str, Any]]:
        async with ModelServer(model) as models:
            with serve(models) as server:
                await converse(server)
            return models.requests

    requests = asyncio.run(main())

    assert faults(events) == []
    ends = done(events)
    assert {name: response["status"] for name, response in ends.items()} == {
        "spoken": "completed",
        "classify": "completed",
        "hang": "cancelled",
        "break": "failed",
        "short": "incomplete",
    }
    assert ends["classify"]["conversation_id"] is None
    assert ends["classify"]["output"][0]["content"] == [
        {"type": "output_text", "text": "complaint"}
    ]
    assert ends["classify"]["usage"]["total_tokens"] == 42
    assert ends["classify"]["usage"]["input_token_details"]["cached_tokens_details"] == {
        "text_tokens": 16,
        "audio_tokens": 0,
        "image_tokens": 0,
    }
    assert ends["short"]["status_details"]["reason"] == "max_output_tokens"
    assert ends["break"]["status_details"]["error"]["code"] == "engine_failed"
    added = [e["item"]["role"] for e in events if e["type"] == "conversation.item.added"]
    assert added == ["user", "assistant"]
    assert all(request["messages"][1:] == requests[0]["messages"][1:] for request in requests)


def test_an_announcement_is_heard_behind_what_is_said() -> None:
    async def main() -> VoiceCaller:
        async with ModelServer(model) as models:
            with serve(models) as server:
                caller = VoiceCaller(url=server.url, key=server.key)
                await caller.connect()
                await caller.until("session.created")
                caller.send({"type": "response.create"})
                await caller.until("output_audio_buffer.started")
                announcement = apart("announce", output_modalities=["audio"], input=[])
                caller.send({"type": "response.create", "response": announcement})
                caller.send({"type": "response.create", "response": apart("classify")})
                stopped = await caller.until("output_audio_buffer.stopped")
                at = next(at for at, event in caller.events if event is stopped)
                await caller.until("output_audio_buffer.stopped", after=at)
                await caller.close()
                return caller

    caller = asyncio.run(main())

    events = [event for _, event in caller.events]
    assert faults(events) == []
    assert list(done(events)) == ["classify", "spoken", "announce"]
    heard = [e["type"].rpartition(".")[2] for e in events if e["type"].startswith("output_audio_")]
    assert heard == ["started", "stopped", "started", "stopped"]
    began = [at for at, e in caller.events if e["type"] == "output_audio_buffer.started"]
    ended = [at for at, e in caller.events if e["type"] == "output_audio_buffer.stopped"]
    loud = [at for at, level in caller.heard if level > 0.006]
    assert sum(began[1] < at < ended[1] + 0.2 for at in loud) >= 20  # 0.4 s of a voice


def test_a_long_conversation_is_asked_within_the_context() -> None:
    async def converse(server: RunningServer) -> None:
        async with client(server).realtime.connect(model="gpt-realtime") as connection:
            session = {"type": "realtime", "output_modalities": ["text"], "instructions": ""}
            await connection.session.update(session=session)
            for number in range(12):
                content = [{"type": "input_text", "text": f"{number} " + "word " * 200}]
                item = {"type": "message", "role": "user", "content": content}
                await connection.conversation.item.create(item=item)
                await connection.response.create()
                async with asyncio.timeout(10):
                    async for event in connection:
                        if event.type == "response.done":
                            assert event.response.status == "completed"
                            break

    async def main() -> list[dict[str, Any]]:
        async with ModelServer(model) as models:
            with serve(models, RTAV_LLM_CONTEXT_TOKENS="1000") as server:
                await converse(server)
            return models.requests

    requests = asyncio.run(main())

    assert [len(request["messages"]) for request in requests] == [1, 3, 5] + [5] * 9
    assert requests[-1]["messages"][-1]["content"].startswith("11 ")
    assert requests[-1]["messages"][0]["content"].startswith("9 ")
