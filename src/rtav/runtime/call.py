"""One call: a peer, a session that decides, and the engines that carry its decisions out."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec

from rtav import clock, log, metrics
from rtav.core import inputs as told
from rtav.core import outputs as wanted
from rtav.core.connections import MAIN
from rtav.core.inputs import Input
from rtav.core.noise import noise_level
from rtav.core.outputs import Output
from rtav.core.past import Past
from rtav.core.session import Session
from rtav.errors import ProtocolError
from rtav.media.egress import AudioOut, Egress, VideoOut
from rtav.media.pcm import SESSION_RATE_HZ
from rtav.protocol.server import ServerEvent
from rtav.runtime.alarm import Alarm
from rtav.runtime.crew import Crew
from rtav.runtime.events import Events
from rtav.runtime.face import Face
from rtav.runtime.inbox import Inbox
from rtav.runtime.listening import Listening
from rtav.runtime.peer import Peer
from rtav.runtime.playout import Playout
from rtav.runtime.remote_tools import RemoteTools
from rtav.runtime.sidebands import Host, Sidebands
from rtav.runtime.sound_events import SoundEvents
from rtav.runtime.speaking import Means
from rtav.runtime.stills import Stills
from rtav.runtime.transcribing import Transcribing
from rtav.runtime.turns import Turns
from rtav.runtime.used import Meter, Used
from rtav.runtime.visible import Visible
from rtav.runtime.vitals import Vitals

logger = logging.getLogger(__name__)

P = ParamSpec("P")


def _ends_its_call(
    method: Callable[Concatenate[Call, P], None],
) -> Callable[Concatenate[Call, P], None]:
    """For callbacks: nobody above them would know whose bug it is, so `run` raises it instead."""

    @functools.wraps(method)
    def guarded(call: Call, /, *args: P.args, **kwargs: P.kwargs) -> None:
        call.guard(functools.partial(method, call, *args, **kwargs))

    return guarded


class Call:
    """The listener of its peer. Its methods belong to the event loop and return at once."""

    def __init__(self, call_id: str, peer: Peer, session: Session, *, crew: Crew) -> None:
        self.id = call_id
        self._peer, self._session, self._crew = peer, session, crew
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._is_opened = False
        self._reason = self._words = ""
        self._vitals = Vitals(self._loop.time())
        self._meter = Meter()
        self._events = Events(
            peer,
            stalled=lambda: self.hang_up("stalled"),
            refused=lambda error: self.tell(told.ClientErred(error)),
        )
        self._inputs: deque[Input] = deque()
        self._is_handling = False
        self._alarm = Alarm(self._loop, self._alarmed)
        self._tasks: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._playout = Playout(self._played)
        self._sounds = SoundEvents(self._playout)
        self._last_played: told.Played | None = None
        self._motions = {motion.id.lower(): motion.id for motion in crew.avatar.motions()}
        self._turns = Turns(self._means(), self._start)
        self._listening = Listening(
            vad=crew.vad,
            stt=crew.stt,
            caller=call_id,
            tell=self.tell,
            noise_level=lambda: noise_level(session.config.noise_reduction),
        )
        self._transcribing = Transcribing(self._listening, self._start)
        self._inbox = Inbox(
            self._listening,
            tell=self.tell,
            kind=lambda: str(session.config.input_format["type"]),
            start=self._start,
        )
        self.sidebands = Sidebands(
            peer,
            session,
            Host(tell=self.tell, take=self._inbox.take, start=self._start, guard=self.guard),
        )
        self._stills = Stills(peer, tell=self._made, at=lambda: self._at)
        self._visible = Visible(crew.avatar, crew.stage, self._playout, tell=self._made)
        self._face = self._make_face()
        self._face.see(session.sight)
        self._egress: Egress | None = None
        self._perform: dict[type[Output], Callable[[Any], None]] = {
            wanted.Send: lambda order: self._send(order.event, order.to),
            wanted.SendAudio: lambda order: self._send(self._sounds.event(order)),
            wanted.SendImage: lambda order: self._send(self._stills.event(order)),
            wanted.DrawFrames: lambda order: self._face.draw(on=order.on),
            wanted.SendVisemes: self._send_visemes,
            wanted.SendPoses: lambda order: self._send(self._visible.poses(order), order.to),
            wanted.MakePoses: self._visible.make,
            wanted.Listen: self._transcribing.listen,
            wanted.Transcribe: self._transcribing.transcribe,
            wanted.Pause: self._listening.pause,
            wanted.EndOfSpeech: self._listening.end,
            wanted.StopListening: self._transcribing.stop,
            wanted.Ask: self._turns.speak,
            wanted.Say: self._turns.speak,
            wanted.Play: lambda order: self._playout.play(order.turn),
            wanted.Void: self._turns.void,
            wanted.Hold: lambda _: self._playout.hold(),
            wanted.Resume: lambda _: self._playout.resume(),
            wanted.Drive: self._drive,
            wanted.ShowFace: lambda order: self._face.show(order.face),
            wanted.ShowVideo: self._show_video,
            wanted.Feel: self._feel,
            wanted.Measure: self._measure,
            wanted.HangUp: lambda order: self.hang_up(order.reason, order.words),
        }
        self._remote = RemoteTools(crew.tools, tell=self.tell, start=self._start)
        self._perform |= self._remote.orders

    # --- its life ----------------------------------------------------------------------------

    async def run(self) -> None:
        """From the offer to the end: returns when everything the call made has ended.

        Raises what a bug raised, wherever in the call that was.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                self._remote.open()
                try:
                    await self._ended
                finally:
                    self._stop()
        finally:
            try:
                self._listening.close()
            finally:
                async with asyncio.TaskGroup() as farewells:
                    farewells.create_task(self._peer.close(self._reason, self._words))
                    farewells.create_task(self.sidebands.close(self._reason, self._words))

    @property
    def reason(self) -> str:
        """Why it ended; empty while it goes on."""
        return self._reason

    @property
    def past(self) -> Past | None:
        """What a call can go on with that takes this one's place, final once this one has ended;
        None if this one ended for good."""
        if self._reason in ("failed", "expired", "shutdown"):
            return None
        return self._session.past

    @property
    def used(self) -> Used:
        """What it has used up to now, or up to its end."""
        shown_s = self._at / SESSION_RATE_HZ if self._peer.media.video is not None else 0.0
        return self._meter.read(heard_s=self._listening.heard_s, shown_s=shown_s)

    def shown(self) -> dict[str, Any]:
        """Its session object as it is now, also when it has ended."""
        return self._session.shown()

    def hang_up(self, reason: str, words: str = "") -> None:
        """End the call, and tell who is still there what that ends. Idempotent; the first reason
        counts."""
        if not self._reason:
            self._reason, self._words = reason, words
            self.guard(lambda: self.tell(told.CallEnding()))
        if not self._ended.done():
            self._ended.set_result(None)

    def fail(self, error: Exception) -> None:
        """End the call because of a bug, which `run` raises."""
        self._reason = self._reason or "failed"
        if not self._ended.done():
            self._ended.set_exception(error)

    def guard(self, action: Callable[[], None]) -> None:
        """Carry out what a callback is for; a bug in it ends the call."""
        with log.about(self.id):
            try:
                action()
            except Exception as error:  # noqa: BLE001 - raised in `run`, handled by the supervisor
                self.fail(error)

    def _stop(self) -> None:
        """Stop everything that runs by itself."""
        self._reason = self._reason or "failed"
        if self._egress is not None:
            self._egress.stop()
        self._alarm.set(None)
        self._face.close()
        self._visible.close()
        for task in self._running:
            task.cancel()

    # --- the peer's listener -----------------------------------------------------------------

    @_ends_its_call
    def opened(self, *, label: str, subprotocol: str) -> None:
        self._is_opened = True
        self.tell(told.PeerOpened(label=label, subprotocol=subprotocol))
        self.sidebands.client_opened()
        logger.info("connected: %s, %s", self._peer.media, self._session.dialect)
        if not self._peer.media.hears and self._peer.media.video is None:
            self._start_clock()

    @_ends_its_call
    def media_ready(self) -> None:
        self._start_clock()

    def _start_clock(self) -> None:
        """Without a track, too: it says how far a client that plays by itself has come."""
        if self._reason or self._egress is not None:
            return
        self._face.show(self._session.config.face_id)
        self._face.drive(self._session.config.motions, at=0)
        self._visible.drive(self._session.config.motions, at=0)
        video = VideoOut(source=self._face, fps=self._face.fps, track=self._peer.video)
        self._egress = Egress(
            self._loop,
            wall=clock.unix,
            audio=AudioOut(source=self._playout, track=self._peer.audio),
            video=video,
            on_tick=self._ticked,
            on_failure=self._clock_failed,
        )
        self._egress.start()

    @_ends_its_call
    def received(self, message: str | bytes) -> None:
        try:
            event = self._events.read(message)
        except ProtocolError as error:
            self.tell(told.ClientErred(error))
        else:
            self._inbox.take(told.ClientSaid(event))

    @_ends_its_call
    def heard(self, sequence: int, rtp_time: int, payload: bytes) -> None:
        now = self._loop.time()
        self._listening.packet(sequence, rtp_time, payload, now)
        self._listening.pull(now)  # at once: on average a tick would be 10 ms later

    @_ends_its_call
    def keyframe_wanted(self) -> None:
        self._face.keyframe()

    @_ends_its_call
    def bitrate_changed(self, bitrate: int) -> None:
        self._face.set_bitrate(bitrate)

    @_ends_its_call
    def gone(self, reason: str) -> None:
        self.tell(told.PeerLeft())
        self.hang_up(reason)

    # --- the session -------------------------------------------------------------------------

    def tell(self, event: Input) -> None:
        """Hand an input to the session and carry out what it says, before the next input.

        Nothing happens any more once the call has ended.
        """
        self._inputs.append(event)
        if self._is_handling:
            return
        self._is_handling = True
        try:
            while self._inputs:
                event = self._inputs.popleft()
                if not self._ended.done() or isinstance(event, told.CallEnding):
                    self._handle(event)
        finally:
            self._is_handling = False
            self._alarm.set(None if self._reason else self._session.deadline)

    def _handle(self, event: Input) -> None:
        is_last = isinstance(event, told.CallEnding)
        for output in self._session.handle(event, self._loop.time()):
            if self._ended.done() and not is_last:
                return
            self._perform[type(output)](output)

    @_ends_its_call
    def _alarmed(self) -> None:
        self.tell(told.Tick())

    def _ticked(self, at: int, now: float) -> None:
        assert self._egress is not None, "it is the one that ticks"
        if self._last_played is not None:
            played, self._last_played = self._last_played, None
            self.tell(played)
        self._listening.pull(now)
        self._visible.tick(at)
        self._vitals.ticked(self._egress, now)

    def _played(self, turn: int, upto: int) -> None:
        self._last_played = told.Played(turn=turn, upto=upto)
        self._meter.played(turn, upto)

    def _clock_failed(self, error: BaseException) -> None:
        if not isinstance(error, Exception):
            raise error
        self.fail(error)

    # --- what the session wants --------------------------------------------------------------

    def _send(self, event: ServerEvent, to: int | None = None) -> None:
        self._meter.sent(event)
        if to in (None, MAIN) and self._is_opened:
            self._events.send(event, self._session.connection(MAIN).spelling)
        self.sidebands.send(event, to)

    def _drive(self, order: wanted.Drive) -> None:
        self._face.drive(order.motions, at=self._at)
        self._visible.drive(order.motions, at=self._at)

    def _show_video(self, order: wanted.ShowVideo) -> None:
        self._face.see(order.sight)
        if self._egress is not None:
            self._egress.set_fps(self._face.fps)

    def _use_codec(self, codec: str) -> None:
        if self._peer.video is not None:
            self._peer.video.use(codec)

    def _send_visemes(self, order: wanted.SendVisemes) -> None:
        if (event := self._visible.visemes(order)) is not None:
            self._send(event, order.to)

    @_ends_its_call
    def _made(self, event: told.FrameDrawn | told.PosesMade) -> None:
        self.tell(event)

    def _feel(self, order: wanted.Feel) -> None:
        self._playout.mood = order.mood
        self._playout.pause_at = self._at if order.pauses else None

    @staticmethod
    def _measure(order: wanted.Measure) -> None:
        logger.debug("%s: %d ms", order.name, round(order.seconds * 1000))
        metrics.MEASURES[order.name].observe(order.seconds)

    # --- pieces ------------------------------------------------------------------------------

    @property
    def _at(self) -> int:
        return 0 if self._egress is None else self._egress.at

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        assert self._tasks is not None, "events come only to a call that runs"
        task = self._tasks.create_task(work, name=f"{self.id} {name}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def _means(self) -> Means:
        return Means(
            llm=self._crew.llm,
            tts=self._crew.tts,
            playout=self._playout,
            tell=self.tell,
            motions=self._motions,
            caller=self.id,
        )

    def _make_face(self) -> Face:
        return Face(
            engine=self._crew.avatar,
            stage=self._crew.stage,
            playout=self._playout,
            video=self._peer.media.video or self._stills,
            use=self._use_codec,
            settings=self._crew.face,
        )
