from rtav.core.answering import MAX_WAITING
from rtav.core.inputs import PeerOpened
from rtav.testing.player import Player


def test_a_client_that_has_too_much_spoken_is_told_so_and_loses_nothing():
    player = Player()
    player.handle(PeerOpened(label="realtime"))
    for number in range(MAX_WAITING + 1):  # the first one is being spoken
        player.client({"type": "generate", "text": f"Text {number}."})
    assert "error" not in player.new_events()

    player.client({"type": "generate", "text": "One more.", "event_id": "mine"})

    error = player.last("error")["error"]
    assert (error["code"], error["event_id"]) == ("rate_limit_exceeded", "mine")
    player.reply(1, "Text 0.")
    player.play(1, 1)
    player.client({"type": "generate", "text": "Now there is room."})
    assert player.new_events().count("error") == 1
    assert player.faults == []
