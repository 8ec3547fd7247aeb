"""Turns a text into what a synthesiser is to say, and keeps the way back to the text's words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from rtav.engines.text import ClauseChunker

LONGEST_SPOKEN_CHARS = 48  # the longest English word; what is longer would be spelt out for minutes


@dataclass(frozen=True, slots=True)
class ScriptWord:
    """A word of the text, exactly as it stands there, and where it begins in the spoken line."""

    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence: what is said, and the words of the text it says."""

    spoken: str
    words: tuple[ScriptWord, ...]

    @property
    def text(self) -> str:
        """The part of the text that this line says."""
        return "".join(word.text for word in self.words)

    def behind(self, silent: str) -> Line:
        """The same line with text before it that has no sound."""
        first = self.words[0]
        return Line(self.spoken, (ScriptWord(silent + first.text, first.offset), *self.words[1:]))

    def before(self, silent: str) -> Line:
        """The same line with text after it that has no sound."""
        last = self.words[-1]
        return Line(self.spoken, (*self.words[:-1], ScriptWord(last.text + silent, last.offset)))


Spell = Callable[[str], str]
"""What to say for one word of a text; empty if it has no sound."""


def write_script(text: str, spell: Spell) -> list[Line]:
    """Divide a text into lines to say. The words of all lines concatenate to the text.

    What has no sound (emoji, a lone dash) belongs to the word before it. Empty if nothing does.
    """
    chunker = ClauseChunker()
    sentences = [*chunker.push(text), *chunker.flush()]
    lines: list[Line] = []
    silent = ""
    for sentence in sentences:
        line = _write_line(silent + sentence, spell)
        if line is not None:
            lines.append(line)
            silent = ""
        elif lines:
            lines[-1] = lines[-1].before(sentence)
        else:
            silent += sentence
    return lines


def spell_english(word: str) -> str:
    """ASCII that flite and espeak-ng read well: no markdown, emoji, links or typographic marks."""
    word = _without_markup(word)
    word = _URL.sub(_say_url, word)
    word = _DATE.sub(_say_date, word)
    folded = unicodedata.normalize("NFKD", word.translate(_TYPOGRAPHIC))
    ascii_only = folded.encode("ascii", "ignore").decode("ascii")
    return _sounding(ascii_only.translate(_ENGLISH_SIGNS))


def spell_any(word: str) -> str:
    """For other languages: no markdown, emoji or links; letters and digits as they are."""
    word = _URL.sub(lambda match: match["host"], _without_markup(word))
    return _sounding("".join(char for char in word if not _is_picture(char)))


def _write_line(sentence: str, spell: Spell) -> Line | None:
    spoken = ""
    words: list[ScriptWord] = []
    silent = ""
    for piece in _PIECE.findall(sentence):
        sound = spell(piece)
        if sound:
            words.append(ScriptWord(silent + piece, len(spoken)))
            spoken += sound + " "
            silent = ""
        elif words:
            words[-1] = ScriptWord(words[-1].text + piece, words[-1].offset)
        else:
            silent += piece
    return Line(spoken.rstrip(), tuple(words)) if words else None


def _without_markup(word: str) -> str:
    word = _LINK_TARGET.sub("", word.strip())
    return _MARKUP.sub("", word)


def _sounding(spoken: str) -> str:
    """`spoken` without control characters, or nothing if no letter or digit is in it."""
    kept = "".join(char for char in spoken if unicodedata.category(char)[0] != "C").strip()
    return kept[:LONGEST_SPOKEN_CHARS] if any(char.isalnum() for char in kept) else ""


def _is_picture(char: str) -> bool:
    return unicodedata.category(char) in ("So", "Sk", "Cs", "Co", "Cn") or char in "\ufe0f\u200d"


def _say_url(match: re.Match[str]) -> str:
    return match["host"].replace(".", " dot ") + match["end"]


def _say_date(match: re.Match[str]) -> str:
    month, day, year = int(match["month"]), int(match["day"]), match["year"] or ""
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{_MONTHS[month - 1]} {_ORDINALS[day - 1]} {year}".rstrip()


_PIECE = re.compile(r"\s*\S+\s*")
_LINK_TARGET = re.compile(r"\]\([^)\s]*\)")
_MARKUP = re.compile(r"[*`~|<>\[\]{}]|^_+|_+(?=\W*$)|^#+")
_URL = re.compile(
    r"(?:https?://(?:www\.)?|www\.)(?P<host>[\w-]+(?:\.[\w-]+)*)(?::\d+)?(?:[/?#]\S*?)?"
    r"(?P<end>[.,;:!?)\"']*)$",
    re.IGNORECASE,
)
_DATE = re.compile(r"(?<![\d/])(?P<month>\d{1,2})/(?P<day>\d{1,2})(?:/(?P<year>\d{4}))(?![\d/])")
_MONTHS = (
    "January February March April May June July August September October November December".split()
)
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first "
    "twenty-second twenty-third twenty-fourth twenty-fifth twenty-sixth twenty-seventh "
    "twenty-eighth twenty-ninth thirtieth thirty-first"
).split()
_TYPOGRAPHIC = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "“": '"',
        "”": '"',
        "–": "-",
        "—": ", ",
        "…": ".",
        "€": " euros ",
        "£": " pounds ",
        "°": " degrees ",
        "×": " times ",
        "ß": "ss",
        "æ": "ae",
        "ø": "o",
        "œ": "oe",
        "ł": "l",
    }
)
_ENGLISH_SIGNS = str.maketrans(
    {
        "&": " and ",
        "%": " percent ",
        "+": " plus ",
        "=": " equals ",
        "@": " at ",
        "_": " ",
        "\\": " ",
    }
)
