"""What all wire objects have in common, and how a validation failure becomes a client's error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

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


def refuse(error: ValidationError, *, raw: Any, prefix: str = "") -> ProtocolError:
    """The one problem of `error` that says most, as an answer that names the field.

    `raw` is what was validated: parts of a location that are not in it are pydantic's names of
    union members and are left out of `param`.
    """
    problem = max(error.errors(include_url=False, include_input=False), key=_depth)
    location = _in_the_data(problem["loc"], raw)
    match problem["type"]:
        case "missing":
            return _missing(dotted([*location, problem["loc"][-1]], prefix))
        case "union_tag_not_found":
            return _missing(dotted([*location, _tag(problem)], prefix))
        case "union_tag_invalid":
            location.append(_tag(problem))
    param = dotted(location, prefix)
    message = problem["msg"].removeprefix("Value error, ")
    code = "invalid_type" if problem["type"].endswith("_type") else "invalid_value"
    return ProtocolError(f"Invalid value for '{param}': {message}.", code=code, param=param)


def _is_sendable(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    try:
        return not isinstance(value, str) or value.isascii() or bool(value.encode())
    except UnicodeEncodeError:
        return False


def _missing(param: str) -> ProtocolError:
    return ProtocolError(
        f"Missing required parameter: '{param}'.",
        code="missing_required_parameter",
        param=param,
    )


def dotted(location: Sequence[str | int], prefix: str = "") -> str:
    """`("content", 0, "text")` becomes `prefix.content[0].text`."""
    out = prefix
    for part in location:
        if isinstance(part, int):
            out += f"[{part}]"
        else:
            out += f".{part}" if out else part
    return out


def _depth(problem: Any) -> tuple[int, bool]:
    # the deepest complaint is the one about the member of a union that was meant; among equals,
    # one about the value shows that the type was right
    return len(problem["loc"]), not problem["type"].endswith("_type")


def _tag(problem: Any) -> str:
    """The field that says which member of a union is meant."""
    return str(problem["ctx"]["discriminator"]).strip("'")


def _in_the_data(location: Sequence[str | int], raw: Any) -> list[str | int]:
    path: list[str | int] = []
    here = raw
    for part in location:
        is_there = isinstance(here, dict) and part in here
        if isinstance(here, list) and isinstance(part, int) and part < len(here):
            is_there = True
        if is_there:
            path.append(part)
            here = here[part]
    return path
