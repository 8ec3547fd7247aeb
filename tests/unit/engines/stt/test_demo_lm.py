import re

import pytest

from rtav.engines.stt import demo_lm


def _sections(text: str) -> dict[int, dict[str, tuple[float, float]]]:
    """Length of gram → words → logarithm of its chance and of its backoff."""
    found: dict[int, dict[str, tuple[float, float]]] = {}
    for line in text.splitlines():
        if heading := re.fullmatch(r"\\(\d)-grams:", line):
            length = int(heading[1])
            found[length] = {}
        elif found and line and not line.startswith("\\"):
            chance, *words = line.split()
            backoff = float(words.pop()) if len(words) > length else 0.0
            found[length][" ".join(words)] = (float(chance), backoff)
    return found


def test_the_header_counts_what_the_file_holds() -> None:
    text = demo_lm.arpa()

    sections = _sections(text)
    stated = dict(re.findall(r"ngram (\d)=(\d+)", text))

    assert {int(n): int(count) for n, count in stated.items()} == {
        n: len(grams) for n, grams in sections.items()
    }


def test_chances_after_a_word_sum_to_one() -> None:
    sections = _sections(demo_lm.arpa())
    unigrams = {word: 10**chance for word, (chance, _) in sections[1].items()}
    seen = {
        gram.split()[1]: 10**chance
        for gram, (chance, _) in sections[2].items()
        if gram.split()[0] == "tell"
    }

    unseen = sum(chance for word, chance in unigrams.items() if word not in seen)
    backoff = 10 ** sections[1]["tell"][1]

    assert sum(seen.values()) + backoff * unseen == pytest.approx(1, abs=0.01)


def test_what_the_agent_understands_is_likelier_than_the_same_words_in_disorder() -> None:
    sections = _sections(demo_lm.arpa())

    assert "what can you" in sections[3]
    assert "can what you" not in sections[3]
    assert sections[2]["tell me"][0] > -0.5


def test_sentences_are_plain_words() -> None:
    assert all(re.fullmatch(r"[a-z' ]+", sentence) for sentence in demo_lm.sentences())
