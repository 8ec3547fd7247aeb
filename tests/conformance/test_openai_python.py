"""OpenAI's client for Python against the real command: secrets, calls by WebRTC, and their end."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiortc import RTCSessionDescription
from openai import AsyncOpenAI, BadRequestError, NotFoundError

from rtav.testing.caller import Caller, calling, until
from rtav.testing.messages import message

pytestmark = pytest.mark.real_time

SESSION: Any = {"type": "realtime", "model": "gpt-realtime", "instructions": "Be brief."}


@asynccontextmanager
async def client(served: Any, key: str | None = None) -> AsyncIterator[AsyncOpenAI]:
    base = f"{served.url}/v1"
    async with AsyncOpenAI(
        api_key=key or served.key, base_url=base, websocket_base_url=base.replace("http", "ws", 1)
    ) as made:
        yield made


async def opened(api: AsyncOpenAI, caller: Caller, **session: Any) -> str:
    """Call with a microphone and a channel; returns the call's id once events can be sent."""
    caller.speak()
    channel = caller.open_channel()
    answer = await api.realtime.calls.with_raw_response.create(sdp=await caller.offer(), **session)
    assert answer.http_response.status_code == 201
    location = answer.headers["location"]
    await caller.pc.setRemoteDescription(RTCSessionDescription(answer.parse().text, "answer"))
    await until(lambda: channel.readyState == "open" and bool(caller.messages))
    return str(location.rpartition("/")[2])


def events(caller: Caller) -> list[dict[str, Any]]:
    return [json.loads(text) for text in caller.messages]


def has(caller: Caller, kind: str) -> bool:
    return any(event["type"] == kind for event in events(caller))


@pytest.mark.parametrize("session", [{"session": SESSION}, {}], ids=["session", "bare sdp"])
def test_a_call_is_opened_and_talks_and_is_hung_up(
    served: Any, judge: Callable[..., list[str]], session: dict[str, Any]
) -> None:
    async def main() -> tuple[list[dict[str, Any]], NotFoundError]:
        async with client(served) as api, calling() as caller:
            call_id = await opened(api, caller, **session)
            caller.channel.send(json.dumps(message("user", "Good morning.")))
            caller.channel.send('{"type": "response.create"}')
            await until(lambda: has(caller, "output_audio_buffer.stopped"))
            await api.realtime.calls.hangup(call_id)
            await until(lambda: caller.channel.readyState == "closed")
            with pytest.raises(NotFoundError) as again:
                await api.realtime.calls.hangup(call_id)
            return events(caller), again.value

    told, again = asyncio.run(main())

    assert judge(told) == []
    [transcript] = [
        event["transcript"]
        for event in told
        if event["type"] == "response.output_audio_transcript.done"
    ]
    assert transcript == "You said: Good morning."
    assert "response.output_audio.delta" not in {event["type"] for event in told}, "it goes by RTP"
    assert again.code == "call_id_not_found"


def test_a_secret_made_by_the_client_opens_a_call_with_its_session(
    served: Any, judge: Callable[..., list[str]]
) -> None:
    async def main() -> list[dict[str, Any]]:
        async with client(served) as api:
            made = await api.realtime.client_secrets.create(
                session={**SESSION, "output_modalities": ["text"]},
                expires_after={"anchor": "created_at", "seconds": 60},
            )
        assert made.value.startswith("ek_")
        assert made.session.type == "realtime"
        async with client(served, key=made.value) as api, calling() as caller:
            await opened(api, caller)
            caller.channel.send(json.dumps(message("user", "Good morning.")))
            caller.channel.send('{"type": "response.create"}')
            await until(lambda: has(caller, "response.done"))
            return events(caller)

    told = asyncio.run(main())

    assert judge(told) == []
    assert told[0]["session"]["output_modalities"] == ["text"]
    written = [e["text"] for e in told if e["type"] == "response.output_text.done"]
    assert written == ["You said: Good morning."]


def test_the_client_joins_a_call_from_beside(served: Any, judge: Callable[..., list[str]]) -> None:
    async def main() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        beside: list[dict[str, Any]] = []
        async with client(served) as api, calling() as caller:
            call_id = await opened(api, caller)
            async with api.realtime.connect(call_id=call_id) as connection, asyncio.timeout(20):
                await connection.response.create(response={"instructions": "Greet."})
                async for event in connection:
                    beside.append(event.to_dict())
                    if event.type == "response.done":
                        break
            await until(lambda: has(caller, "response.done"))
            return events(caller), beside

    told, beside = asyncio.run(main())

    assert judge(told) == []
    assert judge(beside) == []
    ids = [event["response"]["id"] for event in beside if event["type"] == "response.done"]
    assert ids == [e["response"]["id"] for e in told if e["type"] == "response.done"]


def test_errors_reach_the_client_as_its_own_exceptions(served: Any) -> None:
    async def main() -> BadRequestError:
        async with client(served) as api:
            with pytest.raises(BadRequestError) as refused:
                await api.realtime.calls.create(sdp="nonsense")
            return refused.value

    refused = asyncio.run(main())

    assert (refused.code, refused.param) == ("invalid_sdp", "sdp")
