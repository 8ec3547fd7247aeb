"""Utterances that are over: items of the conversation, whose words come when they are known."""

from __future__ import annotations

from collections import deque

from rtav.core.answering import Answering
from rtav.core.common import Common
from rtav.core.conversation import Item
from rtav.core.outputs import EndOfSpeech, StopListening
from rtav.core.utterance import Transcripts, Utterance

RACE_S = 0.15
"""Sound that was sent before an event may come this much after it: our jitter buffer holds a
packet for 40 ms, networks hold some longer."""

WORTH_ASKING_MS = 600
"""Voice of this length in which no word was understood is answered ("I did not catch that");
a shorter one was a cough."""


class Recognition:
    def __init__(self, common: Common, answering: Answering) -> None:
        self._common = common
        self._answering = answering
        self.transcripts = Transcripts(common)
        self._waiting: dict[str, Utterance] = {}
        self._tails: deque[tuple[float, Utterance]] = deque()
        """The last of their sound may be on its way, until then."""

    @property
    def deadline(self) -> float | None:
        return self._tails[0][0] if self._tails else None

    def find(self, utterance_id: str) -> Utterance | None:
        return self._waiting.get(utterance_id)

    def unsettled(self) -> list[Utterance]:
        """What was said and is over, but its words are still to come; in order."""
        return list(self._waiting.values())

    def tick(self) -> None:
        while self._tails and self._common.now >= self._tails[0][0]:
            self._end(self._tails.popleft()[1])

    def forget(self) -> None:
        """No words are wanted any more."""
        self._waiting.clear()
        self._tails.clear()

    # --- what was said -----------------------------------------------------------------------

    def commit(self, utterance: Utterance) -> None:
        """Make an utterance an item."""
        common = self._common
        common.send(
            "input_audio_buffer.committed",
            item_id=utterance.id,
            previous_item_id=common.conversation.last_id,
        )
        part = {"type": "input_audio", "transcript": None}
        utterance.item = Item(id=utterance.id, type="message", role="user", content=[part])
        common.item_added(utterance.item, common.add(utterance.item))
        utterance.item.content[0]["transcript"] = utterance.text or None
        for delta in utterance.early:
            self.transcripts.delta(utterance, delta)

    def await_words(self, utterance: Utterance, *, has_tail: bool = False) -> None:
        """Its last words are due once all of it was heard; those that are known are enough.

        `has_tail`: it was committed by an event that may have overtaken the last of its sound.
        """
        if utterance.text is not None:
            self._common.put(StopListening(utterance.id))
            self.transcripts.finished(utterance)
            return
        self._waiting[utterance.id] = utterance
        if has_tail:
            self._tails.append((self._common.now + RACE_S, utterance))
        else:
            self._common.put(EndOfSpeech(utterance.id))

    def _end(self, utterance: Utterance) -> None:
        if utterance.id in self._waiting:
            self._common.put(EndOfSpeech(utterance.id))
            self.check(utterance)

    # --- its words ---------------------------------------------------------------------------

    def settle(self, utterance: Utterance, text: str) -> None:
        """All its words are known."""
        self._waiting.pop(utterance.id)
        utterance.text = text
        assert utterance.item is not None
        utterance.item.content[0]["transcript"] = text or None
        self.transcripts.finished(utterance)
        if is_worth_asking(utterance):
            self._answering.words_arrived(utterance.id)
        else:
            self._answering.nothing_was_said(utterance.id)

    def check(self, utterance: Utterance) -> None:
        """Give up on words that cannot come."""
        if utterance.failure is None or utterance.id not in self._waiting:
            return
        self._waiting.pop(utterance.id)
        self.transcripts.failed(utterance, "transcription_failed", utterance.failure)
        self._answering.words_failed(utterance.id, utterance.failure)


def is_worth_asking(utterance: Utterance) -> bool:
    return bool(utterance.text) or utterance.voiced_ms >= WORTH_ASKING_MS
