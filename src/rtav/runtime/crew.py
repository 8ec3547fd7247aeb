"""What all calls of a process share."""

from __future__ import annotations

from dataclasses import dataclass

from rtav.engines.base import AvatarEngine, LlmEngine, SttEngine, TtsEngine, VadEngine
from rtav.runtime.fitting import FaceSettings
from rtav.runtime.remote_tools import Tools
from rtav.runtime.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    vad: VadEngine
    stt: SttEngine
    llm: LlmEngine
    tts: TtsEngine
    avatar: AvatarEngine
    stage: Stage
    face: FaceSettings
    tools: Tools
