import asyncio
import json

import httpx
import pytest

CALLS = "/v1/realtime/calls"
OFFER = "v=0\r\no=- 7 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
SESSION = {"type": "realtime", "model": "gpt-5.2", "face": "face1"}


def _ends_with_call_id(location: str) -> bool:
    return location.startswith("/v1/realtime/calls/rtc_") and len(location.split("_")[-1]) == 32


def test_a_browsers_form_opens_a_call(server):
    parts = {"sdp": (None, OFFER), "session": (None, json.dumps(SESSION))}
    response = server.post(CALLS, files=parts)

    assert response.status_code == 201
    assert response.text == server.webrtc.answer
    assert response.headers["content-type"] == "application/sdp"
    assert _ends_with_call_id(response.headers["location"])
    assert server.webrtc.offers == [OFFER]
    assert server.supervisor.opened[0].session == SESSION
    assert response.headers["x-session-id"] == server.supervisor.opened[0].session_id
    assert response.headers["location"].endswith(server.supervisor.opened[0].call_id)


def test_a_dialect_that_there_is_not_is_refused(server):
    response = server.post(CALLS + "?dialect=klingon", data={"sdp": OFFER})

    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["code"], error["param"]) == ("invalid_value", "dialect")
    assert server.supervisor.opened == []


@pytest.mark.parametrize("filename", [None, "blob"])
def test_typed_parts_and_blobs_open_a_call(server, filename):
    parts = {
        "sdp": (filename, OFFER.encode(), "application/sdp"),
        "session": (filename, json.dumps(SESSION).encode(), "application/json"),
    }
    response = server.post(CALLS, files=parts)

    assert response.status_code == 201
    assert server.webrtc.offers == [OFFER]
    assert server.supervisor.opened[0].session == SESSION


def test_an_url_encoded_form_opens_a_call(server):
    response = server.post(CALLS, data={"sdp": OFFER, "session": json.dumps(SESSION)})

    assert response.status_code == 201
    assert server.webrtc.offers == [OFFER]
    assert server.supervisor.opened[0].session == SESSION


def test_bare_sdp_opens_a_call_with_the_secrets_session(server):
    secret = server.mint(session={"instructions": "be brief"})["value"]
    response = server.post(
        CALLS + "?model=gpt-realtime",
        key=secret,
        content=OFFER,
        headers={"Content-Type": "application/sdp"},
    )

    assert response.status_code == 201
    opening = server.supervisor.opened[0]
    assert opening.secret_session == {"instructions": "be brief"}
    assert opening.session == {"model": "gpt-realtime"}


def test_the_sessions_own_model_outranks_the_query(server):
    server.post(CALLS + "?model=gpt-realtime", data={"sdp": OFFER, "session": '{"model":"gpt-5"}'})

    assert server.supervisor.opened[0].session == {"model": "gpt-5"}


def test_the_signs_of_a_dialect_reach_the_call(server):
    server.post(
        CALLS + "?dialect=rtav",
        content=OFFER,
        headers={
            "Content-Type": "application/sdp",
            "OpenAI-Beta": "realtime=v1",
            "X-OpenAI-Agents-SDK": "openai-agents-sdk.0.3",
        },
    )
    opening = server.supervisor.opened[0]

    assert opening.dialect == "rtav"
    assert opening.beta_header
    assert opening.agents_header
    assert opening.key_spelling == "other"


@pytest.mark.parametrize(("field", "spelling"), [("client_secret", "rtav_sk"), ("value", "ek")])
def test_both_spellings_of_a_secret_open_a_call(server, field, spelling):
    response = server.post(CALLS, key=server.mint()[field], data={"sdp": OFFER})

    assert response.status_code == 201
    assert server.supervisor.opened[0].key_spelling == spelling


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/plain", "text/plain; charset=utf-8"),
        ("application/sdp", "application/sdp"),
        ("text/plain, */*", "application/sdp"),
        ("text/plain;q=0.5, application/sdp", "application/sdp"),
    ],
)
def test_the_answer_is_plain_text_only_for_who_takes_nothing_else(server, accept, kind):
    response = server.post(CALLS, data={"sdp": OFFER}, headers={"Accept": accept})

    assert response.headers["content-type"] == kind


def test_doubled_slashes_find_the_same_route(server):
    response = server.post("/v1//realtime//calls?model=x", data={"sdp": OFFER})

    assert response.status_code == 201


@pytest.mark.parametrize("key", [None, "wrong", "rtav_ak_", "ek_gAAAA", "\x7f", "ek_ÿ"])
def test_no_key_or_a_wrong_one_is_refused_with_a_readable_body(server, key):
    headers = {"Authorization": f"Bearer {key}".encode("latin-1")} if key else {}
    response = server.post(CALLS, key=None, data={"sdp": OFFER}, headers=headers)

    assert response.status_code == 401
    body = response.json()
    assert body["error"]["code"] == "invalid_api_key"
    assert body["error"]["type"] == "invalid_request_error"
    assert body["error"]["param"] is None
    assert body["error"]["message"].startswith("Invalid API key")
    assert body["detail"] == body["error"]["message"]
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "missing_required_parameter", "sdp"),
        ({"sdp": " \r\n"}, "missing_required_parameter", "sdp"),
        ({"sdp": "hello"}, "invalid_sdp", "sdp"),
        ({"sdp": "v=0 broken"}, "invalid_sdp", "sdp"),
        ({"sdp": OFFER, "session": "{"}, "invalid_session", "session"),
        ({"sdp": OFFER, "session": "[]"}, "invalid_session", "session"),
        ({"sdp": OFFER, "session": "[" * 100_000}, "invalid_session", "session"),
        ({"sdp": OFFER, "session": '{"face":NaN}'}, "invalid_session", "session"),
        ({"sdp": OFFER, "session": '{"face":"nobody"}'}, "face_not_found", "session.face"),
    ],
)
def test_a_bad_call_is_refused_by_name(server, body, code, param):
    response = server.post(CALLS, data=body)

    assert response.status_code == 400
    assert response.json()["error"]["code"] == code
    assert response.json()["error"]["param"] == param
    assert server.supervisor.running == {}
    assert server.post(CALLS, data={"sdp": OFFER}).status_code == 201


def test_a_bad_configuration_is_refused_before_any_media_exists(server):
    server.post(CALLS, data={"sdp": OFFER, "session": '{"face":"nobody"}'})

    assert server.webrtc.peers == []


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", 400, None),
        (b"anything", "multipart/form-data", 400, None),
        (b"\xff\xfe", "application/sdp", 400, "invalid_sdp"),
        (b"sdp=%FF%FE", "application/x-www-form-urlencoded", 400, "invalid_sdp"),
        (b"{}", "application/json", 415, "unsupported_media_type"),
    ],
)
def test_a_body_that_cannot_be_read_is_the_clients_error(server, content, kind, status, code):
    response = server.post(CALLS, content=content, headers={"Content-Type": kind})

    assert response.status_code == status
    assert code in (None, response.json()["error"]["code"])


def test_a_body_of_ten_megabytes_is_refused(server):
    response = server.post(
        CALLS, content=b"v=0" + bytes(10 << 20), headers={"Content-Type": "application/sdp"}
    )

    assert response.status_code == 413
    assert response.json()["error"]["code"] == "request_too_large"


def test_a_call_that_fails_to_start_leaves_no_peer_behind(server):
    server.supervisor.open_fails = True
    response = server.post(CALLS, data={"sdp": OFFER})

    assert response.status_code == 500
    assert server.webrtc.peers[0].closed_for == "failed"
    assert not server.admission.is_full


def test_a_failed_answer_ends_the_call(server):
    server.webrtc.answer_fails = True
    response = server.post(CALLS, data={"sdp": OFFER})

    assert response.status_code == 400
    assert server.supervisor.running == {}


@pytest.mark.parametrize("path", [CALLS, "/v1/realtime/client_secrets", "/v1/sessions"])
@pytest.mark.parametrize("kind", ["application/sdp", "multipart/form-data; boundary=b"])
def test_a_client_that_goes_away_in_the_middle_of_its_request_is_no_bug(server, path, kind):
    messages = iter(
        [{"type": "http.request", "body": b"v=0", "more_body": True}, {"type": "http.disconnect"}]
    )
    sent = []

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    headers = [
        (b"authorization", f"Bearer {server.key}".encode()),
        (b"content-type", kind.encode()),
    ]
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": headers,
    }

    asyncio.run(server.app(scope, receive, send))

    assert sent[0]["status"] == 400
    assert server.supervisor.opened == []


def test_a_bug_tells_the_client_nothing_about_the_inside(server):
    response = server.post(CALLS, data={"sdp": "v=0 bug"}, headers={"Origin": "https://page"})

    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal_error"
    assert response.json()["error"]["type"] == "server_error"
    assert "secret detail" not in response.text
    assert response.headers["access-control-allow-origin"] == "*"


def test_one_call_too_many_is_told_when_to_try_again(make_server):
    server = make_server(max_calls=1)
    first = server.post(CALLS, data={"sdp": OFFER})
    second = server.post(CALLS, data={"sdp": OFFER})
    server.post(first.headers["location"] + "/hangup")
    third = server.post(CALLS, data={"sdp": OFFER})

    assert [first.status_code, second.status_code, third.status_code] == [201, 503, 201]
    assert second.headers["retry-after"] == "5"
    assert second.json()["error"]["code"] == "no_capacity"


def test_calls_that_arrive_together_do_not_share_the_last_place(make_server):
    async def two_at_once() -> list[int]:
        server = make_server(max_calls=1)
        server.webrtc.gate = asyncio.Event()
        headers = {"Authorization": f"Bearer {server.key}"}
        async with server.client() as client, asyncio.TaskGroup() as group:
            both = [
                group.create_task(client.post(CALLS, data={"sdp": OFFER}, headers=headers))
                for _ in range(2)
            ]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            server.webrtc.gate.set()
        return sorted(task.result().status_code for task in both)

    assert asyncio.run(two_at_once()) == [201, 503]


def test_the_supervisors_own_limit_is_a_503_too(server):
    server.supervisor.is_full = True
    response = server.post(CALLS, data={"sdp": OFFER})

    assert response.status_code == 503
    assert server.webrtc.peers == []


def test_hanging_up_works_once(server):
    location = server.post(CALLS, data={"sdp": OFFER}).headers["location"]
    call = next(iter(server.supervisor.running.values()))
    headers = {"Content-Type": "application/json"}
    first = server.post(location + "/hangup", headers=headers)
    second = server.post(location + "/hangup", headers=headers)

    assert first.status_code == 200
    assert call.ended_for == "hangup"
    assert second.status_code == 404
    assert second.json()["error"]["code"] == "call_id_not_found"


def test_hanging_up_needs_a_key(server):
    response = server.post("/v1/realtime/calls/rtc_1/hangup", key=None)

    assert response.status_code == 401


def test_the_wanted_codec_is_the_calls_own_or_its_secrets(server):
    secret = server.mint(session={"video_codec": "vp8"})["value"]
    server.post(CALLS, key=secret, data={"sdp": OFFER})
    server.post(CALLS, key=secret, data={"sdp": OFFER, "session": '{"video_codec":"h264"}'})

    assert server.webrtc.codecs == ["vp8", "h264"]


def test_two_calls_never_share_an_identifier(server):
    responses: list[httpx.Response] = [server.post(CALLS, data={"sdp": OFFER}) for _ in range(2)]

    assert len({r.headers["location"] for r in responses}) == 2
    assert len({r.headers["x-session-id"] for r in responses}) == 2


@pytest.mark.parametrize("verb", ["accept", "refer", "reject"])
def test_no_call_comes_by_telephone(server, verb):
    answer = server.post(f"/v1/realtime/calls/rtc_1/{verb}", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "call_id_not_found")
    assert server.post(f"/v1/realtime/calls/rtc_1/{verb}", key=None).status_code == 401
