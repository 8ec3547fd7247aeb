from rtav.core.cues import MAX_CUES, Cues
from rtav.core.inputs import SpokenWord

WORDS = [
    SpokenWord(text="One ", start=0, end=100),
    SpokenWord(text="two ", start=100, end=200),
    SpokenWord(text="three", start=250, end=300),
]


def test_a_cue_is_due_when_the_word_behind_it_begins():
    cues = Cues()
    cues.add("Wink", after=4)

    assert cues.due(WORDS, played=99) == []
    assert cues.due(WORDS, played=100) == ["Wink"]
    assert cues.due(WORDS, played=300) == []


def test_a_cue_within_a_word_is_due_with_it():
    cues = Cues()
    cues.add("Wink", after=10)

    assert cues.due(WORDS, played=249) == []
    assert cues.due(WORDS, played=250) == ["Wink"]


def test_a_cue_waits_for_words_that_are_not_spoken_yet():
    cues = Cues()
    cues.add("Wink", after=8)

    assert cues.due(WORDS[:2], played=200) == []
    assert cues.due(WORDS, played=260) == ["Wink"]


def test_cues_are_played_in_the_order_of_the_text_and_of_their_coming():
    cues = Cues()
    for motion, after in (("Nod", 4), ("Smile", 0), ("Wink", 4)):
        cues.add(motion, after=after)

    assert cues.due(WORDS, played=150) == ["Smile", "Nod", "Wink"]


def test_what_stands_behind_the_last_word_is_left_for_the_end():
    cues = Cues()
    cues.add("Wink", after=13)

    assert cues.due(WORDS, played=300) == []
    assert cues.rest() == ["Wink"]
    assert cues.rest() == []


def test_forgotten_cues_are_not_played():
    cues = Cues()
    cues.add("Wink", after=0)
    cues.forget()

    assert cues.rest() == []


def test_only_so_many_cues_wait():
    cues = Cues()
    for after in range(MAX_CUES + 5):
        cues.add("Wink", after=after)

    assert len(cues.rest()) == MAX_CUES
