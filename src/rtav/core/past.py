"""What a session leaves behind, for one that goes on with it after a break."""

from __future__ import annotations

from dataclasses import dataclass

from rtav.core.config import SessionConfig
from rtav.core.conversation import Conversation
from rtav.core.dialect import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Final once the call that it belongs to has ended."""

    config: SessionConfig
    conversation: Conversation
    dialect: Dialect
    expires_at: int
    """When the session ends however often it is gone on with, in seconds since 1970."""
