"""The public lists: faces, voices, driving motions and models, as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rtav.engines.base import AvatarEngine, LlmEngine, TtsEngine
from rtav.server.voices import aliases

Entry = Mapping[str, Any]  # Any: JSON

# Names that the documented examples and OpenAI's own code ask for. What the engine at hand does
# not know falls back to its own default, so that unmodified clients work.
DOCUMENTED_VOICES = ("default", "alice", "anthony")
DOCUMENTED_MODELS = (
    "gpt-5.2", "gpt-5.1", "gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-4.1", "gpt-4o",
    "claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-5", "gpt-realtime",
)  # fmt: skip
OPEN_LOOP_MODELS = ("none", "disable", "open-loop")

ASSETS_PATH = "/assets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    faces: tuple[Entry, ...]
    voices: tuple[Entry, ...]
    driving: tuple[Entry, ...]
    models: tuple[Entry, ...]

    @classmethod
    def of(
        cls,
        *,
        avatar: AvatarEngine,
        tts: TtsEngine,
        llm: LlmEngine,
        created: int,
        strict: bool = False,
    ) -> Listing:
        """What these engines offer. `created` (seconds since 1970) is shown with each model.

        `strict`: only the models that the engine has, none that it would answer for.
        """
        return cls(
            faces=_faces(avatar, tts),
            voices=_voices(tts),
            driving=_motions(avatar),
            models=_models(llm, created, strict=strict),
        )

    def model(self, name: str) -> Entry | None:
        return next((entry for entry in self.models if entry["id"] == name), None)


def _faces(avatar: AvatarEngine, tts: TtsEngine) -> tuple[Entry, ...]:
    # a face names its voice by habit; pages look the name up among the voices that are listed
    meant = aliases(tts.voices())
    faces = [
        _entry(
            face.id,
            face.name,
            **({"preview_url": f"{ASSETS_PATH}/{face.preview}"} if face.preview else {}),
            **({"voice": meant.get(face.voice, face.voice)} if face.voice else {}),
        )
        for face in avatar.faces()
    ]
    return _with_default(faces)


def _motions(avatar: AvatarEngine) -> tuple[Entry, ...]:
    return tuple(
        _entry(
            motion.id,
            motion.name,
            duration_seconds=round(motion.duration_s, 3),
            loop=motion.loops,
            **({"description": motion.description} if motion.description else {}),
        )
        for motion in avatar.motions()
    )


def _voices(tts: TtsEngine) -> tuple[Entry, ...]:
    voices = tts.voices()
    entries = [_entry(voice.id, voice.name, language=voice.language) for voice in voices]
    known = {voice.id for voice in voices}
    entries += [
        _entry(name, name.capitalize(), language=voices[0].language)
        for name in DOCUMENTED_VOICES
        if name not in known and name != "default"
    ]
    return _with_default(entries)


def _models(llm: LlmEngine, created: int, *, strict: bool) -> tuple[Entry, ...]:
    fallbacks = () if strict else DOCUMENTED_MODELS
    names = dict.fromkeys((*llm.models(), *fallbacks, *OPEN_LOOP_MODELS))
    return tuple(
        {"id": name, "object": "model", "created": created, "owned_by": "rtav"} for name in names
    )


def _with_default(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """`default` first: the documented examples ask for it by that name."""
    if any(entry["id"] == "default" for entry in entries):
        return tuple(entries)
    return ({**entries[0], "id": "default", "name": "Default"}, *entries)


def _entry(id_: str, name: str, **more: object) -> Entry:
    return {"id": id_, "name": name, "type": "standard", **more}
