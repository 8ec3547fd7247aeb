"""What a caller says in one go, and how the client is told its words."""

from __future__ import annotations

from dataclasses import dataclass, field

from rtav.core.common import Common
from rtav.core.conversation import Item
from rtav.core.dialect import Dialect
from rtav.core.words import Agreement


@dataclass(slots=True)
class Utterance:
    """One turn of the caller, named by the item it becomes; or sound that came inside an item."""

    id: str
    start_ms: int
    is_told: bool = False
    """The client knows when it began: it was detected."""
    voiced_ms: int = 0
    text: str | None = None
    """The final words, once they are known."""
    stale: int = 0
    """Final hypotheses on their way that the caller has spoken past."""
    failure: str | None = None
    """Why no words will come any more."""
    agreement: Agreement = field(default_factory=Agreement)
    early: list[str] = field(default_factory=list)
    """Deltas from before the item was added, for clients that must not see them sooner."""
    is_over: bool = False
    ended_at: float | None = None
    """When the last of it was said; None if nobody heard it said."""
    duration_ms: int = 0
    item: Item | None = None
    content_index: int = 0
    """Which part of the item it is."""
    size: int = 0
    """Of sound that came inside an item: characters of its base64."""

    @property
    def item_id(self) -> str:
        return self.id if self.item is None else self.item.id


class Transcripts:
    def __init__(self, common: Common) -> None:
        self._common = common

    def grew(self, utterance: Utterance, delta: str) -> None:
        """Words on which the recogniser will not go back."""
        if not delta or self._common.config.transcribes(self._common.dialect) is None:
            return
        if utterance.item is not None or self._common.dialect is Dialect.RTAV:
            self.delta(utterance, delta)
        else:
            utterance.early.append(delta)

    def delta(self, utterance: Utterance, delta: str) -> None:
        self._common.send(
            "conversation.item.input_audio_transcription.delta",
            item_id=utterance.item_id,
            content_index=utterance.content_index,
            delta=delta,
        )

    def finished(self, utterance: Utterance) -> None:
        """All its words are known, and it is an item."""
        assert utterance.text is not None
        if self._common.config.transcribes(self._common.dialect) is None:
            return
        if not utterance.text:
            self.failed(utterance, "audio_unintelligible", "No words were recognised.")
            return
        if rest := utterance.agreement.settle(utterance.text):
            self.delta(utterance, rest)
        self.completed(utterance)

    def completed(self, utterance: Utterance) -> None:
        """This is all there was, and be it nothing."""
        if self._common.config.transcribes(self._common.dialect) is None:
            return
        self._common.send(
            "conversation.item.input_audio_transcription.completed",
            item_id=utterance.item_id,
            content_index=utterance.content_index,
            transcript=utterance.text,
            usage={"type": "duration", "seconds": utterance.duration_ms / 1000},
        )

    def failed(self, utterance: Utterance, code: str, message: str) -> None:
        if self._common.config.transcribes(self._common.dialect) is None:
            return
        self._common.send(
            "conversation.item.input_audio_transcription.failed",
            item_id=utterance.item_id,
            content_index=utterance.content_index,
            error={"type": "transcription_error", "code": code, "message": message},
        )
