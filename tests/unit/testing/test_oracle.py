from __future__ import annotations

from typing import Any

import pytest

from rtav.testing.oracle import problems, session_problems

STARTED = {
    "type": "input_audio_buffer.speech_started",
    "event_id": "e1",
    "audio_start_ms": 120,
    "item_id": "i1",
}
SESSION: dict[str, Any] = {
    "id": "sess_1",
    "object": "realtime.session",
    "type": "realtime",
    "expires_at": 1_800_000_000,
    "output_modalities": ["audio"],
}


def test_a_conforming_event_has_no_problems() -> None:
    assert problems(STARTED) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"audio_start_ms": "120"}, [".audio_start_ms: Input should be a valid integer"]),
        ({"audio_start_s": 0.12}, [".audio_start_s: unknown field"]),
        ({"type": "input_audio_buffer.began"}, ["unknown event type 'input_audio_buffer.began'"]),
        ({"event_id": ""}, ["input_audio_buffer.speech_started: no event_id"]),
    ],
)
def test_what_does_not_conform_is_named(change: dict[str, Any], expected: list[str]) -> None:
    assert problems({**STARTED, **change}) == expected


def test_a_missing_field_is_named() -> None:
    event = {name: value for name, value in STARTED.items() if name != "item_id"}
    assert problems(event) == [".item_id: Field required"]


def test_a_field_unknown_deep_inside_is_named_with_its_path() -> None:
    event = {
        "type": "conversation.item.done",
        "event_id": "e1",
        "previous_item_id": None,
        "item": {
            "id": "i1",
            "object": "realtime.item",
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_text", "text": "Hi", "loud": True}],
        },
    }
    assert problems(event) == [".item.content[0].loud: unknown field"]


def test_a_session_is_judged_as_a_whole_with_our_own_fields_in_it() -> None:
    event = {"type": "session.created", "event_id": "e1", "session": SESSION | {"face": "mia"}}
    assert problems(event) == []


def test_a_session_without_what_openai_always_sends_does_not_conform() -> None:
    bare = {name: value for name, value in SESSION.items() if name != "id"}
    event = {"type": "session.updated", "event_id": "e1", "session": bare}
    assert problems(event) == [".session.id: Field required"]


def test_a_field_of_the_session_that_nobody_documents_is_named() -> None:
    assert session_problems(SESSION | {"mouth": "open"}) == [".mouth: unknown field"]


def test_a_session_event_without_a_session_does_not_conform() -> None:
    assert problems({"type": "session.created", "event_id": "e1"}) == [".session: no object"]


def test_events_only_we_have_are_judged_by_our_own_list() -> None:
    picture = {
        "type": "response.output_image.delta",
        "event_id": "e1",
        "response_id": "r1",
        "item_id": "i1",
        "output_index": 0,
        "content_index": 0,
        "delta": "/9j/",
    }
    assert problems(picture) == []
    bare = {name: value for name, value in picture.items() if name != "delta"}
    assert problems(bare | {"jpeg": "/9j/"}) == [".delta: missing", ".jpeg: unknown field"]
