"""Utterances that are over: items of the conversation, whose words come when they are known."""

from __future__ import annotations

from collections import deque

from rtav.core.answering import Answering
from rtav.core.common import Common
from rtav.core.conversation import Item
from rtav.core.outputs import EndOfSpeech, StopListening, Transcribe
from rtav.core.utterance import Transcripts, Utterance
from rtav.errors import ProtocolError
from rtav.protocol import items as wire

RACE_S = 0.15
"""Sound that was sent before an event may come this much after it: our jitter buffer holds a
packet for 40 ms, networks hold some longer."""

WORTH_ASKING_MS = 600
"""Voice of this length in which no word was understood is answered ("I did not catch that");
a shorter one was a cough."""


MAX_ENCLOSED = 20 << 20
"""Characters of base64 that may wait to be recognised in one session: 15 MiB of sound, what one
append may bring."""

MAX_SOUNDS = 64
"""The same, as pieces."""

BYTES_PER_MS = {"audio/pcm": 48, "audio/pcmu": 8, "audio/pcma": 8}


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

    # --- sound inside items ------------------------------------------------------------------

    def check_room(self, given: wire.Item) -> None:
        """Raises ProtocolError if an item brings more sound than may wait to be recognised."""
        brought = wire.without_words(given)
        waiting = sum(utterance.size for utterance in self._waiting.values())
        if not brought:
            return
        count = sum(1 for utterance in self._waiting.values() if utterance.size) + len(brought)
        if waiting + sum(map(len, brought.values())) > MAX_ENCLOSED or count > MAX_SOUNDS:
            raise ProtocolError(
                "More audio waits to be recognised than one session may bring.",
                code="rate_limit_exceeded",
                param=f"item.content[{min(brought)}].audio",
            )

    def enclosed(self, item: Item, given: wire.Item) -> None:
        """Find the words of the sound in an item that was created."""
        common = self._common
        kind = common.config.input_format["type"]
        for index, audio in wire.without_words(given).items():
            utterance = Utterance(
                common.new_id("audio"), 0, is_over=True, item=item, content_index=index
            )
            utterance.size = len(audio)
            utterance.duration_ms = len(audio) * 3 // 4 // BYTES_PER_MS[kind]
            utterance.voiced_ms = utterance.duration_ms
            self._waiting[utterance.id] = utterance
            transcription = common.config.transcribes(common.dialect) or {}
            common.put(
                Transcribe(
                    utterance=utterance.id,
                    audio=audio,
                    format=kind,
                    language=transcription.get("language"),
                    prompt=transcription.get("prompt"),
                )
            )

    def drop(self, item: Item) -> None:
        """An item was deleted: its words are not wanted any more."""
        for utterance in [entry for entry in self._waiting.values() if entry.item is item]:
            del self._waiting[utterance.id]
            self._common.put(StopListening(utterance.id))
            self._answering.words_arrived(utterance.id, is_worth=False)

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
        utterance.item.content[utterance.content_index]["transcript"] = text or None
        if self._common.conversation.find(utterance.item_id) is utterance.item:
            self.transcripts.finished(utterance)
        self._answering.words_arrived(utterance.id, is_worth=is_worth_asking(utterance))

    def check(self, utterance: Utterance) -> None:
        """Give up on words that cannot come."""
        if utterance.failure is None or utterance.id not in self._waiting:
            return
        self._waiting.pop(utterance.id)
        self.transcripts.failed(utterance, "transcription_failed", utterance.failure)
        self._answering.words_failed(utterance.id, utterance.failure)


def is_worth_asking(utterance: Utterance) -> bool:
    """Whether a model is asked about it: words were heard, or a voice for long enough."""
    return bool(utterance.text) or utterance.voiced_ms >= WORTH_ASKING_MS
