import pytest

SECRETS = "/v1/realtime/client_secrets"
CALLS = "/v1/realtime/calls"
OFFER = "v=0\r\n"


def test_a_secret_has_both_spellings_of_one_token_and_says_how_long_it_lives(server):
    secret = server.mint(session={"type": "realtime"})

    assert secret["client_secret"].startswith("rtav_sk_")
    assert secret["value"] == "ek_" + secret["client_secret"].removeprefix("rtav_sk_")
    assert secret["expires_in"] == 600
    assert secret["expires_at"] == int(server.now) + 600
    assert secret["session"]["type"] == "realtime"


@pytest.mark.parametrize(
    "origin",
    ["https://shop.example", "http://localhost:5173", "http://[::1]:80", "chrome-extension://abc"],
)
def test_an_origin_is_what_a_browser_sends(server, origin):
    key = server.mint(origins=[origin])["value"]

    def called(page: str) -> int:
        return server.post(
            CALLS, key=key, data={"sdp": OFFER}, headers={"Origin": page}
        ).status_code

    assert called(origin) == 201
    assert called("https://evil.example") == 403


@pytest.mark.parametrize("content", [b"", b"{}", b'{"session":null,"expires_after":null}'])
def test_an_empty_request_mints_a_secret(server, content):
    response = server.post(SECRETS, content=content, headers={"Content-Type": "application/json"})

    assert response.status_code == 200
    assert response.json()["session"]["object"] == "realtime.session"


def test_the_wanted_life_is_kept(server):
    secret = server.mint(expires_after={"anchor": "created_at", "seconds": 10})
    server.now += 9
    assert server.post(CALLS, key=secret["value"], data={"sdp": OFFER}).status_code == 201

    server.now += 1
    late = server.post(CALLS, key=secret["value"], data={"sdp": OFFER})
    assert secret["expires_in"] == 10
    assert late.status_code == 401
    assert late.json()["error"]["code"] == "expired_client_secret"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"expires_after": {"seconds": 9}}, "expires_after.seconds"),
        ({"expires_after": {"seconds": 7201}}, "expires_after.seconds"),
        ({"expires_after": {"seconds": "60"}}, "expires_after.seconds"),
        ({"expires_after": {"seconds": 60.5}}, "expires_after.seconds"),
        ({"expires_after": {"seconds": True}}, "expires_after.seconds"),
        ({"expires_after": {"anchor": "now"}}, "expires_after.anchor"),
        ({"expires_after": []}, "expires_after"),
        ({"session": "hello"}, "session"),
        ({"session": []}, "session"),
        ({"session": {"face": "nobody"}}, "session.face"),
        ({"origins": "https://a"}, "origins"),
        ({"origins": ["https://a", "shop.example"]}, "origins[1]"),
        ({"origins": ["https://shop.example/"]}, "origins[0]"),
        ({"origins": ["https://Shop.example"]}, "origins[0]"),
        ({"origins": ["*"]}, "origins[0]"),
    ],
)
def test_a_wrong_value_is_refused_by_name(server, body, param):
    response = server.post(SECRETS, json=body)

    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


@pytest.mark.parametrize("content", [b"{", b"[]", b"null", b"\xff", b'"x"', b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(server, content):
    response = server.post(SECRETS, content=content)

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_json"


def test_a_configuration_that_does_not_fit_a_key_is_refused_by_name(server):
    text = "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(4000))
    response = server.post(SECRETS, json={"session": {"instructions": text}})

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "session"


def test_a_secret_cannot_mint_secrets(server):
    response = server.post(SECRETS, key=server.mint()["value"], json={})

    assert response.status_code == 403
    assert response.json()["error"]["code"] == "insufficient_permissions"


def test_minting_needs_a_key(server):
    assert server.post(SECRETS, key=None, json={}).status_code == 401


def test_a_secret_opens_several_calls(server):
    secret = server.mint()["value"]
    answers = [server.post(CALLS, key=secret, data={"sdp": OFFER}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]


# --- the beta ------------------------------------------------------------------------------

OLDER = "/v1/realtime/sessions"


def test_the_beta_mints_a_secret_with_a_flat_session(server):
    body = {
        "model": "gpt-4o-realtime-preview",
        "voice": "alloy",
        "modalities": ["audio", "text"],
        "client_secret": {"expires_after": {"anchor": "created_at", "seconds": 60}},
    }
    response = server.post(OLDER, json=body)

    answer = response.json()
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert answer["client_secret"]["value"].startswith("ek_")
    assert answer["client_secret"]["expires_at"] == int(server.now) + 60
    assert (answer["object"], answer["model"]) == ("realtime.session", "gpt-4o-realtime-preview")
    assert (answer["voice"], answer["input_audio_format"]) == ("alloy", "pcm16")
    assert answer["max_response_output_tokens"] == "inf"
    assert not {"audio", "type", "output_modalities"} & answer.keys()


def test_a_call_with_a_secret_of_the_beta_is_in_its_dialect(server):
    secret = server.post(OLDER, json={"voice": "alloy"}).json()["client_secret"]["value"]
    server.post(CALLS, key=secret, data={"sdp": OFFER})
    assert server.supervisor.opened[0].secret_session == {"dialect": "beta", "voice": "alloy"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (
            {"client_secret": {"expires_after": {"seconds": 9}}},
            "client_secret.expires_after.seconds",
        ),
        ({"face": "nobody"}, "session.face"),
    ],
)
def test_a_wrong_value_of_the_betas_is_refused_by_name(server, body, param):
    response = server.post(OLDER, json=body)

    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


def test_a_secret_mints_no_secret_by_the_older_path(server):
    secret = server.mint()["value"]
    assert server.post(OLDER, key=secret, json={}).status_code == 403


def test_an_offer_to_the_betas_path_opens_a_call_of_its_dialect(server):
    response = server.post(
        "/v1/realtime?model=m", content=OFFER, headers={"Content-Type": "application/sdp"}
    )

    assert response.status_code == 201
    opening = server.supervisor.opened[0]
    assert (opening.beta_header, opening.session) == (True, {"model": "m"})


def test_transcription_sessions_are_refused_with_another_way(server):
    response = server.post("/v1/realtime/transcription_sessions", json={})

    error = response.json()["error"]
    assert response.status_code == 400
    assert (error["code"], error["param"]) == ("invalid_value", "session.type")
    assert "create_response" in error["message"]
