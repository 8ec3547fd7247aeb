"""Which engines serve: those the operator named, else the best ones this machine has."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from rtav.engines import registry
from rtav.engines.base import AvatarEngine, Engine, LlmEngine, SttEngine, TtsEngine, VadEngine
from rtav.engines.llm.local import find_local
from rtav.engines.tts.choice import best_available
from rtav.settings import EngineSettings, LlmSettings, Settings

logger = logging.getLogger(__name__)

AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """One engine of each kind, constructed and not yet started."""

    vad: VadEngine
    stt: SttEngine
    llm: LlmEngine
    tts: TtsEngine
    avatar: AvatarEngine

    def in_order(self) -> tuple[tuple[registry.Kind, Engine], ...]:
        """In the order in which a caller's words meet them."""
        return (
            ("vad", self.vad),
            ("stt", self.stt),
            ("llm", self.llm),
            ("tts", self.tts),
            ("avatar", self.avatar),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    engines: Engines
    llm_at: str | None
    """Base URL of the language model; None: it needs none."""


async def select(settings: Settings, *, own_ports: Collection[int] = ()) -> Selection:
    """Construct every engine. Raises ConfigError or EngineUnavailable, naming the setting.

    A language model on this machine is looked for unless one is named; `own_ports` are passed over.
    """
    llm = await _language_model(settings.llm, own_ports)
    return Selection(
        engines=Engines(
            vad=registry.load("vad", _or(settings.vad, "silero"), settings.vad.options),
            stt=registry.load("stt", *_recogniser(settings.stt, llm)),
            llm=registry.load("llm", llm.engine, llm.options),
            tts=tts_engine(settings),
            avatar=avatar_engine(settings),
        ),
        llm_at=llm.options.get("base_url"),
    )


def tts_engine(settings: Settings) -> TtsEngine:
    """As `select`."""
    return registry.load("tts", _or(settings.tts, best_available()), settings.tts.options)


def avatar_engine(settings: Settings) -> AvatarEngine:
    """As `select`."""
    return registry.load("avatar", _or(settings.avatar, "portrait"), settings.avatar.options)


def _or(named: EngineSettings, best: str) -> str:
    return best if named.engine == AUTO else named.engine


def _recogniser(named: EngineSettings, llm: EngineSettings) -> tuple[str, dict[str, Any]]:
    """With the demo agent the embedded recogniser listens for what that agent understands: 6
    instead of 21 wrong words in 100 on such sentences."""
    chosen = _or(named, "pocketsphinx")
    prefers = {"domain": "demo"} if (chosen, llm.engine) == ("pocketsphinx", "demo") else {}
    return chosen, prefers | named.options


async def _language_model(named: LlmSettings, own_ports: Collection[int]) -> EngineSettings:
    """What the operator named, else a server on this machine, else the demo agent."""
    options = _llm_options(named)
    if named.engine != AUTO:
        return EngineSettings(engine=named.engine, options=options)
    if named.base_url or named.api_key:
        return EngineSettings(engine="openai", options=options)
    found = await find_local(skip_ports=own_ports) if named.discover else None
    if found is None:
        return EngineSettings(engine="demo", options=named.options)
    logger.info("%s found at %s", found.name, found.base_url)
    return EngineSettings(
        engine="openai", options={"model": found.model, **options, "base_url": found.base_url}
    )


def _llm_options(llm: LlmSettings) -> dict[str, Any]:  # Any: as EngineSettings.options
    named = {
        "base_url": llm.base_url,
        "api_key": llm.api_key.get_secret_value() if llm.api_key else None,
        "model": llm.model,
    }
    return {key: value for key, value in named.items() if value is not None} | llm.options
