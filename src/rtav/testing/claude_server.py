"""A stand-in for a server with Anthropic's messages endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from rtav.testing.model_server import BREAK, ModelServer, Script, Step


class ClaudeServer(ModelServer):
    """As `ModelServer`, with Anthropic's paths' replies.

    A step is a text delta, a pause, or an event as it stands on the wire. The events around the
    text are written for the script, and so are its first and last ones unless a step has their
    type or breaks off.
    """

    def __init__(
        self,
        *scripts: Script,
        models: Sequence[str] = ("stub",),
        key: str | None = None,
        headers: str = "",
    ) -> None:
        entries = [
            {"type": "model", "id": m, "display_name": m, "created_at": "2025-01-01T00:00:00Z"}
            for m in models
        ]
        listing = {"data": entries, "has_more": False, "first_id": None, "last_id": None}
        super().__init__(*scripts, key=key, headers=headers, listing=listing)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _is_key(self, fields: Mapping[str, str]) -> bool:
        """The service takes a key in either header; its SDKs have used both."""
        return super()._is_key(fields) or fields.get("x-api-key") == str(self._key).lower()

    def _whole(self, script: Sequence[Step]) -> Sequence[Step]:
        kinds = {step.get("type") for step in script if isinstance(step, Mapping)}
        start = [] if "message_start" in kinds else [started()]
        end = [] if "message_delta" in kinds else [ended()]
        return [*start, *_framed(script), *end, {"type": "message_stop"}]

    def _written(self, step: str | Mapping[str, Any]) -> bytes:
        assert not isinstance(step, str), "texts have been framed"
        return f"event: {step['type']}\ndata: {json.dumps(step)}\n\n".encode()


def _framed(script: Sequence[Step]) -> Iterator[Step]:
    """Text deltas in a row as one content block, the reply's first."""
    if not script:
        return
    if isinstance(script[0], str):
        yield opened({"type": "text", "text": ""})
    for step, following in pairwise([*script, BREAK]):
        is_text = isinstance(step, str)
        yield delta({"type": "text_delta", "text": step}) if is_text else step
        if is_text and isinstance(following, Mapping) and following is not BREAK:
            yield closed(0)
    if isinstance(script[-1], str):
        yield closed(0)


def started(**usage: int) -> dict[str, Any]:
    """The event that begins a reply; `usage` are token counts under the wire's names."""
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "stub",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0, **usage},
    }
    return {"type": "message_start", "message": message}


def opened(block: Mapping[str, Any], *, index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": dict(block)}


def delta(piece: Mapping[str, Any], *, index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": dict(piece)}


def closed(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def ended(reason: str = "end_turn", **usage: int) -> dict[str, Any]:
    """The event that says why a reply is over."""
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": None},
        "usage": {"output_tokens": 0, **usage},
    }


def failed(kind: str, message: str = "") -> dict[str, Any]:
    """An error in the middle of the stream."""
    return {"type": "error", "error": {"type": kind, "message": message}}


def called(
    call_id: str, name: str, *pieces: str, index: int, whole: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """A tool call as the content block `index`, its arguments in `pieces` or as a `whole`."""
    block = {"type": "tool_use", "id": call_id, "name": name, "input": dict(whole or {})}
    parts = [delta({"type": "input_json_delta", "partial_json": p}, index=index) for p in pieces]
    return [opened(block, index=index), *parts, closed(index)]
