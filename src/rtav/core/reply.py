"""One reply: what is known of it, and the events that tell the client, in OpenAI's order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from rtav.core.calls import Call
from rtav.core.conversation import Item
from rtav.core.cues import Cues
from rtav.core.event import Event, Events
from rtav.core.inputs import SpokenWord
from rtav.core.question import Question
from rtav.core.reply_table import SOUNDS, STAGES, Cue, Sound, Stage, Step
from rtav.core.toolbox import Offer
from rtav.core.units import RATE_HZ, to_ms
from rtav.core.usage import Usage, usage


class Piece(NamedTuple):
    """Samples of a reply's track."""

    turn: int
    start: int
    end: int


Status = Literal["completed", "cancelled", "failed", "incomplete"]


PIECE = RATE_HZ // 10
"""100 ms of audio in one event: small enough for every data channel, few enough to be cheap."""

NOT_MADE = {
    "type": "tool_execution_error",
    "message": "The call was not made: the response ended before it was complete.",
}


@dataclass(slots=True, kw_only=True)
class Reply:
    """All positions are samples of this reply's own track.

    `aloud`: it is spoken. It is told as far as it was played, and `lead` beyond that.
    """

    turn: int
    id: str
    item_id: str
    aloud: bool
    shows_text: bool
    question: Question
    automatic: bool
    """Nobody asked for it by `response.create`."""
    is_apart: bool = False
    """Out of band: the conversation knows nothing of it."""
    lead: int | None = None
    """The client plays it: how far ahead of that it is sent, in samples. None: the server plays
    it, by RTP, and tells what was played."""
    shows_images: bool = False
    """Pictures belong to it: it is done when it has been played, not when it has been sent."""
    frames: int = 0
    """Pictures that were sent."""
    claimed: bool = False
    waits_for: set[str] = field(default_factory=set)
    """The utterances whose words the model needs first."""
    has_words: bool = False
    """Of those, one was worth an answer."""
    shape: dict[str, Any] = field(default_factory=dict)
    """The fields of the response object that do not change."""
    stage: Stage = Stage.GUESSED
    sound: Sound = Sound.WAITING
    text: str = ""
    is_generated: bool = False
    is_spoken: bool = False
    """Its whole track is known."""
    words: list[SpokenWord] = field(default_factory=list)
    cues: Cues = field(default_factory=Cues)
    length: int = 0
    played: int = 0
    """What was handed over by RTP; what a client that plays it will have heard about now."""
    sent: int = 0
    """How much of the track went out in events."""
    shaped: int = 0
    """Of how much of the track the mouth's shapes were told."""
    finish: str = "stop"
    usage: Usage = field(default_factory=usage)
    message: Item | None = None
    message_index: int = 0
    outputs: list[Item] = field(default_factory=list)
    calls: dict[int, Call] = field(default_factory=dict)
    told: str = ""
    """What the deltas have said so far."""
    _told_words: int = 0
    _before: dict[str, str | None] = field(default_factory=dict)
    speech_ended_at: float | None = None
    """When the caller whom this answers fell silent; None if it answers no speech."""

    # --- where it stands ---------------------------------------------------------------------

    def step(self, step: Step) -> None:
        self.stage = STAGES[self.stage, step]

    def cue(self, cue: Cue) -> None:
        self.sound = SOUNDS[self.sound, cue]

    @property
    def is_active(self) -> bool:
        return self.stage is Stage.OPEN

    @property
    def is_through(self) -> bool:
        """Nothing more will come, and all there was has been handed over."""
        if self.lead is None or self.shows_images or not self.aloud:
            return self.is_known and self.sound is Sound.OVER
        return self.is_known and (self.message is None or self.sent >= self.length)

    @property
    def is_known(self) -> bool:
        """Everything is generated; only playout may be left."""
        return self.is_generated and (self.is_spoken or not self.aloud)

    @property
    def broke_off(self) -> bool:
        """The model was stopped before its end."""
        return self.finish in ("length", "content_filter")

    # --- telling -----------------------------------------------------------------------------

    def opened(self) -> Events:
        self.step(Step.CREATED)
        return [Event("response.created", {"response": self.as_json("in_progress")})]

    def message_added(self, item: Item, previous: str | None) -> Events:
        """The reply has begun to say something."""
        self.message, self.message_index = item, len(self.outputs)
        self.outputs.append(item)
        return [
            *self._item_added(item, self.message_index, previous),
            Event("response.content_part.added", self.place() | {"part": self._part("")}),
        ]

    def call_added(
        self, index: int, item: Item, previous: str | None, *, offer: Offer | None = None
    ) -> Events:
        self.calls[index] = Call(item, len(self.outputs), offer)
        self.outputs.append(item)
        return self._item_added(item, len(self.outputs) - 1, previous)

    def call_grew(self, index: int, piece: str) -> Events:
        return [self.calls[index].grew(self.id, piece)]

    def calls_done(self, status: Status) -> Events:
        """No arguments come any more. A remote tool's call goes on if it is complete."""
        events: Events = []
        for call in self.calls.values():
            if call.is_done:
                continue
            call.is_done = True
            is_complete = status == "completed"
            events.append(call.finished(self.id))
            if call.offer is None:
                call.item.status = "completed" if is_complete else "incomplete"
                events += self._item_done(call.item, call.output_index)
            elif is_complete:
                call.item.is_called = True
            else:
                events += self.call_over(call, error=NOT_MADE)
        return events

    def call_over(
        self, call: Call, *, output: str | None = None, error: dict[str, Any] | None = None
    ) -> Events:
        """What came of a remote tool's call; the response may be done by then."""
        call.item.fields |= {"output": output, "error": error}
        call.item.status = "completed"
        stands = call.stands("completed" if error is None else "failed")
        return [stands, *self._item_done(call.item, call.output_index)]

    def progress(self) -> Events:
        """The deltas that have become due."""
        if self.message is None:
            return []
        if not self.aloud:
            return self._tell(self.text[len(self.told) :])
        due = self._told_words
        while due < len(self.words) and (
            self.words[due].start < self._reach or self._reaches_the_end()
        ):
            due += 1
        said = "".join(word.text for word in self.words[self._told_words : due])
        self._told_words = due
        return self._tell(said)

    def motions_due(self) -> list[str]:
        """What the text asks the face for where it has been said; or written, if nobody says it."""
        is_said = self.is_known and self.played >= self.length
        if not self.aloud or self.sound is Sound.OVER or is_said:
            return self.cues.rest()
        if self.sound is Sound.WAITING:
            return []
        return self.cues.due(self.words, played=self.played)

    def audio_due(self) -> list[Piece]:
        """The samples that are to be sent in events now. A short piece waits for more unless the
        client has little left to play."""
        pieces: list[Piece] = []
        if self.lead is None or self.message is None:
            return pieces
        until = min(self.length, self._reach)
        while self.sent < until:
            end = min(until, self.sent + PIECE)
            is_last = self.is_spoken and end == self.length
            is_needed = is_last or self.sent <= self.played + PIECE
            if end - self.sent < PIECE and not is_needed:
                break
            pieces.append(Piece(self.turn, self.sent, end))
            self.sent = end
        return pieces

    def shapes_due(self) -> Piece | None:
        """What of the track is known and its mouth not yet told: that goes ahead of the sound."""
        start, self.shaped = self.shaped, self.length
        return Piece(self.turn, start, self.length) if start < self.length else None

    def hurry(self) -> None:
        """Nothing is held back any more."""
        if self.lead is not None:
            self.lead = self.length

    def tell_the_rest(self) -> Events:
        """Every word, heard or not: the client wants to go on and only playout is left."""
        said = "".join(word.text for word in self.words[self._told_words :])
        self._told_words = len(self.words)
        return self._tell(said)

    def closed(self, status: Status, *, details: dict[str, Any] | None) -> Events:
        """Everything from the last delta to `response.done`."""
        item_status: Literal["completed", "incomplete"] = (
            "completed" if status == "completed" else "incomplete"
        )
        events: Events = []
        if self.message is not None:
            self.message.status = item_status
            self.message.content[0][self._content_key()] = self.told
            self.message.audio_sent = self.length if self.lead is None else self.sent
            self.message.audio_end = self.message.audio_sent
            if self.aloud and status in ("cancelled", "failed"):
                self.keep_what_was_heard()
            events += self._content_done()
            events += self._item_done(self.message, self.message_index)
        events += self.calls_done(status)
        self.step(Step.DONE)
        events.append(Event("response.done", {"response": self.as_json(status, details)}))
        return events

    def keep_what_was_heard(self) -> None:
        """Nothing of it is played any more: the history forgets the rest."""
        if self.message is None or not self.aloud:
            return
        if self.lead is None:
            self.message.cut(self.played)
        else:
            self.message.suppose(self.played)

    def frame(self, *, width: int, height: int) -> dict[str, Any] | None:
        """What is told of the next picture but itself; None if none belongs here now."""
        if not (self.shows_images and self.is_active and self.message is not None):
            return None
        shown = {
            "frame_index": self.frames,
            "timestamp_ms": to_ms(self.played),
            "width": width,
            "height": height,
        }
        self.frames += 1
        return self.place() | shown

    def as_json(
        self, status: Status | Literal["in_progress"], details: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        over = status != "in_progress"
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": [item.as_json() for item in self.outputs] if over else [],
            "usage": self.usage if over else None,
        } | self.shape

    def used(self, *, input_tokens: int, output_tokens: int, cached_tokens: int) -> None:
        before = self.usage
        self.usage = usage(
            input_tokens=before["input_tokens"] + input_tokens,
            output_tokens=before["output_tokens"] + output_tokens,
            cached_tokens=before["input_token_details"]["cached_tokens"] + cached_tokens,
        )

    def new_message(self) -> Item:
        """The item this reply speaks into, still empty."""
        kind = "output_audio" if self.aloud else "output_text"
        return Item(
            id=self.item_id,
            type="message",
            role="assistant",
            content=[{"type": kind, self._content_key(): ""}],
            status="in_progress",
            words=self.words,
        )

    # --- pieces ------------------------------------------------------------------------------

    @property
    def _reach(self) -> int:
        return self.played + (self.lead or 0)

    def _reaches_the_end(self) -> bool:
        return self.is_spoken and self._reach >= self.length

    def _content_key(self) -> str:
        return "transcript" if self.aloud else "text"

    def place(self) -> dict[str, Any]:
        """Where its message is, as events name it."""
        return {
            "response_id": self.id,
            "item_id": self.item_id,
            "output_index": self.message_index,
            "content_index": 0,
        }

    def _part(self, text: str) -> dict[str, Any]:
        return {"type": "audio" if self.aloud else "text", self._content_key(): text}

    def _item_added(self, item: Item, index: int, previous: str | None) -> Events:
        self._before[item.id] = previous
        shown = item.as_json()
        if item.type == "message":
            shown["content"] = []
        return [
            Event(
                "response.output_item.added",
                {"response_id": self.id, "output_index": index, "item": shown},
            ),
            *self._in_conversation("added", shown, previous),
        ]

    def _item_done(self, item: Item, index: int) -> Events:
        shown, previous = item.as_json(), self._before[item.id]
        return [
            Event(
                "response.output_item.done",
                {"response_id": self.id, "output_index": index, "item": shown},
            ),
            *self._in_conversation("done", shown, previous),
        ]

    def _in_conversation(self, what: str, shown: dict[str, Any], previous: str | None) -> Events:
        if self.is_apart:
            return []
        place = {"item": shown, "previous_item_id": previous}
        return [Event(f"conversation.item.{what}", place)]

    def _tell(self, delta: str) -> Events:
        if not delta:
            return []
        self.told += delta
        place = self.place() | {"delta": delta}
        if not self.aloud:
            return [Event("response.output_text.delta", place)]
        events = [Event("response.output_audio_transcript.delta", place)]
        if self.shows_text:
            events.append(Event("response.output_text.delta", place))
        return events

    def _content_done(self) -> Events:
        place, text = self.place(), {"text": self.told}
        part = Event("response.content_part.done", place | {"part": self._part(self.told)})
        if not self.aloud:
            return [Event("response.output_text.done", place | text), part]
        events = [
            Event("response.output_audio.done", place),
            Event("response.output_audio_transcript.done", place | {"transcript": self.told}),
        ]
        if self.shows_text:
            events.append(Event("response.output_text.done", place | text))
        if self.shows_images:
            total = {"total_frames": self.frames}
            events.append(Event("response.output_image.done", place | total))
        return [*events, part]
