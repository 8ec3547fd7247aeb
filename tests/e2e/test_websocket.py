"""OpenAI's own client against the real command, by WebSocket."""

import asyncio
import base64
import json
import socket
import time
from typing import Any

import cv2
import numpy as np
import pytest
import soxr
from openai import AsyncOpenAI
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from rtav.media.pcm import MIC_RATE_HZ, SESSION_RATE_HZ
from rtav.testing.lifecycle import LifeCycle
from rtav.testing.oracle import problems
from rtav.testing.running import RunningServer, running_server
from rtav.testing.voices import say

pytestmark = pytest.mark.real_time


def client(server: RunningServer, *, key: str | None = None) -> AsyncOpenAI:
    base = server.url.replace("http", "ws", 1) + "/v1"
    return AsyncOpenAI(
        api_key=key or server.key, base_url=f"{server.url}/v1", websocket_base_url=base
    )


async def until(connection: Any, kind: str) -> list[dict[str, Any]]:
    """The events up to the next of this type."""
    events = []
    async with asyncio.timeout(30):
        async for event in connection:
            events.append(event.to_dict())
            if event.type == kind:
                break
    return events


def sound(events: list[dict[str, Any]]) -> np.ndarray:
    kind = "response.output_audio.delta"
    pieces = [base64.b64decode(event["delta"]) for event in events if event["type"] == kind]
    return np.frombuffer(b"".join(pieces), "<i2")


def test_a_typed_question_is_answered_aloud(server: RunningServer) -> None:
    async def main() -> list[dict[str, Any]]:
        async with client(server).realtime.connect(model="gpt-realtime") as connection:
            content = [{"type": "input_text", "text": "Who are you?"}]
            item = {"type": "message", "role": "user", "content": content}
            await connection.conversation.item.create(item=item)
            await connection.response.create()
            return await until(connection, "response.done")

    events = asyncio.run(main())

    life = LifeCycle()
    assert [fault for event in events for fault in life.feed(event)] == []
    assert [problem for event in events for problem in problems(event)] == []
    assert events[0]["type"] == "session.created"
    assert sound(events).size > 24_000
    assert np.abs(sound(events)).max() > 3_000


def test_a_pressed_button_is_heard_and_answered(server: RunningServer) -> None:
    speech = soxr.resample(say("what can you do"), MIC_RATE_HZ, SESSION_RATE_HZ)

    async def main() -> list[dict[str, Any]]:
        async with client(server).realtime.connect(model="gpt-realtime") as connection:
            audio = {"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}}
            await connection.session.update(session={"type": "realtime", "audio": audio})
            for start in range(0, speech.size, 4_800):
                piece = speech[start : start + 4_800].astype("<i2").tobytes()
                await connection.input_audio_buffer.append(audio=base64.b64encode(piece).decode())
            await connection.input_audio_buffer.commit()
            await connection.response.create()
            return await until(connection, "response.done")

    events = asyncio.run(main())

    kind = "conversation.item.input_audio_transcription.completed"
    transcript = next(event["transcript"] for event in events if event["type"] == kind)
    assert "what can you do" in transcript.lower()
    assert sound(events).size > 24_000
    assert not [event for event in events if event["type"] == "error"]


def test_a_wrong_key_is_401(server: RunningServer) -> None:
    async def main() -> None:
        async with client(server, key="wrong").realtime.connect(model="gpt-realtime"):
            pass

    with pytest.raises(InvalidStatus) as caught:
        asyncio.run(main())
    assert caught.value.response.status_code == 401


def test_a_client_that_leaves_is_released(server: RunningServer) -> None:
    async def main() -> None:
        async with client(server).realtime.connect(model="gpt-realtime") as connection:
            await until(connection, "session.created")

    before = server.log().count(" s: left")
    asyncio.run(main())
    deadline = time.monotonic() + 6  # noqa: TID251 - the real time is what is tested
    while server.log().count(" s: left") == before:
        assert time.monotonic() < deadline  # noqa: TID251 - as above
        time.sleep(0.05)


def test_a_client_whose_network_vanishes_is_released_in_time(server: RunningServer) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    before = server.log().count(" s: left")
    with socket.create_connection((host, int(port))) as silent:
        request = (
            f"GET /v1/realtime?model=x HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
            f"Authorization: Bearer {server.key}\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        silent.sendall(request.encode())
        silent.recv(1 << 16)
        began = time.monotonic()  # noqa: TID251 - the real time is what is tested
        while server.log().count(" s: left") == before:
            assert time.monotonic() - began < 6.5  # noqa: TID251 - as above
            time.sleep(0.05)
    assert time.monotonic() - began > 4.5  # noqa: TID251 - as above


def test_a_server_that_stops_says_so() -> None:
    async def main() -> int | None:
        with running_server() as server:
            async with client(server).realtime.connect(model="gpt-realtime") as connection:
                await until(connection, "session.created")
                server.process.terminate()
                with pytest.raises(ConnectionClosed) as caught:
                    async with asyncio.timeout(10):
                        await connection.recv()
        return caught.value.rcvd.code if caught.value.rcvd else None

    assert asyncio.run(main()) == 1001


def test_rtav_s_own_client_sees_the_face_in_pictures(server: RunningServer) -> None:
    async def main() -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        url = server.url.replace("http", "ws", 1) + "/v1/realtime?model=gpt-5.2"
        async with connect(url) as socket, asyncio.timeout(60):
            await socket.send(json.dumps({"type": "auth", "api_key": server.key}))
            content = [{"type": "input_text", "text": "Who are you?"}]
            item = {"type": "message", "role": "user", "content": content}
            await socket.send(json.dumps({"type": "conversation.item.create", "item": item}))
            await socket.send(json.dumps({"type": "response.create"}))
            while not events or events[-1]["type"] != "response.done":
                events.append(json.loads(await socket.recv()))
        return events

    events = asyncio.run(main())

    assert [problem for event in events for problem in problems(event)] == []
    frames = [event for event in events if event["type"] == "response.output_image.delta"]
    spoken_s = sound(events).size / SESSION_RATE_HZ
    assert len(frames) > spoken_s * 5
    total = next(event for event in events if event["type"] == "response.output_image.done")
    assert total["total_frames"] == len(frames)
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(frames[-1]["delta"]), np.uint8), 1)
    assert picture.shape == (512, 512, 3)
    texts = [event for event in events if event["type"] == "response.output_text.delta"]
    assert texts, "rtAV's clients read only these"
