"""Anthropic's models, and any other behind their messages endpoint."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from typing import Literal

import anthropic
import httpx2
from anthropic.types import (
    InputJSONDelta,
    MessageDeltaUsage,
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawContentBlockStopEvent,
    RawMessageDeltaEvent,
    RawMessageStartEvent,
    RawMessageStreamEvent,
    TextBlock,
    ToolUseBlock,
    Usage,
)
from anthropic.types import TextDelta as SaidDelta

from rtav.engines.base import Capabilities, LlmDelta, LlmEnd, LlmRequest, TextDelta, ToolCallDelta
from rtav.engines.llm.chat import Json
from rtav.engines.llm.messages import parameters, wishes
from rtav.engines.llm.service import (
    WARM_UP_S,
    broken_off,
    checked_host,
    in_time,
    is_within,
    named,
    refused,
)
from rtav.errors import ConfigError, EngineFailed, EngineTimeout, EngineUnavailable

ANTHROPIC_URL = "https://api.anthropic.com"
NAME = "anthropic"

MAX_TOKENS = 4096
"""The format wants a limit; where the client gave none, this: some 20 minutes of speech."""

_DATE = re.compile(r"-\d{8}$")
"""At the end of the id of a model; without it the id names the latest of that model."""

_Stream = anthropic.AsyncStream[RawMessageStreamEvent]
_Reason = Literal["stop", "length", "content_filter"]
_REASONS: dict[str, _Reason] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
"""Every other one is a good end: `end_turn`, `tool_use`, `stop_sequence`, `pause_turn`."""

_PASSING = frozenset({"rate_limit_error", "overloaded_error", "api_error", "timeout_error"})
"""Errors that a later request may not meet, by the name that stands in the body."""

log = logging.getLogger(__name__)


class AnthropicLlm:
    """Claude, and whatever else speaks that format.

    Shared by all calls; its state is the connection pool, the models the server listed, and which
    of them take no wishes.
    """

    def __init__(
        self,
        *,
        model: str = "claude-haiku-4-5",
        base_url: str = ANTHROPIC_URL,
        api_key: str = "",
        timeout_s: float = 15.0,
        idle_s: float = 15.0,
        images: bool = True,
    ) -> None:
        """`timeout_s` is what the first event may take, `idle_s` every later one.

        `images` is false for a model that does not see: it is then told that there was a picture.
        Raises ConfigError for an empty model, a base URL without host, and Anthropic without key.
        """
        host = _checked_host(base_url, model=model, api_key=api_key)
        self.capabilities = Capabilities(
            name=NAME, runs_in="loop", description=f"{model} at {host}, by Anthropic's messages"
        )
        self._model = model
        self._timeout_s = timeout_s
        self._idle_s = idle_s
        self._sees = images
        self._wishless: set[str] = set()
        self._offered: tuple[str, ...] = ()
        # Without a key the SDK would send the one in ANTHROPIC_API_KEY, to whomever the URL names.
        self._client = anthropic.AsyncAnthropic(
            base_url=base_url.rstrip("/").removesuffix("/v1"),  # the SDK adds it
            api_key=api_key or "none",
            max_retries=1,
        )

    async def start(self) -> None:
        """Ask for the models, and so open the connection: the first reply need not wait for it.

        Raises EngineUnavailable if the server refuses the key. A server that does not answer may
        still be starting: that is only a warning.
        """
        try:
            async with asyncio.timeout(WARM_UP_S):
                page = await self._client.models.list(limit=100)
        except (anthropic.AuthenticationError, anthropic.PermissionDeniedError) as error:
            message = f"the server refuses llm.api_key (HTTP {error.status_code})"
            raise EngineUnavailable(NAME, message) from None
        except (anthropic.AnthropicError, TimeoutError, ValueError) as error:
            log.warning("the model server did not list its models: %s", type(error).__name__)
            return
        listed = [model.id for model in page.data or ()]
        self._offered = (*(_DATE.sub("", name) for name in listed), *listed)
        if self._offered and self._model not in self._offered:
            log.warning("the model server does not list llm.model %r", self._model)

    async def close(self) -> None:
        await self._client.close()

    def models(self) -> Sequence[str]:
        """The configured one, then what the server listed at start: without dates, then with."""
        return tuple(dict.fromkeys((self._model, *self._offered)))

    async def reply(self, request: LlmRequest) -> AsyncIterator[LlmDelta]:
        """Stream one reply; closing the iterator closes the connection to the server.

        A model the server does not have stands for the configured one. Errors never hold what was
        said.
        """
        wanted = parameters(request, sees=self._sees, max_tokens=MAX_TOKENS)
        wanted["model"] = request.model if request.model in self.models() else self._model
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        with _translated():
            async with asyncio.timeout_at(deadline):
                stream = await self._ask(wanted, wishes(request))
        parts = in_time(stream, first_by=deadline, idle_s=self._idle_s, guard=_translated)
        answer = _Answer()
        async with stream, aclosing(parts) as events:
            async for event in events:
                for delta in answer.add(event):
                    yield delta
        yield answer.end()

    async def _ask(self, wanted: Json, wished: Json) -> _Stream:
        """Post the request; without the wishes if this model turns out not to take them."""
        model = wanted["model"]
        if not wished or model in self._wishless:
            return await self._post(wanted)
        with suppress(anthropic.BadRequestError, anthropic.UnprocessableEntityError):
            return await self._post(wanted, wished)
        stream = await self._post(wanted)  # raises again if it was no wish
        self._wishless.add(model)
        log.info("%s does not take %s", model, " and ".join(sorted(wished)))
        return stream

    async def _post(self, wanted: Json, wished: Json | None = None) -> _Stream:
        # Beside the SDK's own parameters: it knows those of the newest models only.
        stream: _Stream = await self._client.messages.create(
            **wanted, stream=True, extra_body=wished
        )
        return stream


class _Answer:
    """Puts a reply together from its events."""

    def __init__(self) -> None:
        self._reason: _Reason | None = None
        self._input_tokens = self._output_tokens = self._cached_tokens = 0
        self._calls: list[int] = []
        """The content block of each tool call; other blocks stand between them."""
        self._bare: set[int] = set()
        """The blocks of calls whose arguments have not begun."""

    def add(self, event: RawMessageStreamEvent) -> Iterator[LlmDelta]:
        if isinstance(event, RawMessageStartEvent):
            self._count(event.message.usage)
        elif isinstance(event, RawContentBlockStartEvent):
            yield from self._begin(event)
        elif isinstance(event, RawContentBlockDeltaEvent):
            yield from self._go_on(event)
        elif isinstance(event, RawContentBlockStopEvent):
            if event.index in self._bare:  # a tool without parameters: no arguments came
                yield self._arguments(event.index, "{}")
        elif isinstance(event, RawMessageDeltaEvent):
            self._count(event.usage)
            if event.delta.stop_reason is not None:
                self._reason = _REASONS.get(event.delta.stop_reason, "stop")

    def _begin(self, event: RawContentBlockStartEvent) -> Iterator[LlmDelta]:
        block = event.content_block
        if isinstance(block, TextBlock) and block.text:
            yield TextDelta(block.text)
        elif isinstance(block, ToolUseBlock):
            self._calls.append(event.index)
            self._bare.add(event.index)
            yield ToolCallDelta(index=len(self._calls) - 1, call_id=block.id, name=block.name)
            if block.input:  # servers that do not stream arguments send them here
                yield self._arguments(event.index, json.dumps(block.input))

    def _go_on(self, event: RawContentBlockDeltaEvent) -> Iterator[LlmDelta]:
        """What is neither said nor a call's is thought: nobody hears that."""
        delta = event.delta
        if isinstance(delta, SaidDelta) and delta.text:
            yield TextDelta(delta.text)
        elif (
            isinstance(delta, InputJSONDelta) and delta.partial_json and event.index in self._calls
        ):
            yield self._arguments(event.index, delta.partial_json)

    def _arguments(self, block: int, piece: str) -> ToolCallDelta:
        self._bare.discard(block)
        return ToolCallDelta(index=self._calls.index(block), arguments=piece)

    def _count(self, usage: Usage | MessageDeltaUsage | None) -> None:
        """Counts are totals so far; the later ones may leave out what has not changed."""
        if usage is None:
            return
        self._output_tokens = usage.output_tokens or self._output_tokens
        if usage.input_tokens is not None:
            self._cached_tokens = usage.cache_read_input_tokens or 0
            written = usage.cache_creation_input_tokens or 0
            self._input_tokens = usage.input_tokens + written + self._cached_tokens

    def end(self) -> LlmEnd:
        if self._reason is None:
            raise broken_off(NAME)
        return LlmEnd(
            reason=self._reason,
            input_tokens=self._input_tokens,
            output_tokens=self._output_tokens,
            cached_tokens=self._cached_tokens,
        )


def _checked_host(base_url: str, *, model: str, api_key: str) -> str:
    host = checked_host(base_url, model=model, example=ANTHROPIC_URL)
    if is_within(host, "anthropic.com") and not api_key:
        raise ConfigError("llm.api_key", "Anthropic wants one; set RTAV_LLM_API_KEY")
    return host


@contextmanager
def _translated() -> Iterator[None]:
    """The SDK's errors as ours, without their bodies: a server may quote the prompt in them."""
    try:
        yield
    except (TimeoutError, anthropic.APITimeoutError) as error:
        raise EngineTimeout(NAME, "the model server did not answer in time") from error
    except anthropic.APIStatusError as error:
        passes = error.status_code == 429 or error.status_code >= 500 or error.type in _PASSING
        raise EngineFailed(NAME, _explained(error), retryable=passes) from None
    except anthropic.APIConnectionError as error:
        raise EngineFailed(NAME, "cannot reach the model server", retryable=True) from error
    except (anthropic.AnthropicError, httpx2.HTTPError, ValueError):
        raise EngineFailed(NAME, "the model server broke the stream", retryable=True) from None


def _explained(error: anthropic.APIStatusError) -> str:
    if error.status_code < 400:  # an error that came in the stream of a reply that began well
        return f"the model server broke the stream{named(error.type)}"
    return refused(error.status_code, error.type)
