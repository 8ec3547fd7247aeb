"""Everything a session can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rtav.core.catalog import Own
from rtav.core.dialect import Signs
from rtav.core.servers import RemoteTool
from rtav.errors import ProtocolError
from rtav.protocol.client import ClientEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerOpened:
    """The event channel is open: events may be sent."""

    label: str = ""
    subprotocol: str = ""


@dataclass(frozen=True, slots=True)
class ClientSaid:
    event: ClientEvent
    connection: int = 0
    """Which of the call's: 0 is the client that opened it."""


@dataclass(frozen=True, slots=True)
class ClientErred:
    """A message that was no event, or an event that cannot be sent."""

    error: ProtocolError
    connection: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SidebandOpened:
    """A further connection: it is told what the session does from now on."""

    connection: int
    signs: Signs


@dataclass(frozen=True, slots=True)
class SidebandLeft:
    connection: int


@dataclass(frozen=True, slots=True)
class Heard:
    """The microphone is so many ms long now; told before it matters, not with every packet."""

    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameHeard:
    """One frame of the microphone: where it ended, in ms since the microphone began, and how
    likely it was speech (0 to 1)."""

    end_ms: int
    length_ms: int
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsHeard:
    """All that is known of an utterance now. Final: after a `Pause` or `EndOfSpeech`."""

    utterance: str
    text: str
    is_final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HearingFailed:
    utterance: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyText:
    """More of the model's text, without cues."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyCue:
    """The text asked for a motion here."""

    turn: int
    motion: str
    after: int = 0
    """Characters of the text that stand before it, without cues."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyToolCall:
    """A piece of a tool call; `call_id` and `name` come with the first of each `index`."""

    turn: int
    index: int
    call_id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyEnded:
    """The model has said all it will."""

    turn: int
    reason: str = "stop"
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFailed:
    """An engine that served this reply broke or did not answer in time."""

    turn: int
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenWord:
    """A word with what follows it, and where it is in the reply's track (samples)."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """The reply's track is `end` samples long now; these are the words that were added."""

    turn: int
    end: int
    words: tuple[SpokenWord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenAll:
    """Nothing will be added to the reply's track any more."""

    turn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """The track up to sample `upto` has been handed to the peer."""

    turn: int
    upto: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameDrawn:
    """A picture of the face is ready to be sent in an event. Its size in px."""

    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PosesMade:
    """Some poses of the face are ready to be sent."""

    turn: int | None
    """The reply that is said meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolsListed:
    """A server has said what tools it has; those that the session may use."""

    listing: str
    tools: tuple[RemoteTool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingFailed:
    listing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolAnswered:
    call: str
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolBroke:
    """A remote tool failed, or could not be asked. `code` is HTTP's or the protocol's; a tool's
    own failure has none."""

    call: str
    kind: Literal["http_error", "protocol_error", "tool_execution_error"]
    message: str
    code: int = 0


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing happened but time."""


@dataclass(frozen=True, slots=True)
class AssetsAdded:
    """The caller may name these, too. What has been deleted meanwhile stays the call's to use."""

    own: Own


@dataclass(frozen=True, slots=True)
class PeerLeft:
    """The client that opened the call can be sent nothing any more."""


@dataclass(frozen=True, slots=True)
class CallEnding:
    """Nothing is heard or played any more; who is still there is told what that ends."""


Input = (
    PeerOpened
    | ClientSaid
    | ClientErred
    | Heard
    | FrameHeard
    | WordsHeard
    | HearingFailed
    | ReplyText
    | ReplyCue
    | ReplyToolCall
    | ReplyEnded
    | ReplyFailed
    | Spoken
    | SpokenAll
    | Played
    | FrameDrawn
    | PosesMade
    | ToolsListed
    | ListingFailed
    | ToolAnswered
    | ToolBroke
    | Tick
    | AssetsAdded
    | PeerLeft
    | SidebandOpened
    | SidebandLeft
    | CallEnding
)
