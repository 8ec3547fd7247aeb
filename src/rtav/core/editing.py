"""What a client does to the conversation, and the text that waits for its answer."""

from __future__ import annotations

from dataclasses import dataclass

from rtav.core.answering import Answering
from rtav.core.common import Common
from rtav.core.conversation import Item, read, spoken_text
from rtav.core.reply import Reply
from rtav.errors import ProtocolError
from rtav.protocol import client


@dataclass(slots=True)
class PendingTurn:
    """A user's text that is answered at `due`, unless a `response.create` claims it before."""

    due: float
    guess: Reply


class Editing:
    def __init__(self, common: Common, answering: Answering) -> None:
        self._common = common
        self._answering = answering
        self._pending: PendingTurn | None = None

    @property
    def deadline(self) -> float | None:
        if self._pending is None or self._answering.active is not None:
            return None
        return self._pending.due

    # --- items -------------------------------------------------------------------------------

    def create(self, event: client.ItemCreate) -> None:
        common = self._common
        item = read(event.item, new_id=common.new_id("item"), call_id=common.new_id("call"))
        at_the_tail = event.previous_item_id in (None, common.conversation.last_id)
        text = spoken_text(event.item)
        if text is not None:
            self._refuse_taken(item.id)
            self._answering.say(text, item.id)
            return
        common.add_item(item, after=event.previous_item_id)
        if item.role == "user" and at_the_tail:
            self._user_said()

    def generate(self, event: client.Generate) -> None:
        self._answering.say(event.text, self._common.new_id("item"))

    def retrieve(self, event: client.ItemRetrieve) -> None:
        item = self._find(event.item_id, "retrieve")
        self._common.send("conversation.item.retrieved", item=item.as_json())

    def delete(self, event: client.ItemDelete) -> None:
        item = self._find(event.item_id, "delete")
        active = self._answering.active
        if active is not None and item in active.outputs:
            raise ProtocolError(
                "Error deleting item: it belongs to the response in progress.",
                code="item_delete_invalid_item_id",
                param="item_id",
            )
        self._common.conversation.remove(item)
        self._common.send("conversation.item.deleted", item_id=item.id)

    def truncate(self, event: client.ItemTruncate) -> None:
        """The server owns the playout and has truncated already; a client may confirm it."""
        item = self._find(event.item_id, "truncate")
        if item.type != "message" or item.role != "assistant":
            raise ProtocolError(
                "Error truncating item: only an assistant's message can be truncated.",
                code="item_truncate_invalid_item_id",
                param="item_id",
            )
        active = self._answering.active
        if active is not None and active.message is item:
            self._answering.cut("client_cancelled")
            return
        self._common.send(
            "conversation.item.truncated",
            item_id=item.id,
            content_index=event.content_index,
            audio_end_ms=event.audio_end_ms,
        )

    # --- turns made of text --------------------------------------------------------------------

    def response_wanted(self, event: client.ResponseCreate) -> None:
        if self._pending is None:
            self._answering.create(event.response)
            return
        pending, self._pending = self._pending, None
        if event.response is None and self._answering.active is None:
            pending.guess.automatic = False
            self._answering.promote(pending.guess)
        else:
            self._answering.withdraw(pending.guess)
            self._answering.create(event.response)

    def tick(self) -> None:
        due = self.deadline
        if due is not None and self._common.now >= due:
            assert self._pending is not None
            guess, self._pending = self._pending.guess, None
            self._answering.promote(guess)

    def _user_said(self) -> None:
        common = self._common
        if not common.config.answers_by_itself(common.dialect):
            return
        detection = common.config.turn_detection
        if self._answering.active is not None and (
            detection is None or detection.interrupt_response
        ):
            self._answering.cut("turn_detected")
        if self._pending is not None:
            self._answering.withdraw(self._pending.guess)
        guess = self._answering.guess()
        self._pending = PendingTurn(common.now + common.policy.grace_s, guess)

    # --- pieces ------------------------------------------------------------------------------

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
        if self._common.conversation.find(item_id):
            raise ProtocolError(
                f"Error adding item: an item with id '{item_id}' already exists.",
                code="item_create_duplicate_item_id",
                param="item.id",
            )
