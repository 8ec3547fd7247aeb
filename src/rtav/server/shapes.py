"""What the routes answer, for the OpenAPI document; the answers themselves are plain JSON."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from rtav.server.storage.records import Status


class _Shape(BaseModel):
    """Answers may grow: a field that is not named here is no mistake."""

    model_config = ConfigDict(extra="allow")


class Secret(_Shape):
    """Two spellings of one ephemeral key, and the session that a call with it begins with."""

    client_secret: str
    value: str
    expires_in: int
    expires_at: int
    session: dict[str, Any]  # Any: a session object
    ice_servers: list[dict[str, Any]]  # Any: for RTCPeerConnection


class SessionShown(_Shape):
    """A session. Times are ISO 8601 in UTC."""

    id: str
    user_id: str
    model: str
    voice: str
    instructions: str
    status: Status
    created_at: str
    started_at: str
    ended_at: str | None
    duration_seconds: float | None


class SessionPage(_Shape):
    """The newest sessions that `after` leaves."""

    object: Literal["list"]
    data: list[SessionShown]
    first_id: str | None
    last_id: str | None
    has_more: bool


class _Used(_Shape):
    duration_seconds: float | None
    audio_input_seconds: float
    audio_output_seconds: float
    video_seconds: float
    input_tokens: int | None
    output_tokens: int | None


class UsageRow(_Used):
    """What a session used that has ended."""

    session_id: str
    key_id: str
    user_id: str
    status: Status
    started_at: str
    ended_at: str


class UsageTotal(_Used):
    """Of all rows."""

    sessions: int


class UsagePage(_Shape):
    object: Literal["list"]
    data: list[UsageRow]
    total: UsageTotal


class Model(_Shape):
    """A language model, as OpenAI's clients read it."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(_Shape):
    object: Literal["list"]
    data: list[Model]
