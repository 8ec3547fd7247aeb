"""What the command line starts: a server until a signal, and an examination of this machine."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from urllib.parse import quote, urlsplit

from rtav import log
from rtav.server import keys
from rtav.server.composition import Composition, compose
from rtav.server.doctor import Finding, findings
from rtav.server.doors import Door, is_loopback, open_doors
from rtav.server.serving import serve as serve_doors
from rtav.settings import Settings

Say = Callable[[str], None]

LOCAL_ENGINES = frozenset({"silero", "pocketsphinx", "demo", "flite", "espeak", "portrait"})
"""The built-in engines that work on this machine alone."""


def serve(settings: Settings, *, say: Say) -> None:
    """Serve until SIGINT or SIGTERM. `say` prints a line for the operator.

    Raises ConfigError or EngineUnavailable if the server cannot start.
    """
    log.configure(level=settings.log.level, json=settings.log.format == "json")
    given = settings.api_key
    api_key = given.get_secret_value() if given else keys.generate()
    doors = open_doors(settings)

    def ready(running: Composition) -> None:
        for line in _greeting(settings, running, doors, api_key=api_key):
            say(line)

    ports = {door.listener.getsockname()[1] for door in doors}
    asyncio.run(
        serve_doors(
            doors,
            lambda: compose(settings, api_key=api_key, own_ports=ports),
            ready=ready,
            farewell=lambda running: running.farewell(),
        )
    )


def examine(settings: Settings) -> list[Finding]:
    """Everything that `rtav doctor` says, in order."""
    log.configure(level="ERROR")
    return asyncio.run(findings(settings))


def _greeting(
    settings: Settings, running: Composition, doors: list[Door], *, api_key: str
) -> list[str]:
    lines = [
        f"  {kind:7}{engine.capabilities.name}"
        + (f" - {engine.capabilities.description}" if engine.capabilities.description else "")
        for kind, engine in running.engines.in_order()
    ]
    names = [engine.capabilities.name for _, engine in running.engines.in_order()]
    lines.append("  " + whereabouts(names, llm_at=running.llm_at))
    if settings.api_key is None:
        lines.append("  This key is for this run only; set RTAV_API_KEY to keep one.")
    if settings.api_key is not None and not sys.stdout.isatty():
        # The operator has it; a container's log must not.
        return [*lines, *(f"rtav is ready: {door.url}/" for door in doors)]
    # In the fragment: a browser never sends it to a server, so no log on the way has it.
    lines += [f"rtav is ready: {door.url}/#key={quote(api_key, safe='')}" for door in doors]
    return lines


def whereabouts(engines: Sequence[str], *, llm_at: str | None) -> str:
    """Where what people say goes: the first thing an operator must know about a server.

    `engines` are names, `llm_at` is the language model's base URL.
    """
    host = urlsplit(llm_at or "").hostname  # without a password that may stand in the address
    if host and not is_loopback(host):
        return f"What is said goes to {host} to be answered."
    local = LOCAL_ENGINES | ({"openai", "anthropic"} if host else set())
    if others := [name for name in engines if name not in local]:
        return f"What is said may leave this machine through: {', '.join(others)}."
    return "Nothing leaves this machine."
