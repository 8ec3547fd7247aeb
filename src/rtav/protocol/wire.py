"""What all wire objects have in common, and how a validation failure becomes a client's error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from rtav.errors import ProtocolError


class Wire(BaseModel):
    """Frozen and strict: `"12"` is no number. Unknown fields are ignored: clients send extras."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


def refuse(error: ValidationError, *, prefix: str = "", raw: Any = None) -> ProtocolError:
    """The one problem of `error` that says most, as an answer that names the field.

    `raw` is what was validated: parts of a location that are not in it are pydantic's names of
    union members and are left out of `param`.
    """
    problem = max(error.errors(include_url=False, include_input=False), key=_depth)
    param = dotted(_in_the_data(problem["loc"], raw), prefix)
    if problem["type"] == "missing":
        return ProtocolError(
            f"Missing required parameter: '{param}'.",
            code="missing_required_parameter",
            param=param,
        )
    message = problem["msg"].removeprefix("Value error, ")
    code = "invalid_type" if problem["type"].endswith("_type") else "invalid_value"
    return ProtocolError(f"Invalid value for '{param}': {message}.", code=code, param=param)


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


def _in_the_data(location: Sequence[str | int], raw: Any) -> list[str | int]:
    path: list[str | int] = []
    here = raw
    for index, part in enumerate(location):
        last = index == len(location) - 1
        if isinstance(here, dict) and (part in here or last):
            path.append(part)
            here = here.get(part)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            path.append(part)
            here = here[part]
        elif raw is None:
            path.append(part)
    return path
