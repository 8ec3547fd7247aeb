import asyncio
import json
import re

import pytest

SESSIONS = "/v1/sessions"
CALLS = "/v1/realtime/calls"
OFFER = "v=0\r\n"


def make(server, body: dict | None = None, **more) -> dict:
    response = server.post(SESSIONS, json=body, **more)
    assert response.status_code == 201, response.text
    return response.json()


def call(server, **more):
    response = server.post(more.pop("path", CALLS), data={"sdp": OFFER}, **more)
    assert response.status_code == 201, response.text
    return response


def shown(server, session_id: str, **more) -> dict:
    response = server.get(f"{SESSIONS}/{session_id}", **more)
    assert response.status_code == 200, response.text
    return response.json()


def test_a_session_is_made_with_the_documented_defaults(server):
    session = make(server)

    assert session.pop("id").startswith("session_")
    assert session == {
        "user_id": "user_operator",
        "model": "gpt-5.2",
        "voice": "default",
        "instructions": "You are a helpful assistant.",
        "face": "default",
        "driving": None,
        "modalities": None,
        "target_fps": None,
        "upsample_factor": None,
        "framing": None,
        "background": None,
        "tts_source": None,
        "video_codec": None,
        "expires_at": int(server.now) + 60,
        "status": "active",
        "created_at": "2026-01-01T00:00:00.000000",
        "started_at": "2026-01-01T00:00:00.000000",
        "ended_at": None,
        "duration_seconds": None,
    }


def test_times_have_microseconds_and_no_zone(server):
    server.now += 0.25
    session = make(server, {})

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", session["created_at"])
    assert session["created_at"].endswith("00.250000")


def test_what_a_session_is_made_with_is_shown(server):
    named = {
        "model": "claude-haiku-4-5",
        "voice": "alice",
        "face": "face1",
        "instructions": "Be brief.",
        "driving": ["Wink", "idle"],
        "target_fps": 20,
        "upsample_factor": 1,
        "tts_source": "flite",
        "video_codec": "vp8",
    }
    session = make(server, named)

    assert named.items() <= session.items()
    assert shown(server, session["id"]) == session


def test_older_clients_name_fields_in_the_query(server):
    session = make(server, {"model": "gpt-5"}, params={"model": "gpt-4", "voice": "alice"})

    assert (session["model"], session["voice"]) == ("gpt-5", "alice")


def test_a_wrong_field_is_refused_by_name(server):
    response = server.post(SESSIONS, json={"face": "nobody"})

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "session.face"
    assert server.get(SESSIONS).json()["data"] == []


@pytest.mark.parametrize("content", [b"[]", b"{", b'"x"'])
def test_a_body_that_is_no_object_is_refused(server, content):
    assert server.post(SESSIONS, content=content).status_code == 400


def test_the_answer_says_where_the_session_is(server):
    response = server.post(SESSIONS)
    location = response.headers["location"]

    assert server.get(location).json() == response.json()
    assert response.headers["x-session-id"] == response.json()["id"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/v1/sessions/{}"), ("POST", "/v1/sessions/{}/end")],
)
def test_a_session_is_ended(server, method, path):
    session = make(server)
    server.now += 2.5
    ended = server.request(method, path.format(session["id"])).json()

    assert ended == session | {
        "status": "ended",
        "ended_at": "2026-01-01T00:00:02.500000",
        "duration_seconds": 2.5,
    }
    assert shown(server, session["id"]) == ended


def test_ending_twice_changes_nothing(server):
    session = make(server)
    first = server.request("DELETE", f"{SESSIONS}/{session['id']}")
    server.now += 5
    second = server.request("DELETE", f"{SESSIONS}/{session['id']}")

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_session_is_not_found(server, method):
    response = server.request(method, f"{SESSIONS}/session_nobody")

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "session_not_found"


# --- calls ---------------------------------------------------------------------------------------


def test_a_call_is_a_session_with_its_own_configuration(server):
    secret = server.mint(session={"voice": "alice", "instructions": "Be brief."})["value"]
    opened = server.post(
        CALLS, key=secret, data={"sdp": OFFER, "session": json.dumps({"face": "face1"})}
    )
    session = shown(server, opened.headers["x-session-id"])

    assert session["id"] == server.supervisor.opened[0].session_id
    assert session["status"] == "active"
    assert (session["voice"], session["face"]) == ("alice", "face1")
    assert session["instructions"] == "Be brief."


def test_ending_a_calls_session_hangs_it_up_and_frees_its_place(make_server):
    server = make_server(max_calls=1)
    opened = call(server)
    running = next(iter(server.supervisor.running.values()))
    server.now += 60
    ended = server.request("DELETE", f"{SESSIONS}/{opened.headers['x-session-id']}").json()

    assert running.ended_for == "hangup"
    assert (ended["status"], ended["duration_seconds"]) == ("ended", 60.0)
    call(server)


@pytest.mark.parametrize(
    ("reason", "status"), [("closed", "ended"), ("expired", "ended"), ("failed", "failed")]
)
def test_a_session_ends_when_its_call_does(server, reason, status):
    opened = call(server)
    server.now += 7
    server.supervisor.end(server.supervisor.opened[0].call_id, reason)
    session = shown(server, opened.headers["x-session-id"])

    assert (session["status"], session["duration_seconds"]) == (status, 7.0)
    assert session["ended_at"] == "2026-01-01T00:00:07.000000"


def test_a_call_that_never_was_is_no_session(server):
    server.post(CALLS, data={"sdp": "v=0 broken"})
    server.supervisor.open_fails = True
    server.post(CALLS, data={"sdp": OFFER})

    assert server.get(SESSIONS).json()["data"] == []


# --- joining -------------------------------------------------------------------------------------


def test_a_call_joins_a_session_and_has_its_configuration(server):
    session = make(server, {"voice": "alice", "audio": {"output": {"speed": 1.2}}})
    opened = call(server, path=f"{CALLS}?session_id={session['id']}")
    opening = server.supervisor.opened[0]

    assert opened.headers["x-session-id"] == session["id"] == opening.session_id
    assert opening.secret_session == {"voice": "alice", "audio": {"output": {"speed": 1.2}}}
    assert opening.rest_session
    assert shown(server, session["id"]) == session | {"expires_at": None}


def test_a_call_by_secret_joins_with_both_configurations_the_sessions_first(server):
    session = make(server, {"voice": "alice", "audio": {"output": {"speed": 1.2}}})
    secret = server.mint(
        session={"voice": "default", "model": "gpt-5", "audio": {"input": {"format": None}}}
    )
    call(server, key=secret["value"], path=f"{CALLS}?session_id={session['id']}")

    assert server.supervisor.opened[0].secret_session == {
        "voice": "alice",
        "model": "gpt-5",
        "audio": {"input": {"format": None}, "output": {"speed": 1.2}},
    }


def test_a_joined_session_ends_with_its_call(server):
    session = make(server)
    opened = call(server, path=f"{CALLS}?session_id={session['id']}")
    server.now += 300
    assert shown(server, session["id"])["status"] == "active"

    server.post(opened.headers["location"] + "/hangup")
    assert shown(server, session["id"])["status"] == "ended"


def test_a_second_call_takes_the_place_of_the_first(server):
    session = make(server)
    path = f"{CALLS}?session_id={session['id']}"
    call(server, path=path)
    first = server.supervisor.opened[-1].call_id
    second = server.post(path, data={"sdp": OFFER})

    assert second.status_code == 201
    assert first not in server.supervisor.running


def test_calls_that_come_together_do_not_both_join(server):
    path = f"{CALLS}?session_id={make(server)['id']}"

    async def two() -> list[int]:
        server.webrtc.gate = asyncio.Event()
        headers = {"Authorization": f"Bearer {server.key}"}
        async with server.client() as client, asyncio.TaskGroup() as group:
            both = [
                group.create_task(client.post(path, data={"sdp": OFFER}, headers=headers))
                for _ in range(2)
            ]
            await asyncio.sleep(0.05)  # noqa: ASYNC110 - both have reached the gate or failed
            server.webrtc.gate.set()
        return sorted(each.result().status_code for each in both)

    assert asyncio.run(two()) == [201, 409]


def test_a_call_that_fails_leaves_the_session_to_the_next_one(server):
    path = f"{CALLS}?session_id={make(server)['id']}"
    failed = server.post(path, data={"sdp": "v=0 broken"})

    assert failed.status_code == 400
    call(server, path=path)


def test_a_session_that_ended_is_not_joined(server):
    session = make(server)
    server.request("DELETE", f"{SESSIONS}/{session['id']}")
    late = server.post(f"{CALLS}?session_id={session['id']}", data={"sdp": OFFER})

    assert late.status_code == 409


def test_a_call_that_joins_takes_the_sessions_place_and_no_other(make_server):
    server = make_server(max_calls=1)
    session = make(server)
    refused = server.post(CALLS, data={"sdp": OFFER})
    call(server, path=f"{CALLS}?session_id={session['id']}")

    assert refused.status_code == 503


def test_a_session_that_nobody_joins_ends_and_frees_its_place(make_server):
    server = make_server(max_calls=1)
    session = make(server)
    server.now += 59
    assert server.post(SESSIONS).status_code == 503

    server.now += 1
    assert server.post(SESSIONS).status_code == 201
    assert shown(server, session["id"])["status"] == "ended"
    assert shown(server, session["id"])["duration_seconds"] == 60.0


def test_sessions_that_come_together_get_the_places_there_are(make_server):
    server = make_server(max_calls=24)

    async def burst() -> list[int]:
        headers = {"Authorization": f"Bearer {server.key}"}
        async with server.client() as client:
            answers = await asyncio.gather(
                *(client.post(SESSIONS, json={}, headers=headers) for _ in range(50))
            )
        assert all(answer.headers["retry-after"] == "5" for answer in answers[24:])
        return [answer.status_code for answer in answers]

    assert asyncio.run(burst()) == [201] * 24 + [503] * 26
    assert len(server.get(SESSIONS, params={"limit": 100}).json()["data"]) == 24


# --- whose ---------------------------------------------------------------------------------------


def test_only_the_owner_and_an_admin_see_a_session(server):
    owner, other = server.give("owner", "calls"), server.give("other", "calls")
    session = make(server, key=owner)
    path = f"{SESSIONS}/{session['id']}"

    assert session["user_id"] == "user_owner"
    assert server.get(path, key=owner).status_code == 200
    assert server.get(path).status_code == 200
    for method, where in [("GET", path), ("DELETE", path), ("POST", path + "/end")]:
        hidden = server.request(method, where, key=other)
        assert hidden.status_code == 404
        assert hidden.json()["error"]["code"] == "session_not_found"
    join = f"{CALLS}?session_id={session['id']}"
    assert server.post(join, key=other, data={"sdp": OFFER}).status_code == 404
    assert shown(server, session["id"])["status"] == "active"


def test_only_the_owner_and_an_admin_hang_a_call_up(server):
    owner, other = server.give("owner", "calls"), server.give("other", "calls")
    location = call(server, key=owner).headers["location"]

    assert server.post(location + "/hangup", key=other).status_code == 404
    assert server.post(location + "/hangup", key=owner).status_code == 200


def test_a_client_secret_opens_calls_and_nothing_else(server):
    secret = server.mint()["value"]
    path = f"{SESSIONS}/{make(server)['id']}"

    for method, where in [
        ("POST", SESSIONS),
        ("GET", SESSIONS),
        ("GET", path),
        ("DELETE", path),
        ("GET", "/v1/usage"),
    ]:
        response = server.request(method, where, key=secret)
        assert response.status_code == 403
        assert response.json()["error"]["code"] == "insufficient_permissions"


@pytest.mark.parametrize(
    ("method", "path"), [("POST", SESSIONS), ("GET", SESSIONS), ("GET", "/v1/sessions/x")]
)
def test_sessions_need_a_key(server, method, path):
    assert server.request(method, path, key=None).status_code == 401


# --- lists ---------------------------------------------------------------------------------------


def listed(server, **more) -> dict:
    response = server.get(SESSIONS, **more)
    assert response.status_code == 200, response.text
    return response.json()


def ids(page: dict) -> list[str]:
    return [session["id"] for session in page["data"]]


def test_the_list_has_the_newest_first_page_by_page(make_server):
    server = make_server(max_calls=10)
    made = []
    for number in range(5):
        made.insert(0, make(server)["id"])
        server.now += 1
        if number == 2:
            server.storage.write()  # some of them only the database has, others only the memory
    server.request("DELETE", f"{SESSIONS}/{made[-1]}")
    server.storage.write()

    first = listed(server, params={"limit": 2})
    second = listed(server, params={"limit": 2, "after": first["last_id"]})
    third = listed(server, params={"limit": 2, "after": second["last_id"]})

    assert ids(first) + ids(second) + ids(third) == made
    assert [page["has_more"] for page in (first, second, third)] == [True, True, False]
    assert (first["object"], first["first_id"], first["last_id"]) == ("list", made[0], made[1])


def test_the_list_is_of_one_status_if_that_is_asked(server):
    over, running = make(server)["id"], make(server)["id"]
    server.request("DELETE", f"{SESSIONS}/{over}")

    assert ids(listed(server, params={"status": "ended"})) == [over]
    assert ids(listed(server, params={"status": "active"})) == [running]


def test_a_key_lists_its_own_and_an_admin_everybodys(server):
    owner, other = server.give("owner", "calls"), server.give("other", "calls")
    mine, theirs = make(server, key=owner)["id"], make(server, key=other)["id"]

    assert ids(listed(server, key=owner)) == [mine]
    assert set(ids(listed(server))) == {mine, theirs}
    assert ids(listed(server, params={"key_id": "key_other"})) == [theirs]
    refused = server.get(SESSIONS, key=owner, params={"key_id": "key_other"})
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("params", "status", "param"),
    [
        ({"limit": 0}, 400, "limit"),
        ({"limit": "x"}, 400, "limit"),
        ({"status": "asleep"}, 400, "status"),
        ({"key_id": "\0"}, 400, "key_id"),
        ({"after": "session_nobody"}, 404, None),
    ],
)
def test_a_wrong_query_is_refused_by_name(server, params, status, param):
    response = server.get(SESSIONS, params=params)

    assert response.status_code == status
    assert response.json()["error"]["param"] == param


def test_without_the_database_calls_and_their_sessions_go_on(server):
    server.storage.is_away = True
    opened = call(server)
    session_id = opened.headers["x-session-id"]

    assert shown(server, session_id)["status"] == "active"
    assert server.request("DELETE", f"{SESSIONS}/{session_id}").status_code == 200
    away = server.get(SESSIONS)
    assert away.status_code == 503
    assert away.json()["error"]["code"] == "storage_unavailable"
    assert away.headers["retry-after"] == "5"


def test_a_session_is_shown_as_its_call_has_changed_it(server):
    session = make(server)
    server.post(f"{CALLS}?session_id={session['id']}", data={"sdp": OFFER})
    call = next(iter(server.supervisor.running.values()))

    call.session = {"voice": "alice", "target_fps": 10.0, "expires_at": 1_800_000_000}
    now = shown(server, session["id"])
    assert (now["voice"], now["target_fps"], now["expires_at"]) == ("alice", 10.0, 1_800_000_000)

    call.session = {"voice": "anthony"}
    call.hang_up("hangup")
    assert shown(server, session["id"])["voice"] == "anthony"
