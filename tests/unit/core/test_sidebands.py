"""What further connections are told, and how they are spelt."""

from __future__ import annotations

import pytest

from rtav.core import inputs as told
from rtav.core.common import Policy
from rtav.core.connections import MAIN, Connection
from rtav.core.dialect import Dialect, Signs
from rtav.protocol.client import parse
from rtav.testing.player import Player

SIDE = 1


def joined(*, signs: Signs | None = None, is_open: bool = True) -> Player:
    player = Player(signs=Signs(label="realtime"))
    if is_open:
        player.handle(told.PeerOpened(label="realtime"))
    player.handle(told.SidebandOpened(connection=SIDE, signs=signs or Signs()))
    return player


def aside(player: Player) -> list[str]:
    return [event["type"] for _, event in player.aside]


def test_a_sideband_is_greeted_with_the_session_as_it_is_and_nobody_else_is() -> None:
    player = Player(signs=Signs(label="realtime"))
    player.handle(told.PeerOpened(label="realtime"))
    player.client({"type": "session.update", "session": {"instructions": "Be brief."}})
    player.handle(told.SidebandOpened(connection=SIDE, signs=Signs()))
    ((number, greeting),) = player.aside
    assert (number, greeting["type"]) == (SIDE, "session.created")
    assert greeting["session"]["instructions"] == "Be brief."
    assert greeting["session"]["dialect"] == "rtav", "the session's behaviour, not the sideband's"
    assert player.new_events() == ["session.created", "session.updated"]


def test_what_a_sideband_does_is_told_to_all() -> None:
    player = joined()
    player.new_events()
    update = {"type": "session.update", "session": {"type": "realtime", "instructions": "Short."}}
    player.client(update, connection=SIDE)
    assert player.new_events() == ["session.updated"]
    assert aside(player) == ["session.created"], "and so not to the sideband alone"


def test_what_is_wrong_is_told_only_to_whose_fault_it_is() -> None:
    player = joined()
    player.new_events()
    player.client(
        {"type": "conversation.item.delete", "item_id": "none", "event_id": "mine"}, connection=SIDE
    )
    player.client("no json", connection=SIDE)
    assert player.new_events() == []
    assert aside(player) == ["session.created", "error", "error"]
    assert player.aside[1][1]["error"]["event_id"] == "mine"
    player.client({"type": "conversation.item.delete", "item_id": "none"})
    assert player.new_events() == ["error"]
    assert len(player.aside) == 3


def test_a_sideband_is_as_strict_as_its_own_dialect() -> None:
    player = joined(signs=Signs(named="openai"))
    player.new_events()
    update = {"type": "session.update", "session": {"nonsense": 1, "type": "realtime"}}
    player.client(update, connection=SIDE)
    assert player.aside[-1][1]["error"]["code"] == "unknown_parameter"
    player.client({"type": "session.update", "session": {"nonsense": 1}})
    assert player.new_events() == ["session.updated"]


def test_a_sideband_never_changes_how_the_session_behaves() -> None:
    player = joined(signs=Signs(named="openai"))
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
    player.client({"type": "conversation.item.create", "item": item}, connection=SIDE)
    player.until(1.0)
    assert "response.created" in player.new_events(), "rtAV answers a text by itself"


def test_a_sideband_configures_a_session_before_its_client_is_there() -> None:
    player = joined(is_open=False)
    update = {"type": "session.update", "session": {"type": "realtime", "instructions": "Short."}}
    player.client(update, connection=SIDE)
    assert aside(player) == ["session.created"]
    assert player.new_events() == ["session.updated"], "the call sends it to who is there"
    player.handle(told.PeerOpened(label="realtime"))
    assert player.last("session.created")["session"]["instructions"] == "Short."


def test_a_sideband_that_has_left_says_and_is_told_nothing_more() -> None:
    player = joined()
    player.new_events()
    player.handle(told.SidebandLeft(SIDE))
    player.client("no json", connection=SIDE)
    player.client({"type": "response.create"}, connection=SIDE)
    assert player.new_events() == []
    assert aside(player) == ["session.created"]


def test_sidebands_learn_how_the_answer_ended_when_the_call_does() -> None:
    player = joined()
    player.client({"type": "response.create"})
    player.reply(1, "one two three")
    player.play(1, 0.5)
    player.handle(told.PeerLeft())
    player.new_events()
    player.handle(told.CallEnding())
    assert player.new_events()[-1] == "conversation.item.truncated"
    assert player.last("response.done")["response"]["status"] == "cancelled"
    assert player.last("conversation.item.done")["item"]["content"][0]["transcript"] == "one two "


@pytest.mark.parametrize(
    ("signs", "dialect", "spelling"),
    [
        (Signs(), Dialect.OPENAI, "ga"),
        (Signs(beta=True), Dialect.BETA, "beta"),
        (Signs(auth_message=True), Dialect.RTAV, "ga"),
    ],
)
def test_a_connection_is_spelt_as_it_shows(signs, dialect, spelling) -> None:
    connection = Connection(signs=signs, default=Policy().default_dialect)
    assert (connection.dialect, connection.spelling) == (dialect, spelling)


def test_the_first_event_shows_the_dialect_and_later_ones_do_not() -> None:
    connection = Connection(signs=Signs(), default=Dialect.OPENAI)
    connection.said(parse('{"type": "session.update", "session": {"voice": "alice"}}'))
    assert connection.dialect is Dialect.RTAV
    connection.said(parse('{"type": "session.update", "session": {"audio": {}}}'))
    assert connection.dialect is Dialect.RTAV


@pytest.mark.parametrize(
    ("said", "takes"),
    [
        ({"modalities": ["audio", "image"]}, True),
        ({"include": ["image"]}, True),
        ({"modalities": ["audio"]}, False),
        ({"modalities": 5, "include": [{}, None]}, False),
    ],
)
def test_pictures_go_to_a_sideband_that_asked_for_them(said, takes) -> None:
    connection = Connection(signs=Signs(named="openai"), default=Dialect.OPENAI)
    event = parse('{"type": "session.update", "session": {}}')
    connection.said(event.model_copy(update={"session": said}))
    assert connection.takes("response.output_image.delta") is takes
    assert connection.takes("response.done")


def test_pictures_go_to_a_sideband_of_rtav() -> None:
    connection = Connection(signs=Signs(label="realtime"), default=Dialect.OPENAI)
    assert connection.takes("response.output_image.done")
    assert MAIN == 0
