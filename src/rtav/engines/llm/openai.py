"""Any language model behind an OpenAI-compatible chat-completions endpoint."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from typing import Any, Literal

import openai
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall

from rtav.engines.base import Capabilities, LlmDelta, LlmEnd, LlmRequest, TextDelta, ToolCallDelta
from rtav.engines.llm.chat import Json, parameters
from rtav.engines.llm.service import (
    WARM_UP_S,
    broken_off,
    checked_host,
    in_time,
    is_within,
    refused,
)
from rtav.engines.llm.thinking import Thoughtless
from rtav.errors import ConfigError, EngineFailed, EngineTimeout, EngineUnavailable

OPENAI_URL = "https://api.openai.com/v1"
NAME = "openai"

WISHES = frozenset({"reasoning_effort", "parallel_tool_calls"})
"""What a client may wish for and many servers do not know: they are asked without it then."""

COUNTS = frozenset({"stream_options"})
"""The option by which tokens are counted; some servers refuse it."""

_Stream = openai.AsyncStream[ChatCompletionChunk]
_Reason = Literal["stop", "length", "content_filter"]
_REASONS: dict[str, _Reason] = {"length": "length", "content_filter": "content_filter"}
"""Every other one is a good end: `stop`, `tool_calls`, and what servers made up."""

log = logging.getLogger(__name__)


class OpenAiLlm:
    """OpenAI, vLLM, Ollama, llama.cpp, LM Studio and whatever else speaks their format.

    Shared by all calls; its state is the connection pool and what the server turned out to offer.
    """

    def __init__(
        self,
        *,
        model: str,
        base_url: str = OPENAI_URL,
        api_key: str = "",
        timeout_s: float = 15.0,
        idle_s: float = 15.0,
        images: bool = True,
    ) -> None:
        """`timeout_s` is what the first delta may take, `idle_s` every later one.

        `images` is false for a model that does not see: it is then told that there was a picture.
        Raises ConfigError for an empty model, a base URL without host, and OpenAI without key.
        """
        host = _checked_host(base_url, model=model, api_key=api_key)
        self.capabilities = Capabilities(
            name=NAME, runs_in="loop", description=f"{model} at {host}, by chat completions"
        )
        self._model = model
        self._timeout_s = timeout_s
        self._idle_s = idle_s
        self._sees = images
        # OpenAI's newer models refuse `max_tokens`; most other servers know nothing else.
        is_openai = _is_openai(host)
        self._limit_name = "max_completion_tokens" if is_openai else "max_tokens"
        self._refused: frozenset[str] = frozenset()
        self._offered: tuple[str, ...] = ()
        # Without a key the SDK would send the one in OPENAI_API_KEY, to whomever the URL names.
        self._client = openai.AsyncOpenAI(
            base_url=base_url, api_key=api_key or "none", max_retries=1
        )

    async def start(self) -> None:
        """Ask for the models, and so open the connection: the first reply need not wait for it.

        Raises EngineUnavailable if the server refuses the key. A server that does not answer may
        still be starting: that is only a warning.
        """
        try:
            async with asyncio.timeout(WARM_UP_S):
                page = await self._client.models.list()
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            message = f"the server refuses llm.api_key (HTTP {error.status_code})"
            raise EngineUnavailable(NAME, message) from error
        except (openai.OpenAIError, TimeoutError, ValueError) as error:
            log.warning("the model server did not list its models: %s", type(error).__name__)
            return
        self._offered = tuple(model.id for model in page.data or ())
        if self._offered and self._model not in self._offered:
            log.warning("the model server does not list llm.model %r", self._model)

    async def close(self) -> None:
        await self._client.close()

    def models(self) -> Sequence[str]:
        """The configured one, then what the server listed at start."""
        return (self._model, *(name for name in self._offered if name != self._model))

    async def reply(self, request: LlmRequest) -> AsyncIterator[LlmDelta]:
        """Stream one reply; closing the iterator closes the connection to the server.

        A model the server does not have stands for the configured one. Errors never hold what was
        said.
        """
        wanted = parameters(request, sees=self._sees, limit_name=self._limit_name)
        wanted["model"] = request.model if request.model in self.models() else self._model
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        with _translated():
            async with asyncio.timeout_at(deadline):
                stream = await self._ask(wanted)
        parts = in_time(stream, first_by=deadline, idle_s=self._idle_s, guard=_translated)
        answer = _Answer()
        async with stream, aclosing(parts) as chunks:
            async for chunk in chunks:
                for delta in answer.add(chunk):
                    yield delta
        for delta in answer.end():
            yield delta

    async def _ask(self, wanted: Json) -> _Stream:
        """Post the request; without the options that the server turns out not to take."""
        wanted = {**wanted, "stream_options": {"include_usage": True}}
        optional = (WISHES | COUNTS) & wanted.keys() - self._refused
        attempts = dict.fromkeys((frozenset[str](), optional & WISHES, optional))
        *earlier, last = attempts
        for without in earlier:
            with suppress(openai.BadRequestError, openai.UnprocessableEntityError):
                return await self._post(wanted, without=without)
        return await self._post(wanted, without=last)  # raises again if it was no option

    async def _post(self, wanted: Json, *, without: frozenset[str]) -> _Stream:
        left_out = self._refused | without
        kept = {name: value for name, value in wanted.items() if name not in left_out}
        stream: _Stream = await self._client.chat.completions.create(**kept, stream=True)
        if without:
            self._refused = left_out
            log.info("the model server does not take %s", " and ".join(sorted(without)))
        return stream


class _Answer:
    """Puts a reply together from its chunks."""

    def __init__(self) -> None:
        self._reason: _Reason | None = None
        self._usage: Any = None  # the SDK's CompletionUsage; servers leave fields out
        self._calls: list[str] = []
        self._thoughtless = Thoughtless()

    def add(self, chunk: ChatCompletionChunk) -> Iterator[LlmDelta]:
        self._usage = chunk.usage or self._usage
        for choice in chunk.choices or ():
            if choice.finish_reason is not None:
                self._reason = _REASONS.get(choice.finish_reason, "stop")
            if choice.delta.content and (said := self._thoughtless.feed(choice.delta.content)):
                yield TextDelta(said)
            for piece in choice.delta.tool_calls or ():
                yield self._piece(piece)

    def _piece(self, piece: ChoiceDeltaToolCall) -> ToolCallDelta:
        """Calls are told apart by their id: some servers give every parallel call the index 0."""
        function = piece.function
        call_id = piece.id or ""
        is_new = bool(call_id) and call_id not in self._calls
        if is_new or not self._calls:
            self._calls.append(call_id)
        index = (
            self._calls.index(call_id) if call_id else min(piece.index or 0, len(self._calls) - 1)
        )
        return ToolCallDelta(
            index=index,
            call_id=call_id if is_new else "",
            name=(function.name or "" if is_new else "") if function else "",
            arguments=(function.arguments or "") if function else "",
        )

    def end(self) -> Iterator[LlmDelta]:
        if self._reason is None:
            raise broken_off(NAME)
        if rest := self._thoughtless.end():
            yield TextDelta(rest)
        details = getattr(self._usage, "prompt_tokens_details", None)
        yield LlmEnd(
            reason=self._reason,
            input_tokens=getattr(self._usage, "prompt_tokens", None) or 0,
            output_tokens=getattr(self._usage, "completion_tokens", None) or 0,
            cached_tokens=getattr(details, "cached_tokens", None) or 0,
        )


def _checked_host(base_url: str, *, model: str, api_key: str) -> str:
    host = checked_host(base_url, model=model, example="http://127.0.0.1:11434/v1")
    if _is_openai(host) and not api_key:
        raise ConfigError("llm.api_key", "OpenAI wants one; set RTAV_LLM_API_KEY")
    return host


def _is_openai(host: str) -> bool:
    return is_within(host, "openai.com")


@contextmanager
def _translated() -> Iterator[None]:
    """The SDK's errors as ours, without their bodies: a server may quote the prompt in them."""
    try:
        yield
    except (TimeoutError, openai.APITimeoutError) as error:
        raise EngineTimeout(NAME, "the model server did not answer in time") from error
    except openai.APIStatusError as error:
        raise EngineFailed(
            NAME,
            refused(error.status_code, error.code),
            retryable=error.status_code == 429 or error.status_code >= 500,
        ) from None
    except openai.APIConnectionError as error:
        raise EngineFailed(NAME, "cannot reach the model server", retryable=True) from error
    except (openai.OpenAIError, ValueError):
        raise EngineFailed(NAME, "the model server broke the stream", retryable=True) from None
