"""Calls that go on with a session after a break: which, for whom, and what the books say."""

from __future__ import annotations

import pytest

from rtav.server.pasts import KEPT_S, MAX_BYTES, MAX_KEPT, Pasts
from rtav.server.storage.records import Usage
from rtav.testing.player import past_of

CALLS = "/v1/realtime/calls"
START = 1_767_225_600


def a_past(said, *, expires_at=START + 3600):
    return past_of(said, expires_at=expires_at)


def call(server, session_id=None, *, key=None, **data):
    query = f"?session_id={session_id}" if session_id else ""
    return server.post(CALLS + query, key=key or server.key, data={"sdp": "v=0\r\n", **data})


def opened(server, *args, **more) -> tuple[str, str]:
    """A call, and its session."""
    answer = call(server, *args, **more)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"].rpartition("/")[2], answer.headers["x-session-id"]


def ended(server, *args, **more) -> str:
    """A session whose call is over."""
    call_id, session_id = opened(server, *args, **more)
    server.supervisor.end(call_id, "vanished")
    return session_id


def refusal(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def session_of(server, session_id):
    return server.get(f"/v1/sessions/{session_id}").json()


def test_a_call_goes_on_with_a_session_that_has_just_ended(server) -> None:
    session_id = ended(server)
    server.now += 59.9
    answer = call(server, session_id)
    assert answer.status_code == 201
    assert answer.headers["x-session-id"] == session_id
    opening = server.supervisor.opened[-1]
    (item,) = opening.past.conversation
    assert item.content[0]["text"] == "hello"
    assert opening.session_id == session_id
    assert not opening.rest_session, "which would be a sign of another dialect"


def test_after_a_minute_it_is_over(server) -> None:
    session_id = ended(server)
    server.now += KEPT_S
    assert refusal(call(server, session_id)) == (409, "session_conflict")
    assert session_of(server, session_id)["status"] == "ended"


def test_a_session_nobody_knows_is_not_found(server) -> None:
    assert refusal(call(server, "session_none")) == (404, "session_not_found")


def test_the_record_says_active_again_and_sums_up_what_was_used(server) -> None:
    session_id = ended(server)
    before = session_of(server, session_id)
    assert before["status"] == "ended"
    server.now += 10
    call_id, _ = opened(server, session_id)
    during = session_of(server, session_id)
    assert (during["status"], during["ended_at"], during["duration_seconds"]) == (
        "active",
        None,
        None,
    )
    assert during["started_at"] == before["started_at"]
    server.now += 10
    server.supervisor.end(call_id, "left")
    after = session_of(server, session_id)
    assert (after["status"], after["duration_seconds"]) == ("ended", 20.0)
    server.storage.write()
    (row,) = server.get("/v1/usage").json()["data"]
    assert row["audio_input_seconds"] == 4.0
    assert (row["input_tokens"], row["output_tokens"]) == (40, 14)


def test_it_may_be_gone_on_with_again_and_again(server) -> None:
    session_id = ended(server)
    for _ in range(3):
        assert ended(server, session_id) == session_id


def test_a_new_call_takes_the_place_of_one_that_has_not_been_missed_yet(server) -> None:
    first, session_id = opened(server)
    second, same = opened(server, session_id)
    assert same == session_id
    assert list(server.supervisor.running) == [second]
    assert session_of(server, session_id)["status"] == "active"
    server.supervisor.end(second, "left")
    server.storage.write()
    (row,) = server.get("/v1/usage").json()["data"]
    assert row["audio_input_seconds"] == 4.0, "both calls, one session"
    assert first != second


def test_it_does_so_where_there_is_room_for_one_call_only(make_server) -> None:
    server = make_server(max_calls=1)
    key = server.give("one", max_calls=1)
    _, session_id = opened(server, key=key)
    assert call(server, key=key).status_code == 503
    opened(server, session_id, key=key)
    assert len(server.supervisor.running) == 1


def test_an_offer_that_cannot_be_read_ends_no_call(server) -> None:
    call_id, session_id = opened(server)
    answer = server.post(f"{CALLS}?session_id={session_id}", data={"sdp": "v=0 broken"})
    assert answer.status_code == 400
    assert list(server.supervisor.running) == [call_id]


def test_a_configuration_that_no_call_can_have_ends_none(server) -> None:
    call_id, session_id = opened(server)
    assert refusal(call(server, session_id, session='{"face": "nobody"}'))[1] == "face_not_found"
    assert list(server.supervisor.running) == [call_id]


def test_another_key_s_session_is_none(server) -> None:
    session_id = ended(server, key=server.give("shop", "calls"))
    stranger = server.give("other", "calls")
    assert refusal(call(server, session_id, key=stranger)) == (404, "session_not_found")
    admin = server.give("boss", "admin", "calls")
    assert refusal(call(server, session_id, key=admin)) == (404, "session_not_found")


def test_a_client_secret_goes_on_with_what_it_opened(server) -> None:
    secret = server.mint(session={"instructions": "Be brief."})["value"]
    session_id = ended(server, key=secret)
    opened(server, session_id, key=secret)
    opening = server.supervisor.opened[-1]
    assert opening.secret_session == {}, "the session may have been changed since it began"


def test_even_one_that_opens_one_call_only(server) -> None:
    secret = server.mint(single_use=True)["value"]
    session_id = ended(server, key=secret)
    assert refusal(call(server, key=secret)) == (401, "expired_client_secret")
    opened(server, session_id, key=secret)


def test_another_client_secret_of_the_same_key_hears_nothing_of_it(server) -> None:
    session_id = ended(server, key=server.mint()["value"])
    other = server.mint()["value"]
    assert refusal(call(server, session_id, key=other)) == (403, "insufficient_permissions")
    live, session_id = opened(server, key=server.mint()["value"])
    assert refusal(call(server, session_id, key=other)) == (403, "insufficient_permissions")
    assert live in server.supervisor.running


def test_unless_it_was_minted_for_that_session(server) -> None:
    session_id = ended(server)
    secret = server.mint(session_id=session_id, session={"instructions": "Be brief."})["value"]
    opened(server, session_id, key=secret)
    assert server.supervisor.opened[-1].secret_session == {"instructions": "Be brief."}
    other = ended(server)
    assert refusal(call(server, other, key=secret)) == (403, "insufficient_permissions")


def test_a_secret_is_minted_only_for_a_session_of_one_s_own(server) -> None:
    session_id = ended(server)
    answer = server.post(
        "/v1/realtime/client_secrets",
        json={"session_id": session_id},
        key=server.give("other", "calls"),
    )
    assert refusal(answer) == (404, "session_not_found")


def test_a_key_that_opened_it_goes_on_with_what_its_secrets_opened(server) -> None:
    session_id = ended(server, key=server.mint()["value"])
    opened(server, session_id)


@pytest.mark.parametrize("is_over", [True, False], ids=["over", "running"])
def test_a_session_that_was_ended_on_purpose_is_forgotten(server, is_over) -> None:
    session_id = ended(server) if is_over else opened(server)[1]
    assert server.request("DELETE", f"/v1/sessions/{session_id}").status_code == 200
    assert refusal(call(server, session_id)) == (409, "session_conflict")


@pytest.mark.parametrize("reason", ["failed", "expired"])
def test_what_ended_for_good_is_not_gone_on_with(server, reason) -> None:
    call_id, session_id = opened(server)
    server.supervisor.end(call_id, reason)
    assert refusal(call(server, session_id)) == (409, "session_conflict")


def test_the_database_is_not_asked(server) -> None:
    session_id = ended(server)
    server.storage.waiting.clear()
    server.storage.is_away = True
    opened(server, session_id)


def test_going_on_counts_as_a_call_of_the_minute(server) -> None:
    key = server.give("slow", calls_per_minute=2)
    session_id = ended(server, key=key)
    ended(server, session_id, key=key)
    assert refusal(call(server, session_id, key=key)) == (429, "rate_limit_exceeded")


# --- what is kept ----------------------------------------------------------------------------


class Clock:
    now = START


@pytest.fixture
def pasts() -> Pasts[str]:
    return Pasts(unix=lambda: Clock.now)


def test_only_so_many_are_kept_and_the_oldest_go_first(pasts) -> None:
    for number in range(MAX_KEPT + 1):
        pasts.keep(f"session_{number}", "it", a_past("hello"))
    assert pasts.find("session_0") is None
    assert pasts.find("session_1") is not None


def test_only_so_many_bytes_are_kept(pasts) -> None:
    half = "x" * (MAX_BYTES // 2 - 1000)
    for name in ("one", "two", "three"):
        pasts.keep(name, "it", a_past(half))
    assert [pasts.find(name) is not None for name in ("one", "two", "three")] == [
        False,
        True,
        True,
    ]
    pasts.forget("two")
    pasts.keep("four", "it", a_past(half))
    assert pasts.find("three") is not None


def test_what_is_too_large_is_not_kept_and_drives_nothing_out(pasts) -> None:
    pasts.keep("small", "it", a_past("hello"))
    pasts.keep("large", "it", a_past("x" * MAX_BYTES))
    assert pasts.find("large") is None
    assert pasts.find("small") is not None


def test_a_session_ends_when_its_own_time_is_over(pasts) -> None:
    pasts.keep("late", "it", a_past("hello", expires_at=START))
    assert pasts.find("late") is None
    pasts.forget("late")


def test_uses_are_summed_where_they_are_known() -> None:
    counted = Usage(audio_input_seconds=1.5, input_tokens=3)
    assert counted.plus(Usage(audio_input_seconds=0.25, output_tokens=2)) == Usage(
        audio_input_seconds=1.75, input_tokens=3, output_tokens=2
    )
    assert Usage().plus(Usage()).input_tokens is None
