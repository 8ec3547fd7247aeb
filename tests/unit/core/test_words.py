import pytest

from rtav.core.words import Agreement, sounds_finished


@pytest.mark.parametrize("text", ["what time is it", "Stop!", "I want this", "yes", "give me you"])
def test_words_that_may_be_all(text: str) -> None:
    assert sounds_finished(text)


@pytest.mark.parametrize("text", ["what time is", "I want to go to the", "um", "this", "", "42"])
def test_words_that_go_on(text: str) -> None:
    assert not sounds_finished(text)


def test_a_word_is_given_out_once_two_hypotheses_agree() -> None:
    agreement = Agreement()
    assert agreement.hear("what") == ""
    assert agreement.hear("what time") == "what"
    assert agreement.hear("what time is it") == " time"
    assert agreement.hear("what time is his") == " is"
    assert agreement.settle("what time is it") == " it"


def test_words_that_were_revised_after_all_add_nothing() -> None:
    agreement = Agreement()
    agreement.hear("what time")
    assert agreement.hear("what time") == "what time"
    assert agreement.hear("that time is it") == ""
    assert agreement.hear("that time is it") == ""
    assert agreement.settle("that time is it") == ""


def test_nothing_is_left_where_all_was_given() -> None:
    agreement = Agreement()
    agreement.hear("hello")
    agreement.hear("hello")
    assert agreement.settle("hello") == ""
