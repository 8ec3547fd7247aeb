"""One conversation as a state machine: what happened goes in, what is to be done comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from rtav.core import inputs as told
from rtav.core.answering import Answering
from rtav.core.catalog import Catalog
from rtav.core.common import BLENDSHAPES, Common, NewId, Policy
from rtav.core.config import SessionConfig
from rtav.core.connections import MAIN, Connection
from rtav.core.conversation import Conversation
from rtav.core.dialect import Dialect, Signs
from rtav.core.editing import Editing
from rtav.core.expiry import Expiry
from rtav.core.hearing import Hearing
from rtav.core.idle import Idle
from rtav.core.inputs import Input
from rtav.core.outputs import Drive, Feel, MakePoses, Output, ShowFace, ShowVideo
from rtav.core.past import Past
from rtav.core.patching import patched
from rtav.core.recognition import Recognition
from rtav.core.sight import Sight
from rtav.errors import ProtocolError
from rtav.protocol import client
from rtav.protocol.session import parse_session

Mood = Literal["idle", "listening", "thinking"]


class Session:
    """Never blocks and never raises for anything a peer or an engine did.

    The caller carries out every output, in order, before the next input, and sends a `Tick` no
    later than `deadline`.
    """

    def __init__(
        self,
        config: SessionConfig,
        *,
        catalog: Catalog,
        signs: Signs,
        policy: Policy,
        new_id: NewId,
        conversation: Conversation | None = None,
    ) -> None:
        """`conversation` is that of a session that this one goes on with, which is over."""
        main = Connection(signs=signs, default=policy.default_dialect)
        self._connections = {MAIN: main}
        self._common = Common(
            config=config,
            catalog=catalog,
            main=main,
            policy=policy,
            new_id=new_id,
            conversation=conversation or Conversation(),
            connections=self._connections,
        )
        self._answering = Answering(self._common)
        self._recognition = Recognition(self._common, self._answering)
        self._hearing = Hearing(self._common, self._answering, self._recognition)
        self._answering.awaits = self._recognition.unsettled
        self._editing = Editing(self._common, self._answering, self._hearing, self._recognition)
        self._idle = Idle(self._common, self._answering, self._hearing, self._recognition)
        self._editing.created = self._idle.item_created
        self._feeling = Feel("idle")
        self._has_begun = False
        self._expiry = Expiry(self._common, self._answering)
        self._makes_poses: float | None = None
        self._handlers: dict[type[Input], Callable[[Any], None]] = {
            told.PeerOpened: self._peer_opened,
            told.ClientSaid: self._client_said,
            told.ClientErred: self._client_erred,
            told.Heard: self._hearing.heard,
            told.FrameHeard: self._hearing.frame,
            told.WordsHeard: self._hearing.words,
            told.HearingFailed: self._hearing.failed,
            told.ReplyText: self._answering.composing.text,
            told.ReplyCue: self._answering.composing.gesture,
            told.ReplyToolCall: self._answering.composing.tool_call,
            told.ReplyEnded: self._answering.composing.ended,
            told.ReplyFailed: self._answering.composing.failed,
            told.Spoken: self._answering.replies.spoken,
            told.SpokenAll: self._answering.replies.spoken_all,
            told.Played: self._answering.replies.played,
            told.FrameDrawn: self._answering.replies.drawn,
            told.PosesMade: self._answering.replies.posed,
            told.ToolsListed: self._answering.remote.listed,
            told.ListingFailed: self._answering.remote.not_listed,
            told.ToolAnswered: self._answering.remote.answered,
            told.ToolBroke: self._answering.remote.broke,
            told.Tick: self._tick,
            told.AssetsAdded: self._assets_added,
            told.PeerLeft: self._peer_left,
            told.SidebandOpened: self._sideband_opened,
            told.SidebandLeft: self._sideband_left,
            told.CallEnding: self._call_ending,
        }
        self._client_handlers: dict[type[client.ClientEvent], Callable[[Any], None]] = {
            client.SessionUpdate: self._update,
            client.ItemCreate: self._editing.create,
            client.ItemRetrieve: self._editing.retrieve,
            client.ItemDelete: self._editing.delete,
            client.ItemTruncate: self._editing.truncate,
            client.ResponseCreate: self._editing.response_wanted,
            client.ResponseCancel: self._cancel,
            client.InputAudioAppend: self._append,
            client.InputAudioCommit: self._commit,
            client.InputAudioClear: self._clear_input,
            client.OutputAudioClear: self._clear,
            client.Generate: self._editing.generate,
            client.Auth: self._auth,
        }

    # --- the way in --------------------------------------------------------------------------

    def handle(self, event: Input, now: float) -> list[Output]:
        """Take one input at `now` (seconds, monotonic); return what to do about it."""
        common = self._common
        common.now = now
        if not self._has_begun:
            self._has_begun = True
            self._expiry.begin()
        self._handlers[type(event)](event)
        common.speaker = None
        self._settle()
        outputs, common.outputs = common.outputs, []
        return outputs

    @property
    def deadline(self) -> float | None:
        """When a `Tick` is due at the latest; None: not before the next input."""
        parts = (self._hearing, self._recognition, self._editing, self._idle, self._expiry)
        times = (part.deadline for part in parts)
        return min((time for time in times if time is not None), default=None)

    @property
    def config(self) -> SessionConfig:
        return self._common.config

    @property
    def sight(self) -> Sight:
        """The picture as it comes out."""
        return self._common.sight

    @property
    def dialect(self) -> Dialect:
        return self._common.dialect

    @property
    def past(self) -> Past:
        """What another session goes on with; that is to be told after `CallEnding`."""
        common = self._common
        return Past(
            config=common.config,
            conversation=common.conversation,
            dialect=common.dialect,
            expires_at=common.policy.expires_at,
        )

    def shown(self) -> dict[str, Any]:
        """The session object as it is now."""
        return self._common.view()

    def connection(self, number: int) -> Connection:
        """How this one is spelt. Raises KeyError if it was never opened, or has left."""
        return self._connections[number]

    # --- the peer ----------------------------------------------------------------------------

    def _peer_opened(self, event: told.PeerOpened) -> None:
        common = self._common
        common.main.opened(label=event.label, subprotocol=event.subprotocol)
        self._hearing.forget()
        self._answering.cut("client_cancelled")
        common.is_open = True
        self._greet(MAIN)
        config = common.config
        common.put(Drive(config.motions), ShowFace(config.face_id), ShowVideo(sight=common.sight))
        self._answering.remote.use(config.servers)

    def _assets_added(self, event: told.AssetsAdded) -> None:
        self._common.catalog = self._common.catalog.joined(event.own)

    def _peer_left(self, event: told.PeerLeft) -> None:
        self._common.is_open = len(self._connections) > 1

    def _call_ending(self, event: told.CallEnding) -> None:
        self._answering.end()
        self._common.conversation.close()
        self._common.is_open = False

    def _sideband_opened(self, event: told.SidebandOpened) -> None:
        """It need not wait for the client: what it configures then is there from the start."""
        default = self._common.policy.default_dialect
        self._connections[event.connection] = Connection(signs=event.signs, default=default)
        self._greet(event.connection)

    def _greet(self, connection: int) -> None:
        common = self._common
        common.send_to(connection, "session.created", session=common.view())
        if self._connections[connection].dialect is Dialect.BETA:
            conversation = {"id": f"conv_{common.config.id}", "object": "realtime.conversation"}
            common.send_to(connection, "conversation.created", conversation=conversation)

    def _sideband_left(self, event: told.SidebandLeft) -> None:
        self._connections.pop(event.connection, None)

    def _client_erred(self, event: told.ClientErred) -> None:
        if event.connection in self._connections:
            self._common.speaker = event.connection
            self._common.send_error(event.error, None)

    def _client_said(self, said: told.ClientSaid) -> None:
        event = said.event
        if said.connection not in self._connections:
            return
        self._common.speaker = said.connection
        self._connections[said.connection].said(event)
        try:
            self._client_handlers[type(event)](event)
        except ProtocolError as error:
            self._common.send_error(error, event.event_id)

    # --- the client's wishes -----------------------------------------------------------------

    def _update(self, event: client.SessionUpdate) -> None:
        common = self._common
        assert common.speaker is not None, "somebody said it"
        strict = self._connections[common.speaker].is_strict
        if strict and "type" not in event.session:
            raise ProtocolError(
                "Missing required parameter: 'session.type'.",
                code="missing_required_parameter",
                param="session.type",
            )
        patch = parse_session(event.session, strict=strict)
        before, seen = common.config, common.sight
        common.config = patched(before, patch, common.catalog)
        self._apply(before, common.config, moves="driving" in patch.model_fields_set)
        if common.sight != seen:
            common.put(ShowVideo(sight=common.sight))
        common.send("session.updated", session=common.view())
        if "tools" in patch.model_fields_set:
            self._answering.remote.change(before.servers, common.config.servers)

    def _apply(self, before: SessionConfig, after: SessionConfig, *, moves: bool) -> None:
        common = self._common
        if moves:
            common.put(Drive(after.motions))
        if after.face_id != before.face_id:
            common.put(ShowFace(after.face_id))
        if (after.turn_detection is None) != (before.turn_detection is None):
            self._hearing.stop()

    def _cancel(self, event: client.ResponseCancel) -> None:
        self._answering.cancel(event.response_id)

    def _clear(self, event: client.OutputAudioClear) -> None:
        """With nothing playing this is silent: SDKs send it with every interruption."""
        self._answering.clear()

    def _append(self, event: client.InputAudioAppend) -> None:
        """Heard as frames, like every other sound of the caller."""

    def _commit(self, event: client.InputAudioCommit) -> None:
        self._hearing.commit()

    def _clear_input(self, event: client.InputAudioClear) -> None:
        self._hearing.clear()

    def _auth(self, event: client.Auth) -> None:
        """The connection was authenticated when it was made."""

    # --- time --------------------------------------------------------------------------------

    def _tick(self, event: told.Tick) -> None:
        self._recognition.tick()
        self._hearing.tick()

    def _settle(self) -> None:
        self._editing.tick()
        self._idle.settle()
        self._expiry.tick()
        self._settle_poses()
        feeling = Feel(self._current_mood(), pauses=self._hearing.is_pausing)
        if feeling != self._feeling:
            self._feeling = feeling
            self._common.put(feeling)

    def _settle_poses(self) -> None:
        """Somebody wants to draw the face, or nobody does any more."""
        fps = self._common.pose_fps if self._common.asking(BLENDSHAPES) else None
        if fps != self._makes_poses:
            self._makes_poses = fps
            self._common.put(MakePoses(fps=fps))

    def _current_mood(self) -> Mood:
        if self._hearing.is_listening:
            return "listening"
        active = self._answering.replies.active
        if active is not None and not self._answering.replies.is_playing:
            return "thinking"
        return "idle"
