"""What a session wants to ask, as a language model's request."""

from __future__ import annotations

from rtav.core.outputs import Ask, Line
from rtav.engines import base


def request(order: Ask, *, caller: str) -> base.LlmRequest:
    return base.LlmRequest(
        model=order.model,
        instructions=order.instructions,
        messages=tuple(_message(line) for line in order.history),
        tools=tuple(
            base.Tool(
                name=tool["name"],
                description=tool.get("description", ""),
                parameters=tool.get("parameters", {}),
            )
            for tool in order.tools
        ),
        tool_choice=order.tool_choice,
        parallel_tool_calls=order.parallel_tool_calls,
        max_output_tokens=order.max_output_tokens,
        temperature=order.temperature,
        reasoning_effort=order.reasoning_effort,
        caller=caller,
    )


def _message(line: Line) -> base.Message:
    if line.call_name:
        call = base.ToolCall(call_id=line.call_id, name=line.call_name, arguments=line.text)
        return base.Message(role="assistant", tool_calls=(call,))
    return base.Message(
        role=line.role,
        text=line.text,
        images=tuple(base.Image(url=image.url, detail=image.detail) for image in line.images),
        tool_call_id=line.call_id or None,
    )
