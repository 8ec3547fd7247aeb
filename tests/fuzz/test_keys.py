"""Any text as a key is either one that was given out, or refused as invalid or expired."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtav.errors import ProtocolError
from rtav.server.access import Access
from rtav.server.ephemeral import Grant, Sealer
from rtav.server.keys import ApiKeys, hashed

NOW = 1_767_225_600.0
OPERATOR = "rtav_ak_operator"
SEALER = Sealer(["a secret for tests"])
GATE = Access(keys=ApiKeys([OPERATOR]), sealer=SEALER, unix=lambda: NOW)
TOKEN = SEALER.seal(
    Grant(id="cs_1", parent=hashed(OPERATOR), expires_at=int(NOW) + 60, session={}), now=NOW
)


@given(
    prefix=st.sampled_from(["", "ek_", "rtav_sk_", "rtav_ak_", "gAAAA"]),
    rest=st.text() | st.binary().map(lambda raw: raw.decode("latin-1")),
)
def test_any_text_is_refused(prefix, rest):
    with pytest.raises(ProtocolError) as refused:
        GATE.caller(prefix + rest, origin=None)

    assert refused.value.code == "invalid_api_key"


@given(
    place=st.integers(0, len(TOKEN) - 1),
    letter=st.sampled_from("ABCDEFabcdef0123456789-_=+/ "),
)
def test_a_token_with_any_one_letter_changed_is_refused(place, letter):
    changed = TOKEN[:place] + letter + TOKEN[place + 1 :]
    if changed == TOKEN:
        return
    with pytest.raises(ProtocolError) as refused:
        GATE.caller("ek_" + changed, origin=None)

    assert refused.value.code == "invalid_api_key"


def test_no_token_has_a_second_spelling():
    sealed = [
        SEALER.seal(
            Grant(id="cs_" + "1" * n, parent="p", expires_at=int(NOW) + 60, session={}), now=NOW
        )
        for n in range(40)
    ]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/"

    for token in sealed:
        for letter in letters:
            if letter == token[-1]:
                continue
            with pytest.raises(ProtocolError):
                SEALER.open(token[:-1] + letter, now=NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(session=st.dictionaries(st.text(st.characters(codec="utf-8")), JSON, max_size=4))
def test_any_configuration_comes_back_as_it_was(session):
    grant = Grant(id="cs_1", parent="p", expires_at=int(NOW) + 60, session=session)

    try:
        token = SEALER.seal(grant, now=NOW)
    except ProtocolError as refused:
        assert refused.param == "session"  # noqa: PT017 - too long a key is the other allowed end
        return
    assert SEALER.open(token, now=NOW) == grant
