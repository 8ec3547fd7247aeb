"""Responses out of band: how many there may be."""

from rtav.core.answering import MAX_APART
from rtav.core.common import Policy
from rtav.core.inputs import PeerOpened
from rtav.testing.player import Player

APART = {"conversation": "none", "output_modalities": ["text"]}


def opened(policy: Policy | None = None) -> Player:
    player = Player(policy=policy or Policy())
    player.handle(PeerOpened(label="oai-events"))
    return player


def create(player: Player, **response: object) -> None:
    player.client({"type": "response.create", "event_id": "mine", "response": response})


def test_one_too_many_is_refused_and_the_others_go_on() -> None:
    player = opened()
    for _ in range(MAX_APART):
        create(player, **APART)
    assert "error" not in player.new_events()

    create(player, **APART)

    error = player.last("error")["error"]
    assert error["code"] == "rate_limit_exceeded"
    assert error["param"] == "response.conversation"
    assert error["event_id"] == "mine"
    create(player)
    assert player.last("response.created")["response"]["conversation_id"] == "conv_sess_1"
    player.reply(1, "done")
    create(player, **APART)
    assert player.new_events().count("error") == 1
    assert player.faults == []


def test_those_that_are_still_played_count() -> None:
    player = opened(Policy(client_plays=True))
    for turn in range(1, MAX_APART + 1):
        create(player, conversation="none")
        player.reply(turn, "Hello.")
    assert player.new_events().count("response.done") == MAX_APART

    create(player, conversation="none")
    assert player.new_events() == ["error"]

    player.play(1, 0.3)
    create(player, conversation="none")
    assert player.new_events() == ["response.created"]
