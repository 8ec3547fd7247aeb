"""Instructions that the operator keeps and clients name: templates and their variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rtav.errors import ProtocolError
from rtav.protocol.refusal import missing, wrong_type

_VARIABLE = re.compile(r"\{\{\s*([\w-]+)\s*\}\}")


def rendered(prompt: Mapping[str, Any], templates: Mapping[str, str], *, param: str) -> str | None:
    """The instructions that a prompt stands for; None where the operator keeps none at all.

    There is one version of each. Raises ProtocolError for an unknown id, and for a variable that
    is missing or no text.
    """
    if not templates:
        return None
    if prompt["id"] not in templates:
        raise ProtocolError(
            f"Invalid value for '{param}.id': there is no prompt of that id.",
            code="prompt_not_found",
            param=f"{param}.id",
        )
    variables = prompt.get("variables", {})
    return _VARIABLE.sub(
        lambda found: _text(variables, found[1], param=f"{param}.variables.{found[1]}"),
        templates[prompt["id"]],
    )


def _text(variables: Mapping[str, Any], name: str, *, param: str) -> str:
    if name not in variables:
        raise missing(param)
    value = variables[name]
    text = value.get("text") if isinstance(value, Mapping) else value
    if not isinstance(text, str):
        raise wrong_type(value, ["a string", "an `input_text`"], param=param)
    return text
