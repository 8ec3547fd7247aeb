"""What the parts of one session share: its configuration, its items, and the way out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rtav.core import memory
from rtav.core.catalog import Catalog
from rtav.core.config import SessionConfig
from rtav.core.connections import MAIN, Connection
from rtav.core.conversation import Conversation, Item
from rtav.core.dialect import Dialect
from rtav.core.event import Event
from rtav.core.outputs import Output, Send, SendAudio, SendImage, SendPoses, SendVisemes
from rtav.core.reply import Piece
from rtav.core.servers import RemoteTool, Server
from rtav.core.sight import Fit, Sight, as_wished, wished
from rtav.core.tokens import Gauge
from rtav.core.view import Seen, view
from rtav.errors import ProtocolError
from rtav.protocol.server import ServerEvent

NewId = Callable[[str], str]
"""Makes an identifier that begins with the prefix it is given and is never repeated."""

VISEMES, BLENDSHAPES = "avatar.visemes", "avatar.blendshapes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator decided, and what the transport can do."""

    transport: str = "webrtc"
    client_plays: bool = False
    """Replies go out as events with their audio, ahead of time, and the client plays them; else
    they go by RTP, and the server knows what was heard."""
    sends_pictures: bool = False
    """The face goes out in events where the client wants it: no video goes by RTP."""
    video_codec: str | None = None
    """Of the picture that goes by RTP."""
    fit_video: Fit = as_wished
    microphone_races: bool = False
    """The microphone comes beside the events: what was said before one may come after it."""
    grace_s: float = 0.25
    """How long a user's text waits for a `response.create` of its own."""
    expires_at: int = 0
    """When the session ends at the latest, seconds since 1970: shown to the client."""
    expires_in_s: float | None = None
    """The same as a duration; None: never."""
    began_at: float | None = None
    """Where it begins, on the clock of the inputs; None: with the first of them."""
    offers_motions: bool = False
    """Models are given the tool that moves the face, where the session does not say."""
    context_tokens: int = 28_672
    """What the model reads at most, its instructions and tools included."""
    default_dialect: Dialect = Dialect.OPENAI


@dataclass(slots=True, kw_only=True)
class Common:
    config: SessionConfig
    catalog: Catalog
    main: Connection
    policy: Policy
    new_id: NewId
    conversation: Conversation = field(default_factory=Conversation)
    connections: Mapping[int, Connection] = field(default_factory=dict)
    """Those there are now, by their numbers."""
    gauge: Gauge = field(default_factory=Gauge)
    now: float = 0.0
    is_open: bool = False
    """The event channel is there: events can be sent."""
    speaker: int | None = None
    """The connection whose event is being handled: what is wrong with it is told to nobody else."""
    listed: dict[Server, tuple[RemoteTool, ...]] = field(default_factory=dict)
    """What the servers have that could be asked."""
    outputs: list[Output] = field(default_factory=list)

    def put(self, *outputs: Output) -> None:
        self.outputs.extend(outputs)

    @property
    def dialect(self) -> Dialect:
        """How the session behaves: as the client that opened it expects."""
        return self.main.dialect

    def send(self, kind: str, **fields: Any) -> None:
        """Tell every connection. Before the client is there, sidebands hear their answers."""
        if self.is_open or self.speaker not in (None, MAIN):
            self.put(Send(ServerEvent(kind, fields, self.new_id("event"))))

    def send_to(self, connection: int | None, kind: str, **fields: Any) -> None:
        if self.is_open or connection not in (None, MAIN):
            self.put(Send(ServerEvent(kind, fields, self.new_id("event")), connection))

    def send_audio(self, place: dict[str, Any], piece: Piece, format_: dict[str, Any]) -> None:
        if self.is_open:
            self.put(
                SendAudio(
                    turn=piece.turn,
                    start=piece.start,
                    end=piece.end,
                    format=format_["type"],
                    place=place,
                    event_id=self.new_id("event"),
                )
            )

    def send_image(self, fields: dict[str, Any]) -> None:
        if self.is_open:
            self.put(SendImage(fields=fields, event_id=self.new_id("event")))

    def asking(self, kind: str) -> list[int]:
        """The connections that can be told events of this type and have asked for them."""
        return [
            number
            for number, connection in self.connections.items()
            if connection.asked(kind) and self.is_open
        ]

    def send_visemes(self, place: dict[str, Any], piece: Piece) -> None:
        for number in self.asking(VISEMES):
            self.put(
                SendVisemes(
                    turn=piece.turn,
                    start=piece.start,
                    end=piece.end,
                    place=place,
                    to=number,
                    event_id=self.new_id("event"),
                )
            )

    def send_poses(self, place: dict[str, Any]) -> None:
        for number in self.asking(BLENDSHAPES):
            self.put(SendPoses(place=place, to=number, event_id=self.new_id("event")))

    def tell(self, events: Iterable[Event]) -> None:
        for event in events:
            self.send(event.type, **event.fields)

    def send_error(self, error: ProtocolError, event_id: str | None) -> None:
        self.send_to(
            self.speaker,
            "error",
            error={
                "type": error.type,
                "code": error.code,
                "message": error.message,
                "param": error.param,
                "event_id": event_id or error.event_id,
            },
        )

    def add(self, item: Item) -> str | None:
        """Put in what the session made; returns the id of the item before it. The oldest leave
        for it: a conversation has no end because of what is said in it."""
        self._let_go(memory.surplus(self.conversation, item))
        return self.conversation.add(item)

    def give(self, item: Item, *, after: str | None) -> str | None:
        """Put in what the client brings, for which the oldest leave unless truncation is disabled.

        Raises ProtocolError as `Conversation.give` does, and then nothing has left.
        """
        self.conversation.place_for(item, after=after)
        if self.config.truncation != "disabled":
            self._let_go(memory.surplus(self.conversation, item, after=after))
        return self.conversation.give(item, after=after)

    def _let_go(self, items: Iterable[Item]) -> None:
        for item in items:
            self.conversation.remove(item)
            self.send("conversation.item.deleted", item_id=item.id)

    def item_added(self, item: Item, previous: str | None) -> None:
        """Say that a finished item is in the conversation now, behind `previous`."""
        for kind in ("added", "done"):
            self.send(f"conversation.item.{kind}", item=item.in_brief(), previous_item_id=previous)

    @property
    def sight(self) -> Sight:
        """The picture as it comes out."""
        return self.policy.fit_video(wished(self.config, self.catalog))

    @property
    def pose_fps(self) -> float:
        """How often poses are told: as the picture, or as wished where none goes by RTP."""
        is_seen = self.policy.video_codec is not None
        sight = self.sight if is_seen else as_wished(wished(self.config, self.catalog))
        return sight.fps or 0.0

    def view(self) -> dict[str, Any]:
        policy = self.policy
        seen = Seen(
            transport=policy.transport,
            expires_at=policy.expires_at,
            codec=policy.video_codec,
            sends_pictures=policy.sends_pictures,
            sight=self.sight,
            express=policy.offers_motions,
        )
        return view(self.config, self.dialect, seen)
