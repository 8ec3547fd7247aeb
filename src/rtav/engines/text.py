"""Cuts a streamed reply into clauses to speak, and takes stage directions out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FIRST_CLAUSE_CHARS = 20  # the first comma after this many ends the first chunk: speech starts early
CLAUSE_CHARS = 90  # beyond this a chunk ends at a clause mark: about six seconds of speech
SHORTEST_CLAUSE_CHARS = 30  # a clause cut before this would sound clipped
LONGEST_CHARS = 160  # beyond this a chunk ends between two words
LONGEST_WORD_CHARS = 400  # beyond this (no space in sight) a chunk ends anywhere

CUE_CHARS = 64  # the longest cue, brackets included: so much text is held back at most

_ENDS = ".!?…"
_WIDE_ENDS = "。！？"
_CLAUSE_MARKS = ",;:"
_DASHES = "—–"
_CLOSERS = "\"'”’»)]*_`"
_OPENERS = "\"'“‘«([*_`"
_NEVER_LAST = frozenset(
    "mr mrs ms dr prof rev gen col capt lt sgt st mt vs nos fig approx dept e.g i.e cf ca".split()
)
"""After these a full stop never ends a sentence: a name, a number or an example follows."""
_SELDOM_LAST = frozenset(
    "etc inc ltd co corp jr sr mon tue tues wed thu thurs fri sat sun jan feb mar apr jun jul aug "
    "sep sept oct nov dec a.m p.m min hr hrs sec ave blvd rd".split()
)
"""After these it does if a capital follows."""


class ClauseChunker:
    """Cuts a stream of text into pieces to speak one by one.

    The pieces concatenate exactly to the text and do not depend on how it was divided into deltas.
    The first piece is short, so that speech begins early; the later ones are sentences.
    """

    def __init__(self) -> None:
        self._text = ""
        self._is_first = True

    def push(self, delta: str) -> list[str]:
        """Take a delta; return the clauses it completed."""
        self._text += delta
        clauses = []
        while cut := _first_cut(self._text, is_first=self._is_first):
            clauses.append(self._text[:cut])
            self._text = self._text[cut:]
            self._is_first = False
        return clauses

    def flush(self) -> list[str]:
        """The text has ended: return what is left. A new text may follow."""
        rest = self._text
        self._text, self._is_first = "", True
        return [rest] if rest else []


@dataclass(frozen=True, slots=True)
class Cue:
    """A stage direction that stood in the text, such as `[Wink]`, without its brackets."""

    name: str


class CueFilter:
    """Takes known cues out of a stream of text, also when one is split over deltas.

    What it returns does not depend on how the text was divided into deltas. Brackets that hold
    nothing known pass unchanged. One space after a cue goes with it where a space stood before.
    """

    def __init__(self) -> None:
        self._held = ""
        self._after_space = True
        self._skips_space = False

    def push(self, delta: str, known: Callable[[str], bool]) -> list[str | Cue]:
        """Take a delta; return pieces of text and the cues between them, in order."""
        found: list[str | Cue] = []
        for char in delta:
            found.extend(self._step(char, known))
        return _joined(found)

    def flush(self) -> str:
        """The text has ended: return what was held back. A new text may follow."""
        rest = self._held
        self._held, self._after_space, self._skips_space = "", True, False
        return rest

    def _step(self, char: str, known: Callable[[str], bool]) -> list[str | Cue]:
        if not self._held:
            return self._open(char)
        if char == "[":
            before, self._held = self._held, char
            return [self._said(before)]
        self._held += char
        if char == "]":
            return [self._close(known)]
        if char == "\n" or len(self._held) >= CUE_CHARS:
            return [self._release()]
        return []

    def _open(self, char: str) -> list[str | Cue]:
        if char == "[":
            self._held = char
            return []
        skipped, self._skips_space = self._skips_space and char == " ", False
        return [] if skipped else [self._said(char)]

    def _close(self, known: Callable[[str], bool]) -> str | Cue:
        name = self._held[1:-1].strip()
        if not name or not known(name):
            return self._release()
        self._held = ""
        self._skips_space = self._after_space
        return Cue(name)

    def _release(self) -> str:
        text, self._held = self._held, ""
        return self._said(text)

    def _said(self, text: str) -> str:
        self._after_space = text[-1].isspace()
        self._skips_space = False
        return text


def _joined(pieces: list[str | Cue]) -> list[str | Cue]:
    joined: list[str | Cue] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if isinstance(piece, str) and isinstance(last, str):
            joined[-1] = last + piece
        else:
            joined.append(piece)
    return joined


def _first_cut(text: str, *, is_first: bool) -> int:
    """Where the first chunk of `text` ends, 0 if that is not known yet.

    Decided from left to right and only on what stands before the decision, so that more text
    never changes it.
    """
    start = len(text) - len(text.lstrip())
    for at in range(start, len(text)):
        cut = _overdue_cut(text, start, at) or _cut_at(text, start, at, is_first=is_first)
        if cut != 0:
            return cut or 0
    return 0


def _cut_at(text: str, start: int, at: int, *, is_first: bool) -> int | None:
    """The cut that the character at `at` makes; 0 if it makes none, None if unknown yet."""
    if text[at] == "\n" or text[at] in _WIDE_ENDS:
        return at + 1
    if text[at] in _ENDS:
        return _sentence_cut(text, start, at)
    if not _ends_clause(text, at):
        return 0
    if at + 1 == len(text):
        return None
    enough = FIRST_CLAUSE_CHARS if is_first else CLAUSE_CHARS
    return _after_space(text, at + 1) if at - start >= enough else 0


def _overdue_cut(text: str, start: int, at: int) -> int:
    """The cut of a chunk that has become too long at `at`, 0 if there is none (yet)."""
    length = at - start
    if length == CLAUSE_CHARS:
        for mark in range(at - 1, start + SHORTEST_CLAUSE_CHARS - 1, -1):
            if _ends_clause(text, mark):
                return _after_space(text, mark + 1)
    if length == LONGEST_CHARS:
        space = max(text.rfind(mark, start, at) for mark in " \t")
        return space + 1 if space > start else 0
    if length > LONGEST_CHARS and (text[at] in " \t" or length >= LONGEST_WORD_CHARS):
        return at + 1
    return 0


def _sentence_cut(text: str, start: int, at: int) -> int | None:
    """The cut after the sentence that ends at `at`; 0 if none ends there, None if unknown yet."""
    if text[at - 1 : at] and text[at - 1] in _ENDS and at > start:
        return 0  # inside a run such as "?!" or "...": decided at its first mark
    end = at
    while end < len(text) and text[end] in _ENDS + _CLOSERS:
        end += 1
    if end == len(text):
        return None
    if not text[end].isspace():
        return 0
    if text[at:end].rstrip(_CLOSERS) != ".":
        return end + 1
    return _full_stop_cut(text, start, at, end)


def _full_stop_cut(text: str, start: int, at: int, end: int) -> int | None:
    word = text[start:at].split()[-1:] or [""]
    last = word[0].lstrip(_OPENERS)
    if last.isdigit() and text[start:at].strip() == last:
        return 0  # "1." at the start of a line numbers an item
    if last.lower() in _NEVER_LAST or (len(last) == 1 and last.isalpha() and last != "I"):
        return 0
    if last.lower() in _SELDOM_LAST or ("." in last and last.replace(".", "").isalpha()):
        following = text[end:].lstrip().lstrip(_OPENERS)
        if not following:
            return None
        return end + 1 if following[0].isupper() else 0
    return end + 1


def _ends_clause(text: str, at: int) -> bool:
    if text[at] in _DASHES:
        return True
    if text[at] not in _CLAUSE_MARKS:
        return False
    return at + 1 == len(text) or text[at + 1].isspace()


def _after_space(text: str, at: int) -> int:
    return at + 1 if text[at].isspace() and text[at] != "\n" else at
