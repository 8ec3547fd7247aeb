import json
from typing import Any

import pytest

from rtav.core.config import SessionConfig
from rtav.core.dialect import Dialect
from rtav.core.sight import Sight
from rtav.core.view import Seen, view
from rtav.protocol.server import FIELDS, ServerEvent, spell
from rtav.testing.oracle import MODELS, OWN_EVENTS
from rtav.testing.player import CATALOG

PLACE = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
ITEM = {
    "id": "item_1",
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_audio", "transcript": "Hi."}, {"type": "output_text", "text": ""}],
}


def beta(kind: str, **fields: Any) -> dict[str, Any] | None:
    message = spell(ServerEvent(kind, fields, "event_1"), "beta")
    return None if message is None else json.loads(message)


@pytest.mark.parametrize(
    ("kind", "older", "fields"),
    [
        ("response.output_text.delta", "response.text.delta", {"delta": "a"}),
        ("response.output_text.done", "response.text.done", {"text": "a"}),
        ("response.output_audio.done", "response.audio.done", {}),
        (
            "response.output_audio_transcript.delta",
            "response.audio_transcript.delta",
            {"delta": "a"},
        ),
        (
            "response.output_audio_transcript.done",
            "response.audio_transcript.done",
            {"transcript": "a"},
        ),
        ("response.content_part.added", "response.content_part.added", {"part": {"type": "audio"}}),
    ],
)
def test_the_beta_reads_its_own_names(kind: str, older: str, fields: dict[str, Any]) -> None:
    assert beta(kind, **PLACE, **fields) == {"type": older, "event_id": "event_1"} | PLACE | fields


def test_the_beta_reads_one_event_for_an_item_that_was_added() -> None:
    event = beta("conversation.item.added", item=ITEM, previous_item_id=None)
    assert event is not None
    assert event["type"] == "conversation.item.created"
    assert [part["type"] for part in event["item"]["content"]] == ["audio", "text"]
    assert beta("conversation.item.done", item=ITEM, previous_item_id=None) is None


def test_the_beta_reads_older_content_in_a_response_too() -> None:
    event = beta("response.done", response={"id": "resp_1", "output": [ITEM]})
    assert event is not None
    assert [part["type"] for part in event["response"]["output"][0]["content"]] == ["audio", "text"]


@pytest.mark.parametrize("kind", sorted(FIELDS))
def test_no_ga_name_reaches_the_beta(kind: str) -> None:
    fields = dict.fromkeys(FIELDS[kind], {"type": "output_text"})
    if "session" in fields:
        seen = Seen(transport="webrtc", expires_at=0, sight=Sight())
        fields["session"] = view(SessionConfig.initial("s", CATALOG), Dialect.BETA, seen)
    message = spell(ServerEvent(kind, fields, "event_1"), "beta") or ""
    for name in (
        "output_text",
        "output_audio.",
        "output_audio_transcript",
        "conversation.item.added",
    ):
        assert name not in message


def test_ga_is_sent_as_it_is() -> None:
    event = ServerEvent("conversation.item.added", {"item": ITEM, "previous_item_id": None}, "e")
    message = json.loads(spell(event, "ga") or "")
    assert message == {
        "type": "conversation.item.added",
        "event_id": "e",
        "item": ITEM,
        "previous_item_id": None,
    }


def test_every_event_is_one_of_openais_or_rtavs_and_has_its_fields() -> None:
    for kind, fields in FIELDS.items():
        if kind in OWN_EVENTS:
            needed, allowed = OWN_EVENTS[kind]
            assert needed <= fields <= needed | allowed
            continue
        assert fields | {"type", "event_id"} <= MODELS[kind].model_fields.keys()


def test_an_event_without_all_its_fields_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="session.created"):
        ServerEvent("session.created", {}, "e")
