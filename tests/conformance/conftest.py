"""The second oracle: OpenAI's agents SDK for JavaScript, in one Node process for the whole run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from rtav.testing.lifecycle import LifeCycle
from rtav.testing.oracle import OWN_EVENTS, problems

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
        asked = session.get("dialect") == "rtav" or "image" in session.get("modalities", ())
        if event["type"] in OWN_EVENTS and not asked:
            wrong.append(f"{event['type']} that nobody asked for")
    return wrong
