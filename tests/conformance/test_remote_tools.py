"""Remote tools, from OpenAI's client for Python through the real command to a real server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

pytestmark = pytest.mark.real_time


@asynccontextmanager
async def connected(served: Any, key: str) -> AsyncIterator[AsyncRealtimeConnection]:
    base = f"{served.url}/v1"
    websocket = base.replace("http", "ws", 1)
    async with (
        AsyncOpenAI(api_key=key, base_url=base, websocket_base_url=websocket) as api,
        api.realtime.connect(model="gpt-realtime") as connection,
    ):
        yield connection


async def told(connection: AsyncRealtimeConnection, last: str) -> list[dict[str, Any]]:
    """Everything up to the next event of a type."""
    events: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        while not events or events[-1]["type"] != last:
            events.append((await connection.recv()).to_dict())
    return events


def test_a_secret_brings_its_server_and_hides_its_key(
    served: Any, judge: Callable[..., list[str]], tool_server: Any
) -> None:
    session: Any = {
        "type": "realtime",
        "output_modalities": ["text"],
        "tools": [
            {
                "type": "mcp",
                "server_label": "weather",
                "server_url": tool_server.url + "?token=hush",
                "authorization": "hush",
                "require_approval": "never",
            }
        ],
    }
    question: Any = {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "How is the weather?"}],
    }

    async def main() -> tuple[str, list[dict[str, Any]]]:
        async with AsyncOpenAI(api_key=served.key, base_url=f"{served.url}/v1") as api:
            secret = await api.realtime.client_secrets.create(session=session)
        async with connected(served, secret.value) as connection:
            events = await told(connection, "conversation.item.done")
            await connection.conversation.item.create(item=question)
            events += await told(connection, "conversation.item.done")
            await connection.response.create()
            events += await told(connection, "response.mcp_call.completed")
            events += await told(connection, "conversation.item.done")
            await connection.response.create(response={"tool_choice": "none"})
            events += await told(connection, "response.done")
        return str(secret.to_dict()), events

    shown, events = asyncio.run(main())

    assert judge(events) == []
    assert "hush" not in shown + str(events) + served.running.log()
    assert events[0]["session"]["tools"] == [
        {
            "type": "mcp",
            "server_label": "weather",
            "server_url": tool_server.url,
            "require_approval": "never",
        }
    ]
    [item] = events[-1]["response"]["output"]
    assert item["content"][0]["text"] == "It is rainy in Oslo there."


def test_a_private_server_that_nobody_named_is_refused(served: Any) -> None:
    async def main() -> dict[str, Any]:
        async with connected(served, served.key) as connection:
            tool: Any = {
                "type": "mcp",
                "server_label": "metadata",
                "server_url": "http://169.254.169.254/latest",
            }
            await connection.session.update(session={"type": "realtime", "tools": [tool]})
            return (await told(connection, "error"))[-1]["error"]

    error = asyncio.run(main())

    assert error["param"] == "session.tools[0].server_url"
    assert "mcp.allowed_hosts" in error["message"]
