"""OpenAI's clients for Node against the real command: only the address and the key are changed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from rtav.media.pcm import MIC_RATE_HZ, SESSION_RATE_HZ
from rtav.testing.voices import say, silence

pytestmark = pytest.mark.real_time

CLIENTS = Path(__file__).parent / "clients"


def ran(client: str, *arguments: object, trusted: Path | None = None) -> dict[str, Any]:
    """What a client says it has seen."""
    node = Path(sys.executable).with_name("node")
    more = {"NODE_EXTRA_CA_CERTS": str(trusted)} if trusted else {}
    done = subprocess.run(
        [node, CLIENTS / client, *map(str, arguments)],
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def transcripts(events: list[dict[str, Any]]) -> list[str]:
    kind = "response.output_audio_transcript.done"
    return [event["transcript"] for event in events if event["type"] == kind]


def test_the_agents_sdk_talks_by_websocket(
    served: Any, judge: Callable[..., list[str]], tmp_path: Path
) -> None:
    speech = np.concatenate([silence(0.5), say("what can you do"), silence(2.0)])
    pcm = tmp_path / "speech.pcm"
    pcm.write_bytes(soxr.resample(speech, MIC_RATE_HZ, SESSION_RATE_HZ).astype("<i2").tobytes())

    seen = ran("agents_websocket.mjs", served.url, served.key, pcm)

    assert judge(seen["events"]) == []
    assert seen["errors"] == []
    assert seen["cities"] == ["Oslo"]
    assert seen["interruptions"] >= 1
    assert seen["audioBytes"] > 48_000
    spoken = transcripts(seen["events"])
    assert spoken[:2] == ["You said: Good morning.", "It is sunny there."]
    [heard] = [
        part["transcript"]
        for item in seen["history"]
        if item["type"] == "message" and item["role"] == "user"
        for part in item["content"]
        if part["type"] == "input_audio"
    ]
    assert "what can you do" in heard.lower()


def test_openai_s_own_client_talks_by_websocket(
    served: Any, judge: Callable[..., list[str]]
) -> None:
    seen = ran("openai_websocket.mjs", served.https_url, served.key, trusted=served.certificate)

    assert judge(seen["events"]) == []
    assert seen["errors"] == []
    written = [e["text"] for e in seen["events"] if e["type"] == "response.output_text.done"]
    assert written == ["You said: Good morning."]
    assert len(transcripts(seen["events"])) == 1


def test_the_agents_sdk_has_a_hosted_tool_called(
    served: Any, judge: Callable[..., list[str]], tool_server: Any
) -> None:
    seen = ran("agents_mcp.mjs", served.url, served.key, tool_server.url)

    assert judge(seen["events"]) == []
    assert seen["errors"] == []
    assert seen["tools"] == ["get_weather"]
    assert seen["approvals"] == ["get_weather"]
    assert seen["outputs"] == ["rainy in Oslo"]
    assert seen["said"] == ["It is rainy in Oslo there."]
    assert set(tool_server.heard) == {"Bearer hush"}
    assert "hush" not in str(seen["events"])
    assert "hush" not in served.running.log()
