from rtav.core.dialect import Dialect
from rtav.core.inputs import (
    PeerOpened,
    Played,
    ReplyCue,
    ReplyEnded,
    ReplyText,
    ReplyToolCall,
    Spoken,
    SpokenAll,
)
from rtav.testing.player import Player


def test_a_session_shows_its_configuration_and_its_dialect() -> None:
    player = Player()
    player.handle(PeerOpened(label="realtime"))
    assert player.session.dialect is Dialect.RTAV
    assert player.session.config.id == "sess_1"


def test_what_arrives_for_an_unknown_turn_is_void() -> None:
    player = Player()
    player.handle(PeerOpened(label="realtime"))
    player.new_events()
    player.new_actions()
    for event in (
        ReplyText(turn=7, text="x"),
        ReplyCue(turn=7, motion="Wink"),
        ReplyToolCall(turn=7, index=0, name="f"),
        ReplyEnded(turn=7),
        Spoken(turn=7, end=100),
        SpokenAll(turn=7),
        Played(turn=7, upto=100),
    ):
        player.handle(event)
    assert player.new_events() == []
    assert player.new_actions() == []


def test_an_idle_session_needs_no_tick() -> None:
    player = Player()
    player.handle(PeerOpened(label="realtime"))
    assert player.session.deadline is None
