"""What a client does to the conversation, and the text that waits for its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rtav.core import asking
from rtav.core.answering import Answering, already_active
from rtav.core.common import Common
from rtav.core.conversation import Item, read, spoken_text
from rtav.core.hearing import Hearing
from rtav.core.recognition import Recognition
from rtav.core.reply import Reply
from rtav.core.units import to_ms, to_samples
from rtav.errors import ProtocolError
from rtav.protocol import client
from rtav.protocol.client import ResponseParams
from rtav.protocol.items import ApprovalResponse


@dataclass(slots=True)
class PendingTurn:
    """A user's text that is answered at `due`, unless a `response.create` claims it before."""

    due: float
    begun: int
    """Answers begun before it: a later one has answered it too."""
    guess: Reply | None = None
    claim: ResponseParams | None = None
    """What a `response.create` asked that came while another response was running."""


class Editing:
    def __init__(
        self, common: Common, answering: Answering, hearing: Hearing, recognition: Recognition
    ) -> None:
        self._common = common
        self._answering = answering
        self._replies = answering.replies
        self._hearing = hearing
        self._recognition = recognition
        self._pending: PendingTurn | None = None
        self.created: Callable[[Item], None] = lambda _: None
        """Told of every item that the client has brought."""

    @property
    def deadline(self) -> float | None:
        busy = self._replies.active is not None or self._hearing.is_listening
        if self._pending is None or busy:
            return None
        return self._pending.due

    # --- items -------------------------------------------------------------------------------

    def create(self, event: client.ItemCreate) -> None:
        common = self._common
        if isinstance(event.item, ApprovalResponse):
            self._answering.remote.approve(event.item, after=event.previous_item_id)
            return
        item = read(event.item, new_id=common.new_id("item"), call_id=common.new_id("call"))
        self._refuse_taken(item.id)
        text = spoken_text(event.item)
        if text is not None:
            self._answering.say(text, item.id)
            return
        self._recognition.check_room(event.item)
        previous = common.give(item, after=event.previous_item_id)
        common.item_added(item, previous)
        self._recognition.enclosed(item, event.item)
        self.created(item)
        if item.role == "user" and item.id == common.conversation.last_id:
            self._user_said()

    def generate(self, event: client.Generate) -> None:
        self._answering.say(event.text, self._common.new_id("item"))

    def retrieve(self, event: client.ItemRetrieve) -> None:
        item = self._find(event.item_id, "retrieve")
        self._common.send("conversation.item.retrieved", item=item.as_json())

    def delete(self, event: client.ItemDelete) -> None:
        item = self._find(event.item_id, "delete")
        active = self._replies.active
        is_told = active is not None and item in active.outputs
        if is_told or self._answering.remote.holds(item):
            raise ProtocolError(
                "Error deleting item: it is in progress, or its response is.",
                code="item_delete_invalid_item_id",
                param="item_id",
            )
        self._common.conversation.remove(item)
        self._common.send("conversation.item.deleted", item_id=item.id)
        self._recognition.drop(item)

    def truncate(self, event: client.ItemTruncate) -> None:
        """Keep of an assistant's item what was said up to a time, and at most what was heard.

        A client that truncates what is being said stops it. One that plays by itself knows best
        what was heard, but not more than there is.
        """
        item = self._find(event.item_id, "truncate")
        if not item.words or event.content_index != 0:
            raise ProtocolError(
                "Error truncating item: only an assistant's audio can be truncated.",
                code="item_truncate_invalid_item_id",
                param="content_index" if item.words else "item_id",
            )
        upto = to_samples(event.audio_end_ms)
        if self._answering.cut_item(item, upto):
            return
        if self._common.policy.client_plays and event.audio_end_ms > to_ms(item.audio_sent):
            self._say_it_is_shorter(item, event)
        self._common.send(
            "conversation.item.truncated",
            item_id=item.id,
            content_index=0,
            audio_end_ms=to_ms(item.cut(upto)),
        )

    # --- turns made of text --------------------------------------------------------------------

    def response_wanted(self, event: client.ResponseCreate) -> None:
        """A `response.create`: it claims the text that waits, if there is any."""
        pending, params = self._pending, event.response or ResponseParams()
        asking.check(params, self._common)
        if asking.is_apart(params):
            self._answering.create_apart(params)
            return
        active = self._replies.active
        if pending is not None and active is not None:
            if pending.claim is not None:
                raise already_active(active)
            pending.claim = params
            return
        self._pending = None
        if pending is not None and pending.guess is not None and params == ResponseParams():
            pending.guess.automatic = False
            self._answering.promote(pending.guess)
            return
        if pending is not None:
            self._withdraw(pending)
        self._answering.create(params)

    def tick(self) -> None:
        """The text that waits is answered once it is due."""
        due, pending = self.deadline, self._pending
        if due is None or pending is None or self._common.now < due:
            return
        self._pending = None
        is_wanted = self._common.config.answers_by_itself(self._common.dialect)
        if pending.begun != self._answering.begun or not (is_wanted or pending.claim):
            self._withdraw(pending)
        elif pending.guess is not None:
            self._answering.promote(pending.guess)
        else:
            self._answering.begin_when_heard(pending.claim)

    def _user_said(self) -> None:
        common = self._common
        if not common.config.answers_by_itself(common.dialect):
            return
        detection = common.config.turn_detection
        if detection is None or detection.interrupt_response:
            self._answering.cut("turn_detected")
        claim = None
        if self._pending is not None:
            self._withdraw(self._pending)
            claim = self._pending.claim
        self._pending = PendingTurn(
            due=common.now + common.policy.grace_s,
            begun=self._answering.begun,
            guess=self._answering.guess() if self._may_guess() else None,
            claim=claim,
        )

    def _may_guess(self) -> bool:
        return self._replies.active is None and not self._recognition.unsettled()

    def _withdraw(self, pending: PendingTurn) -> None:
        if pending.guess is not None:
            self._answering.withdraw(pending.guess)

    # --- pieces ------------------------------------------------------------------------------

    def _say_it_is_shorter(self, item: Item, event: client.ItemTruncate) -> None:
        length_ms = to_ms(item.audio_sent)
        error = ProtocolError(
            f"Audio content of {length_ms}ms is already shorter than {event.audio_end_ms}ms",
            code="invalid_value",
            param="audio_end_ms",
        )
        self._common.send_error(error, event.event_id)

    def _find(self, item_id: str, verb: str) -> Item:
        item = self._common.conversation.find(item_id)
        if item is None:
            raise ProtocolError(
                f"Error: the conversation has no item '{item_id}' to {verb}.",
                code=f"item_{verb}_invalid_item_id",
                param="item_id",
            )
        return item

    def _refuse_taken(self, item_id: str) -> None:
        if self._common.conversation.find(item_id) or self._answering.owns(item_id):
            raise ProtocolError(
                f"Error adding item: an item with id '{item_id}' already exists.",
                code="item_create_duplicate_item_id",
                param="item.id",
            )
