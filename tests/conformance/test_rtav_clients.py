"""Clients as rtAV's own examples are: an url-encoded form, a data channel and nothing else."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from aiortc import RTCSessionDescription

from rtav.testing.caller import Caller, calling, until
from rtav.testing.messages import message

pytestmark = pytest.mark.real_time

SESSION = {"type": "realtime", "model": "gpt-5.2", "instructions": "x", "voice": "default"}
SMALL = 65_536
"""What older clients take in one message."""


async def opened(served: Any, caller: Caller, session: dict[str, Any]) -> str:
    """Call by the form of the example for Python, wait for the greeting; the session's id."""
    channel = caller.open_channel("realtime")
    offer = await caller.offer()
    offer = offer.replace("a=max-message-size:262144", f"a=max-message-size:{SMALL}")
    assert f"a=max-message-size:{SMALL}" in offer
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(
            f"{served.url}/v1/realtime/calls",
            data={"sdp": offer, "session": json.dumps(session)},
            headers={"Authorization": f"Bearer {served.key}"},
        )
    assert answer.status_code == 201
    assert answer.request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert [line for line in answer.text.splitlines() if line.startswith("m=")] == [
        line for line in answer.text.splitlines() if line.startswith("m=application")
    ]
    await caller.pc.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
    await until(lambda: channel.readyState == "open" and bool(caller.messages))
    return str(answer.headers["x-session-id"])


def events(caller: Caller) -> list[dict[str, Any]]:
    return [json.loads(text) for text in caller.messages]


def of(told: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in told if event["type"] == kind]


async def asked(served: Any, modalities: list[str] | None) -> tuple[str, list[dict[str, Any]]]:
    """What the examples do: configure, wait, and ask with a `response.create` behind the item."""
    session = SESSION if modalities is None else {**SESSION, "modalities": modalities}
    async with calling() as caller:
        session_id = await opened(served, caller, session)
        caller.channel.send(json.dumps({"type": "session.update", "session": session}))
        await until(lambda: bool(of(events(caller), "session.updated")))
        caller.channel.send(json.dumps(message("user", "Good morning.")))
        caller.channel.send('{"type": "response.create"}')
        await until(lambda: bool(of(events(caller), "response.done")))
        await asyncio.sleep(1)  # nothing may follow: neither an answer nor an update
        return session_id, events(caller)


def test_the_basic_example_prints_one_answer(served: Any, judge: Callable[..., list[str]]) -> None:
    session_id, told = asyncio.run(asked(served, None))

    assert judge(told) == []
    assert told[0]["type"] == "session.created"
    assert told[0]["session"]["id"] == session_id
    assert of(told, "error") == []
    assert len(of(told, "session.updated")) == 1
    assert len(of(told, "response.created")) == 1
    assert len(of(told, "response.done")) == 1
    text = "".join(event["delta"] for event in of(told, "response.output_text.delta"))
    transcript = of(told, "response.output_audio_transcript.delta")
    assert text == "You said: Good morning."
    assert "".join(event["delta"] for event in transcript) == text
    sound = [base64.b64decode(event["delta"]) for event in of(told, "response.output_audio.delta")]
    assert np.abs(np.frombuffer(b"".join(sound), "<i2")).max() > 3_000
    assert of(told, "response.output_image.delta") == []


def test_the_example_with_video_gets_its_pictures(
    served: Any, judge: Callable[..., list[str]]
) -> None:
    _, told = asyncio.run(asked(served, ["audio", "text", "image"]))

    assert judge(told) == []
    frames = of(told, "response.output_image.delta")
    assert len(frames) > 5
    [total] = of(told, "response.output_image.done")
    assert total["total_frames"] == len(frames)
    assert max(len(json.dumps(event).encode()) for event in told) <= SMALL
    kinds = [event["type"] for event in told]
    last = len(kinds) - 1 - kinds[::-1].index("response.output_image.delta")
    assert last < kinds.index("response.output_image.done") < kinds.index("response.done")
    picture = np.frombuffer(base64.b64decode(frames[0]["delta"]), np.uint8)
    assert cv2.imdecode(picture, cv2.IMREAD_COLOR).shape == (512, 512, 3)


@pytest.mark.parametrize(
    ("path", "name", "documented"),
    [
        ("faces", "faces", {"default", "face1", "face2"}),
        ("voices", "voices", {"default", "alice", "anthony"}),
        (
            "driving",
            "driving",
            {
                "idle",
                "default",
                "Wink",
                "AgreeYesTotaly",
                "SmileTeeth",
                "IdleListeningEncouraging",
            },
        ),
        ("models", "data", {"gpt-5.2", "gpt-realtime", "claude-sonnet-4-5", "none", "open-loop"}),
    ],
)
def test_the_lists_have_what_the_documents_of_rtav_name(
    served: Any, path: str, name: str, documented: set[str]
) -> None:
    listed = httpx.get(f"{served.url}/v1/{path}", trust_env=False).json()[name]

    assert {entry["id"] for entry in listed} >= documented
