"""A session's effective configuration, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from rtav.core.catalog import Catalog
from rtav.core.detection import TurnDetection
from rtav.core.dialect import Dialect
from rtav.core.servers import Server

OPEN_LOOP = frozenset({"none", "disable", "open-loop"})
"""Models that are no model: nothing is said but what the client sends to be said."""


INSTRUCTIONS = "You are a helpful assistant."
"""Where a client names none."""


@dataclass(frozen=True, slots=True)
class Unnamed:
    """The client never said: the dialect decides."""


UNNAMED: Final = Unnamed()
PCM: dict[str, Any] = {"type": "audio/pcm", "rate": 24000}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """Immutable. Names are as the client wrote them, `*_id` ours."""

    id: str
    model: str = "gpt-5.2"
    instructions: str = INSTRUCTIONS
    """What the model is told: the client's own, else its prompt's."""
    own_instructions: str | None = None
    """As the client named them; None: never."""
    voice: str = "default"
    voice_id: str
    face: str = "default"
    face_id: str
    driving: str | tuple[str, ...] = "default"
    motions: tuple[str, ...]
    modalities: tuple[str, ...] | Unnamed = UNNAMED
    output_modalities: tuple[str, ...] | Unnamed = UNNAMED
    turn_detection: TurnDetection | None = field(default_factory=TurnDetection)
    transcription: dict[str, Any] | Unnamed | None = UNNAMED
    noise_reduction: dict[str, Any] | None = None
    input_format: dict[str, Any] = field(default_factory=lambda: dict(PCM))
    output_format: dict[str, Any] = field(default_factory=lambda: dict(PCM))
    speed: float = 1.0
    auto_response: bool | None = None
    express: bool | None = None
    """Models are given the tool that moves the face; None: as the operator has it."""
    tools: tuple[dict[str, Any], ...] = ()
    """The client's own functions."""
    servers: tuple[Server, ...] = ()
    tool_choice: str | dict[str, Any] = "auto"
    max_output_tokens: int | Literal["inf"] = "inf"
    temperature: float | None = None
    target_fps: float | None = None
    """None: the operator's."""
    upsample_factor: float = 1.0
    framing: str = "square"
    background: str = "original"
    """`original`, `matte`, `#rrggbb`, or the id of a picture."""
    video_codec: str | None = None
    tts_source: str | None = None
    include: tuple[str, ...] | None = None
    parallel_tool_calls: bool = True
    truncation: str | dict[str, Any] = "auto"
    tracing: str | dict[str, Any] | None = None
    prompt: dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None

    @classmethod
    def initial(
        cls, session_id: str, catalog: Catalog, *, motion: str = "default"
    ) -> SessionConfig:
        return cls(
            id=session_id,
            voice_id=catalog.voices.resolve("default", param="session.voice"),
            face_id=catalog.faces.resolve("default", param="session.face"),
            motions=(catalog.motions.resolve(motion, param="session.driving"),),
        )

    @property
    def open_loop(self) -> bool:
        return self.model.lower() in OPEN_LOOP

    def speaks(self) -> bool:
        """Whether replies are spoken: the opposite is text only."""
        named = self.output_modalities if not isinstance(self.output_modalities, Unnamed) else None
        if named is None and not isinstance(self.modalities, Unnamed):
            named = self.modalities
        return named is None or "audio" in named

    def shows_text(self, dialect: Dialect, *, modalities: Sequence[str] | None = None) -> bool:
        """Whether a spoken reply also comes as output_text: rtAV's own clients read only that.

        `modalities`: what one response names for itself, in rtAV's way.
        """
        if dialect is not Dialect.RTAV:
            return False
        if modalities:
            return {"audio", "text"} <= set(modalities)
        if not isinstance(self.output_modalities, Unnamed):
            return False
        return isinstance(self.modalities, Unnamed) or {"audio", "text"} <= set(self.modalities)

    def shows_images(self, dialect: Dialect, *, transport: str) -> bool:
        """Whether a spoken reply also comes as pictures in events."""
        return "image" in self.shown_modalities(dialect, transport=transport)

    def transcribes(self, dialect: Dialect) -> dict[str, Any] | None:
        """The transcription of the caller that is sent, or None if it is off."""
        if isinstance(self.transcription, Unnamed):
            return {"model": "default"} if dialect is Dialect.RTAV else None
        return self.transcription

    def answers_by_itself(self, dialect: Dialect) -> bool:
        """Whether a user's text alone is answered: rtAV's closed loop."""
        if self.open_loop:
            return False
        if self.auto_response is not None:
            return self.auto_response
        create = self.turn_detection is None or self.turn_detection.create_response
        return dialect is Dialect.RTAV and create

    def answers_speech(self) -> bool:
        detection = self.turn_detection
        if self.open_loop or self.auto_response is False:
            return False
        return detection is not None and detection.create_response

    def shown_modalities(self, dialect: Dialect, *, transport: str) -> list[str]:
        if not isinstance(self.modalities, Unnamed):
            return list(self.modalities)
        if not isinstance(self.output_modalities, Unnamed):
            return list(self.output_modalities)
        if dialect is Dialect.OPENAI:
            return ["audio"]
        image = ["image"] if dialect is Dialect.RTAV and transport == "websocket" else []
        return ["audio", "text", *image]
