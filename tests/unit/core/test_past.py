"""What a session leaves to the one that goes on with it."""

from __future__ import annotations

from rtav.core import inputs as told
from rtav.core.connections import MAIN
from rtav.core.conversation import ITEM_BYTES, WORD_BYTES, Conversation, Item
from rtav.core.dialect import Dialect, Signs
from rtav.testing.player import Player


def test_what_was_being_said_is_cut_to_what_was_heard_and_nothing_stays_open() -> None:
    player = Player(signs=Signs(label="realtime"))
    player.handle(told.PeerOpened(label="realtime"))
    player.client({"type": "response.create"})
    player.reply(1, "one two three", is_open=True)
    player.play(1, 0.5)
    player.handle(told.PeerLeft())
    player.handle(told.CallEnding())
    past = player.session.past
    (item,) = past.conversation
    assert (item.status, item.content[0]["transcript"]) == ("incomplete", "one two ")
    assert past.dialect is Dialect.RTAV
    assert past.config is player.session.config
    assert player.session.connection(MAIN).dialect is Dialect.RTAV


def test_an_item_that_nobody_finishes_is_incomplete() -> None:
    conversation = Conversation()
    for status in ("in_progress", "completed"):
        fields = {"call_id": "call_1", "name": "f", "arguments": "{"}
        conversation.add(Item(id=status, type="function_call", fields=fields, status=status))
    conversation.close()
    assert [item.status for item in conversation] == ["incomplete", "completed"]


def test_a_conversation_knows_about_what_it_takes() -> None:
    conversation = Conversation()
    assert conversation.size_bytes == 0
    word = told.SpokenWord(text="hello", start=0, end=9)
    content = [{"type": "output_audio", "transcript": "hello"}]
    conversation.add(
        Item(id="item_1", type="message", role="assistant", content=content, words=[word])
    )
    assert conversation.size_bytes == len("output_audio" + "hello") + ITEM_BYTES + WORD_BYTES
