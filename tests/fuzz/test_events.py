import json

from hypothesis import given, settings
from hypothesis import strategies as st

from rtav.errors import ProtocolError
from rtav.protocol.client import EVENTS, ClientEvent, parse
from rtav.protocol.items import FunctionCall
from rtav.protocol.session import SessionPatch, parse_session

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=8),
    st.just("\ud800"),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = sorted(
    {
        name
        for model in (*EVENTS.values(), SessionPatch, FunctionCall)
        for name in model.model_fields
    }
    | {"input", "output", "role", "content", "text", "metadata", "response", "image_url"}
)
WORDS = st.sampled_from(
    [*EVENTS, "message", "user", "system", "assistant", "input_text", "input_audio", "output_text"]
)
LIKELY = st.recursive(
    st.one_of(WORDS, SCALARS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    ),
    max_leaves=15,
)


def outcome(message: str | bytes) -> ClientEvent | str:
    try:
        return parse(message)
    except ProtocolError as error:
        refusal = error
    refusal.message.encode()
    return refusal.code or "no code"


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=64), st.text(max_size=64)))
def test_any_message_is_an_event_or_a_protocol_error(message: str | bytes) -> None:
    """Whatever bytes come, `parse` returns an event or raises ProtocolError with a code."""
    assert outcome(message) != "no code"


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_any_json_is_an_event_or_a_protocol_error(value: object) -> None:
    """Whatever JSON comes, `parse` returns an event or raises ProtocolError with a code."""
    assert outcome(json.dumps(value)) != "no code"


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(EVENTS)), st.dictionaries(st.sampled_from(NAMES), LIKELY, max_size=6))
def test_any_fields_of_a_known_event_are_taken_or_refused(
    kind: str, fields: dict[str, object]
) -> None:
    """An event that is accepted can be written as UTF-8 JSON that every client can read."""
    event = outcome(json.dumps(fields | {"type": kind}))
    if isinstance(event, ClientEvent):
        written = json.dumps(event.model_dump(), ensure_ascii=False, allow_nan=False)
        written.encode()


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), LIKELY, max_size=6), st.booleans())
def test_any_session_is_a_patch_or_a_protocol_error(raw: dict[str, object], strict: bool) -> None:
    """Whatever a session holds, it is a patch or a ProtocolError below `session`."""
    param: str | None = "session"
    try:
        parse_session(raw, strict=strict)
    except ProtocolError as error:
        param = error.param
    assert param is None or param.startswith("session")


def test_nesting_is_refused_before_it_overflows_the_stack() -> None:
    lists = lambda depth: f'{{"type": "auth", "x": {"[" * depth}{"]" * depth}}}'  # noqa: E731
    assert outcome(lists(100_000)) == "invalid_json"
    assert outcome(lists(900)) == "invalid_event"
    assert outcome(lists(64)) == "invalid_event"
    assert isinstance(outcome(lists(60)), ClientEvent)


def test_a_crowd_of_wrong_values_costs_no_more_than_one() -> None:
    crowd = json.dumps({"type": "response.create", "response": {"modalities": [5] * 90_000}})
    assert outcome(crowd) == "invalid_type"
    crowd = json.dumps({"type": "response.create", "response": {"modalities": [5] * 200_000}})
    assert outcome(crowd) == "invalid_event"


def test_an_event_of_more_than_21_mib_is_refused_unread() -> None:
    assert outcome("[" * (21 * 1024 * 1024 + 1)) == "event_too_large"
