from hypothesis import given
from hypothesis import strategies as st

from rtav.engines.text import CUE_CHARS, LONGEST_WORD_CHARS, ClauseChunker, Cue, CueFilter

# Mostly what decides something: marks, spaces, brackets, abbreviations; the rest is any character.
PROSE = st.lists(
    st.sampled_from(
        ["Dr. ", "e.g. ", "8 p.m.", " ", "\n", ". ", "! ", "?", ", ", "...", "3.14", "1. ", "—"]
        + [
            "[Wink]",
            "[",
            "]",
            "[Smile",
            "The",
            "word ",
            "a",
            '"',
            "。",
            "https://a.b/c?d.",
            "x" * 95,
        ]
    )
    | st.text(max_size=5)
).map("".join)


def clauses(text: str, *cuts: int) -> list[str]:
    chunker = ClauseChunker()
    edges = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    found = []
    for start, end in zip(edges, edges[1:], strict=False):
        found += chunker.push(text[start:end])
    return found + chunker.flush()


def test_the_first_sentence_is_spoken_before_the_second_is_known() -> None:
    chunker = ClauseChunker()

    assert chunker.push("Sure! ") == ["Sure! "]
    assert chunker.push("I can do") == []


def test_a_long_first_sentence_begins_with_its_first_clause() -> None:
    chunker = ClauseChunker()

    assert chunker.push("If you would like to hear more, ") == ["If you would like to hear more, "]


def test_a_short_first_clause_stays_with_its_sentence() -> None:
    assert clauses("Well, yes. No.") == ["Well, yes. ", "No."]


def test_later_sentences_are_not_cut_at_commas() -> None:
    text = "Yes. There are apples in the kitchen, and pears, and plums."

    assert clauses(text) == ["Yes. ", "There are apples in the kitchen, and pears, and plums."]


def test_a_sentence_beyond_ninety_characters_is_cut_at_its_last_clause_mark() -> None:
    text = (
        "Yes. The house that stands on the hill behind the river, which nobody has entered for "
        "many years, belongs to the family of the baker."
    )

    assert clauses(text) == [
        "Yes. ",
        "The house that stands on the hill behind the river, ",
        "which nobody has entered for many years, belongs to the family of the baker.",
    ]


def test_full_stops_that_end_nothing_do_not_cut() -> None:
    for text in (
        "Dr. Smith and Mrs. Jones met at St. Paul.",
        "It costs $3.50 or 3.5 euros.",
        "Come at 8 p.m. or later, e.g. at nine.",
        "J. R. Smith wrote it.",
        "See https://example.com/a.b?c=d. now",
        "Bring pens, paper etc. to school.",
        "1. Open the door",
    ):
        assert len(clauses(text)) <= 2
    assert clauses("Dr. Smith is in.") == ["Dr. Smith is in."]
    assert clauses("It costs $3.50 now.") == ["It costs $3.50 now."]
    assert clauses("Come at 8 p.m. or so.") == ["Come at 8 p.m. or so."]
    assert clauses("J. R. Smith.") == ["J. R. Smith."]
    assert clauses("1. Open it.") == ["1. Open it."]


def test_an_abbreviation_before_a_capital_ends_the_sentence() -> None:
    assert clauses("We met at 8 p.m. The show began.") == ["We met at 8 p.m. ", "The show began."]


def test_closing_quotes_belong_to_their_sentence() -> None:
    assert clauses('He said "Yes." Then (no joke!) he left.') == [
        'He said "Yes." ',
        "Then (no joke!) ",
        "he left.",
    ]


def test_list_items_are_spoken_one_by_one() -> None:
    assert clauses("1. Bread\n2. Milk\n- and tea") == ["1. Bread\n", "2. Milk\n", "- and tea"]


def test_chinese_sentences_need_no_space() -> None:
    assert clauses("你好。我很好。") == ["你好。", "我很好。"]


def test_text_without_any_mark_is_cut_between_words() -> None:
    pieces = clauses("word " * 60)

    assert [len(piece) for piece in pieces] == [160, 140]


def test_text_without_any_space_is_cut_somewhere() -> None:
    assert max(len(piece) for piece in clauses("x" * 3000)) <= LONGEST_WORD_CHARS + 1


def test_nothing_gives_nothing() -> None:
    assert clauses("") == []


@given(PROSE, st.lists(st.integers(0, 200)))
def test_clauses_concatenate_to_the_text_however_it_was_divided(text: str, cuts: list[int]) -> None:
    whole = clauses(text)

    assert "".join(whole) == text
    assert clauses(text, *cuts) == whole


def filtered(*deltas: str) -> tuple[str, list[tuple[str, int]]]:
    """The text that remains, and every cue with the place where it stood in it."""
    cues = CueFilter()
    text, found = "", []
    for delta in deltas:
        for piece in cues.push(delta, _is_known):
            if isinstance(piece, Cue):
                found.append((piece.name, len(text)))
            else:
                text += piece
    return text + cues.flush(), found


def _is_known(name: str) -> bool:
    return name in ("Wink", "Smile")


def test_a_known_cue_is_taken_out_with_one_space() -> None:
    assert filtered("Hello [Wink] there") == ("Hello there", [("Wink", 6)])
    assert filtered("[Wink] Hello") == ("Hello", [("Wink", 0)])
    assert filtered("Hello[Wink] there") == ("Hello there", [("Wink", 5)])


def test_a_cue_split_over_deltas_is_taken_out() -> None:
    assert filtered("Hello [", "Wi", "nk", "]", " there") == ("Hello there", [("Wink", 6)])


def test_other_brackets_pass_unchanged() -> None:
    for text in ("a [note] b", "a[0] = [1, [2]]", "[link](http://x.y)", "[unclosed", "[]", "]["):
        assert filtered(text) == (text, [])


def test_a_cue_inside_other_brackets_is_found() -> None:
    assert filtered("[[Wink]]") == ("[]", [("Wink", 1)])


def test_text_behind_an_open_bracket_is_held_back_for_a_bounded_length_only() -> None:
    cues = CueFilter()

    assert cues.push("[" + "x" * (CUE_CHARS - 2), _is_known) == []
    assert cues.push("x", _is_known) == ["[" + "x" * (CUE_CHARS - 1)]


@given(PROSE, st.lists(st.integers(0, 200)))
def test_cues_are_the_same_however_the_text_was_divided(text: str, cuts: list[int]) -> None:
    edges = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    deltas = [text[start:end] for start, end in zip(edges, edges[1:], strict=False)]

    assert filtered(*deltas) == filtered(text)


@given(PROSE)
def test_without_known_cues_the_text_passes_unchanged(text: str) -> None:
    cues = CueFilter()

    pieces = cues.push(text, lambda name: False)

    assert "".join(piece for piece in pieces if isinstance(piece, str)) + cues.flush() == text
