import pytest

from rtav.engines.stt.readable import readable


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("what can you do", "What can you do"),
        ("i think i'm late and so am i", "I think I'm late and so am I"),
        ("read(2) the(3) book", "Read the book"),
        ("<s> hello <sil> [NOISE] there ++UM++ </s>", "Hello there"),
        ("it is in", "It is in"),
        ("", ""),
        ("<sil>", ""),
    ],
)
def test_words_become_a_readable_line(words: str, text: str) -> None:
    assert readable(words) == text
