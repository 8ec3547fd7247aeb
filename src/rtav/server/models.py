"""The operator's names for models, and which models a client may name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from rtav.engines.base import Capabilities, LlmDelta, LlmEngine, LlmRequest
from rtav.server.listing import OPEN_LOOP_MODELS


class AliasedLlm:
    """A language model engine that is asked by further names."""

    def __init__(self, engine: LlmEngine, aliases: Mapping[str, str]) -> None:
        """`aliases` give the engine's model for a client's name."""
        self._engine = engine
        self._aliases = aliases

    @property
    def capabilities(self) -> Capabilities:
        return self._engine.capabilities

    async def start(self) -> None:
        await self._engine.start()

    async def close(self) -> None:
        await self._engine.close()

    def models(self) -> Sequence[str]:
        return tuple(dict.fromkeys((*self._engine.models(), *self._aliases)))

    def reply(self, request: LlmRequest) -> AsyncIterator[LlmDelta]:
        wanted = self._aliases.get(request.model, request.model)
        return self._engine.reply(replace(request, model=wanted))


def strict_models(llm: LlmEngine) -> tuple[str, ...]:
    """All that a client may name where an unknown model is an error; of an engine that started."""
    return (*llm.models(), *OPEN_LOOP_MODELS)
