from __future__ import annotations

import pytest

from rtav.engines.llm.demo_agent.hearing import MAX_WORDS, Phrasebook, alike, words
from rtav.engines.llm.demo_agent.intents import INTENTS

BOOK = Phrasebook([("what can you do", 0), ("tell me a joke", 1), ("wink at me", 2)])


def _meanings(text: str) -> list[int]:
    return [meaning for _, meaning in BOOK.ranked(words(text), at_least=0.6)]


def test_words_are_lower_case_without_punctuation_or_contractions() -> None:
    assert words("What's THAT, I don\u2019t know!") == (
        "what", "is", "that", "i", "do", "not", "know",
    )  # fmt: skip


def test_of_a_speech_only_the_beginning_is_compared() -> None:
    assert len(words("word " * 1000)) == MAX_WORDS


@pytest.mark.parametrize(
    ("one", "other"),
    [("do", "too"), ("wink", "wing"), ("count", "account"), ("joke", "choke"), ("tour", "tore")],
)
def test_slips_of_a_recogniser_sound_alike(one: str, other: str) -> None:
    assert alike(one, other) >= 0.7


@pytest.mark.parametrize(("one", "other"), [("joke", "story"), ("stop", "next"), ("time", "name")])
def test_different_words_do_not(one: str, other: str) -> None:
    assert alike(one, other) == 0.0


@pytest.mark.parametrize(
    ("heard", "meanings"),
    [
        ("what can you do", [0]),
        ("what can you too", [0]),
        ("tell me a jock", [1]),
        ("could you please tell me a really funny joke", [1]),
        ("wing at me", [2]),
        ("what do you think about politics", []),
        ("tell me a story", []),
        ("", []),
    ],
)
def test_a_phrase_is_meant_if_it_was_said_and_little_else(heard: str, meanings: list[int]) -> None:
    assert _meanings(heard) == meanings


def test_no_phrase_of_the_script_stands_for_two_things() -> None:
    phrases = [words(phrase) for intent in INTENTS for phrase in intent.phrases]
    assert sorted(set(phrases)) == sorted(phrases)
