"""The second oracle, and a server with a model that calls tools for the clients to talk to.

The oracle is OpenAI's agents SDK for JavaScript, in one Node process for the whole run.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer

from rtav import clock
from rtav.server.certificates import own_names, self_signed
from rtav.testing.lifecycle import LifeCycle
from rtav.testing.model_server import ModelServer, Step, chunk_of
from rtav.testing.oracle import OWN_EVENTS, problems
from rtav.testing.running import RunningServer, running_server
from rtav.testing.tools import serving

HERE = Path(__file__).parent
NODE = Path(sys.executable).with_name("node")
"""Comes with the tools by pip; its packages are installed by `python3 dev.py setup`."""

UNKNOWN_TO_THE_SDK = frozenset(
    {
        *OWN_EVENTS,
        # in OpenAI's documentation and its Python types; agents-js takes them unread
        "input_audio_buffer.timeout_triggered",
        "response.mcp_call.failed",
        "conversation.item.input_audio_transcription.segment",
    }
)

Judge = Callable[[Sequence[dict[str, Any]]], list[str]]


class AgentsJs:
    """Answers, line by line, what the SDK dislikes about a conversation."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [NODE, "agents_oracle.mjs"],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def misfits(self, events: Sequence[dict[str, Any]]) -> list[str]:
        """Each as "type: problem"; `UNKNOWN_TO_THE_SDK` and pictures from the user are left out."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(list(events)) + "\n")
        self._process.stdin.flush()
        found = json.loads(self._process.stdout.readline())
        return [
            f"{entry['type']}: {entry['problem']}"
            for entry in found
            if entry["type"] not in UNKNOWN_TO_THE_SDK and not _has_picture(events[entry["index"]])
        ]

    def close(self) -> None:
        self._process.communicate()


def _has_picture(event: dict[str, Any]) -> bool:
    """The SDK sends `input_image` and has no schema for its return."""
    content = event.get("item", {}).get("content") or []
    return any(part["type"] == "input_image" for part in content)


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    assert (HERE / "node_modules").is_dir(), "`python3 dev.py setup` installs the clients"


@pytest.fixture(scope="session")
def agents_js() -> Iterator[AgentsJs]:
    node = AgentsJs()
    yield node
    node.close()


@pytest.fixture
def judge(agents_js: AgentsJs) -> Judge:
    """Everything that is wrong with the events of one connection: by OpenAI's Python types, by its
    JavaScript schemas, and in their order. A conversation may be open still."""

    def judge(events: Sequence[dict[str, Any]]) -> list[str]:
        life = LifeCycle()
        wrong = [problem for event in events for problem in problems(event)]
        wrong += [violation for event in events for violation in life.feed(event)]
        return wrong + _unasked(events) + agents_js.misfits(events)

    return judge


def _unasked(events: Sequence[dict[str, Any]]) -> list[str]:
    """rtAV's own events where nobody asked for them: strict clients take them for errors."""
    session: dict[str, Any] = {}
    wrong = []
    for event in events:
        session = event.get("session", session)
        if event["type"] in OWN_EVENTS and not _asks_for(session, event["type"]):
            wrong.append(f"{event['type']} that nobody asked for")
    return wrong


def _asks_for(session: dict[str, Any], kind: str) -> bool:
    if kind in (session.get("include") or ()):
        return True
    return session.get("dialect") == "rtav" or "image" in session.get("modalities", ())


def model(request: Mapping[str, Any]) -> list[Step]:
    """Asks its tool for the weather, counts when asked to, and repeats everything else."""
    last = request["messages"][-1]
    if last["role"] == "tool":
        return [f"It is {last['content']} there."]
    text = str(last["content"])
    if "weather" in text and request.get("tools"):
        function = {"name": "get_weather", "arguments": '{"city": "Oslo"}'}
        call = {"index": 0, "id": "call_1", "type": "function", "function": function}
        return [chunk_of({"tool_calls": [call]}), chunk_of({}, finish="tool_calls")]
    if "count" in text:
        return ["One, two, three, four, five, six, seven, eight, nine, ten. " * 5]
    return [f"You said: {text}"]


@pytest.fixture(scope="session")
def model_url() -> Iterator[str]:
    """The address of a model server, in a thread of its own."""
    loop, models = asyncio.new_event_loop(), ModelServer(model)
    thread = threading.Thread(target=loop.run_forever, name="model server")
    thread.start()
    asyncio.run_coroutine_threadsafe(models.__aenter__(), loop).result()
    yield models.base_url
    asyncio.run_coroutine_threadsafe(models.__aexit__(None, None, None), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@dataclass(frozen=True)
class ToolServer:
    url: str
    heard: list[str]
    """The `authorization` of every request."""


@pytest.fixture
def tool_server() -> Iterator[ToolServer]:
    """A server that knows the weather, as the Model Context Protocol has it."""
    server, heard = MCPServer("weather", log_level="CRITICAL"), []

    @server.tool(description="The weather in a city.")
    async def get_weather(city: str) -> str:
        return f"rainy in {city}"

    inner = server.streamable_http_app()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            heard.append(dict(scope["headers"]).get(b"authorization", b"").decode())
        await inner(scope, receive, send)

    with serving(app) as url:
        yield ToolServer(f"{url}/mcp", heard)


@dataclass(frozen=True)
class Served:
    """A server by http and by https."""

    running: RunningServer
    https_url: str
    certificate: Path

    @property
    def url(self) -> str:
        return self.running.url

    @property
    def key(self) -> str:
        return self.running.key


@pytest.fixture(scope="session")
def served(model_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    tls = self_signed(tmp_path_factory.mktemp("tls"), own_names(), now=clock.wall())
    environment = {
        "RTAV_LLM_BASE_URL": model_url,
        "RTAV_LLM_MODEL": "stub",
        "RTAV_LLM_API_KEY": "unchecked",
        "RTAV_MCP_ALLOWED_HOSTS": "127.0.0.1",
        "RTAV_SERVER_HTTPS": "on",
        "RTAV_SERVER_HTTPS_PORT": "0",
        "RTAV_SERVER_TLS_CERT": str(tls.cert),
        "RTAV_SERVER_TLS_KEY": str(tls.key),
    }
    with running_server(environment=environment) as running:
        yield Served(running=running, https_url=https_url(running), certificate=tls.cert)


def https_url(running: RunningServer) -> str:
    """It is printed behind the address by http, which is when a server counts as running."""
    for _ in range(500):
        if found := re.search(r"ready: (https://[^/\s]+)/", running.log()):
            return found[1]
        time.sleep(0.01)
    raise AssertionError(running.log())
