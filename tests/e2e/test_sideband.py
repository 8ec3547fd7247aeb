"""OpenAI's own client beside a call that runs by WebRTC."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from openai import AsyncOpenAI
from websockets.exceptions import ConnectionClosed, InvalidStatus

from rtav.testing.lifecycle import LifeCycle
from rtav.testing.messages import message
from rtav.testing.oracle import problems
from rtav.testing.running import RunningServer
from rtav.testing.voice_caller import VoiceCaller

pytestmark = pytest.mark.real_time

TALK = "This is a long story about a small robot that lived by the sea. " * 8


def client(server: RunningServer) -> AsyncOpenAI:
    base = server.url.replace("http", "ws", 1) + "/v1"
    return AsyncOpenAI(
        api_key=server.key, base_url=f"{server.url}/v1", websocket_base_url=base, max_retries=0
    )


@asynccontextmanager
async def calling(server: RunningServer) -> AsyncIterator[VoiceCaller]:
    caller = VoiceCaller(server.url, server.key)
    await caller.connect()
    try:
        await caller.until("session.created")
        yield caller
    finally:
        await caller.close()


async def until(connection: Any, kind: str) -> list[dict[str, Any]]:
    """The events up to the next of this type."""
    events = []
    async with asyncio.timeout(30):
        async for event in connection:
            events.append(event.to_dict())
            if event.type == kind:
                return events
    raise AssertionError(f"closed before {kind}")


async def until_closed(connection: Any) -> None:
    async with asyncio.timeout(10):
        while True:
            await connection.recv()


def test_it_configures_the_call_asks_and_is_told_everything(server: RunningServer) -> None:
    async def main() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        async with (
            calling(server) as caller,
            client(server).realtime.connect(call_id=caller.call_id) as beside,
        ):
            instructions = {"type": "realtime", "instructions": "Be brief."}
            await beside.session.update(session=instructions)
            content = [{"type": "input_text", "text": "Who are you?"}]
            item = {"type": "message", "role": "user", "content": content}
            await beside.conversation.item.create(item=item)
            await beside.response.create()
            events = await until(beside, "output_audio_buffer.stopped")
            await caller.until("output_audio_buffer.stopped")
            return events, [event for _, event in caller.events]

    beside, own = asyncio.run(main())

    assert beside[0]["type"] == "session.created"
    assert beside[1]["type"] == "session.updated"
    assert beside[1]["session"]["instructions"] == "Be brief."
    assert beside[1:] == own[1:], "the same events, with the same ids"
    assert [problem for event in beside for problem in problems(event)] == []
    life = LifeCycle()
    assert [fault for event in beside for fault in life.feed(event)] == []
    kinds = {event["type"] for event in beside}
    assert "response.output_audio_transcript.delta" in kinds
    assert "response.output_audio.delta" not in kinds, "the voice goes by RTP"


def test_its_mistakes_and_its_end_are_its_own(server: RunningServer) -> None:
    async def main() -> list[str]:
        async with calling(server) as caller:
            async with client(server).realtime.connect(
                extra_query={"call_id": caller.call_id}
            ) as beside:
                await beside.conversation.item.delete(item_id="item_none", event_id="mine")
                error = (await until(beside, "error"))[-1]["error"]
                assert error["event_id"] == "mine"
            caller.send(message("user", "Who are you?"))
            caller.send({"type": "response.create"})
            await caller.until("response.done")
            return [event["type"] for _, event in caller.events]

    assert "error" not in asyncio.run(main())


def test_it_is_closed_when_the_client_goes(server: RunningServer) -> None:
    async def main() -> tuple[list[dict[str, Any]], int, str]:
        async with calling(server) as caller:
            connection = await client(server).realtime.connect(call_id=caller.call_id).enter()
            caller.send(message("assistant", TALK))
            events = await until(connection, "output_audio_buffer.started")
            await caller.close()
            events += await until(connection, "response.done")
            with pytest.raises(ConnectionClosed) as caught:
                await until_closed(connection)
            assert caught.value.rcvd is not None
            return events, caught.value.rcvd.code, caught.value.rcvd.reason

    events, code, reason = asyncio.run(main())

    assert events[-1]["response"]["status"] == "cancelled"
    assert (code, reason) == (1000, "The call has ended.")


def test_a_call_that_is_none_is_404(server: RunningServer) -> None:
    async def main() -> None:
        async with client(server).realtime.connect(call_id="rtc_none"):
            pass

    with pytest.raises(InvalidStatus) as caught:
        asyncio.run(main())
    assert caught.value.response.status_code == 404
    assert b"call_id_not_found" in (caught.value.response.body or b"")
