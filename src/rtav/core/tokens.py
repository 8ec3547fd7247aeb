"""How many tokens a question is: estimated, and set right by what the model counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rtav.core.outputs import Ask, Line

BYTES_PER_TOKEN = 4
"""Of UTF-8. Today's vocabularies have some 4 English letters, 6 bytes of Cyrillic and 4 of Chinese
to a token; a model that counts its tokens corrects this."""

LINE_TOKENS = 4
"""Around every message: its role and its ends, as OpenAI's chat format has them."""

IMAGE_TOKENS = 800
"""A picture of 1024 x 1024 px is 765 at OpenAI."""

TELLING = 200
"""Tokens that a count must have to say something about the estimate."""

TOLERANCE = 0.1
"""What the estimate may be wrong by before it is set right: a guess at an answer stays good."""

FACTORS = (0.5, 4.0)
"""Beyond these a count is no count of tokens."""


def of_text(text: str) -> int:
    """Estimated tokens of a text, by its bytes in UTF-8."""
    size = len(text) if text.isascii() else len(text.encode())
    return -(-size // BYTES_PER_TOKEN)


def of_lines(lines: Iterable[Line]) -> int:
    """Of what is said, called and shown in them, and of the lines themselves."""
    weight = 0
    for line in lines:
        weight += LINE_TOKENS + of_text(line.text)
        if line.call_name or line.images:
            weight += of_text(line.call_name) + IMAGE_TOKENS * len(line.images)
    return weight


def of_tools(tools: Iterable[Mapping[str, Any]]) -> int:
    """Of tools as a model is told of them: names, descriptions and schemas, as JSON."""
    return sum(of_text(json.dumps(tool, ensure_ascii=False)) for tool in tools)


@dataclass(slots=True)
class Gauge:
    """What a token of the estimate is in tokens of the model."""

    factor: float = 1.0

    def learn(self, order: Ask, counted: int) -> None:
        """The model says how many tokens it read; 0 if it does not count."""
        estimated = of_text(order.instructions) + of_lines(order.history) + of_tools(order.tools)
        if min(estimated, counted) < TELLING:
            return
        factor = min(max(counted / estimated, FACTORS[0]), FACTORS[1])
        if abs(factor - self.factor) > TOLERANCE * self.factor:
            self.factor = factor
