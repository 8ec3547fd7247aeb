"""How much of the noise around a caller is taken away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STRONGEST = 4
"""Levels of the noise suppressor; 0 leaves the sound as it is."""

_USUAL = {"near_field": 1, "far_field": 2}


def noise_level(reduction: Mapping[str, Any] | None) -> int:
    """What a session's `noise_reduction` asks for: its `strength`, as a share of the strongest, or
    what is usual for its type."""
    if reduction is None:
        return 0
    strength = reduction.get("strength")
    return _USUAL[reduction["type"]] if strength is None else round(strength * STRONGEST)
