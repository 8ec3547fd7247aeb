"""Keeps a model's thoughts out of what it says."""

from __future__ import annotations

_OPENING, _CLOSING = "<think>", "</think>"


class Thoughtless:
    """Drops `<think>…</think>` from the beginning of a streamed reply, and the space behind it.

    Several open models write their reasoning there when no server takes it out; read aloud, it
    would be minutes of muttering. Later in the reply the tag is left alone: it is content.
    """

    def __init__(self) -> None:
        self._held = ""
        self._state = "beginning"  # then "thinking", "trimming" and "speaking"

    def feed(self, text: str) -> str:
        """What may be said after one more delta; empty while it is not known or thought."""
        if self._state == "speaking":
            return text
        self._held += text
        if self._state == "beginning":
            self._begin()
        if self._state == "thinking":
            self._think()
        if self._state == "trimming":
            self._held = self._held.lstrip()
            self._state = "speaking" if self._held else "trimming"
        if self._state != "speaking":
            return ""
        said, self._held = self._held, ""
        return said

    def end(self) -> str:
        """What was still held back because it could have become a tag."""
        return self._held if self._state == "beginning" else ""

    def _begin(self) -> None:
        start = self._held.lstrip()
        if start.startswith(_OPENING):
            self._state = "thinking"
        elif not _OPENING.startswith(start):
            self._state = "speaking"

    def _think(self) -> None:
        _, closing, rest = self._held.partition(_CLOSING)
        if closing:
            self._held, self._state = rest, "trimming"
