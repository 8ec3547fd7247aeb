"""An event on its way to the client, still without its id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Event(NamedTuple):
    type: str
    fields: Mapping[str, Any]


Events = list[Event]
