"""When the caller's turn begins and ends: what a client can say about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from rtav.protocol import session as wire

EAGERNESS_S = {"low": 8.0, "medium": 4.0, "auto": 4.0, "high": 2.0}
"""The longest wait of OpenAI's semantic_vad."""

QUICKEST_S = 0.2
"""The shortest silence that ends a turn whose words sound finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnDetection:
    """When the caller's turn begins and ends, and what follows from it."""

    kind: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    idle_timeout_ms: int | None = None
    eagerness: str = "auto"
    create_response: bool = True
    interrupt_response: bool = True
    named: bool = False
    """A client that names any of these gets exactly that; for others the server is quicker."""

    @property
    def literal(self) -> bool:
        """No judgement of ours: the documented behaviour of server_vad to the letter."""
        return self.named and self.kind == "server_vad"

    @property
    def quickest_s(self) -> float:
        return self.silence_duration_ms / 1000 if self.literal else QUICKEST_S

    @property
    def longest_s(self) -> float:
        if self.kind == "semantic_vad":
            return EAGERNESS_S[self.eagerness]
        return self.silence_duration_ms / 1000

    @property
    def idle_ms(self) -> int | None:
        """The silence after a response that is answered: semantic_vad knows none."""
        return self.idle_timeout_ms if self.kind == "server_vad" else None

    def view(self) -> dict[str, Any]:
        common = {
            "create_response": self.create_response,
            "interrupt_response": self.interrupt_response,
        }
        if self.kind == "semantic_vad":
            return {"type": self.kind, "eagerness": self.eagerness} | common
        return {
            "type": self.kind,
            "threshold": self.threshold,
            "prefix_padding_ms": self.prefix_padding_ms,
            "silence_duration_ms": self.silence_duration_ms,
            "idle_timeout_ms": self.idle_timeout_ms,
        } | common


def merged(before: TurnDetection | None, given: wire.TurnDetection | None) -> TurnDetection | None:
    """What holds after a patch: merged into what held, or begun anew where the kind is another."""
    if given is None:
        return None
    named = given.model_fields_set
    base = before or TurnDetection()
    if "type" in named and given.type != base.kind:
        base = TurnDetection(kind=given.type)
    values = {name: getattr(given, name) for name in named - {"type"}}
    for name in values:
        if values[name] is None:
            values[name] = getattr(TurnDetection(), name)
    return replace(base, named=base.named or bool(named), **values)
