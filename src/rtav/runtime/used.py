"""What a call has used, for whoever keeps accounts."""

from __future__ import annotations

from dataclasses import dataclass

from rtav.media.pcm import SESSION_RATE_HZ
from rtav.protocol.server import ServerEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Seconds of media and tokens of the model; None: the model does not count its tokens."""

    heard_s: float = 0.0
    """Sound that came from the client, silence too."""
    spoken_s: float = 0.0
    """Speech that was played, pauses between replies not."""
    shown_s: float = 0.0
    """Time with a moving face."""
    input_tokens: int | None = None
    output_tokens: int | None = None


class Meter:
    """Counts what only passes by."""

    def __init__(self) -> None:
        self._spoken_samples = 0
        self._last = (-1, 0)
        self._tokens = (0, 0)

    def played(self, turn: int, upto: int) -> None:
        """The playout of a turn got to this sample; turns are played one after the other."""
        before, at = self._last
        self._spoken_samples += max(0, upto - at if turn == before else upto)
        self._last = (turn, upto)

    def sent(self, event: ServerEvent) -> None:
        if event.type == "response.done" and (usage := event.fields["response"]["usage"]):
            tokens = (usage["input_tokens"], usage["output_tokens"])
            self._tokens = (self._tokens[0] + tokens[0], self._tokens[1] + tokens[1])

    def read(self, *, heard_s: float, shown_s: float) -> Used:
        # A model that does not count shows as zero in every response.
        counted = self._tokens if any(self._tokens) else (None, None)
        return Used(
            heard_s=round(heard_s, 3),
            spoken_s=round(self._spoken_samples / SESSION_RATE_HZ, 3),
            shown_s=round(shown_s, 3),
            input_tokens=counted[0],
            output_tokens=counted[1],
        )
