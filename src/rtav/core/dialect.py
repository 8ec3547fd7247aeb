"""Which dialect a session is in: decided by the first fact that says, and never again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Dialect(StrEnum):
    """Who triggers a response, and what is on by default."""

    RTAV = "rtav"
    OPENAI = "openai"
    BETA = "beta"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What a connection shows before and with its first event."""

    named: str | None = None
    """`?dialect=`, or `dialect` in a session."""
    beta: bool = False
    """The header of OpenAI's beta."""
    agents_header: bool = False
    subprotocol: str = ""
    label: str = ""
    """The data channel's."""
    key: str = ""
    """How the ephemeral key was spelt: `rtav_sk` or `ek`; empty for an API key."""
    auth_message: bool = False
    rest_session: bool = False
    query: frozenset[str] = frozenset()
    sessions: tuple[Mapping[str, Any], ...] = ()
    """Session objects by rank: the call's own, then the one behind its key."""
    first_update: Mapping[str, Any] | None = None
    """The session of a `session.update` that is the client's first event."""


BETA_SUBPROTOCOL = "openai-beta.realtime-v1"
RTAV_QUERY = frozenset({"voice", "voice_id", "face_id", "video"})


def decide(signs: Signs) -> Dialect | None:
    """The dialect these signs show, or None where nothing does."""
    for session in (None, *signs.sessions):
        named = signs.named if session is None else session.get("dialect")
        if isinstance(named, str) and named in set(Dialect):
            return Dialect(named)
    if signs.beta or signs.subprotocol == BETA_SUBPROTOCOL:
        return Dialect.BETA
    # what the call itself shows outranks what its secret shows
    own, behind = signs.sessions[:1], signs.sessions[1:]
    return _shown(signs, own) or _written(behind)


def _shown(signs: Signs, own: tuple[Mapping[str, Any], ...]) -> Dialect | None:
    if (
        signs.agents_header
        or signs.subprotocol.startswith("openai-")
        or signs.label == "oai-events"
        or _written(own) is Dialect.OPENAI
    ):
        return Dialect.OPENAI
    if (
        signs.label == "realtime"
        or signs.auth_message
        or signs.key == "rtav_sk"
        or signs.rest_session
        or signs.query & RTAV_QUERY
        or _written(own) is Dialect.RTAV
    ):
        return Dialect.RTAV
    if signs.first_update is None:
        return None
    written = _written((signs.first_update,))
    if written is None and "type" not in signs.first_update:
        return Dialect.RTAV
    return written


def _written(sessions: tuple[Mapping[str, Any], ...]) -> Dialect | None:
    for session in sessions:
        if isinstance(session.get("audio"), dict) or "output_modalities" in session:
            return Dialect.OPENAI
        if "voice" in session or "modalities" in session:
            return Dialect.RTAV
    return None
