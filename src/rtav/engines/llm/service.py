"""What all engines that ask a model server by HTTP have in common."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import AbstractContextManager
from typing import TypeVar
from urllib.parse import urlsplit

from rtav.errors import ConfigError, EngineFailed

T = TypeVar("T")

WARM_UP_S = 5.0  # a server that is loading its model must not hold up ours

_HINTS = {401: "; check llm.api_key", 403: "; check llm.api_key", 404: "; check llm.model"}


def checked_host(base_url: str, *, model: str, example: str) -> str:
    """The host that `base_url` names. Raises ConfigError if there is none, or no model."""
    host = urlsplit(base_url).hostname
    if host is None:
        raise ConfigError("llm.base_url", f"{base_url!r} is no URL; try {example}")
    if not model:
        raise ConfigError("llm.model", "name the model to ask")
    return host


def is_within(host: str, domain: str) -> bool:
    return f".{host}".endswith(f".{domain}")


async def in_time(
    stream: AsyncIterable[T],
    *,
    first_by: float,
    idle_s: float,
    guard: Callable[[], AbstractContextManager[None]],
) -> AsyncGenerator[T, None]:
    """The stream's parts: the first before `first_by` on the loop's clock, each later one within
    `idle_s`. What waiting for one raises, TimeoutError too, passes through `guard`."""
    parts = aiter(stream)
    loop = asyncio.get_running_loop()
    deadline = first_by
    while True:
        with guard():
            async with asyncio.timeout_at(deadline):
                part = await anext(parts, None)
        if part is None:
            return
        yield part
        deadline = loop.time() + idle_s


def broken_off(engine: str) -> EngineFailed:
    """A stream that went away: a good end, and one that was cut, have a reason."""
    return EngineFailed(engine, "the model server broke off its reply", retryable=True)


def named(kind: object) -> str:
    """What to add to a message for the server's own name of an error, if that is one."""
    return f", {kind}" if isinstance(kind, str) else ""


def refused(status: int, kind: object) -> str:
    """Says which HTTP status came, and what to look at. The body is left out: a server may quote
    the prompt in it."""
    return f"the model server answered HTTP {status}{named(kind)}{_HINTS.get(status, '')}"
