"""The replies there are: told as they are heard, closed, silenced and forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtav.core import express
from rtav.core import inputs as told
from rtav.core.common import Common
from rtav.core.conversation import Item
from rtav.core.outputs import DrawFrames, Measure, Play, Void
from rtav.core.remote import Remote
from rtav.core.reply import Reply, Status
from rtav.core.reply_table import Cue, Sound, Stage
from rtav.core.units import to_ms

CONTEXT_LENGTH_EXCEEDED = "context_length_exceeded"
"""The one way to fail that is the client's to repair."""


class Replies:
    """At most one of the conversation is open, an earlier one may still be heard, and there are
    some beside it, out of band. What is asked here is asked of the conversation's, unless it says
    otherwise.

    `freed` is called when a reply is through and another may begin. `remote` carries out what
    replies call of remote tools.
    """

    def __init__(self, common: Common, *, freed: Callable[[], None], remote: Remote) -> None:
        self._common = common
        self._remote = remote
        self._freed = freed
        self._all: dict[int, Reply] = {}
        self.last_status: Status | None = None
        """How the last reply of the conversation that is over ended."""

    def add(self, reply: Reply) -> None:
        self._all[reply.turn] = reply

    # --- what there is -----------------------------------------------------------------------

    def get(self, turn: int) -> Reply | None:
        return self._all.get(turn)

    @property
    def active(self) -> Reply | None:
        return next((reply for reply in self._own() if reply.is_active), None)

    @property
    def apart(self) -> list[Reply]:
        """Those out of band that are open or may still be heard."""
        return [reply for reply in self._all.values() if reply.is_apart]

    @property
    def is_audible(self) -> bool:
        """Something is being played, or will be as soon as it is there."""
        return any(
            reply.aloud and reply.stage is not Stage.GUESSED and reply.sound is not Sound.OVER
            for reply in self._own()
        )

    @property
    def is_playing(self) -> bool:
        return any(reply.sound is Sound.PLAYING for reply in self._own())

    @property
    def is_announcing(self) -> bool:
        """Something out of band is being played."""
        return any(reply.sound is Sound.PLAYING for reply in self.apart)

    def waiting_for(self, utterance: str) -> list[Reply]:
        """All open replies that cannot be asked before the words of an utterance are known."""
        return [
            reply
            for reply in self._all.values()
            if reply.is_active and utterance in reply.waits_for
        ]

    def saying(self, item: Item) -> Reply | None:
        return next((reply for reply in self._all.values() if reply.message is item), None)

    def owns(self, item_id: str) -> bool:
        return any(reply.item_id == item_id for reply in self._all.values())

    # --- what the voice and the egress say ---------------------------------------------------

    def spoken(self, event: told.Spoken) -> None:
        reply = self._all.get(event.turn)
        if reply is not None and reply.aloud and not reply.is_spoken:
            if reply.is_apart and reply.length == 0 < event.end:
                self._common.put(Play(reply.turn))
            reply.words += event.words
            reply.length = event.end
            self.advance(reply)

    def spoken_all(self, event: told.SpokenAll) -> None:
        if reply := self._all.get(event.turn):
            reply.is_spoken = True
            self.advance(reply)

    def played(self, event: told.Played) -> None:
        reply = self._all.get(event.turn)
        if reply is None or reply.stage is Stage.GUESSED or reply.sound is Sound.OVER:
            return
        reply.played = max(reply.played, event.upto)
        if reply.sound is Sound.WAITING and event.upto > 0:
            reply.cue(Cue.FIRST_SAMPLE)
            self._tell_playout("started", reply)
            if reply.speech_ended_at is not None:
                seconds = self._common.now - reply.speech_ended_at
                self._common.put(Measure(name="answer_latency", seconds=seconds))
        self.advance(reply)

    def drawn(self, event: told.FrameDrawn) -> None:
        """A picture is ready: it belongs to the reply that is being said."""
        reply = self.active
        fields = reply.frame(width=event.width, height=event.height) if reply else None
        if fields is not None:
            self._common.send_image(fields)

    def posed(self, event: told.PosesMade) -> None:
        """Poses are ready: they belong to what is being said, if anything is."""
        reply = None if event.turn is None else self._all.get(event.turn)
        is_said = reply is not None and reply.message is not None
        place = reply.place() if reply is not None and is_said else {}
        self._common.send_poses({name: place.get(name) for name in ("response_id", "item_id")})

    # --- telling -----------------------------------------------------------------------------

    def keep(self, reply: Reply, item: Item) -> str | None:
        """Put what a reply brings into the conversation, if it is one of it; returns the id of the
        item before it."""
        return None if reply.is_apart else self._common.add(item)

    def open(self, reply: Reply) -> None:
        """Tell the client that a reply begins."""
        self._common.tell(reply.opened())
        if reply.shows_images:
            self._common.put(DrawFrames(on=True))

    def advance(self, reply: Reply) -> None:
        """Tell what has become due, and close the reply once nothing is missing."""
        if reply.stage is Stage.GUESSED:
            return
        common = self._common
        if reply.is_active:
            self._tell_progress(reply)
        if reply.is_known and reply.sound is Sound.WAITING and reply.length == 0:
            reply.cue(Cue.NOTHING_TO_PLAY)
            if reply.is_apart:
                common.put(Void(reply.turn))
        for motion in reply.motions_due():
            express.play(motion, common)
        if reply.sound is Sound.PLAYING and reply.is_known and reply.played >= reply.length:
            self._end_of_sound(reply)
        elif reply.is_active and reply.is_through:
            self._close_as_it_ended(reply)
            if reply.sound is Sound.OVER:
                self.forget(reply)
            self._freed()

    def _tell_progress(self, reply: Reply) -> None:
        has_begun = reply.words if reply.aloud else reply.text
        if reply.message is None and has_begun:
            item = reply.new_message()
            self._common.tell(reply.message_added(item, self.keep(reply, item)))
        self._common.tell(reply.progress())
        self._send_audio(reply)
        self._send_visemes(reply)
        if reply.is_generated:
            self._end_calls(reply)

    def _end_calls(self, reply: Reply) -> None:
        complete = [call for call in reply.calls.values() if call.offer and not call.is_done]
        self._common.tell(reply.calls_done("incomplete" if reply.broke_off else "completed"))
        for call in complete:
            if not reply.broke_off:
                self._remote.begin(reply, call)

    def _send_audio(self, reply: Reply) -> None:
        for piece in reply.audio_due():
            self._common.send_audio(reply.place(), piece, reply.question.config.output_format)

    def _send_visemes(self, reply: Reply) -> None:
        if reply.aloud and reply.message is not None and (piece := reply.shapes_due()):
            self._common.send_visemes(reply.place(), piece)

    def _tell_playout(self, what: str, reply: Reply) -> None:
        """Only who plays a reply can say what becomes of its sound."""
        if reply.lead is None:
            self._common.send(f"output_audio_buffer.{what}", response_id=reply.id)

    def _end_of_sound(self, reply: Reply) -> None:
        reply.cue(Cue.LAST_SAMPLE)
        if reply.is_active and reply.is_through:
            self._close_as_it_ended(reply)
        self._tell_playout("stopped", reply)
        self.forget(reply)
        self._freed()

    def _close_as_it_ended(self, reply: Reply) -> None:
        if reply.broke_off:
            reason = "max_output_tokens" if reply.finish == "length" else "content_filter"
            self._close(reply, "incomplete", {"type": "incomplete", "reason": reason})
        else:
            self._close(reply, "completed")

    def _close(self, reply: Reply, status: Status, details: dict[str, Any] | None = None) -> None:
        if not reply.is_apart:
            self.last_status = status
        self._common.tell(reply.closed(status, details=details))
        if reply.shows_images:
            self._common.put(DrawFrames(on=False))

    def stop(self, reply: Reply, status: Status, details: dict[str, Any]) -> None:
        """End a reply before its time: what was told stays told, what was heard is kept."""
        self._remote.abandon(reply)
        self._close(reply, status, details)
        self.silence(reply)

    def fail(self, reply: Reply, code: str, message: str) -> None:
        """An engine broke: the reply ends here, and another may begin."""
        self.stop(reply, "failed", failure(code, message))
        self._freed()

    def silence(self, reply: Reply) -> None:
        """Stop the sound of a reply that is closed, and keep of it what was heard."""
        was_playing = reply.sound is Sound.PLAYING
        if reply.sound is not Sound.OVER:
            reply.cue(Cue.CUT)
        self._common.put(Void(reply.turn))
        reply.cues.forget()
        reply.keep_what_was_heard()
        if was_playing:
            self._tell_playout("cleared", reply)
        is_known = self._common.conversation.find(reply.item_id) is not None
        if was_playing and is_known and reply.lead is None:
            self._common.send(
                "conversation.item.truncated",
                item_id=reply.item_id,
                content_index=0,
                audio_end_ms=to_ms(reply.played),
            )
        self.forget(reply)

    def finish(self, reply: Reply) -> None:
        """Tell everything now; what is left of the sound is played nevertheless."""
        reply.hurry()
        self._common.tell(reply.tell_the_rest())
        self._send_audio(reply)
        self._close_as_it_ended(reply)

    def silence_closed(self) -> None:
        for reply in self._own():
            if reply.stage is Stage.CLOSED:
                self.silence(reply)

    def silence_apart(self, status: Status, details: dict[str, Any], *, all_: bool) -> None:
        """Silence what is out of band: what is being played of it, or all there is."""
        for reply in self.apart:
            if reply.is_active and (all_ or reply.sound is Sound.PLAYING):
                self.stop(reply, status, details)
            elif reply.stage is Stage.CLOSED:
                self.silence(reply)

    def forget(self, reply: Reply) -> None:
        self._all.pop(reply.turn, None)

    def _own(self) -> list[Reply]:
        """Those of the conversation."""
        return [reply for reply in self._all.values() if not reply.is_apart]


def failure(code: str, message: str) -> dict[str, Any]:
    """The `status_details` of a response that failed."""
    kind = "invalid_request_error" if code == CONTEXT_LENGTH_EXCEEDED else "server_error"
    return {"type": "failed", "error": {"type": kind, "code": code, "message": message}}
