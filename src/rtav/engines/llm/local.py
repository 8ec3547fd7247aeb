"""Finds a language model that already runs on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import httpx

PORTS: Mapping[int, str] = {
    11434: "Ollama",
    8080: "llama.cpp",
    8000: "vLLM",
    1234: "LM Studio",
}
"""Where they listen unless told otherwise, in the order in which we prefer them."""

TIMEOUT_S = 0.3  # of a server on this very machine; start-up waits for it

_OURS = "rtav"
_MUTE = ("embed", "rerank", "whisper", "bge-", "tts")  # in names of models that do not converse


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What to hand to the `openai` engine."""

    name: str
    """The server's, for the log."""
    base_url: str
    model: str


async def find_local(
    *,
    skip_ports: Collection[int] = (),
    ports: Mapping[int, str] = PORTS,
    timeout_s: float = TIMEOUT_S,
) -> Found | None:
    """Ask the usual ports of 127.0.0.1 for models, all at once; the first in `ports` wins.

    Only a list with a conversational model counts. `skip_ports` are our own; another rtAV, whose
    models are not its own, is recognised by its answer. Never raises for what is not there.
    """
    # Without trust_env: a proxy for the internet has no business with this machine's ports.
    async with httpx.AsyncClient(trust_env=False, timeout=timeout_s) as client:
        async with asyncio.TaskGroup() as group:
            probes = {
                port: group.create_task(_model_at(client, port, timeout_s=timeout_s))
                for port in ports
                if port not in skip_ports
            }
    for port, probe in probes.items():
        if model := probe.result():
            return Found(name=ports[port], base_url=_base_url(port), model=model)
    return None


def _base_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"


async def _model_at(client: httpx.AsyncClient, port: int, *, timeout_s: float) -> str | None:
    try:
        async with asyncio.timeout(timeout_s):  # httpx's own limits each read, not the whole
            answer = await client.get(f"{_base_url(port)}/models")
        listing = answer.json() if answer.status_code == 200 else None
    except (httpx.HTTPError, TimeoutError, ValueError):
        return None
    if any(name.lower().startswith(f"x-{_OURS}") for name in answer.headers):
        return None
    return _conversational(listing)


def _conversational(listing: object) -> str | None:
    """The first model in a reply of /models that can hold a conversation."""
    if not isinstance(listing, dict) or listing.get("object") != "list":
        return None
    models = listing.get("data")
    entries = [m for m in models if isinstance(m, dict)] if isinstance(models, list) else []
    if any(entry.get("owned_by") == _OURS for entry in entries):
        return None
    names = (entry.get("id") for entry in entries)
    return next((n for n in names if isinstance(n, str) and _converses(n)), None)


def _converses(name: str) -> bool:
    return bool(name) and not any(mute in name.lower() for mute in _MUTE)
