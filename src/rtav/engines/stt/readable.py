"""A recogniser's bare words as a line that people like to read."""

from __future__ import annotations

import re

_MARKER = re.compile(r"<[^>]*>|\[[^\]]*\]|\+\+[^+]*\+\+|\(\d+\)")  # <sil>, [NOISE], ++UM++, read(2)
_FIRST_PERSON = re.compile(r"\bi(?=$|'|\s)")


def readable(words: str) -> str:
    """Without markers, with a capital at the start and for the first person; no punctuation."""
    text = " ".join(_MARKER.sub("", words).split())
    text = _FIRST_PERSON.sub("I", text)
    return text[:1].upper() + text[1:]
