"""The servers that clients reach a call through when nothing else gets out of their network."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rtav.server.ice_servers import IceServers, login
from rtav.settings import IceSettings

TURN = ("turn:turn.example.org:3478?transport=udp", "turns:turn.example.org:5349")
PATH = "/v1/realtime/ice_servers"


def test_a_login_is_the_one_that_coturn_computes() -> None:
    # printf '1433065916:ninefingers' | openssl dgst -sha1 -hmac north -binary | base64
    assert login("ninefingers", secret="north", expires_at=1433065916) == (
        "1433065916:ninefingers",
        "SDuA3OErhfGFaxmFHH7fTICexdg=",
    )


@pytest.fixture
def turned(make_server):
    ice = IceSettings(
        stun=("stun:stun.example.org:3478",), turn=TURN, turn_secret="north", turn_lifetime_s=7200
    )
    return make_server(ice_servers=IceServers.of(ice))


LISTED = [
    {"urls": ["stun:stun.example.org:3478"]},
    {
        "urls": list(TURN),
        "username": "1767232800:user_operator",
        "credential": "Aoy/2PEoyG2qyCWW2uk7Cgowg8o=",
    },
]


def test_a_key_is_told_the_servers_with_a_login_of_its_own(turned) -> None:
    answer = turned.get(PATH)
    assert answer.json() == {"ice_servers": LISTED}
    assert answer.headers["cache-control"] == "no-store"


def test_a_client_secret_comes_with_them_and_is_told_them_again(turned) -> None:
    minted = turned.mint()
    assert minted["ice_servers"] == LISTED
    turned.now += 60
    (_, turn) = turned.get(PATH, key=minted["value"]).json()["ice_servers"]
    assert turn["username"] == "1767232860:user_operator", "its parent's, until it runs out"


def test_a_secret_for_one_call_may_ask_first(turned) -> None:
    secret = turned.mint(single_use=True)["value"]
    assert turned.get(PATH, key=secret).status_code == 200
    call = turned.post("/v1/realtime/calls", key=secret, data={"sdp": "v=0\r\n"})
    assert call.status_code == 201


@pytest.mark.parametrize(("key", "status"), [(None, 401), ("wrong", 401)])
def test_nobody_else_is_told(turned, key, status) -> None:
    assert turned.get(PATH, key=key).status_code == status


def test_a_key_that_may_not_call_is_told_nothing(turned) -> None:
    assert turned.get(PATH, key=turned.give("other", "assets")).status_code == 403


def test_without_settings_there_are_none(server) -> None:
    assert server.get(PATH).json() == {"ice_servers": []}
    assert server.mint()["ice_servers"] == []


def test_a_login_that_never_runs_out_is_passed_on() -> None:
    ice = IceSettings(turn=("turn:10.0.0.1",), turn_username="rtav", turn_credential="pass")
    assert IceServers.of(ice).listed("user_a", now=0) == [
        {"urls": ["turn:10.0.0.1"], "username": "rtav", "credential": "pass"}
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"turn": ("turn:host",)}, "turn needs turn_secret"),
        ({"turn_secret": "north"}, "turn needs turn_secret"),
        ({"turn": ("turn:host",), "turn_username": "a"}, "belong together"),
        (
            {
                "turn": ("turn:host",),
                "turn_secret": "north",
                "turn_username": "a",
                "turn_credential": "b",
            },
            "exclude each other",
        ),
        ({"stun": ("stun.example.org",)}, "'stun.example.org' is not like stun:host:3478"),
        ({"stun": ("stun://host",)}, "is not like stun:host"),
        ({"turn": ("stun:host",), "turn_secret": "north"}, "is not like turn:host"),
        ({"turn": ("turn:host?transport=tls",), "turn_secret": "north"}, "is not like turn:host"),
        ({"turn_lifetime_s": 1}, "greater than or equal to 60"),
    ],
)
def test_settings_that_no_browser_could_use_are_refused(settings, message) -> None:
    with pytest.raises(ValidationError, match=message.replace("?", r"\?")):
        IceSettings(**settings)


@pytest.mark.parametrize("url", ["stun:host", "stuns:[2001:db8::1]:5349", "stun:10.0.0.1:3478"])
def test_every_form_of_an_address_is_taken(url) -> None:
    assert IceSettings(stun=(url,)).stun == (url,)


def test_no_secret_is_shown_by_accident() -> None:
    ice = IceSettings(turn=("turn:host",), turn_secret="north")
    assert "north" not in repr(ice)
    assert "north" not in repr(IceServers.of(ice))
