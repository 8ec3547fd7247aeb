"""What all wire objects have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from rtav.errors import ProtocolError

MAX_DEPTH = 64
"""Of objects and lists within each other. Schemas of tools need about 20; some hundreds more and
writing what was read would overflow the stack."""

MAX_VALUES = 100_000
"""In one message, keys counted: a hundred tools with their schemas have a tenth of it."""


class Wire(BaseModel):
    """Frozen and strict: `"12"` is no number. Unknown fields are ignored: clients send extras."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


def check_sendable(raw: Any) -> None:
    """Refuse what Python reads as JSON but nobody can send on: numbers that are none, half a
    surrogate pair, and the depths. Raises ProtocolError.
    """
    level, left = [raw], MAX_VALUES
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict | list):
                left -= len(value)
                if left < 0:
                    raise ProtocolError("There are too many values.", code="invalid_event")
                below += (*value, *value.values()) if isinstance(value, dict) else value
            elif not _is_sendable(value):
                raise ProtocolError(
                    "There is text that is not Unicode, or a number that is none.",
                    code="invalid_json",
                )
        if not below:
            return
        level = below
    raise ProtocolError("There are too many levels.", code="invalid_event")


def dotted(location: Sequence[str | int], prefix: str = "") -> str:
    """`("content", 0, "text")` becomes `prefix.content[0].text`."""
    out = prefix
    for part in location:
        if isinstance(part, int):
            out += f"[{part}]"
        else:
            out += f".{part}" if out else part
    return out


def _is_sendable(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    try:
        return not isinstance(value, str) or value.isascii() or bool(value.encode())
    except UnicodeEncodeError:
        return False
