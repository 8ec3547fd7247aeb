"""Where the caller's turns begin and pause, told from the detector's frames."""

from __future__ import annotations

from dataclasses import dataclass

from rtav.core.detection import TurnDetection
from rtav.core.inputs import FrameHeard
from rtav.core.turn_table import TRANSITIONS, Edge, Phase

CONFIRM_MS = 60
"""Voice that makes a turn while nothing is playing: two frames, so that one click is none."""

JUDGE_MS = 400
"""While the reply is held, a sound is judged after this time at the latest."""

BARGE_IN_MS = 300
"""Voice within JUDGE_MS that is a turn at once. "Mm-hm" and "yeah" are shorter."""

LASTING_MS = 200
"""Voice within JUDGE_MS that is a turn if it goes on: a voice through an echo canceller has holes,
and an encouragement is over by then."""

HOLE_MS = 64
"""Silence after which a voice no longer goes on."""

BACKCHANNEL_GAP_MS = 160
"""Silence after which a sound is over: the held reply goes on."""

FORGET_MS = 300
"""The same while nothing is held, where waiting costs nothing."""

PAUSE_MS = 150
"""Silence after which recognition, model and voice start on the answer."""


@dataclass(slots=True)
class TurnTracker:
    """One caller's voice. Positions are ms since the microphone began."""

    phase: Phase = Phase.QUIET
    onset_ms: int = 0
    voiced_ms: int = 0
    """Voice since the onset, gaps left out."""
    last_voice_ms: int = 0
    now_ms: int = 0

    @property
    def silence_ms(self) -> int:
        return self.now_ms - self.last_voice_ms

    def hear(self, frame: FrameHeard, detection: TurnDetection, *, patient: bool) -> Edge | None:
        """Take one frame; say what it changed, if anything.

        `patient`: a reply is held, so a sound must last to be a turn.
        """
        self.now_ms = frame.end_ms
        voiced = frame.probability >= detection.threshold
        if voiced:
            self.last_voice_ms = frame.end_ms
            self.voiced_ms += frame.length_ms
        match self.phase:
            case Phase.QUIET if voiced:
                self.onset_ms = frame.end_ms - frame.length_ms
                self.voiced_ms = frame.length_ms
                return self._go(Edge.VOICE)
            case Phase.ONSET:
                return self._judge(patient=patient)
            case Phase.SPEAKING if not voiced and self.silence_ms >= _pause_ms(detection):
                return self._go(Edge.SILENCE)
            case Phase.PAUSED if voiced:
                return self._go(Edge.RESUMED)
            case _:
                return None

    def fall_silent(self) -> Edge | None:
        """No frames come any more: whatever was being said is over."""
        match self.phase:
            case Phase.ONSET:
                return self._go(Edge.ABANDONED)
            case Phase.SPEAKING:
                return self._go(Edge.SILENCE)
            case _:
                return None

    def end(self) -> None:
        """The turn is over. Only from PAUSED."""
        self._go(Edge.ENDED)

    def _judge(self, *, patient: bool) -> Edge | None:
        if self.voiced_ms >= (BARGE_IN_MS if patient else CONFIRM_MS):
            return self._go(Edge.CONFIRMED)
        if self.silence_ms >= (BACKCHANNEL_GAP_MS if patient else FORGET_MS):
            return self._go(Edge.ABANDONED)
        if not patient or self.now_ms - self.onset_ms < JUDGE_MS:
            return None
        lasts = self.voiced_ms >= LASTING_MS and self.silence_ms <= HOLE_MS
        return self._go(Edge.CONFIRMED if lasts else Edge.ABANDONED)

    def _go(self, edge: Edge) -> Edge:
        self.phase = TRANSITIONS[self.phase, edge]
        return edge


def _pause_ms(detection: TurnDetection) -> int:
    """A client may name a silence that is shorter than ours."""
    return min(PAUSE_MS, detection.silence_duration_ms) if detection.literal else PAUSE_MS
