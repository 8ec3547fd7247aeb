"""Replies: when one begins, how it is ended, and who waits behind it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from rtav.core import asking
from rtav.core.common import Common
from rtav.core.composing import Composing
from rtav.core.conversation import Item
from rtav.core.dialect import Dialect
from rtav.core.outputs import Play, Say, Void
from rtav.core.question import Question
from rtav.core.remote import Remote
from rtav.core.replies import Replies, failure
from rtav.core.reply import Reply, Status
from rtav.core.reply_table import Cue, Sound, Stage
from rtav.core.utterance import Utterance
from rtav.errors import ProtocolError
from rtav.protocol.client import ResponseParams
from rtav.protocol.items import ItemReference

MAX_APART = 8
"""Responses out of band that may be in progress or be played: each is a request to the model
server."""

MAX_WAITING = 64
"""Texts that may wait to be spoken: minutes of speech; a client that sends more has lost count."""


class Answering:
    """At most one reply of the conversation is open; an earlier one may still be heard."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._turns = 0
        self.remote = Remote(common)
        self.replies = Replies(common, freed=self._next, remote=self.remote)
        self.composing = Composing(common, self.replies, self.remote)
        self._queue: deque[tuple[str, str]] = deque()
        self.awaits: Callable[[], Sequence[Utterance]] = tuple
        """What the caller has said and nobody knows the words of yet, in order."""
        self.begun = 0
        """Answers begun so far: whoever asked before one has got it."""

    def owns(self, item_id: str) -> bool:
        """The id is promised to something that is yet to be said."""
        return self.replies.owns(item_id) or any(item_id == queued for _, queued in self._queue)

    # --- beginning ---------------------------------------------------------------------------

    def guess(self, *, said: str | None = None, params: ResponseParams | None = None) -> Reply:
        """Start on an answer before it is certain that one is wanted.

        `said`: words of the caller that are not an item yet.
        """
        reply = self._new(params or ResponseParams(), automatic=params is None)
        self.composing.ask(reply, said=said)
        return reply

    def withdraw(self, reply: Reply) -> None:
        """The guess was wrong: nobody has heard of it, and nobody will."""
        assert reply.stage is Stage.GUESSED
        self.replies.forget(reply)
        self._common.put(Void(reply.turn))

    def promote(self, guess: Reply, *, speech_ended_at: float | None = None) -> None:
        """The guess is wanted. If the question has changed meanwhile, it is asked anew."""
        reply, question = guess, guess.question
        if not asking.is_current(guess.turn, question, self._common):
            self.withdraw(guess)
            if self._common.config.open_loop:
                self._answer_nothing(question.params)
                return
            reply = self._new(question.params, automatic=guess.automatic)
            self.composing.ask(reply)
        self.begun += 1
        self._open(reply, speech_ended_at)

    def _open(self, reply: Reply, speech_ended_at: float | None = None) -> None:
        """Tell the client of a reply, and let it be heard."""
        reply.speech_ended_at = speech_ended_at
        self.replies.open(reply)
        if not reply.aloud:
            reply.cue(Cue.NOTHING_TO_PLAY)
        elif not reply.is_apart:
            self._common.put(Play(reply.turn))
        self.composing.release(reply)
        self.replies.advance(reply)

    def begin(
        self, params: ResponseParams | None = None, *, speech_ended_at: float | None = None
    ) -> None:
        """Open a reply now."""
        if self._common.config.open_loop:
            self._answer_nothing(params or ResponseParams())
        else:
            self.begun += 1
            self._open(self.guess(params=params), speech_ended_at)

    def begin_when_heard(self, params: ResponseParams | None = None) -> None:
        """Open a reply now; it is made once the words it answers are known."""
        unheard = self._unheard(params)
        if not unheard or self._common.config.open_loop:
            self.begin(params)
            return
        reply = self._new(params or ResponseParams(), automatic=params is None)
        reply.waits_for = {utterance.id for utterance in unheard}
        self._open(reply, unheard[-1].ended_at)

    def words_arrived(self, utterance: str, *, is_worth: bool) -> None:
        """What a reply waited for is known. Were there no words that are worth an answer, a reply
        that nobody asked for ends empty."""
        for reply in self.replies.waiting_for(utterance):
            reply.waits_for.discard(utterance)
            reply.has_words |= is_worth
            if reply.waits_for:
                continue
            if reply.has_words or not reply.automatic:
                self.begun += not reply.is_apart
                self.composing.ask(reply)
            else:
                reply.is_generated = reply.is_spoken = True
                self.replies.advance(reply)

    def words_failed(self, utterance: str, message: str) -> None:
        for reply in self.replies.waiting_for(utterance):
            self.replies.fail(reply, "transcription_failed", message)

    def say(self, text: str, item_id: str) -> None:
        """Speak a text as it stands, after what is being said now.

        Raises ProtocolError if too many are waiting.
        """
        if len(self._queue) >= MAX_WAITING:
            raise ProtocolError(
                f"{MAX_WAITING} texts are waiting to be spoken already.",
                code="rate_limit_exceeded",
            )
        self._queue.append((text, item_id))
        self._next()

    # --- what the client asks ----------------------------------------------------------------

    def create(self, params: ResponseParams | None) -> None:
        """A `response.create` that no pending turn claims."""
        active = self.replies.active
        if active is not None:
            if self._absorbs(active):
                active.claimed = True
                return
            if not active.is_known:
                raise already_active(active)
            self.replies.finish(active)
        self.begin_when_heard(params or ResponseParams())

    def create_apart(self, params: ResponseParams) -> None:
        """A `response.create` out of band: beside the conversation and whatever runs in it.

        Raises ProtocolError if too many are open.
        """
        if len(self.replies.apart) >= MAX_APART:
            raise ProtocolError(
                f"{MAX_APART} responses out of band are in progress already. "
                "Wait until one is finished or cancel it.",
                code="rate_limit_exceeded",
                param="response.conversation",
            )
        if self._common.config.open_loop:
            self._answer_nothing(params)
            return
        reply = self._new(params, automatic=False)
        reply.waits_for = {utterance.id for utterance in self._unheard(params)}
        if not reply.waits_for:
            self.composing.ask(reply)
        self._open(reply)

    def cancel(self, response_id: str | None) -> None:
        """Without an id the conversation's response is meant."""
        for reply in self.replies.apart:
            if reply.is_active and reply.id == response_id:
                self.replies.stop(reply, "cancelled", _cancelled("client_cancelled"))
                return
        active = self.replies.active
        if active is None or response_id not in (None, active.id):
            if self._common.dialect is Dialect.RTAV:
                return
            raise ProtocolError(
                "Cancellation failed: no active response found",
                code="response_cancel_not_active",
            )
        self.cut("client_cancelled")

    def clear(self) -> None:
        """What is playing falls silent; a response that has not begun to speak goes on."""
        active = self.replies.active
        if active is not None and active.sound is Sound.PLAYING:
            self.cut("client_cancelled")
        else:
            self.replies.silence_closed()
        details = _cancelled("client_cancelled")
        self.replies.silence_apart("cancelled", details, all_=False)

    def cut_item(self, item: Item, upto: int) -> bool:
        """Stop saying this item, of which no more was heard than up to sample `upto`. True if it
        was being heard, and the client has been told."""
        reply = self.replies.saying(item)
        if reply is None:
            return False
        was_playing = reply.sound is Sound.PLAYING
        if reply.lead is None:
            reply.played = min(reply.played, upto)
        if reply.is_active:
            self.cut("client_cancelled")
        else:
            self.replies.silence(reply)
        return was_playing and reply.lead is None

    def cut(self, reason: str) -> None:
        """Silence everything of the conversation that is being said or is about to be."""
        self._stop_all("cancelled", _cancelled(reason))

    def end(self) -> None:
        """The call is over: nothing of it goes on."""
        details = _cancelled("client_cancelled")
        self._stop_all("cancelled", details)
        self.replies.silence_apart("cancelled", details, all_=True)

    def expire(self) -> None:
        """The session is over: every response is told so."""
        details = failure("session_expired", "The session ended.")
        self._stop_all("failed", details)
        self.replies.silence_apart("failed", details, all_=True)

    def _stop_all(self, status: Status, details: dict[str, Any]) -> None:
        self.replies.silence_closed()
        active = self.replies.active
        if active is not None:
            self.replies.stop(active, status, details)
        while self._queue:
            self.replies.stop(self._open_say(*self._queue.popleft()), status, details)

    # --- pieces ------------------------------------------------------------------------------

    def _new(self, params: ResponseParams, *, automatic: bool) -> Reply:
        common, config = self._common, asking.config_of(params, self._common)
        aloud = asking.is_aloud(params, common)
        self._turns += 1
        reply = Reply(
            turn=self._turns,
            id=common.new_id("resp"),
            item_id=common.new_id("item"),
            aloud=aloud,
            shows_text=asking.shows_text(params, common),
            shows_images=asking.shows_images(params, common),
            lead=asking.lead(params, common),
            automatic=automatic,
            is_apart=asking.is_apart(params),
            question=Question(params=params, config=config),
            shape={
                "conversation_id": None if asking.is_apart(params) else f"conv_{config.id}",
                "output_modalities": ["audio" if aloud else "text"],
                "max_output_tokens": config.max_output_tokens,
                "audio": {"output": {"format": config.output_format, "voice": config.voice}},
                "metadata": params.metadata,
            },
        )
        self.replies.add(reply)
        return reply

    def _unheard(self, params: ResponseParams | None) -> Sequence[Utterance]:
        """What a response reads and whose words are still to come, in order."""
        if params is None or params.input is None:
            return self.awaits()
        named = {item.id for item in params.input if isinstance(item, ItemReference)}
        return [utterance for utterance in self.awaits() if utterance.item_id in named]

    def _absorbs(self, active: Reply) -> bool:
        """rtAV's clients ask for the response that their text has already triggered."""
        rtav = self._common.dialect is Dialect.RTAV
        return rtav and active.automatic and not active.claimed

    def _answer_nothing(self, params: ResponseParams) -> None:
        """There is no model: a response is due all the same, and it is empty."""
        reply = self._new(params, automatic=False)
        reply.is_generated = reply.is_spoken = True
        self.replies.open(reply)
        self.replies.advance(reply)

    def _open_say(self, text: str, item_id: str) -> Reply:
        reply = self._new(ResponseParams(metadata={"source": "open_loop"}), automatic=True)
        reply.item_id, reply.text, reply.is_generated = item_id, text, True
        self.replies.open(reply)
        return reply

    def _next(self) -> None:
        """The next text that was to be spoken, once nothing is open before it."""
        while self._queue and self.replies.active is None:
            text, item_id = self._queue.popleft()
            reply = self._open_say(text, item_id)
            delivery = asking.delivery(self._common.config, aloud=reply.aloud)
            self._common.put(Say(turn=reply.turn, text=text, delivery=delivery))
            if reply.aloud:
                self._common.put(Play(reply.turn))
            else:
                reply.cue(Cue.NOTHING_TO_PLAY)
            self.replies.advance(reply)


def already_active(reply: Reply) -> ProtocolError:
    return ProtocolError(
        f"Conversation already has an active response in progress: {reply.id}. "
        "Wait until the response is finished before creating a new one.",
        code="conversation_already_has_active_response",
    )


def _cancelled(reason: str) -> dict[str, Any]:
    return {"type": "cancelled", "reason": reason}
