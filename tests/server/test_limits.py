import asyncio

import pytest

CALLS = "/v1/realtime/calls"
SESSIONS = "/v1/sessions"
SECRETS = "/v1/realtime/client_secrets"


def call(server, key: str):
    return server.post(CALLS, key=key, data={"sdp": "v=0\r\n"})


def test_a_key_has_no_more_calls_at_once_than_it_may(server):
    shop, other = server.give("shop", max_calls=2), server.give("other")
    first = call(server, shop)
    assert call(server, shop).status_code == 201

    refused = call(server, shop)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "5"
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert refused.json()["detail"] == (
        "This key may have 2 calls at once and has them all; end one, or wait until one ends"
    )
    assert call(server, other).status_code == 201

    server.post(first.headers["location"] + "/hangup", key=shop)
    assert call(server, shop).status_code == 201


def test_calls_that_come_together_share_no_place_of_their_key(server):
    shop = server.give("shop", max_calls=1)

    async def burst() -> list[int]:
        server.webrtc.gate = asyncio.Event()
        headers = {"Authorization": f"Bearer {shop}"}
        async with server.client() as client, asyncio.TaskGroup() as group:
            calls = [
                group.create_task(client.post(CALLS, data={"sdp": "v=0\r\n"}, headers=headers))
                for _ in range(3)
            ]
            await asyncio.sleep(0.05)  # noqa: ASYNC110 - all have reached the gate or failed
            server.webrtc.gate.set()
        return sorted(each.result().status_code for each in calls)

    assert asyncio.run(burst()) == [201, 429, 429]


def test_a_session_that_waits_and_the_call_that_joins_it_are_one(server):
    shop = server.give("shop", max_calls=1, calls_per_minute=1)
    session_id = server.post(SESSIONS, key=shop).json()["id"]
    assert call(server, shop).status_code == 429

    joined = server.post(f"{CALLS}?session_id={session_id}", key=shop, data={"sdp": "v=0\r\n"})
    assert joined.status_code == 201


def test_the_secrets_of_a_key_share_its_limits(server):
    shop = server.give("shop", max_calls=1)
    secrets = [server.post(SECRETS, key=shop, json={}).json()["value"] for _ in range(2)]

    assert [call(server, secret).status_code for secret in secrets] == [201, 429]


def test_a_key_opens_no_more_calls_a_minute_than_it_may(server):
    shop = server.give("shop", calls_per_minute=2)
    assert call(server, shop).status_code == 201
    server.now += 20
    assert server.post(SESSIONS, key=shop).status_code == 201
    server.now += 10

    refused = call(server, shop)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "30"
    assert refused.json()["detail"] == (
        "This key may open 2 calls a minute; the next one in 30 seconds"
    )
    server.now += 30
    assert call(server, shop).status_code == 201
    assert call(server, shop).status_code == 429


@pytest.mark.parametrize("body", [{"sdp": ""}, {"sdp": "v=0", "session": '{"face":"nobody"}'}])
def test_calls_that_cannot_be_are_not_counted(server, body):
    shop = server.give("shop", calls_per_minute=1)
    assert server.post(CALLS, key=shop, data=body).status_code == 400

    assert call(server, shop).status_code == 201


def test_a_full_server_counts_nothing_against_the_key(make_server):
    server = make_server(max_calls=1)
    shop = server.give("shop", calls_per_minute=1)
    other = call(server, server.key)
    assert call(server, shop).status_code == 503

    server.post(other.headers["location"] + "/hangup")
    assert call(server, shop).status_code == 201


def test_the_longest_call_of_a_key_reaches_the_call(server):
    call(server, server.give("shop", max_minutes=1.5))
    call(server, server.key)

    assert [opening.call_s for opening in server.supervisor.opened] == [90.0, None]


def test_a_key_without_the_scope_opens_nothing(server):
    library = server.give("library", "assets", "admin")

    for method, path in [("POST", CALLS), ("POST", SESSIONS), ("POST", SECRETS)]:
        refused = server.request(method, path, key=library, data={"sdp": "v=0\r\n"})
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "insufficient_permissions"
        assert "`calls`" in refused.json()["detail"]
    assert server.get(SESSIONS, key=library).status_code == 200


# --- client secrets for one call -----------------------------------------------------------------


def test_a_secret_for_one_call_opens_one(server):
    secret = server.mint(single_use=True)["value"]
    first, second = call(server, secret), call(server, secret)

    assert (first.status_code, second.status_code) == (201, 401)
    assert second.json()["error"]["code"] == "expired_client_secret"
    assert second.json()["detail"] == "The client secret was for one call only, and has been used"


def test_a_call_that_cannot_be_does_not_use_a_secret_up(server):
    secret = server.mint(single_use=True)["value"]
    server.post(CALLS, key=secret, data={"sdp": "v=0\r\n", "session": '{"face":"nobody"}'})

    assert call(server, secret).status_code == 201


def test_without_the_database_only_secrets_for_one_call_wait(server):
    once, often = server.mint(single_use=True)["value"], server.mint()["value"]
    server.storage.is_away = True

    assert call(server, once).status_code == 503
    assert call(server, often).status_code == 201


def test_a_secret_ends_with_the_key_that_minted_it(server):
    shop = server.give("shop")
    secret = server.post(SECRETS, key=shop, json={}).json()["value"]
    server.keys.replace([])

    assert call(server, secret).status_code == 401
    assert call(server, shop).status_code == 401
