from rtav.core import inputs as told
from rtav.core.outputs import Feel
from rtav.testing.player import Player


def feelings(player: Player) -> list[Feel]:
    return [action for action in player.actions if isinstance(action, Feel)]


def caller() -> Player:
    player = Player()
    player.handle(told.PeerOpened(label="realtime"))
    return player


def test_a_face_knows_when_a_caller_pauses_and_goes_on():
    player = caller()
    player.hear(1.0, 0.9)
    player.hear(0.19, 0.05)
    player.hear(0.5, 0.9)

    assert feelings(player) == [
        Feel("listening"),
        Feel("listening", pauses=True),
        Feel("listening"),
    ]


def test_a_face_thinks_from_the_last_word_to_the_answer():
    player = caller()
    player.hear(1.0, 0.9)
    player.words("What time is it?", is_final=False)
    player.hear(1.0, 0.05)
    player.words("What time is it?", is_final=True)
    thinking = feelings(player)[-1]
    player.reply(1, "Ten.")
    player.play(1, 0.1)

    assert thinking == Feel("thinking")
    assert feelings(player)[-1] == Feel("idle")
