"""Everything a session can ask for. The caller carries outputs out in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rtav.core.servers import Server
from rtav.core.sight import Sight
from rtav.protocol.server import ServerEvent


@dataclass(frozen=True, slots=True)
class Send:
    event: ServerEvent
    to: int | None = None
    """The connection it is for; None: every one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendAudio:
    """Send these samples of a reply's track as `response.output_audio.delta`. `place`: its fields
    but the audio itself, which is bytes and so nothing that is decided here."""

    turn: int
    start: int
    end: int
    format: str
    """As sessions name it: `audio/pcm`, `audio/pcmu` or `audio/pcma`."""
    place: Mapping[str, Any]
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendImage:
    """Send the frame that was drawn last as `response.output_image.delta`. `fields`: all of it but
    the picture."""

    fields: Mapping[str, Any]
    event_id: str


@dataclass(frozen=True, slots=True)
class DrawFrames:
    """Frames for events are wanted from now on, or no more."""

    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SendVisemes:
    """Send the mouth's shapes that begin in these samples of a reply's track as
    `avatar.visemes`, if there are any."""

    turn: int
    start: int
    end: int
    place: Mapping[str, Any]
    to: int
    """A connection."""
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendPoses:
    """Send the poses that were made last as `avatar.blendshapes`."""

    place: Mapping[str, Any]
    """`response_id` and `item_id`, null while nothing is said."""
    to: int
    """A connection."""
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePoses:
    """From now on say how the face moves, so many times per second; None: not any more."""

    fps: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Recognise the microphone from `start_ms` on, as this utterance."""

    utterance: str
    start_ms: int
    language: str | None
    prompt: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcribe:
    """Recognise sound that came inside an item, as this utterance: to its end, by itself."""

    utterance: str
    audio: str
    """Base64, as the client sent it."""
    format: str
    language: str | None
    prompt: str | None


@dataclass(frozen=True, slots=True)
class Pause:
    """Ask for a final hypothesis of the utterance so far; it may go on."""

    utterance: str


@dataclass(frozen=True, slots=True)
class EndOfSpeech:
    """The utterance is over: a final hypothesis, then nothing more."""

    utterance: str


@dataclass(frozen=True, slots=True)
class StopListening:
    """Nobody needs this utterance any more."""

    utterance: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a message: a data: or https: URL, and how closely to look at it."""

    url: str
    detail: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message of the history a model is given. A `tool` line answers `call_id`."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    images: tuple[Picture, ...] = ()
    call_id: str = ""
    call_name: str = ""
    """Set on an assistant's line that is a tool call; `text` then holds its arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How a reply is spoken."""

    voice: str
    speed: float
    aloud: bool
    """False: the text is wanted, no voice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Ask the model, and speak what it says as it comes. Nothing is played before `Play`."""

    turn: int
    model: str
    instructions: str
    history: tuple[Line, ...]
    tools: tuple[Mapping[str, Any], ...]
    tool_choice: str | Mapping[str, Any]
    parallel_tool_calls: bool = True
    max_output_tokens: int | None
    temperature: float | None
    reasoning_effort: str | None = None
    delivery: Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Speak this text. Nothing is played before `Play`."""

    turn: int
    text: str
    delivery: Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTools:
    """Ask a server what tools it has."""

    listing: str
    server: Server


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTool:
    """Let a server carry out a call."""

    call: str
    server: Server
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StopTool:
    """Nobody waits for this call any more."""

    call: str


@dataclass(frozen=True, slots=True)
class CloseServer:
    """This server is needed no more: end what it does and the connection to it."""

    server: Server


@dataclass(frozen=True, slots=True)
class Play:
    """Hand this reply's track to the peer as soon as the tracks before it are through."""

    turn: int


@dataclass(frozen=True, slots=True)
class Void:
    """Stop everything that is done for this turn and forget what is left of its track."""

    turn: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Voice and face fall silent where they are."""


@dataclass(frozen=True, slots=True)
class Resume:
    """They go on where they were held."""


@dataclass(frozen=True, slots=True)
class Drive:
    """Play all but the last motion once each, in order, then loop the last."""

    motions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShowFace:
    face: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowVideo:
    """The picture from now on, as the connection carries it."""

    sight: Sight


@dataclass(frozen=True, slots=True)
class Feel:
    """What the face expresses while it does not speak."""

    mood: Literal["idle", "listening", "thinking"]
    pauses: bool = False
    """The caller has fallen silent within a turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Something worth a histogram happened."""

    name: Literal["answer_latency", "barge_in"]
    seconds: float


@dataclass(frozen=True, slots=True)
class HangUp:
    reason: str
    words: str = ""
    """What the client is told of it."""


Output = (
    Send
    | SendAudio
    | SendImage
    | DrawFrames
    | SendVisemes
    | SendPoses
    | MakePoses
    | Listen
    | Transcribe
    | Pause
    | EndOfSpeech
    | StopListening
    | Ask
    | Say
    | ListTools
    | CallTool
    | StopTool
    | CloseServer
    | Play
    | Void
    | Hold
    | Resume
    | Drive
    | ShowFace
    | ShowVideo
    | Feel
    | Measure
    | HangUp
)
