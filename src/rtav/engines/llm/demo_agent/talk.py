"""What the script sees of a conversation, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from rtav.engines.base import LlmRequest, Message, Tool
from rtav.engines.llm.demo_agent.hearing import words


@dataclass(frozen=True, kw_only=True)
class Talk:
    """A request, and the questions a skill asks about it. Everything follows from the messages."""

    request: LlmRequest
    now: datetime

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """What was said and done, without the notes of the operator."""
        return tuple(m for m in self.request.messages if m.role != "system")

    @cached_property
    def said(self) -> tuple[str, ...]:
        """What the user said, turn by turn; the last one is what is to be answered."""
        return tuple(m.text.strip() for m in self.messages if m.role == "user")

    @property
    def tools(self) -> tuple[Tool, ...]:
        """Those that may be called."""
        return () if self.request.tool_choice == "none" else self.request.tools

    @property
    def heard(self) -> str:
        return self.said[-1] if self.said else ""

    @cached_property
    def words(self) -> tuple[str, ...]:
        return words(self.heard)

    @property
    def turn(self) -> int:
        """How often the user has spoken, the first time being 1."""
        return len(self.said)

    @cached_property
    def replies(self) -> tuple[str, ...]:
        """What the agent said aloud, oldest first, as far as it was heard."""
        return tuple(m.text for m in self.messages if m.role == "assistant" and m.text.strip())

    @property
    def last_reply(self) -> str:
        return self.replies[-1] if self.replies else ""

    @cached_property
    def name(self) -> str | None:
        """What the user is called, if they said so."""
        return next(filter(None, map(introduced, reversed(self.said))), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Something to say, or a tool to call first."""

    text: str = ""
    tool: str | None = None
    arguments: str = "{}"
    """JSON."""


Skill = Callable[[Talk], Reply | None]
"""Answers, or returns None if it turns out not to be what was asked for."""


def say(*lines: str) -> Skill:
    """A skill that says one of `lines`, another one each turn."""
    return lambda talk: Reply(text=turned(talk, lines))


def turned(talk: Talk, lines: tuple[str, ...]) -> str:
    """The line whose turn it is: the same talk always gets the same one."""
    return lines[(talk.turn - 1) % len(lines)]


_INTRODUCED = re.compile(
    r"\b(?i:my name(?:'s| is| his| as)|i(?: am|'m) called|(?:people|just|please|can|may) call me)"
    r" ([^\W\d_][\w'-]*(?: [A-Z][\w'-]+)?)"  # two words only if the second has a capital
)
_NO_NAMES = frozenset("a again an back crazy in later not on the tomorrow what when".split())


def introduced(text: str) -> str | None:
    """The name in "my name is Sarah"; None if there is none."""
    match = _INTRODUCED.search(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    if match is None or match[1].split()[0].lower() in _NO_NAMES:
        return None
    return match[1][0].upper() + match[1][1:]
