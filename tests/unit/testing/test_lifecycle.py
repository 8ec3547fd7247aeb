from __future__ import annotations

from typing import Any

import pytest

from rtav.testing.lifecycle import LifeCycle
from rtav.testing.oracle import problems

Event = dict[str, Any]


def _item(status: str, text: str = "") -> Event:
    part = {"type": "output_audio", "transcript": text}
    return {
        "id": "i2",
        "object": "realtime.item",
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": [part] if text else [],
    }


def _response(status: str, output: list[Event]) -> Event:
    return {
        "id": "r1",
        "object": "realtime.response",
        "status": status,
        "conversation_id": "conv_1",
        "output": output,
    }


PLACE = {"response_id": "r1", "item_id": "i2", "output_index": 0, "content_index": 0}
USER = {
    "id": "i1",
    "object": "realtime.item",
    "type": "message",
    "role": "user",
    "status": "completed",
    "content": [{"type": "input_text", "text": "Hi"}],
}
SESSION = {"id": "sess_1", "object": "realtime.session", "type": "realtime", "expires_at": 1}


def _turn() -> dict[str, Event]:
    """One answered question on WebRTC, each event under a short name."""
    transcript = "response.output_audio_transcript"
    events: dict[str, Event] = {
        "session": {"type": "session.created", "session": SESSION},
        "user added": {"type": "conversation.item.added", "item": USER, "previous_item_id": None},
        "user done": {"type": "conversation.item.done", "item": USER, "previous_item_id": None},
        "created": {"type": "response.created", "response": _response("in_progress", [])},
        "output added": {
            "type": "response.output_item.added",
            "response_id": "r1",
            "output_index": 0,
            "item": _item("in_progress"),
        },
        "item added": {
            "type": "conversation.item.added",
            "item": _item("in_progress"),
            "previous_item_id": "i1",
        },
        "part added": {
            "type": "response.content_part.added",
            **PLACE,
            "part": {"type": "audio", "transcript": ""},
        },
        "playing": {"type": "output_audio_buffer.started", "response_id": "r1"},
        "delta 1": {"type": f"{transcript}.delta", **PLACE, "delta": "Hello "},
        "delta 2": {"type": f"{transcript}.delta", **PLACE, "delta": "there."},
        "audio done": {"type": "response.output_audio.done", **PLACE},
        "text done": {"type": f"{transcript}.done", **PLACE, "transcript": "Hello there."},
        "part done": {
            "type": "response.content_part.done",
            **PLACE,
            "part": {"type": "audio", "transcript": "Hello there."},
        },
        "output done": {
            "type": "response.output_item.done",
            "response_id": "r1",
            "output_index": 0,
            "item": _item("completed", "Hello there."),
        },
        "item done": {
            "type": "conversation.item.done",
            "item": _item("completed", "Hello there."),
            "previous_item_id": "i1",
        },
        "done": {
            "type": "response.done",
            "response": _response("completed", [_item("completed", "Hello there.")]),
        },
        "stopped": {"type": "output_audio_buffer.stopped", "response_id": "r1"},
    }
    return {name: {"event_id": f"e_{name}", **event} for name, event in events.items()}


def _violations(events: list[Event]) -> list[str]:
    life = LifeCycle()
    for event in events:
        life.feed(event)
    return life.finish()


def _without(*names: str) -> list[Event]:
    return [event for name, event in _turn().items() if name not in names]


def _with(after: str, event: Event) -> list[Event]:
    events: list[Event] = []
    for name, original in _turn().items():
        events.append(original)
        if name == after:
            events.append({"event_id": "e_new", **event})
    return events


def _swapped(one: str, other: str) -> list[Event]:
    names = list(_turn())
    i, j = names.index(one), names.index(other)
    names[i], names[j] = names[j], names[i]
    return [_turn()[name] for name in names]


def test_a_turn_as_documented_is_flawless() -> None:
    events = list(_turn().values())
    assert [problems(event) for event in events] == [[]] * len(events)
    assert _violations(events) == []


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("done", "event 16: r1 has no response.done"),
        ("stopped", "event 16: the playing of r1 never stopped"),
        ("session", "event 1: session.created is the first event and only that"),
        (
            "item added",
            "event 6: conversation.item.added of i2 does not follow its output item",
        ),
        ("delta 2", "event 11: response.output_audio_transcript.done is not the sum of its deltas"),
        ("part done", "event 13: output_item.done before the contents of i2 are"),
        ("text done", "event 12: content_part.done before the done of its deltas"),
        ("output done", "event 15: response.done before output_item.done of i2"),
        ("part added", "event 12: content_part.done without its content_part.added"),
        ("user done", "event 16: i1 was added and is never done"),
        ("user added", "event 2: conversation.item.done of i1 without its added"),
        ("playing", "event 16: output_audio_buffer.stopped of r1, which is not playing"),
    ],
)
def test_what_is_missing_is_noticed(missing: str, expected: str) -> None:
    assert expected in _violations(_without(missing))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("delta 1", "delta 2", "is not the sum of its deltas"),
        ("delta 2", "text done", "after its done"),
        ("part done", "text done", "content_part.done before the done of its deltas"),
        ("output done", "item done", "before its output_item.done"),
        ("done", "output done", "after the response's done"),
        ("created", "playing", "output_audio_buffer.started of r1, out of place"),
        ("output added", "delta 1", "of i2, which was never added"),
    ],
)
def test_what_is_out_of_order_is_noticed(one: str, other: str, expected: str) -> None:
    assert any(expected in violation for violation in _violations(_swapped(one, other)))


@pytest.mark.parametrize(
    ("after", "again", "expected"),
    [
        ("done", "done", "response.done without its response.created"),
        ("created", "created", "r1 is created twice"),
        ("user done", "user added", "i1 is added twice"),
        ("text done", "text done", "twice"),
        ("output done", "output done", "i2 is done twice"),
        ("done", "delta 1", "after the response's done"),
        ("playing", "playing", "out of place"),
        ("user done", "session", "session.created is the first event and only that"),
    ],
)
def test_what_comes_twice_is_noticed(after: str, again: str, expected: str) -> None:
    repeated = _turn()[again] | {"event_id": "e_again"}
    assert any(expected in violation for violation in _violations(_with(after, repeated)))


def test_an_event_id_that_is_used_twice_is_noticed() -> None:
    error = {"type": "error", "error": {"type": "x", "message": "y"}, "event_id": "e_user done"}
    assert _violations(_with("user done", error)) == ["event 4: error has no event_id of its own"]


def test_an_event_with_another_item_s_index_is_noticed() -> None:
    kind = "response.output_audio_transcript.delta"
    stray = {"type": kind, **PLACE, "output_index": 1, "delta": ""}
    assert f"event 10: {kind} of i2 has another item's output_index" in _violations(
        _with("delta 1", stray)
    )


def test_two_responses_in_the_conversation_at_a_time_are_noticed() -> None:
    second = _response("in_progress", []) | {"id": "r2"}
    violations = _violations(_with("created", {"type": "response.created", "response": second}))
    assert "event 5: two responses in the conversation at a time" in violations


def test_a_response_outside_the_conversation_may_run_beside_it_and_adds_no_items() -> None:
    begun = _response("in_progress", []) | {"id": "r2", "conversation_id": None}
    ended = begun | {"status": "completed"}
    events = _with("created", {"type": "response.created", "response": begun})
    events.append({"type": "response.done", "response": ended, "event_id": "e_end"})
    assert _violations(events) == []


def test_speech_that_stops_without_having_started_is_noticed() -> None:
    stopped = {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": 9, "item_id": "i9"}
    assert _violations(_with("session", stopped)) == [
        "event 2: speech_stopped of what did not start"
    ]


def test_an_utterance_that_is_transcribed_twice_is_noticed() -> None:
    kind = "conversation.item.input_audio_transcription.completed"
    events = _with("done", {"type": kind, "item_id": "i1", "transcript": "Hi"})
    events.append({"type": kind, "item_id": "i1", "transcript": "Hi", "event_id": "e_z"})
    assert _violations(events) == ["event 19: i1 is transcribed twice"]


def test_feeding_returns_what_is_wrong_with_this_event_only() -> None:
    life = LifeCycle()
    assert life.feed(_turn()["done"]) != []
    assert life.feed(_turn()["user added"]) == []


def _apart(kind: str, **fields: Any) -> list[str]:
    """What is wrong where the item of a response out of band meets this event."""
    begun = _response("in_progress", []) | {"id": "r2", "conversation_id": None}
    item = _item("in_progress") | {"id": "i9"}
    added = {"response_id": "r2", "output_index": 0, "item": item}
    events = list(_turn().values())
    events += [
        {"type": "response.created", "response": begun, "event_id": "e_begun"},
        {"type": "response.output_item.added", **added, "event_id": "e_added"},
        {"type": kind, **fields, "event_id": "e_wrong"},
    ]
    return _violations(events)


def test_an_item_out_of_band_is_none_of_the_conversation() -> None:
    added = _apart("conversation.item.added", item=_item("in_progress") | {"id": "i9"})
    assert "event 20: i9 is out of band and no item of the conversation" in added
    for kind in ("deleted", "truncated"):
        violations = _apart(f"conversation.item.{kind}", item_id="i9")
        assert f"event 20: conversation.item.{kind} of i9, which is out of band" in violations


def test_a_response_does_not_join_the_conversation_at_its_end() -> None:
    begun = _response("in_progress", []) | {"id": "r2", "conversation_id": None}
    ended = _response("completed", []) | {"id": "r2"}
    events = _with("created", {"type": "response.created", "response": begun})
    events.append({"type": "response.done", "response": ended, "event_id": "e_end"})
    assert _violations(events) == [
        "event 19: a response is out of band from its beginning to its end, or never"
    ]
