import stat

import pytest

from rtav.errors import ConfigError, ProtocolError
from rtav.server.access import Access
from rtav.server.ephemeral import Grant, Sealer, given_secrets, kept_secret, spell, spelled
from rtav.server.keys import ApiKeys, generate, hashed

NOW = 1_767_225_600.0
OPERATOR = "rtav_ak_operator"


def grant(**changes) -> Grant:
    values = {
        "id": "cs_1",
        "parent": hashed(OPERATOR),
        "expires_at": int(NOW) + 600,
        "origins": (),
        "session": {"instructions": "Répondez 🙂"},
    }
    return Grant(**(values | changes))


def access(*keys: str, now: float = NOW) -> Access:
    return Access(keys=ApiKeys(keys), sealer=Sealer(["first secret"]), unix=lambda: now)


def code_of(error: pytest.ExceptionInfo[ProtocolError]) -> str | None:
    return error.value.code


def test_a_sealed_grant_opens_to_itself_in_either_spelling():
    sealer = Sealer(["first secret"])
    token = sealer.seal(grant(), now=NOW)

    assert sealer.open(spell(token, "ek"), now=NOW) == grant()
    assert sealer.open(spell(token, "rtav_sk"), now=NOW) == grant()


def test_a_token_shows_nothing_of_the_prompt_and_fits_a_subprotocol():
    token = Sealer(["first secret"]).seal(grant(session={"instructions": "hush"}), now=NOW)

    assert "hush" not in token
    assert all(c.isascii() and (c.isalnum() or c in "-_") for c in token)


def test_a_token_expires_when_its_time_has_come():
    sealer = Sealer(["first secret"])
    token = sealer.seal(grant(), now=NOW)

    assert sealer.open(token, now=NOW + 599.9) == grant()
    with pytest.raises(ProtocolError) as refused:
        sealer.open(token, now=NOW + 600)
    assert code_of(refused) == "expired_client_secret"


def test_a_token_changed_in_any_place_is_refused():
    sealer = Sealer(["first secret"])
    token = sealer.seal(grant(), now=NOW)
    for place in range(0, len(token), 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(ProtocolError) as refused:
            sealer.open(changed, now=NOW)
        assert code_of(refused) == "invalid_api_key"


def test_another_servers_token_is_refused():
    token = Sealer(["another secret"]).seal(grant(), now=NOW)

    with pytest.raises(ProtocolError) as refused:
        Sealer(["first secret"]).open(token, now=NOW)
    assert code_of(refused) == "invalid_api_key"


def test_after_a_rotation_old_tokens_still_open():
    token = Sealer(["old secret"]).seal(grant(), now=NOW)

    assert Sealer(["new secret", "old secret"]).open(token, now=NOW) == grant()


def test_a_configuration_that_makes_too_long_a_key_is_refused_by_name():
    instructions = "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(4000))
    with pytest.raises(ProtocolError) as refused:
        Sealer(["s"]).seal(grant(session={"instructions": instructions}), now=NOW)

    assert refused.value.param == "session"
    assert "4096" in str(refused.value)


def test_the_longest_key_is_four_kibibytes():
    sealer = Sealer(["s"])
    longest = 0
    for length in range(500, 2600, 20):
        text = "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(length))
        try:
            longest = max(longest, len(sealer.seal(grant(session={"i": text}), now=NOW)))
        except ProtocolError:
            break

    assert 3900 < longest <= 4096 - len("rtav_sk_")


@pytest.mark.parametrize(
    ("key", "spelling"), [("rtav_sk_x", "rtav_sk"), ("ek_x", "ek"), ("sk-proj-x", "other")]
)
def test_a_keys_spelling_is_its_prefix(key, spelling):
    assert spelled(key) == spelling


def test_an_api_key_of_any_prefix_is_known():
    caller = access("sk-proj-migrated").caller("sk-proj-migrated", origin=None)

    assert caller.grant is None
    assert caller.session == {}


def test_an_ephemeral_key_ends_with_the_key_that_minted_it():
    token = Sealer(["first secret"]).seal(grant(), now=NOW)

    assert access(OPERATOR).caller(spell(token, "ek"), origin=None).grant == grant()
    with pytest.raises(ProtocolError) as refused:
        access("rtav_ak_its_successor").caller(spell(token, "ek"), origin=None)
    assert code_of(refused) == "invalid_api_key"


def test_an_ephemeral_key_works_from_its_origins_only():
    token = Sealer(["first secret"]).seal(grant(origins=("https://shop.example",)), now=NOW)
    gate = access(OPERATOR)

    assert gate.caller(token, origin="https://shop.example").grant is not None
    for origin in ("https://evil.example", None):
        with pytest.raises(ProtocolError) as refused:
            gate.caller(token, origin=origin)
        assert code_of(refused) == "origin_not_allowed"


def test_generated_keys_differ_and_have_256_bits():
    keys = {generate() for _ in range(50)}

    assert len(keys) == 50
    assert all(key.startswith("rtav_ak_") and len(key) == len("rtav_ak_") + 43 for key in keys)


def test_the_kept_secret_is_made_once_for_its_owner_only(tmp_path):
    folder = tmp_path / "state" / "rtav"
    first = kept_secret(folder)

    assert kept_secret(folder) == first
    assert len(first) == 43
    assert stat.S_IMODE((folder / "secret").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["secret"]


def test_a_state_folder_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as refused:
        kept_secret(tmp_path / "file" / "state")

    assert refused.value.setting == "state_dir"
    assert "RTAV_STATE_DIR" in str(refused.value)


def test_given_secrets_are_rotated_by_a_comma():
    assert given_secrets("sixteen-letters-1, sixteen-letters-2") == [
        "sixteen-letters-1",
        "sixteen-letters-2",
    ]


@pytest.mark.parametrize("setting", ["", " , ", "short", "sixteen-letters-1,short"])
def test_a_secret_that_can_be_guessed_is_refused(setting):
    with pytest.raises(ConfigError):
        given_secrets(setting)
