"""How a validation failure becomes a client's error: in OpenAI's words, naming the field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from rtav.errors import ProtocolError
from rtav.protocol.wire import dotted

MAX_SHOWN = 80
"""Characters of a wrong value that its error repeats."""

_TYPES = {
    "string_type": "a string",
    "int_type": "an integer",
    "float_type": "a decimal",
    "bool_type": "a boolean",
    "list_type": "an array",
    "tuple_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "int_parsing": "an integer",  # where a value came as text, in a query
}
_JSON_TYPES: Mapping[type, str] = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    str: "a string",
    list: "an array",
    dict: "an object",
}

Problem = Mapping[str, Any]
Path = Sequence[str | int]


def refuse(error: ValidationError, *, raw: Any, prefix: str = "") -> ProtocolError:
    """The one problem of `error` that says most, as an answer that names the field.

    `raw` is what was validated: parts of a location that are not in it are pydantic's names of
    union members and are left out of `param`.
    """
    problems = [
        (problem, _in_the_data(problem["loc"], raw))
        for problem in error.errors(include_url=False, include_input=False)
    ]
    # the deepest complaint is the one about the member of a union that was meant
    deepest = max(problems, key=lambda entry: _depth(*entry))
    place = deepest[1]
    about = [problem for problem, path in problems if path == place]
    if _depth(*deepest) > len(place):
        about = [deepest[0]]
    return explain(about, value=_at(place, raw), param=dotted(place, prefix))


def explain(problems: Sequence[Problem], *, value: Any, param: str) -> ProtocolError:
    """The answer to pydantic's `problems` with one `value`; several are those of a union."""
    first = problems[0]
    match first["type"]:
        case "missing":
            return missing(f"{param}.{first['loc'][-1]}" if param else str(first["loc"][-1]))
        case "union_tag_not_found":
            return missing(f"{param}.{_tag(first)}")
        case "union_tag_invalid":
            tag = _tag(first)
            names = _quoted(first["ctx"]["expected_tags"])
            return supported(value[tag], names, param=f"{param}.{tag}")
        case "invalid_type":
            message = f"Invalid type for '{param}': {first['msg']}."
            return ProtocolError(message, code="invalid_type", param=param)
    for problem in problems:
        if (sentence := _limit(problem, value)) is not None:
            return ProtocolError(
                f"Invalid '{param}': {sentence}.", code="invalid_value", param=param
            )
    names = [name for problem in problems for name in _literals(problem)]
    kinds = [_TYPES[problem["type"]] for problem in problems if not _literals(problem)]
    if names and isinstance(value, str):
        return supported(value, names, param=param, others=kinds)
    return wrong_type(value, [*kinds, *(f"'{name}'" for name in names)], param=param)


def missing(param: str) -> ProtocolError:
    return ProtocolError(
        f"Missing required parameter: '{param}'.",
        code="missing_required_parameter",
        param=param,
    )


def invalid(why: str, *, param: str) -> ProtocolError:
    """A value of the right type that cannot be: `why` is the rest of the sentence."""
    return ProtocolError(f"Invalid value for '{param}': {why}.", code="invalid_value", param=param)


def supported(
    value: Any, names: Iterable[str], *, param: str, others: Iterable[str] = ()
) -> ProtocolError:
    """`value` is none of these names, and none of `others`, in words."""
    known = _listed([*others, *(f"'{name}'" for name in names)], "and")
    return ProtocolError(
        f"Invalid value: {_shown(value)}. Supported values are: {known}.",
        code="invalid_value",
        param=param,
    )


def wrong_type(value: Any, expected: Sequence[str], *, param: str) -> ProtocolError:
    """`value` is of none of the `expected` types."""
    kinds = list(dict.fromkeys(expected))
    one_of = "one of " if len(kinds) > 1 else ""
    return ProtocolError(
        f"Invalid type for '{param}': expected {one_of}{_listed(kinds, 'or')}, "
        f"but got {_JSON_TYPES[type(value)]} instead.",
        code="invalid_type",
        param=param,
    )


# --- values that are beyond a limit ----------------------------------------------------------


def _limit(problem: Problem, value: Any) -> str | None:
    """What is wrong with a value of the right type; None if its type is wrong."""
    about = problem.get("ctx", {})
    match problem["type"]:
        case "greater_than_equal":
            return _out_of_range(value, "below minimum", ">=", about["ge"])
        case "greater_than":
            return _out_of_range(value, "below minimum", ">", about["gt"])
        case "less_than_equal":
            return _out_of_range(value, "above maximum", "<=", about["le"])
        case "string_too_short":
            return "string too short. Expected a string that is not empty"
        case "string_too_long":
            return _too_long("string", len(value), about["max_length"])
        case "too_short":
            return "empty array. Expected an array with minimum length 1"
        case "too_long":
            return _too_long("array", len(value), about["max_length"])
        case "string_pattern_mismatch":
            return f"string does not match the pattern '{about['pattern']}'"
        case "limit":
            return str(problem["msg"])
    return None


def _out_of_range(value: Any, where: str, sign: str, bound: float) -> str:
    kind = "decimal" if isinstance(bound, float) else "integer"
    return (
        f"{kind} {where} value. Expected a value {sign} {bound:g}, but got {_shown(value)} instead"
    )


def _too_long(kind: str, length: int, limit: int) -> str:
    return f"{kind} too long. Expected maximum length {limit}, but got length {length} instead"


# --- pieces ----------------------------------------------------------------------------------


def _literals(problem: Problem) -> list[str]:
    """The only values that were right; empty if any of a type were."""
    return _quoted(problem["ctx"]["expected"]) if problem["type"] == "literal_error" else []


def _quoted(names: str) -> list[str]:
    """What stands in quotes: pydantic's way to list names."""
    return re.findall(r"'([^']*)'", names)


def _tag(problem: Problem) -> str:
    """The field that says which member of a union is meant."""
    return str(problem["ctx"]["discriminator"]).strip("'")


def _depth(problem: Problem, path: Path) -> int:
    names_a_field = problem["type"] in ("missing", "union_tag_not_found", "union_tag_invalid")
    return len(path) + names_a_field


def _in_the_data(location: Path, raw: Any) -> list[str | int]:
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


def _at(path: Path, raw: Any) -> Any:
    for part in path:
        raw = raw[part]
    return raw


def _shown(value: Any) -> str:
    shown = f"'{value}'" if isinstance(value, str) else str(value)
    return shown if len(shown) <= MAX_SHOWN else f"{shown[: MAX_SHOWN - 1]}…"


def _listed(names: Sequence[str], word: str) -> str:
    if len(names) < 3:
        return f" {word} ".join(names)
    return f"{', '.join(names[:-1])}, {word} {names[-1]}"
