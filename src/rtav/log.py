"""How log lines look: stdlib logging calls everywhere, structlog only as the formatter."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar

import structlog

call_id: ContextVar[str | None] = ContextVar("call_id", default=None)
"""The call a task works for; printed with every line it logs."""


@contextlib.contextmanager
def about(call: str) -> Iterator[None]:
    """Lines logged in here, and by tasks and timers that are started in here, name this call."""
    token = call_id.set(call)
    try:
        yield
    finally:
        call_id.reset(token)


def _add_call(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    if (call := call_id.get()) is not None:
        event.setdefault("call", call)
    return event


def configure(*, level: str = "INFO", json: bool = False) -> None:
    """Send every logger to standard error, once. `level` is a name of the logging module."""
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_call,
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # the renderer's own choice prints local variables: prompts and what people said
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info if json else _pass,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("aioice", "aiortc", "httpx", "httpx2", "openai", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for telling in ("httpcore", "httpcore2", "mcp"):  # headers, and what people said, in the open
        logging.getLogger(telling).setLevel(logging.CRITICAL)


def _pass(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    return event
