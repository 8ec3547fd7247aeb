import json
from typing import Any

import pytest

from rtav.errors import ProtocolError
from rtav.protocol import client
from rtav.protocol.client import parse


def refusal(event: Any) -> ProtocolError:
    with pytest.raises(ProtocolError) as refused:
        parse(event if isinstance(event, str | bytes) else json.dumps(event))
    return refused.value


def user(*content: dict[str, Any]) -> dict[str, Any]:
    item = {"type": "message", "role": "user", "content": list(content)}
    return {"type": "conversation.item.create", "item": item}


def test_an_event_is_read_from_text_and_from_bytes() -> None:
    expected = client.ResponseCancel(type="response.cancel", event_id="e")
    message = '{"type": "response.cancel", "event_id": "e", "unheard_of": 5}'
    assert parse(message) == parse(message.encode()) == expected


@pytest.mark.parametrize("kind", sorted(client.EVENTS))
def test_an_event_says_its_type(kind: str) -> None:
    assert client.EVENTS[kind].model_fields["type"].annotation.__args__ == (kind,)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ("", "invalid_json", None),
        (b"\xff\xfe\xfa", "invalid_json", None),
        ('{"type": "auth", "event_id": "\\ud83d"}', "invalid_json", None),
        ('{"type": "auth", "x": NaN}', "invalid_json", None),
        ('{"type": "auth", "x": 1e999}', "invalid_json", None),
        ([], "invalid_event", None),
        ({}, "invalid_event", "type"),
        ({"type": "nope"}, "invalid_value", "type"),
        ({"type": ["auth"]}, "invalid_value", "type"),
        ({"type": "session.update"}, "missing_required_parameter", "session"),
        ({"type": "session.update", "session": []}, "invalid_type", "session"),
        ({"type": "auth", "event_id": 5}, "invalid_type", "event_id"),
        ({"type": "conversation.item.create"}, "missing_required_parameter", "item"),
        (
            {"type": "conversation.item.create", "item": {}},
            "missing_required_parameter",
            "item.type",
        ),
        (
            {"type": "conversation.item.create", "item": {"type": "message"}},
            "missing_required_parameter",
            "item.role",
        ),
        (user({"text": "a"}), "missing_required_parameter", "item.content[0].type"),
        (user({"type": "input_text"}), "missing_required_parameter", "item.content[0].text"),
        (user({"type": "input_text", "text": 5}), "invalid_type", "item.content[0].text"),
        (user({"type": "output_text", "text": "a"}), "invalid_value", "item.content[0].type"),
        (
            {
                "type": "conversation.item.truncate",
                "item_id": "a",
                "content_index": 0,
                "audio_end_ms": -1,
            },
            "invalid_value",
            "audio_end_ms",
        ),
        (
            {"type": "response.create", "response": {"metadata": {"a": 5}}},
            "invalid_type",
            "response.metadata.a",
        ),
        (
            {"type": "response.create", "response": {"metadata": ["a"]}},
            "invalid_type",
            "response.metadata",
        ),
        (
            {"type": "response.create", "response": {"tools": [{}]}},
            "missing_required_parameter",
            "response.tools[0].name",
        ),
        (
            {"type": "response.create", "response": {"max_output_tokens": 0}},
            "invalid_value",
            "response.max_output_tokens",
        ),
    ],
)
def test_a_refusal_names_the_field(event: Any, code: str, param: str | None) -> None:
    error = refusal(event)
    assert (error.code, error.param) == (code, param)


def test_a_refusal_carries_the_clients_event_id() -> None:
    assert refusal({"type": "nope", "event_id": "mine"}).event_id == "mine"
    assert refusal({"type": "nope", "event_id": 5}).event_id is None
    assert refusal({"type": "auth", "event_id": "e" * 600}).event_id == "e" * 512


def test_metadata_of_openais_size_is_taken() -> None:
    metadata = {f"{index:064}": "v" * 512 for index in range(16)}
    event = parse(json.dumps({"type": "response.create", "response": {"metadata": metadata}}))
    assert event.response.metadata == metadata  # type: ignore[attr-defined]
