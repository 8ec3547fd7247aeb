import pytest
from pydantic import TypeAdapter

from rtav.core import conversation as module
from rtav.core.conversation import Conversation, Item, read, spoken_text
from rtav.core.inputs import SpokenWord
from rtav.core.outputs import Line, Picture
from rtav.errors import ProtocolError
from rtav.protocol import items as wire


def given(**fields: object) -> wire.Item:
    item: wire.Item = TypeAdapter(wire.Item).validate_python(fields)
    return item


def message(role: str, *content: dict[str, object]) -> wire.Item:
    return given(type="message", role=role, content=list(content))


def item_of(source: wire.Item) -> Item:
    return read(source, new_id="item_1", call_id="call_1")


def lines(source: wire.Item) -> list[Line]:
    return list(item_of(source).lines())


def system(item_id: str) -> Item:
    part = {"type": "input_text", "text": item_id}
    return Item(id=item_id, type="message", role="system", content=[part])


def test_items_stand_where_the_client_puts_them() -> None:
    conversation = Conversation()
    assert conversation.last_id is None
    assert conversation.add(system("b")) is None
    assert conversation.add(system("a"), after="root") is None
    assert conversation.add(system("d")) == "b"
    assert conversation.add(system("c"), after="b") == "b"
    assert [item.id for item in conversation] == ["a", "b", "c", "d"]
    assert conversation.last_id == "d"


def test_an_id_is_taken_once_and_free_after_removal() -> None:
    conversation = Conversation()
    item = system("a")
    conversation.add(item)
    with pytest.raises(ProtocolError, match="already exists"):
        conversation.add(system("a"))
    conversation.remove(item)
    conversation.add(system("a"))


def test_there_is_nothing_after_an_item_that_is_not_there() -> None:
    with pytest.raises(ProtocolError) as refused:
        Conversation().add(system("a"), after="b")
    assert refused.value.param == "previous_item_id"


def test_a_users_words_and_pictures_are_one_line() -> None:
    source = message(
        "user",
        {"type": "input_text", "text": "What is"},
        {"type": "input_image", "image_url": "https://x", "detail": "low"},
        {"type": "input_audio", "transcript": "this?"},
    )
    assert lines(source) == [
        Line(role="user", text="What is this?", images=(Picture("https://x", "low"),))
    ]


def test_a_voice_without_words_is_inaudible() -> None:
    assert lines(message("user", {"type": "input_audio"})) == [
        Line(role="user", text="(inaudible)")
    ]


def test_a_message_without_words_is_no_line() -> None:
    assert lines(message("user")) == []
    assert lines(message("assistant", {"type": "output_audio"})) == []


def test_calls_and_their_outputs_are_lines() -> None:
    call = given(type="function_call", name="f", arguments="{}")
    output = given(type="function_call_output", call_id="call_1", output="5")
    assert lines(call) == [Line(role="assistant", text="{}", call_id="call_1", call_name="f")]
    assert lines(output) == [Line(role="tool", text="5", call_id="call_1")]


def test_half_a_call_is_no_line() -> None:
    item = item_of(given(type="function_call", name="f", arguments='{"a'))
    item.status = "incomplete"
    assert list(item.lines()) == []


def test_an_assistants_content_is_shown_as_strict_clients_know_it() -> None:
    source = message(
        "assistant",
        {"type": "input_text", "text": "a"},
        {"type": "text", "text": "b"},
        {"type": "audio", "transcript": "c"},
    )
    assert item_of(source).as_json()["content"] == [
        {"type": "output_text", "text": "a"},
        {"type": "output_text", "text": "b"},
        {"type": "output_audio", "transcript": "c"},
    ]


def test_a_users_audio_always_has_a_transcript_field() -> None:
    source = message("user", {"type": "input_audio", "audio": "AAAA"})
    assert item_of(source).as_json()["content"] == [{"type": "input_audio", "transcript": None}]


def test_only_an_assistants_input_text_is_spoken() -> None:
    text = {"type": "input_text", "text": "Hi."}
    assert spoken_text(message("assistant", text, text)) == "Hi. Hi."
    assert spoken_text(message("assistant", {"type": "output_text", "text": "Hi."})) is None
    assert spoken_text(message("user", text)) is None


def test_a_cut_keeps_the_words_that_were_heard_to_their_end() -> None:
    words = [SpokenWord(text="one ", start=0, end=100), SpokenWord(text="two", start=100, end=200)]
    part = {"type": "output_audio", "transcript": "one two"}
    item = Item(
        id="a", type="message", role="assistant", content=[part], words=words, audio_end=200
    )
    assert item.cut(150) == 150
    assert item.content[0]["transcript"] == "one "
    assert item.cut(900) == 150
    assert item.cut(0) == 0
    assert item.content[0]["transcript"] == ""


def refused(conversation: Conversation, item: Item) -> str | None:
    with pytest.raises(ProtocolError) as refusal:
        conversation.give(item)
    return refusal.value.code


def test_a_client_brings_so_many_items_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ITEMS", 2)
    conversation = Conversation()
    first, second = system("a"), system("b")
    assert conversation.give(first) is None
    assert conversation.give(second) == "a"
    assert refused(conversation, system("c")) == "conversation_full"
    assert conversation.find("c") is None
    assert conversation.add(system("said")) == "b"
    conversation.remove(first)
    conversation.remove(second)
    assert conversation.give(system("c")) == "said"


def test_a_client_brings_so_much_text_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    size = system("a").characters
    monkeypatch.setattr(module, "MAX_CHARACTERS", 2 * size)
    conversation = Conversation()
    first = system("a")
    conversation.give(first)
    conversation.add(system("x"))
    conversation.give(system("b"))
    assert refused(conversation, system("c")) == "conversation_full"
    conversation.remove(first)
    assert conversation.give(system("c")) == "b"


def test_a_large_picture_is_not_sent_back_unless_it_is_asked_for() -> None:
    url = "https://example.org/" + "a" * 8000
    item = item_of(message("user", {"type": "input_image", "image_url": url}))
    assert item.in_brief()["content"] == [
        {"type": "input_image", "image_url": url, "detail": "auto"}
    ]
    item.content[0]["image_url"] = "data:" + "A" * 32_764
    assert item.in_brief()["content"] == [{"type": "input_image", "detail": "auto"}]
    assert len(item.as_json()["content"][0]["image_url"]) == 32_769
