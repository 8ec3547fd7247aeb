"""What a model says, made into replies: text, tool calls, gestures, and the end."""

from __future__ import annotations

from rtav.core import asking, express
from rtav.core import inputs as told
from rtav.core.common import Common
from rtav.core.conversation import Item
from rtav.core.question import Gesture, Held
from rtav.core.remote import Remote
from rtav.core.replies import CONTEXT_LENGTH_EXCEEDED, Replies
from rtav.core.reply import Reply
from rtav.core.reply_table import Stage
from rtav.core.servers import Server
from rtav.core.toolbox import Offer

MAX_ROUNDS = 3
"""Times a model may answer with nothing but gestures before it must speak."""


class Composing:
    """Asks the model, as often as a reply needs it, and takes down what it says."""

    def __init__(self, common: Common, replies: Replies, remote: Remote) -> None:
        self._common = common
        self._replies = replies
        self._remote = remote
        self._waiting: list[tuple[Reply, str | None]] = []
        """Those that are asked once the servers that they alone name have said what they have."""
        remote.settled = self._ask_waiting

    def ask(self, reply: Reply, *, said: str | None = None) -> None:
        """Put the reply's question; it fails if that is more than the model reads.

        `said`: words of the caller behind the conversation's own.
        """
        self._remote.use(self._own_servers(reply))
        if self._waits(reply):
            self._waiting.append((reply, said))
        else:
            self._ask(reply, said)

    def _ask(self, reply: Reply, said: str | None) -> None:
        question = reply.question
        question.offers = asking.offers(question, self._common)
        order = asking.put(reply.turn, question, self._common, aloud=reply.aloud, said=said)
        if order is None:
            limit = self._common.policy.context_tokens
            message = f"The conversation is longer than the {limit} tokens that the model reads."
            code = CONTEXT_LENGTH_EXCEEDED
            self.failed(told.ReplyFailed(turn=reply.turn, code=code, message=message))
            return
        question.asked = question.asked or order
        question.put = order
        self._common.put(order)

    def release(self, reply: Reply) -> None:
        """The reply is a guess no more: let happen what was held back of it."""
        self._play_gestures(reply)
        for event in reply.question.held:
            if reply.is_active:
                self._replay(reply, event)

    # --- what the engines say ----------------------------------------------------------------

    def text(self, event: told.ReplyText) -> None:
        reply = self._replies.get(event.turn)
        if reply is not None and not reply.is_generated:
            reply.text += event.text
            self._replies.advance(reply)

    def gesture(self, event: told.ReplyCue) -> None:
        reply = self._replies.get(event.turn)
        if reply is None or (reply.is_apart and not reply.aloud):
            return  # a text that is nobody's to see moves no face
        reply.cues.add(event.motion, after=event.after)
        self._replies.advance(reply)

    def tool_call(self, event: told.ReplyToolCall) -> None:
        reply = self._replies.get(event.turn)
        if reply is None or reply.is_generated:
            return
        question = reply.question
        gesture = (question.rounds, event.index)
        if asking.is_own(event.name, question, self._common):
            question.gestures[gesture] = Gesture(len(reply.text))
        if gesture in question.gestures:
            question.gestures[gesture].arguments += event.arguments
            return
        if not self._holds(reply, event):
            self._call(reply, event)

    def ended(self, event: told.ReplyEnded) -> None:
        reply = self._replies.get(event.turn)
        if reply is None or reply.is_generated:
            return
        reply.used(
            input_tokens=event.input_tokens,
            output_tokens=event.output_tokens,
            cached_tokens=event.cached_tokens,
        )
        reply.finish = event.reason
        if reply.question.put is not None:
            self._common.gauge.learn(reply.question.put, event.input_tokens)
        question = reply.question
        only_moved = question.only_moved and not (reply.text or reply.calls)
        if reply.stage is not Stage.GUESSED:
            self._play_gestures(reply)
        if only_moved and question.rounds < MAX_ROUNDS:
            question.rounds += 1
            self.ask(reply)
            return
        reply.is_generated = True
        self._replies.advance(reply)

    def failed(self, event: told.ReplyFailed) -> None:
        reply = self._replies.get(event.turn)
        if reply is not None and not self._holds(reply, event) and reply.is_active:
            self._replies.fail(reply, event.code, event.message)

    # --- pieces ------------------------------------------------------------------------------

    def _holds(self, reply: Reply, event: Held) -> bool:
        """While a reply is a guess, what others would notice waits until it is wanted."""
        if reply.stage is not Stage.GUESSED:
            return False
        reply.question.held.append(event)
        return True

    def _replay(self, reply: Reply, event: Held) -> None:
        match event:
            case told.ReplyToolCall():
                self._call(reply, event)
            case _:
                self.failed(event)

    def _play_gestures(self, reply: Reply) -> None:
        """At once what was called for before a word was written, the rest where it stands."""
        question = reply.question
        for key, gesture in question.gestures.items():
            name = express.motion(gesture.arguments)
            if not name or key in question.played:
                continue
            question.played.add(key)
            if gesture.after:
                reply.cues.add(name, after=gesture.after)
            else:
                express.play(name, self._common)

    def _call(self, reply: Reply, event: told.ReplyToolCall) -> None:
        if event.index not in reply.calls:
            offer = reply.question.offers.get(event.name)
            item = self._remote_call(event, offer) if offer else self._client_call(event)
            previous = self._replies.keep(reply, item)
            self._common.tell(reply.call_added(event.index, item, previous, offer=offer))
        if event.arguments:
            self._common.tell(reply.call_grew(event.index, event.arguments))

    def _client_call(self, event: told.ReplyToolCall) -> Item:
        common = self._common
        return Item(
            id=common.new_id("item"),
            type="function_call",
            fields={
                "call_id": event.call_id or common.new_id("call"),
                "name": event.name,
                "arguments": "",
            },
            status="in_progress",
        )

    def _remote_call(self, event: told.ReplyToolCall, offer: Offer) -> Item:
        common = self._common
        return Item(
            id=common.new_id("mcp"),
            type="mcp_call",
            fields={
                "server_label": offer.server.label,
                "name": offer.tool.name,
                "arguments": "",
                "output": None,
                "error": None,
                "approval_request_id": None,
            },
            status="in_progress",
            call_name=event.name,
        )

    def _own_servers(self, reply: Reply) -> list[Server]:
        """Servers that a response alone names. The session's are not waited for: a turn has the
        tools that are there."""
        of_session = self._common.config.servers
        return [server for server in reply.question.config.servers if server not in of_session]

    def _waits(self, reply: Reply) -> bool:
        return self._remote.is_listing(self._own_servers(reply))

    def _ask_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for reply, said in waiting:
            if self._replies.get(reply.turn) is not reply:
                continue
            if self._waits(reply):
                self._waiting.append((reply, said))
            else:
                self._ask(reply, said)
