"""What a face's style changes where the engine draws: the colours and lines of eyes and mouth."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Colour = tuple[int, int, int]
"""BGR"""

_COLOURS = ("lash", "rim", "throat")
_LIMITS = {"crease": 1.0, "glint": 40.0, "shade": 1.0, "fold": 1.0}
_HEXADECIMAL = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink:
    """The defaults are those of lifelike people."""

    lash: Colour = (14, 14, 26)
    rim: Colour = (96, 104, 168)
    """The wet edge of the lower lid."""
    throat: Colour = (26, 17, 54)
    """What is seen of the mouth where it holds nothing."""
    crease: float = 0.34
    """How dark the fold above the eye is, 0 to 1."""
    glint: float = 4.6
    """Radius of the lamp's reflection in the eye, px of a frame 720 px high."""
    shade: float = 1.0
    """How much lids and lips darken what is behind them, 0 to 1."""
    fold: float = 0.7
    """How deep the folds are that a smile, a frown or raised brows make in the skin, 0 to 1."""


def read_ink(given: Any) -> Ink:  # Any: JSON
    """The `ink` of a face.json; what it does not name is as for people. Raises ValueError."""
    if not isinstance(given, Mapping):
        raise ValueError("ink must be an object")
    read: dict[str, Any] = {}
    for name, value in given.items():
        if name in _COLOURS:
            read[name] = _colour(name, value)
        elif name in _LIMITS:
            read[name] = _number(name, value, _LIMITS[name])
        else:
            raise ValueError(f"ink.{str(name)[:40]} is unknown")
    return Ink(**read)


def write_ink(ink: Ink) -> dict[str, Any]:
    """What `read_ink` makes `ink` of."""
    colours = ((name, getattr(ink, name)) for name in _COLOURS)
    written = {name: f"#{red:02x}{green:02x}{blue:02x}" for name, (blue, green, red) in colours}
    return written | {name: getattr(ink, name) for name in _LIMITS}


def _colour(name: str, value: Any) -> Colour:  # Any: JSON
    if not isinstance(value, str) or not _HEXADECIMAL.fullmatch(value):
        raise ValueError(f"ink.{name} must be a colour as #rrggbb")
    red, green, blue = (int(value[i : i + 2], 16) for i in (1, 3, 5))
    return blue, green, red


def _number(name: str, value: Any, limit: float) -> float:  # Any: JSON
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not 0 <= value <= limit:
        raise ValueError(f"ink.{name} must be a number from 0 to {limit:g}")
    return float(value)
