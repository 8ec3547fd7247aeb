"""The caller's silence after an answer: how long it may last before it is answered itself."""

from __future__ import annotations

from rtav.core.answering import Answering
from rtav.core.common import Common
from rtav.core.conversation import Item
from rtav.core.hearing import Hearing
from rtav.core.recognition import Recognition
from rtav.core.utterance import Utterance

_CALLS = ("function_call", "mcp_call", "mcp_approval_request")


class Idle:
    """Counts from the end of the last response's sound. Each response is followed by one silence
    that is answered, at most; whatever the caller says or writes ends the count."""

    def __init__(
        self, common: Common, answering: Answering, hearing: Hearing, recognition: Recognition
    ) -> None:
        self._common = common
        self._answering = answering
        self._replies = answering.replies
        self._hearing = hearing
        self._recognition = recognition
        self._timeout_ms: int | None = None
        self._has_answered = False
        """The avatar spoke last."""
        self._since: float | None = None
        """When it fell silent, or the client named how long that may last."""
        self._since_ms = 0
        """Where the microphone was then."""

    @property
    def deadline(self) -> float | None:
        """Not while a sound may be the beginning of speech."""
        if self._since is None or self._timeout_ms is None or self._hearing.hears_a_sound:
            return None
        return self._since + self._timeout_ms / 1000

    def item_created(self, item: Item) -> None:
        """The client has said something in the caller's place, or a tool has."""
        if item.role == "user" or item.type == "function_call_output":
            self._has_answered = False

    def settle(self) -> None:
        """See what has become of the reply and of the caller; answer a silence that is due."""
        detection = self._common.config.turn_detection
        timeout_ms = None if detection is None else detection.idle_ms
        if timeout_ms != self._timeout_ms:
            self._timeout_ms, self._since = timeout_ms, None
        if self._replies.active is not None or self._replies.is_audible:
            self._has_answered, self._since = True, None
        elif any(reply.aloud for reply in self._replies.apart):
            self._since = None
        elif not self._caller_is_due():
            self._has_answered, self._since = False, None
        elif self._replies.is_announcing:
            self._since = None
        elif self._since is None:
            self._since, self._since_ms = self._common.now, self._hearing.heard_ms
        elif self.deadline is not None and self._common.now >= self.deadline:
            self._answer_silence()

    def _caller_is_due(self) -> bool:
        """Neither while a tool is at work nor after a failure, which would be tried for ever."""
        if not self._has_answered or not self._common.is_open or self._hearing.is_listening:
            return False
        last = self._common.conversation.last
        calls_a_tool = last is not None and last.type in _CALLS
        return not calls_a_tool and self._replies.last_status != "failed"

    def _answer_silence(self) -> None:
        common, end_ms = self._common, self._hearing.heard_ms
        self._has_answered, self._since = False, None
        silence = Utterance(common.new_id("item"), self._since_ms, is_over=True, text="")
        silence.duration_ms = end_ms - self._since_ms
        common.send(
            "input_audio_buffer.timeout_triggered",
            audio_start_ms=self._since_ms,
            audio_end_ms=end_ms,
            item_id=silence.id,
        )
        self._hearing.begin_anew()
        self._recognition.commit(silence)
        assert silence.item is not None
        silence.item.content[0]["transcript"] = ""  # known to be nothing: null is what nobody knows
        self._recognition.transcripts.completed(silence)
        if common.config.answers_speech():
            self._answering.begin()
