"""What every engine offers: one to three methods each, and its capabilities as data.

Audio is `Pcm`: int16, mono, shape (samples,). Microphone audio is at `MIC_RATE_HZ`; an engine that
speaks states its own rate in its capabilities and the runtime resamples. Streams are async
iterators; closing the iterator cancels whatever stands behind it, at once.

Engines start no threads for their compute: `Capabilities.runs_in` tells the runtime where to put
the work. An engine is constructed once per process, with its options as keyword arguments
(`Engine(**options)`; an unknown option raises ConfigError), and shared by all calls: whatever
belongs to one call lives in what its methods return.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from rtav.engines.look import PLAIN, Look
from rtav.media.pcm import I420, Pcm


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the runtime must know to place and limit an engine."""

    name: str
    runs_in: Literal["loop", "thread", "process"]
    """`loop`: every step is under 2 ms or awaits; `thread`: blocks, but releases the GIL;
    `process`: the engine keeps processes of its own and only awaits them here."""
    max_calls: int | None = None
    description: str = ""
    """One line for the log and the model list: what this is and how good, honestly."""


class Engine(Protocol):
    """What all engines have in common."""

    @property
    def capabilities(self) -> Capabilities: ...

    async def start(self) -> None:
        """Load. Raises EngineUnavailable with the remedy in the message. Called once."""

    async def close(self) -> None:
        """Release everything, processes included. Idempotent."""


# --- voice activity --------------------------------------------------------------------------


class Vad(Protocol):
    """The detector's state for one call. Synchronous, never more than 2 ms."""

    def push(self, pcm: Pcm) -> Sequence[float]:
        """Take microphone audio; return the speech probability of every frame it completed."""


class VadEngine(Engine, Protocol):
    @property
    def frame_samples(self) -> int:
        """Length of one frame at MIC_RATE_HZ (Silero: 512 samples, 32 ms)."""

    def open(self) -> Vad: ...


# --- speech to text --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pause:
    """In the audio stream: the caller is silent, say what you have so far as a final hypothesis.

    More audio may follow: then the caller went on, and the same utterance continues.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """Everything heard since the utterance began, as far as it is known now."""

    text: str
    is_final: bool
    """True exactly once for every `Pause` and once when the audio has ended."""


class SttEngine(Engine, Protocol):
    def transcribe(
        self,
        audio: AsyncIterator[Pcm | Pause],
        *,
        caller: str,
        language: str | None = None,
        prompt: str | None = None,
    ) -> AsyncIterator[Hypothesis]:
        """Recognise one utterance (16 kHz). The audio's end is the utterance's end.

        `caller` is an opaque id under which an engine may keep what it learns about a voice
        between utterances; `forget` drops it. Hypotheses are revised: later ones replace earlier.
        Raises EngineFailed, EngineTimeout.
        """

    def forget(self, caller: str) -> None:
        """The call of this caller is over."""


# --- language models -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture in a message: a data: or https: URL, as the client gave it."""

    url: str
    detail: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    call_id: str
    name: str
    arguments: str
    """JSON, as the model wrote it."""


SILENT = "(silence)"
"""The text of a user who has said nothing for so long that a reply is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of the conversation.

    role `user` and `system`: text (and images); `assistant`: text, or one tool call;
    `tool`: the output of the call `tool_call_id`. A user's text may be `SILENT`.
    """

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    images: tuple[Image, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmRequest:
    """What to answer. `model` is what the client asked for; the engine may map it to its own."""

    model: str
    instructions: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: str | Mapping[str, Any] = "auto"
    parallel_tool_calls: bool = True
    max_output_tokens: int | None = None
    temperature: float | None = None
    reasoning_effort: str | None = None
    """How long a model that thinks may do so: minimal, low, medium, high or xhigh."""
    caller: str = ""
    """Opaque id of the call. Engines keep no state under it: the messages are the state."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallDelta:
    """A piece of a tool call. `index` tells parallel calls apart; `call_id` and `name` come with
    the first piece of each; `arguments` pieces concatenate to JSON."""

    index: int
    call_id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmEnd:
    """The last delta of every reply."""

    reason: Literal["stop", "length", "content_filter"] = "stop"
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


LlmDelta = TextDelta | ToolCallDelta | LlmEnd


class LlmEngine(Engine, Protocol):
    def reply(self, request: LlmRequest) -> AsyncIterator[LlmDelta]:
        """Stream one reply, `LlmEnd` last. Raises EngineFailed, EngineTimeout before or within."""

    def models(self) -> Sequence[str]:
        """Names a client may ask for, best first."""


# --- voices ----------------------------------------------------------------------------------

VISEMES = (
    "sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U",
)  # fmt: skip
"""The fifteen visemes of the Oculus set; `sil` is silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viseme:
    """One mouth shape. `start` and `end` are samples, at the rate of the audio they belong to."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word as it stands in the text that was given, with the spaces and punctuation that
    follow it: the words of a text concatenate to the text. `start`, `end` in samples."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """A stretch of speech. Positions count from the first sample of the text, not of the stretch.

    Visemes and words are in order and may come ahead of their audio, never after it.
    """

    pcm: Pcm
    visemes: tuple[Viseme, ...] = ()
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    id: str
    name: str
    language: str = "en"
    gender: Literal["female", "male", "neutral"] = "neutral"


class TtsEngine(Engine, Protocol):
    @property
    def rate_hz(self) -> int: ...

    def voices(self) -> Sequence[Voice]:
        """The first one is the default."""

    def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[Speech]:
        """Say one clause or sentence. `voice` is an id of `voices()`; `speed` 0.25 to 1.5.

        The concatenated pcm has no leading silence beyond 30 ms. Text that cannot be said (empty,
        only punctuation) yields nothing. Raises EngineFailed, EngineTimeout.
        """


@runtime_checkable
class ClonesVoices(Protocol):
    """A `TtsEngine` that speaks in voices which callers have brought."""

    def adopt_voice(self, voice: str, sample: Path) -> None:
        """From now on `speak` knows this id. `sample` is 3 to 60 s of speech, WAV, mono, 24 kHz.
        Returns at once."""

    def forget_voice(self, voice: str) -> None:
        """Nobody will ask for this id again. Its sample is going."""


# --- faces -----------------------------------------------------------------------------------

Mood = Literal["idle", "listening", "thinking", "speaking"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accent:
    """A stressed syllable: where the middle of its vowel is, in samples of the track."""

    at: int
    strength: float
    """0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the face must show at one instant. All positions in samples at SESSION_RATE_HZ."""

    at: int
    """The call's clock: never goes back, runs on in silence. Blinks and motions live on it."""
    speech_at: int | None = None
    """Where the voice is now in its own track; None while nothing is heard (also while held)."""
    visemes: Sequence[Viseme] = ()
    """The track's visemes around `speech_at` (at least 0.3 s to both sides), in order."""
    loudness: float = 1.0
    """Of the voice around `speech_at`, against the loudest of its track so far: 0 to 1."""
    accents: Sequence[Accent] = ()
    """The track's stresses around `speech_at`, as far as its sound is known, in order."""
    mood: Mood = "idle"
    pause_at: int | None = None
    """Since when, on the call's clock, the caller is silent within a turn; None: no pause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceInfo:
    id: str
    name: str
    preview: str | None = None
    """Path of a picture below the assets folder."""
    voice: str | None = None
    """The voice that suits it."""
    has_outline: bool = True
    """Something else can stand behind it: not behind a picture with its own background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionInfo:
    id: str
    name: str
    duration_s: float
    loops: bool
    """Its end meets its beginning; the others are gestures."""
    description: str = ""
    """One sentence, for whoever chooses."""


class Avatar(Protocol):
    """The face of one call. Not thread safe: one caller at a time, in the render thread."""

    @property
    def in_step(self) -> Hashable | None:
        """Names what the last picture shows. Faces that were opened without a seed and say the same
        are shown the same pictures, at the same moments. None: this one is alone."""

    def render(self, moment: Moment) -> I420:
        """The face at `moment`, as large as `picture_px` says. The array is the caller's to keep,
        not to change: the same one may be returned again, also to others."""

    def drive(self, motions: Sequence[str], *, at: int) -> None:
        """From `at` on: play all but the last once each, in order, then loop the last.

        Replaces what is left of an earlier sequence; the transition is smooth from any pose.
        Raises KeyError for an unknown motion (ask `AvatarEngine.motions` first).
        """

    def show(self, face: str) -> None:
        """Change the face; motion and speech go on. Raises KeyError for an unknown face."""


BLENDSHAPES = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight",
    "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft",
    "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight",
    "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft",
    "mouthPressRight", "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper",
    "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""The 52 of ARKit. Left and Right are the subject's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A face at one instant, for somebody else to draw."""

    blendshapes: Mapping[str, float]
    """0 to 1, by names of BLENDSHAPES; what is absent is 0."""
    head: tuple[float, float, float]
    """Degrees of yaw (towards the viewer's right), pitch (downwards) and roll (towards the
    viewer's right shoulder)."""


class Actor(Protocol):
    """What an avatar does, without its picture. Not thread safe: for the render thread."""

    def express(self, moment: Moment) -> Expression:
        """The face at `moment`; moments do not go back."""

    def drive(self, motions: Sequence[str], *, at: int) -> None:
        """As `Avatar.drive`."""


@runtime_checkable
class Acts(Protocol):
    """An avatar engine whose faces move by numbers that others understand."""

    def act(self) -> Actor:
        """As `AvatarEngine.open` without a seed, and without anything to load. Returns at once."""


@runtime_checkable
class AdoptsAssets(Protocol):
    """An avatar engine that shows faces and plays motions which callers have brought.

    A module that it names makes folders out of their files, in a process of its own. The engine
    is told of these folders and reads them when they are first shown.
    """

    @property
    def preparer(self) -> str:
        """The module. It has `prepare_face(upload, folder, wish)`, `prepare_motion` and
        `prepare_background` with the same arguments: bytes, an empty folder to fill, and what the
        caller said (`id`, `name`, …). Each returns JSON to be shown, of a face `has_outline`
        (false: it can be put before nothing else), and raises ProtocolError for what cannot be.
        `examine_face` alike: it makes nothing and returns where the face is in a picture."""

    def adopt_face(self, face: str, folder: Path) -> None:
        """From now on `open` and `show` know this id. Returns at once; from any thread."""

    def adopt_motion(self, motion: str, folder: Path) -> None:
        """From now on `drive` knows this id. Returns at once; from any thread."""

    def adopt_background(self, background: str, folder: Path) -> None:
        """From now on a look may name this id. Returns at once; from any thread."""

    def forget(self, asset: str) -> None:
        """Nobody will ask for this id again. Its folder is going."""


class AvatarEngine(Engine, Protocol):
    def faces(self) -> Sequence[FaceInfo]:
        """The first one is the default."""

    def motions(self) -> Sequence[MotionInfo]: ...

    def open(
        self, face: str, *, size_px: int, fps: int, seed: int | None, look: Look = PLAIN
    ) -> Avatar:
        """May block for some 100 ms the first time a face is shown at a size: call in a thread.

        `size_px` is the shorter side of what is seen; see `rtav.engines.look.picture_px`.

        `seed` decides what the face does of its own accord. None: the same as all others without
        one, whose moments are then of one common clock, but for a few frames; those that nothing
        tells apart may be given one picture.
        """
