"""Which engines serve: those the operator named, else the best ones this machine has."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Any

from rtav.engines import registry
from rtav.engines.base import AvatarEngine, Engine, LlmEngine, SttEngine, TtsEngine, VadEngine
from rtav.settings import LlmSettings, Settings

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


def select(settings: Settings) -> Engines:
    """Construct every engine. Raises ConfigError or EngineUnavailable, naming the setting."""
    llm = settings.llm
    return Engines(
        vad=registry.load("vad", _or(settings.vad.engine, "silero"), settings.vad.options),
        stt=registry.load("stt", _or(settings.stt.engine, "pocketsphinx"), settings.stt.options),
        llm=registry.load("llm", _or(llm.engine, _best_llm(llm)), _llm_options(llm)),
        tts=registry.load("tts", _or(settings.tts.engine, _best_tts()), settings.tts.options),
        avatar=registry.load(
            "avatar", _or(settings.avatar.engine, "portrait"), settings.avatar.options
        ),
    )


def _or(named: str, best: str) -> str:
    return best if named == AUTO else named


def _best_tts() -> str:
    return "flite" if shutil.which("flite") else "espeak"


def _best_llm(llm: LlmSettings) -> str:
    return "openai" if llm.base_url or llm.api_key else "demo"


def _llm_options(llm: LlmSettings) -> dict[str, Any]:  # Any: as EngineSettings.options
    named = {
        "base_url": llm.base_url,
        "api_key": llm.api_key.get_secret_value() if llm.api_key else None,
        "model": llm.model,
    }
    return {key: value for key, value in named.items() if value is not None} | llm.options
