"""A second connection to a running call: who may have one, and what the others are told."""

from __future__ import annotations

import contextlib

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from rtav.errors import PeerGone, RateLimited

CALL = {"data": {"sdp": "v=0\r\n"}}


@pytest.fixture
def call_id(server) -> str:
    return opened(server)


def opened(server, key=None) -> str:
    answer = server.post("/v1/realtime/calls", key=key or server.key, **CALL)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"].rpartition("/")[2]


@contextlib.contextmanager
def beside(server, call_id, *, key=None, query="", headers=None, path="/v1/realtime"):
    shown = {"Authorization": f"Bearer {key}"} if key else {}
    with (
        TestClient(server.app) as client,
        client.websocket_connect(
            f"{path}?call_id={call_id}{query}", headers=shown | (headers or {})
        ) as socket,
    ):
        yield socket


def refused(server, call_id, *, key):
    with pytest.raises(WebSocketDenialResponse) as caught, beside(server, call_id, key=key):
        pass
    response = caught.value
    return response.status_code, response.json()["error"]["code"]


def test_the_key_that_opened_a_call_joins_it(server, call_id) -> None:
    with beside(server, call_id, key=server.key) as socket:
        assert socket.receive_json() == {"type": "session.created"}
        socket.send_text("hello")
        assert socket.receive_text() == "hello"
    assert len(server.supervisor.opened) == 1, "it is no call of its own"
    assert list(server.supervisor.running) == [call_id], "which goes on without it"


def test_a_doubled_slash_is_one(server, call_id) -> None:
    with beside(server, call_id, key=server.key, path="/v1//realtime") as socket:
        socket.receive_json()


def test_an_administrator_joins_every_call(server) -> None:
    call_id = opened(server, server.give("shop", "calls"))
    with beside(server, call_id, key=server.give("boss", "admin")) as socket:
        socket.receive_json()


def test_another_key_s_call_is_none(server) -> None:
    call_id = opened(server, server.give("shop", "calls"))
    stranger = server.give("other", "calls")
    assert refused(server, call_id, key=stranger) == (404, "call_id_not_found")


@pytest.mark.parametrize("name", ["rtc_none", "", "%00"])
def test_what_is_no_call_is_not_found_at_the_handshake(server, name) -> None:
    assert refused(server, name, key=server.key) == (404, "call_id_not_found")


def test_a_client_secret_joins_no_call_not_even_its_own(server) -> None:
    secret = server.mint()["value"]
    call_id = opened(server, secret)
    assert refused(server, call_id, key=secret) == (403, "insufficient_permissions")


def test_a_wrong_key_is_told_first(server, call_id) -> None:
    assert refused(server, call_id, key="wrong") == (401, "invalid_api_key")


def test_a_call_that_is_over_is_not_found(server, call_id) -> None:
    server.supervisor.running[call_id].sidebands.refusal = PeerGone("over")
    assert refused(server, call_id, key=server.key) == (404, "call_id_not_found")


def test_too_many_are_told_to_wait(server, call_id) -> None:
    server.supervisor.running[call_id].sidebands.refusal = RateLimited("full", retry_after_s=5)
    assert refused(server, call_id, key=server.key) == (429, "rate_limit_exceeded")


def test_a_key_in_a_message_joins_and_is_a_sign_of_rtav(server, call_id) -> None:
    with beside(server, call_id) as socket:
        socket.send_json({"type": "auth", "api_key": server.key})
        assert socket.receive_json() == {"type": "session.created"}
    assert server.supervisor.running[call_id].sidebands.signs[0].auth_message


@pytest.mark.parametrize(
    ("refusal", "code", "close"),
    [
        (PeerGone("over"), "call_id_not_found", 1008),
        (RateLimited("full", retry_after_s=5), "rate_limit_exceeded", 1013),
    ],
)
def test_behind_a_message_what_is_wrong_is_an_event_and_a_close(
    server, call_id, refusal, code, close
) -> None:
    server.supervisor.running[call_id].sidebands.late_refusal = refusal
    with beside(server, call_id) as socket:
        socket.send_json({"type": "auth", "api_key": server.key})
        assert socket.receive_json()["error"]["code"] == code
        with pytest.raises(WebSocketDisconnect) as caught:
            socket.receive_json()
    assert caught.value.code == close
    assert list(server.supervisor.running) == [call_id]


def test_a_sideband_shows_its_own_dialect(server, call_id) -> None:
    headers = {"OpenAI-Beta": "realtime=v1", "X-OpenAI-Agents-SDK": "openai-agents-sdk.0.1"}
    with beside(server, call_id, key=server.key, query="&dialect=rtav", headers=headers) as socket:
        socket.receive_json()
    (signs,) = server.supervisor.running[call_id].sidebands.signs
    assert (signs.named, signs.beta, signs.agents_header) == ("rtav", True, True)


def test_a_call_on_a_websocket_says_where_it_is(server) -> None:
    with (
        TestClient(server.app) as client,
        client.websocket_connect(
            "/v1/realtime", headers={"Authorization": f"Bearer {server.key}"}
        ) as socket,
    ):
        socket.receive_json()
        headers = {name.decode(): value.decode() for name, value in socket.extra_headers}
        call_id = headers["location"].rpartition("/")[2]
        assert list(server.supervisor.running) == [call_id]
        assert headers["x-session-id"] == server.supervisor.opened[0].session_id
