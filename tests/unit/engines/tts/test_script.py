import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtav.engines.tts.script import (
    LONGEST_SPOKEN_CHARS,
    Line,
    ScriptWord,
    spell_any,
    spell_english,
    write_script,
)


@pytest.mark.parametrize(
    ("word", "spoken"),
    [
        ("Hello,", "Hello,"),
        ("don’t", "don't"),
        ("“so”", '"so"'),
        ("**bold**", "bold"),
        ("_soft_", "soft"),
        ("##", ""),
        ("`code_here()`", "code here()"),
        ("[label](https://a.b/c)", "label"),
        ("https://www.example.com/path?x=1.", "example dot com."),
        ("www.example.co.uk", "example dot co dot uk"),
        ("4/7/2026", "April seventh 2026"),
        ("(12/31/1999),", "(December thirty-first 1999),"),
        ("31/12/1999", "31/12/1999"),
        ("1/2", "1/2"),
        ("50%", "50 percent"),
        ("R&D", "R and D"),
        ("a@b.org", "a at b.org"),
        ("20°", "20 degrees"),
        ("€5", "euros 5"),
        ("naïve", "naive"),
        ("Straße", "Strasse"),
        ("😀", ""),
        ("—", ""),
        ("...", ""),
        ("ok😀", "ok"),
        ("x\x00y", "xy"),
        ("你好", ""),
    ],
)
def test_what_is_said_for_a_word_in_english(word: str, spoken: str) -> None:
    assert spell_english(word) == spoken


@pytest.mark.parametrize(
    ("word", "spoken"),
    [
        ("Grüße,", "Grüße,"),
        ("¿Qué?", "¿Qué?"),
        ("**fett**", "fett"),
        ("你好", "你好"),
        ("😀", ""),
        ("oui👍🏽", "oui"),
        ("https://beispiel.de/a", "beispiel.de"),
    ],
)
def test_what_is_said_for_a_word_in_other_languages(word: str, spoken: str) -> None:
    assert spell_any(word) == spoken


def test_an_endless_word_is_cut_short() -> None:
    assert spell_english("w" * 5000) == "w" * LONGEST_SPOKEN_CHARS


def test_a_line_knows_where_each_word_of_the_text_begins_in_what_is_said() -> None:
    assert write_script("  Pay 5€ 😀 on 4/7/2026!", spell_english) == [
        Line(
            "Pay 5 euros on April seventh 2026!",
            (
                ScriptWord("  Pay ", 0),
                ScriptWord("5€ 😀 ", 4),
                ScriptWord("on ", 12),
                ScriptWord("4/7/2026!", 15),
            ),
        )
    ]


def test_sentences_without_a_sound_join_their_neighbours() -> None:
    assert write_script("😀. Yes. 😀! No.", spell_english) == [
        Line("Yes.", (ScriptWord("😀. Yes. 😀! ", 0),)),
        Line("No.", (ScriptWord("No.", 0),)),
    ]


@pytest.mark.parametrize("text", ["", " ", "...", "😀 — 😀", "\n\n"])
def test_text_without_a_sound_has_no_lines(text: str) -> None:
    assert write_script(text, spell_english) == []


@given(st.text(), st.sampled_from([spell_english, spell_any]))
def test_the_words_of_a_script_concatenate_to_the_text(text: str, spell) -> None:
    lines = write_script(text, spell)

    assert not lines or "".join(word.text for line in lines for word in line.words) == text


@given(st.text())
def test_english_is_spelt_in_ascii(text: str) -> None:
    assert spell_english(text).isascii()
