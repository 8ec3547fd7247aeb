"""How far ahead a client that plays by itself is sent a reply."""

from rtav.core import inputs as told
from rtav.core.common import Policy
from rtav.testing.player import Player


def asked(policy: Policy) -> Player:
    player = Player(policy=policy)
    player.handle(told.PeerOpened(label="oai-events"))
    player.client({"type": "response.create"})
    return player


def pieces(player: Player) -> int:
    return sum(event["type"] == "response.output_audio.delta" for event in player.events)


def test_a_long_reply_is_sent_thirty_seconds_ahead_and_the_rest_as_it_is_played() -> None:
    player = asked(Policy(client_plays=True))
    player.reply(1, " ".join(["word"] * 160))  # 40 s

    assert pieces(player) == 300
    assert not player.last("response.done")
    player.play(1, 5.0)
    assert 349 <= pieces(player) <= 351
    player.play(1, 5.0)
    assert pieces(player) >= 400
    assert player.last("response.done")["response"]["status"] == "completed"
    assert player.faults == []


def test_a_create_while_the_rest_waits_sends_it_at_once() -> None:
    player = asked(Policy(client_plays=True))
    player.reply(1, " ".join(["word"] * 160))
    player.client({"type": "response.create"})

    assert pieces(player) == 400
    assert player.last("response.done")["response"]["status"] == "completed"
    assert (
        player.last("response.created")["response"]["id"]
        != player.last("response.done")["response"]["id"]
    )
    assert player.faults == []


def test_a_short_piece_waits_for_more_unless_the_client_runs_dry() -> None:
    player = asked(Policy(client_plays=True))
    word = told.SpokenWord(text="a ", start=0, end=500)
    player.handle(told.ReplyText(turn=1, text="a b"))
    player.handle(told.Spoken(turn=1, end=9_700, words=(word,)))
    assert pieces(player) == 4
    player.handle(told.Spoken(turn=1, end=9_800))
    assert pieces(player) == 4
    player.handle(told.Played(turn=1, upto=7_680))
    assert pieces(player) == 5
    player.handle(told.SpokenAll(turn=1))
    player.handle(told.ReplyEnded(turn=1))
    assert player.last("response.done")["response"]["status"] == "completed"
