"""Every conversation script on both transports, judged by OpenAI's own types and schemas."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rtav.core.common import Policy
from rtav.core.dialect import Dialect
from rtav.testing.player import WORD_MS, Player
from rtav.testing.script import play, signs_of

SCRIPTS = sorted((Path(__file__).parents[1] / "conversations" / "scripts").glob("*.jsonl"))

TRANSPORTS: dict[str, dict[str, Any]] = {
    "webrtc": {"transport": "webrtc", "client_plays": False, "sends_pictures": False},
    "websocket": {"transport": "websocket", "client_plays": True, "sends_pictures": True},
}

every_script = pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
both_transports = pytest.mark.parametrize("transport", TRANSPORTS)


def setup_of(path: Path) -> dict[str, Any]:
    setup: dict[str, Any] = json.loads(path.read_text().splitlines()[0]).get("setup", {})
    return setup


def concerns_one_transport(path: Path) -> bool:
    """A script whose policy names what a transport can do says nothing of the other."""
    return bool(TRANSPORTS["webrtc"].keys() & setup_of(path).get("policy", {}).keys())


def played(path: Path, transport: str) -> Player:
    """The script's inputs on that transport, whatever it expects: what a client sees of them
    differs in pace, and in who cuts a reply."""
    setup = setup_of(path)
    policy = {**setup.get("policy", {}), **TRANSPORTS[transport]}
    if "default_dialect" in policy:
        policy["default_dialect"] = Dialect(policy["default_dialect"])
    player = Player(policy=Policy(**policy), signs=signs_of(setup.get("signs", {})))
    play(["", *path.read_text().splitlines()[1:]], player)
    return player


@both_transports
@every_script
def test_every_event_is_one_that_openai_s_clients_know(
    path: Path, transport: str, judge: Callable[..., list[str]]
) -> None:
    assert judge(played(path, transport).events) == []


@both_transports
@every_script
def test_a_truncated_item_keeps_the_words_that_were_heard(path: Path, transport: str) -> None:
    player = played(path, transport)
    cuts = [event for event in player.events if event["type"] == "conversation.item.truncated"]
    for item_id, heard_ms in {cut["item_id"]: cut["audio_end_ms"] for cut in cuts}.items():
        player.client({"type": "conversation.item.retrieve", "item_id": item_id})
        item = player.last("conversation.item.retrieved").get("item", {})
        if item.get("id") != item_id:  # deleted since
            continue
        words = item["content"][0]["transcript"].split()
        assert len(words) == min(heard_ms // WORD_MS, said(player, item_id))


def said(player: Player, item_id: str) -> int:
    """How many words the deltas of an item have told."""
    deltas = [
        event["delta"]
        for event in player.events
        if event["type"] == "response.output_audio_transcript.delta" and event["item_id"] == item_id
    ]
    return len("".join(deltas).split())


@pytest.mark.parametrize(
    "path",
    [path for path in SCRIPTS if not concerns_one_transport(path)],
    ids=lambda path: path.stem,
)
def test_both_transports_hear_the_same_and_refuse_the_same(path: Path) -> None:
    hint = "where that is right, the script names the `transport` it concerns in its policy"
    assert outcome(played(path, "webrtc")) == outcome(played(path, "websocket")), hint


def outcome(player: Player) -> dict[str, Any]:
    """What does not depend on who plays the replies."""
    done = [event["item"] for event in player.events if event["type"] == "conversation.item.done"]
    return {
        "errors": [
            (event["error"]["code"], event["error"]["param"])
            for event in player.events
            if event["type"] == "error"
        ],
        "said to it": [item["content"] for item in done if item.get("role") in ("user", "system")],
        "calls": [item["arguments"] for item in done if item["type"] == "function_call"],
    }
