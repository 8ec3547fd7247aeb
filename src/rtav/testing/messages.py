"""Client events that tests and benches send most."""

from __future__ import annotations

from typing import Any, Literal


def message(role: Literal["user", "assistant"], text: str) -> dict[str, Any]:
    """A `conversation.item.create`: of the user it is answered, of the assistant spoken."""
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": role, "content": content}
    return {"type": "conversation.item.create", "item": item}
