"""The demo agent: a scripted, offline language model that says it is one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rtav import clock
from rtav.engines.base import Capabilities, LlmDelta, LlmEnd, LlmRequest, TextDelta, ToolCallDelta
from rtav.engines.llm.demo_agent.intents import answer
from rtav.engines.llm.demo_agent.talk import Talk
from rtav.errors import ConfigError

MODEL = "rtav-demo"

_WORD = re.compile(r"\s*\S+\s*")


class DemoLlm:
    """Answers from a script, without model, network or delay.

    The same messages at the same time always get the same reply, word by word, through the same
    deltas as a real model's. Knows nothing of a call but its messages.
    """

    capabilities = Capabilities(
        name="demo",
        runs_in="loop",
        description="a scripted demo agent, not a language model; set llm.base_url to connect one",
    )

    def __init__(
        self, *, timezone: str = "local", now: Callable[[], datetime] = clock.wall
    ) -> None:
        """`timezone` is an IANA name or "local"; `now` must return an aware time.

        Raises ConfigError for a timezone the machine does not know.
        """
        self._timezone = _zone(timezone)
        self._now = now

    async def start(self) -> None:
        """Nothing to load."""

    async def close(self) -> None:
        """Nothing to release."""

    def models(self) -> Sequence[str]:
        return (MODEL,)

    async def reply(self, request: LlmRequest) -> AsyncIterator[LlmDelta]:
        """The reply, a word at a time or as one tool call. Tokens are counted as words."""
        talk = Talk(request=request, now=self._now().astimezone(self._timezone))
        reply = answer(talk)
        heard = sum(len(message.text.split()) for message in request.messages)
        if reply.tool is not None:
            for delta in _call(talk, name=reply.tool, arguments=reply.arguments):
                yield delta
            yield LlmEnd(input_tokens=heard, output_tokens=1)
            return
        words = _WORD.findall(reply.text)
        allowed = words[: request.max_output_tokens]
        for word in allowed:
            yield TextDelta(word)
        reason: Literal["stop", "length"] = "stop" if len(allowed) == len(words) else "length"
        yield LlmEnd(reason=reason, input_tokens=heard, output_tokens=len(allowed))


def _call(talk: Talk, *, name: str, arguments: str) -> tuple[ToolCallDelta, ToolCallDelta]:
    """In two pieces, as models send it. The id is new in this conversation."""
    number = 1 + sum(len(message.tool_calls) for message in talk.messages)
    return (
        ToolCallDelta(index=0, call_id=f"call_demo_{number}", name=name),
        ToolCallDelta(index=0, arguments=arguments),
    )


def _zone(name: str) -> tzinfo | None:
    """None stands for the machine's own."""
    if name == "local":
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        message = f"{name!r} is no timezone this machine knows; try Europe/Berlin, UTC or local"
        raise ConfigError("llm.timezone", message) from error
