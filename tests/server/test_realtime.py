"""The handshake of a WebSocket: who is let in, how, and what the others are told."""

import json
from contextlib import contextmanager

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from rtav.server.routes import realtime

URL = "/v1/realtime?model=gpt-realtime"


@contextmanager
def connected(server, *, url=URL, key=None, subprotocols=()):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with (
        TestClient(server.app) as client,
        client.websocket_connect(url, headers=headers, subprotocols=list(subprotocols)) as socket,
    ):
        yield socket


def refused(server, **more):
    with pytest.raises(WebSocketDenialResponse) as caught, connected(server, **more):
        pass
    response = caught.value
    return response.status_code, response.json()["error"]["code"]


def test_a_key_in_the_header_opens_a_call(server) -> None:
    with connected(server, key=server.key) as socket:
        assert socket.receive_json() == {"type": "session.created"}
        assert socket.accepted_subprotocol is None
        socket.send_text("hello")
        assert socket.receive_text() == "hello"
    opening = server.supervisor.opened[0]
    assert opening.session == {"model": "gpt-realtime"}
    assert not opening.auth_message
    assert server.supervisor.running == {}, "and the call ends with the socket"


def test_a_key_in_a_subprotocol_opens_a_call_and_realtime_is_chosen(server) -> None:
    offered = ("realtime", f"openai-insecure-api-key.{server.key}", "openai-agents-sdk.0.1")
    with connected(server, subprotocols=offered) as socket:
        assert socket.accepted_subprotocol == "realtime"
        call = next(iter(server.supervisor.running.values()))
        assert call.subprotocol == "openai-insecure-api-key", "a sign of the dialect, not the key"


def test_a_beta_subprotocol_is_shown_to_the_call(server) -> None:
    offered = (
        "realtime",
        f"openai-insecure-api-key.{server.key}",
        "openai-beta.realtime-v1",
    )
    with connected(server, subprotocols=offered) as socket:
        socket.receive_json()
        call = next(iter(server.supervisor.running.values()))
        assert call.subprotocol == "openai-beta.realtime-v1"


@pytest.mark.parametrize(
    "shown",
    [
        {"key": "wrong"},
        {"subprotocols": ("realtime", "openai-insecure-api-key.wrong")},
    ],
)
def test_a_wrong_key_is_refused_at_the_handshake(server, shown) -> None:
    assert refused(server, **shown) == (401, "invalid_api_key")


def test_a_key_without_the_scope_is_refused_at_the_handshake(server) -> None:
    assert refused(server, key=server.give("other", "assets"))[0] == 403


def test_a_key_at_its_limit_is_told_so_at_the_handshake(server) -> None:
    key = server.give("one", max_calls=1)
    with connected(server, key=key):
        assert refused(server, key=key) == (429, "rate_limit_exceeded")


def test_a_full_server_refuses_at_the_handshake(make_server) -> None:
    assert refused(make_server(max_calls=0), key=make_server.key) == (503, "no_capacity")


@pytest.mark.parametrize("url", ["/v1/realtime?dialect=latin", "/v1//realtime?dialect=latin"])
def test_what_the_query_may_not_say_is_refused_at_the_handshake(server, url) -> None:
    assert refused(server, url=url, key=server.key) == (400, "invalid_value")


@pytest.mark.parametrize("name", ["api_key", "token", "client_secret"])
def test_the_first_message_may_bring_the_key(server, name) -> None:
    with connected(server, subprotocols=("realtime",)) as socket:
        socket.send_json({"type": "auth", name: server.key})
        assert socket.receive_json() == {"type": "session.created"}
    assert server.supervisor.opened[0].auth_message


def test_an_ephemeral_key_opens_a_call_with_its_configuration(server) -> None:
    secret = server.mint(session={"type": "realtime", "instructions": "Be brief."})["value"]
    with connected(server, key=secret) as socket:
        socket.receive_json()
    assert server.supervisor.opened[0].secret_session["instructions"] == "Be brief."


def told(socket):
    error = socket.receive_json()["error"]
    with pytest.raises(WebSocketDisconnect) as caught:
        socket.receive_json()
    return error["code"], caught.value.code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('{"type": "auth", "api_key": "wrong"}', "invalid_api_key"),
        ('{"type": "auth"}', "authentication_required"),
        ('{"type": "response.create"}', "authentication_required"),
        ("[]", "authentication_required"),
        ("no json", "authentication_required"),
    ],
)
def test_without_a_key_that_is_known_the_socket_is_closed(server, message, code) -> None:
    with connected(server) as socket:
        socket.send_text(message)
        assert told(socket) == (code, 4401)


def test_who_says_nothing_is_closed(server, monkeypatch) -> None:
    monkeypatch.setattr(realtime, "AUTH_S", 0.05)
    with connected(server) as socket:
        assert told(socket) == ("authentication_required", 4401)


def test_a_full_server_says_so_behind_an_auth_message(make_server) -> None:
    with connected(make_server(max_calls=0)) as socket:
        socket.send_json({"type": "auth", "api_key": make_server.key})
        assert told(socket) == ("no_capacity", 1013)


def test_older_queries_configure_the_session(server) -> None:
    url = "/v1/realtime?voice=alice&face_id=face1&video=true"
    with connected(server, url=url, key=server.key) as socket:
        socket.receive_json()
    opening = server.supervisor.opened[0]
    assert opening.session == {
        "voice": "alice",
        "face": "face1",
        "modalities": ["audio", "text", "image"],
    }
    assert opening.query == {"voice", "face_id", "video"}


def test_a_call_that_ends_closes_the_socket_with_its_reason(server) -> None:
    with connected(server, key=server.key) as socket:
        socket.receive_json()
        socket.send_text("last words")
        socket.send_text("end")
        assert socket.receive_text() == "last words"
        with pytest.raises(WebSocketDisconnect) as caught:
            socket.receive_text()
    assert (caught.value.code, caught.value.reason) == (
        1001,
        "Your session hit the maximum duration of 1 minute.",
    )
    assert json.dumps(list(server.supervisor.running)) == "[]"
