"""Whose fault an error is, what happened, and what to do about it."""

from __future__ import annotations

from typing import ClassVar, Literal

ToolFailure = Literal["http_error", "protocol_error", "tool_execution_error"]


class RtavError(Exception):
    """The root of every error that rtav raises on purpose."""


class ConfigError(RtavError):
    """The operator's: the server does not start. The message names the setting."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(f"{setting}: {message}")
        self.setting = setting


class ProtocolError(RtavError):
    """The client's: answered with an `error` event or an HTTP error body; the call goes on.

    `param` is the dotted path of the offending field (`session.face`), `code` one of the codes in
    docs/protocol.md. Neither ever holds what a person said.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None,
        param: str | None = None,
        type: str = "invalid_request_error",  # noqa: A002 - the wire's name
        event_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.type = type
        self.event_id = event_id


class RateLimited(ProtocolError):
    """The client's key is over one of its limits: 429 with Retry-After."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message, code="rate_limit_exceeded")
        self.retry_after_s = retry_after_s


class AtCapacity(RtavError):
    """Nobody's: 503 with Retry-After."""

    retry_after_s: ClassVar[int] = 5


class EngineError(RtavError):
    """An engine's: ends the response it served, never the call."""

    def __init__(self, engine: str, message: str, *, retryable: bool = False) -> None:
        super().__init__(f"{engine}: {message}")
        self.engine = engine
        self.retryable = retryable


class EngineUnavailable(EngineError):
    """Cannot load. The message names the extra, package or file that is missing."""


class EngineTimeout(EngineError):
    """Did not answer in the time it was given."""


class EngineFailed(EngineError):
    """Broke while it worked."""


class ToolFailed(RtavError):
    """A remote tool's, or its server's: told to the model and the client in place of an output.

    `kind` says who failed, as the wire names it; `code` is HTTP's or the protocol's. `is_lost`: the
    connection is of no more use. The message holds no address and no key.
    """

    def __init__(
        self, message: str, *, kind: ToolFailure, code: int = 0, is_lost: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.code = code
        self.is_lost = is_lost


class PeerGone(RtavError):
    """The call is over. Not logged as an error."""
