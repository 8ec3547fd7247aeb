"""What a client brings beside its words: pictures and recordings, to a model that sees."""

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import cv2
import numpy as np
import pytest
import soxr
from websockets.asyncio.client import ClientConnection, connect

from rtav.media.pcm import MIC_RATE_HZ, SESSION_RATE_HZ
from rtav.testing.lifecycle import LifeCycle
from rtav.testing.model_server import ModelServer
from rtav.testing.oracle import problems
from rtav.testing.running import running_server
from rtav.testing.voices import say

pytestmark = pytest.mark.real_time

Event = dict[str, Any]


class Client:
    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.events: list[Event] = []

    async def send(self, **event: Any) -> None:
        await self._socket.send(json.dumps(event))

    async def create(self, *content: Event) -> None:
        item = {"type": "message", "role": "user", "content": list(content)}
        await self.send(type="conversation.item.create", item=item)

    async def until(self, kind: str, limit_s: float = 30.0) -> Event:
        async with asyncio.timeout(limit_s):
            async for message in self._socket:
                self.events.append(json.loads(message))
                if self.events[-1]["type"] == kind:
                    return self.events[-1]
        raise AssertionError("the server closed")


@contextlib.asynccontextmanager
async def client(*scripts: Any) -> AsyncIterator[tuple[Client, ModelServer]]:
    """A client of the real command, whose model is a stand-in."""
    async with ModelServer(*scripts) as models:
        environment = {"RTAV_LLM_BASE_URL": models.base_url, "RTAV_LLM_MODEL": "stub"}
        server_of = running_server(environment=environment)
        server = await asyncio.to_thread(server_of.__enter__)
        try:
            url = server.url.replace("http", "ws", 1) + "/v1/realtime?model=stub&dialect=openai"
            key = {"Authorization": f"Bearer {server.key}"}
            async with connect(url, additional_headers=key, max_size=None) as socket:
                one = Client(socket)
                await one.until("session.created")
                yield one, models
            life = LifeCycle()
            for event in one.events:
                life.feed(event)
            assert life.violations == []
            assert [fault for event in one.events for fault in problems(event)] == []
        finally:
            await asyncio.to_thread(server_of.__exit__, None, None, None)


def png(width: int, height: int) -> str:
    noise = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
    _, data = cv2.imencode(".png", noise)
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def test_a_model_that_sees_is_shown_pictures_small_large_and_by_url() -> None:
    small, large = png(2, 2), png(1500, 1500)

    async def main() -> tuple[Client, Event]:
        async with client(["A cat."]) as (caller, models):
            await caller.create(
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": small, "detail": "low"},
                {"type": "input_image", "image_url": "https://example.org/cat.webp"},
                {"type": "input_image", "image_url": large, "detail": "high"},
            )
            await caller.send(type="response.create", response={"output_modalities": ["text"]})
            await caller.until("response.done")
            return caller, models.requests[0]

    caller, asked = asyncio.run(main())

    assert len(large) > 6_000_000  # more than may wait for a client that does not read
    assert asked["messages"][-1]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": small, "detail": "low"}},
        {
            "type": "image_url",
            "image_url": {"url": "https://example.org/cat.webp", "detail": "auto"},
        },
        {"type": "image_url", "image_url": {"url": large, "detail": "high"}},
    ]
    added = next(event for event in caller.events if event["type"] == "conversation.item.added")
    assert added["item"]["content"][1]["image_url"] == small
    assert "image_url" not in added["item"]["content"][3]
    assert caller.events[-1]["response"]["output"][0]["content"][0]["text"] == "A cat."


def test_a_recording_is_read_and_a_silence_after_the_answer_is_answered() -> None:
    spoken = soxr.resample(say("What time is it?"), MIC_RATE_HZ, SESSION_RATE_HZ)
    audio = base64.b64encode(spoken.astype("<i2").tobytes()).decode()

    async def main() -> tuple[float, float, list[str]]:
        async with client(["Late."], ["Are you there?"]) as (caller, models):
            heard = {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}
            await caller.send(
                type="session.update", session={"type": "realtime", "audio": {"input": heard}}
            )
            await caller.until("session.updated")
            await caller.create({"type": "input_audio", "audio": audio})
            await caller.send(type="response.create")
            await caller.until("response.done")
            done = time.monotonic()  # noqa: TID251 - the real time is what is tested
            await caller.until("input_audio_buffer.timeout_triggered")
            waited = time.monotonic() - done  # noqa: TID251 - as above
            await caller.until("response.done")
            words = [m["content"] for m in models.requests[-1]["messages"] if m["role"] != "system"]
            kind = "response.output_audio.delta"
            pieces = [event["delta"] for event in caller.events if event["type"] == kind]
            return waited, sum(map(len, pieces)) * 3 / 4 / 48_000, words

    waited, spoken_s, words = asyncio.run(main())

    assert words[0].lower().split()[:2] == ["what", "time"]
    assert words[1:] == ["Late.", "(silence)"]
    assert 5.0 <= waited <= 5.0 + spoken_s + 0.5
