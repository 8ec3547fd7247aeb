"""The connections to one session: the first shows how it behaves, each how its events are spelt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rtav.core.dialect import Dialect, Signs, decide
from rtav.protocol import client
from rtav.protocol.server import ASKED_BY, Spelling

MAIN = 0
"""The number of the connection that the call was opened with; sidebands have others."""

ASKED = frozenset(ASKED_BY.values())


@dataclass(slots=True, kw_only=True)
class Connection:
    """One client: decided by the first fact that says, at the latest by its first event."""

    signs: Signs
    default: Dialect
    """Where nothing says."""
    dialect: Dialect = field(init=False)
    _is_decided: bool = field(init=False)
    _asked: dict[str, frozenset[str]] = field(init=False, default_factory=dict)
    """Of the names that something depends on, those that each field holds."""

    def __post_init__(self) -> None:
        for session in reversed(self.signs.sessions):
            self._note(session)
        self._decide()

    @property
    def spelling(self) -> Spelling:
        return "beta" if self.dialect is Dialect.BETA else "ga"

    @property
    def is_strict(self) -> bool:
        """A field that nobody knows is an error."""
        return self.dialect is Dialect.OPENAI

    def takes(self, kind: str) -> bool:
        """Whether a sideband is sent events of this type: strict clients fail at unknown ones."""
        return kind not in ASKED_BY or self.dialect is Dialect.RTAV or self.asked(kind)

    def asked(self, kind: str) -> bool:
        """Whether this client itself has named what brings such events."""
        return any(ASKED_BY[kind] in names for names in self._asked.values())

    def opened(self, *, label: str, subprotocol: str) -> None:
        self.signs = replace(self.signs, label=label, subprotocol=subprotocol)
        self._decide()

    def said(self, event: client.ClientEvent) -> None:
        """What this client says shows who it is, and what it wants to be told."""
        if isinstance(event, client.SessionUpdate):
            self._note(event.session)
        if self._is_decided:
            return
        if isinstance(event, client.SessionUpdate):
            self.signs = replace(self.signs, first_update=event.session)
        self._decide()
        self._is_decided = True

    def _note(self, session: Mapping[str, Any]) -> None:
        for name in {"modalities", "output_modalities", "include"} & session.keys():
            named = session[name] if isinstance(session[name], list) else []
            self._asked[name] = frozenset(word for word in named if isinstance(word, str)) & ASKED

    def _decide(self) -> None:
        found = decide(self.signs)
        self.dialect = found or self.default
        self._is_decided = found is not None
