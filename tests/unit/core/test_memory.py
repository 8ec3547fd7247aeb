"""What the model reads of a conversation that has become too long. Every message weighs 6 tokens:
4 around it and 8 letters."""

from typing import Any

import pytest

from rtav.core import conversation as module
from rtav.core.common import Policy
from rtav.core.conversation import Conversation, Item
from rtav.core.inputs import PeerOpened, ReplyEnded
from rtav.core.memory import recall, surplus
from rtav.testing.player import Player

Role = Any


def message(item_id: str, role: Role = "user") -> Item:
    kind = "output_text" if role == "assistant" else "input_text"
    part = {"type": kind, "text": "12345678"}
    return Item(id=item_id, type="message", role=role, content=[part])


def call(item_id: str, call_id: str) -> Item:
    fields = {"call_id": call_id, "name": "1234", "arguments": "1234"}
    return Item(id=item_id, type="function_call", fields=fields)


def output(item_id: str, call_id: str) -> Item:
    fields = {"call_id": call_id, "output": "12345678"}
    return Item(id=item_id, type="function_call_output", fields=fields)


def ratio(share: float, limit: int | None = None) -> dict[str, Any]:
    limits = {} if limit is None else {"token_limits": {"post_instructions": limit}}
    return {"type": "retention_ratio", "retention_ratio": share, **limits}


def kept(items: list[Item], truncation: Any, room: float, factor: float = 1.0) -> str | None:
    """The ids of what is read: every item says its own."""
    for item in items:
        said = item.id * 8
        if item.type == "function_call":
            item.fields["arguments"] = item.id * 4
        elif item.type == "function_call_output":
            item.fields["output"] = said
        else:
            item.content[0]["text"] = said
    found = recall(items, truncation, room=room, factor=factor)
    return None if found is None else "".join(line.text[0] for line in found)


def talk() -> list[Item]:
    return [
        message("s", "system"),
        message("a"),
        message("A", "assistant"),
        message("b"),
        message("B", "assistant"),
        message("c"),
    ]


def test_what_fits_is_read_whole() -> None:
    assert kept(talk(), "auto", 36) == "saAbBc"
    assert kept(talk(), "disabled", 36) == "saAbBc"


def test_auto_leaves_out_just_enough_of_the_oldest_turns() -> None:
    assert kept(talk(), "auto", 35) == "sbBc"
    assert kept(talk(), "auto", 24) == "sbBc"
    assert kept(talk(), "auto", 23) == "sc"


def test_disabled_leaves_out_nothing_and_so_can_fail() -> None:
    assert kept(talk(), "disabled", 35) is None


def test_what_the_user_said_last_and_instructions_are_never_left_out() -> None:
    assert kept(talk(), "auto", 12) == "sc"
    assert kept(talk(), "auto", 11) is None
    assert kept([message("s", "system")], "auto", 5) is None
    assert kept([], "auto", 5) == ""
    assert kept([], "auto", -1) is None


def test_messages_of_the_user_in_a_row_are_one_turn() -> None:
    items = [message("a"), message("s", "system"), message("b"), message("A", "assistant")]
    assert kept([*items, message("c"), message("d")], "auto", 30) == "scd"


def test_a_call_leaves_with_its_output_wherever_that_is() -> None:
    items = [
        message("a"),
        call("f", "1"),
        message("b"),
        output("o", "1"),
        message("B", "assistant"),
    ]
    assert kept(items, "auto", 29) == "bB"
    assert kept([*items[:3], message("B", "assistant")], "auto", 18) == "bB"


def test_a_long_turn_leaves_out_its_oldest_calls() -> None:
    items = [message("a"), call("f", "1"), output("o", "1"), call("g", "2"), output("p", "2")]
    assert kept(items, "auto", 29) == "agp"
    assert kept(items, "auto", 18) == "agp"
    assert kept(items, "auto", 17) is None


def test_an_output_without_its_call_is_an_item_of_its_own() -> None:
    assert kept([output("o", "1"), message("a")], "auto", 6) == "a"


def test_a_ratio_leaves_out_more_so_that_the_rest_stays_alike_for_long() -> None:
    items = talk()
    assert kept(items, ratio(0.7), 36) == "saAbBc"
    assert kept(items, ratio(0.7), 35) == "sbBc"
    items += [message("C", "assistant")]
    assert kept(items, ratio(0.7), 35) == "sbBcC"
    items += [message("d")]
    assert kept(items, ratio(0.7), 35) == "scCd"
    assert kept(items, "auto", 48) == "saAbBcCd"


def test_a_ratio_that_cannot_be_reached_keeps_the_last_turn() -> None:
    assert kept(talk(), ratio(0.0), 35) == "sc"


def test_a_ratio_may_name_a_limit_of_its_own_in_the_tokens_of_the_model() -> None:
    assert kept(talk(), ratio(1.0, limit=35), 1000) == "sbBc"
    assert kept(talk(), ratio(1.0, limit=35), 23) == "sc"
    assert kept(talk(), ratio(1.0, limit=35), 1000, factor=0.9) == "saAbBc"
    assert kept(talk(), ratio(1.0), 36) == "saAbBc"


def test_what_is_too_long_altogether_marks_nothing() -> None:
    items = talk()
    assert kept(items, ratio(0.5), 11) is None
    assert kept(items, ratio(0.5), 36) == "saAbBc"


# --- what leaves the conversation itself -------------------------------------------------------


def filled(*items: Item) -> Conversation:
    conversation = Conversation()
    for item in items:
        conversation.give(item)
    return conversation


def leaving(conversation: Conversation, item: Item, *, after: str | None = None) -> str:
    return "".join(gone.id for gone in surplus(conversation, item, after=after))


def test_a_full_conversation_lets_go_of_its_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ITEMS", 4)
    new = message("n")
    assert leaving(filled(message("a"), message("b")), new) == ""
    full = filled(message("s", "system"), call("f", "1"), message("b"), output("o", "1"))
    assert leaving(full, new) == "fo"
    assert leaving(full, new, after="o") == "b"
    only = filled(*(message(name, "system") for name in "stuv"))
    assert leaving(only, new) == ""


def test_what_is_still_being_said_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ITEMS", 2)
    saying = message("A", "assistant")
    saying.status = "in_progress"
    assert leaving(filled(saying, message("b")), message("n")) == "b"


def test_for_much_text_leaves_what_the_client_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    size = message("a").characters
    monkeypatch.setattr(module, "MAX_CHARACTERS", 2 * size)
    conversation = filled(message("a"))
    conversation.add(message("A", "assistant"))
    conversation.give(message("b"))
    assert leaving(conversation, message("n")) == "a"
    huge = message("n")
    huge.content[0]["text"] *= 10
    assert leaving(conversation, huge) == ""


def client_says(player: Player, item_id: str, **fields: Any) -> None:
    part = {"type": "input_text", "text": "12345678"}
    item = {"id": item_id, "type": "message", "role": "user", "content": [part]}
    player.client({"type": "conversation.item.create", "item": item, **fields})


def opened(policy: Policy | None = None, **session: Any) -> Player:
    player = Player(policy=policy or Policy())
    player.handle(PeerOpened(label="oai-events"))
    session_update = {"type": "session.update", "session": {"type": "realtime", **session}}
    player.client(session_update)
    player.new_events()
    return player


ADDED = ["conversation.item.added", "conversation.item.done"]


def test_a_conversation_that_is_full_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ITEMS", 2)
    player = opened()
    for name in "abc":
        client_says(player, name)
    assert player.new_events() == [*ADDED, *ADDED, "conversation.item.deleted", *ADDED]
    assert player.last("conversation.item.deleted")["item_id"] == "a"
    assert player.last("conversation.item.added")["previous_item_id"] == "b"

    client_says(player, "d", previous_item_id="a")
    assert player.last("error")["error"]["param"] == "previous_item_id"
    assert player.new_events() == ["error"]

    player.client({"type": "response.create", "response": {"output_modalities": ["text"]}})
    player.reply(1, "Yes.")
    assert player.last("conversation.item.deleted")["item_id"] == "b"
    assert player.faults == []


def test_without_truncation_a_full_conversation_is_the_clients_to_shorten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_ITEMS", 2)
    player = opened(truncation="disabled")
    for name in "abc":
        client_says(player, name)
    assert player.last("error")["error"]["code"] == "conversation_full"
    assert player.new_events() == [*ADDED, *ADDED, "error"]

    player.client({"type": "response.create", "response": {"output_modalities": ["text"]}})
    player.reply(1, "Yes.")
    assert player.last("conversation.item.deleted")["item_id"] == "a"
    assert player.last("response.done")["response"]["status"] == "completed"


def test_hours_of_talk_stay_within_the_budget_and_never_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_ITEMS", 100)
    player = opened(Policy(context_tokens=307))
    for turn in range(1, 201):
        client_says(player, f"user_{turn}")
        player.client({"type": "response.create", "response": {"output_modalities": ["text"]}})
        assert len(player.asked["history"]) == min(2 * turn - 1, 49)
        assert player.asked["history"][-1] == "user: 12345678"
        player.reply(turn, "12345678")
    kinds = player.new_events()
    assert kinds.count("conversation.item.added") == 400
    assert kinds.count("conversation.item.deleted") == 300
    assert "error" not in kinds
    assert player.faults == []


def test_a_responses_own_input_can_be_too_long_as_well() -> None:
    player = opened(Policy(context_tokens=30), truncation="disabled")
    part = {"type": "input_text", "text": "12345678" * 20}
    message = {"type": "message", "role": "user", "content": [part]}
    player.client({"type": "response.create", "response": {"input": [message]}})
    ended = player.last("response.done")["response"]
    assert ended["status"] == "failed"
    assert ended["status_details"]["error"]["code"] == "context_length_exceeded"


def test_what_nobody_was_asked_says_nothing_about_tokens() -> None:
    player = opened()
    player.hear(0.6, 0.9)
    player.hear(0.7, 0.05)
    assert player.last("response.created")
    player.handle(ReplyEnded(turn=1, input_tokens=5_000))
    assert player.session._common.gauge.factor == 1.0
    assert player.faults == []
