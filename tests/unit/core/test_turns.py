import pytest

from rtav.core.detection import TurnDetection
from rtav.core.inputs import FrameHeard
from rtav.core.turn_table import Edge, Phase
from rtav.core.turns import TurnTracker

DETECTION = TurnDetection()


class Microphone:
    """Frames of 20 ms, so that the thresholds are met exactly."""

    def __init__(self, detection: TurnDetection = DETECTION, *, patient: bool = False) -> None:
        self.tracker = TurnTracker()
        self.detection, self.patient = detection, patient
        self.end_ms = 0

    def hear(self, ms: int, probability: float) -> list[tuple[int, Edge]]:
        """The edges, with the time at which each came."""
        edges = []
        for _ in range(ms // 20):
            self.end_ms += 20
            frame = FrameHeard(end_ms=self.end_ms, length_ms=20, probability=probability)
            if edge := self.tracker.hear(frame, self.detection, patient=self.patient):
                edges.append((self.end_ms, edge))
        return edges

    def voice(self, ms: int) -> list[tuple[int, Edge]]:
        return self.hear(ms, 0.9)

    def silence(self, ms: int) -> list[tuple[int, Edge]]:
        return self.hear(ms, 0.1)


def test_60_ms_of_voice_make_a_turn() -> None:
    microphone = Microphone()
    assert microphone.voice(100) == [(20, Edge.VOICE), (60, Edge.CONFIRMED)]
    assert microphone.tracker.onset_ms == 0


def test_one_click_makes_none() -> None:
    microphone = Microphone()
    assert microphone.voice(20) == [(20, Edge.VOICE)]
    assert microphone.silence(400) == [(320, Edge.ABANDONED)]
    assert microphone.tracker.phase is Phase.QUIET


def test_the_threshold_is_the_sessions() -> None:
    assert Microphone(TurnDetection(threshold=0.95)).voice(200) == []
    assert Microphone(TurnDetection(threshold=0.05)).silence(60) != []


def test_150_ms_of_silence_are_a_pause_and_a_voice_ends_it() -> None:
    microphone = Microphone()
    microphone.voice(100)
    assert microphone.silence(200) == [(260, Edge.SILENCE)]
    assert microphone.voice(40) == [(320, Edge.RESUMED)]
    microphone.silence(200)
    microphone.tracker.end()
    assert microphone.tracker.phase is Phase.QUIET


def test_a_shorter_silence_that_was_named_is_a_pause_too() -> None:
    named = TurnDetection(silence_duration_ms=60, named=True)
    microphone = Microphone(named)
    microphone.voice(100)
    assert microphone.silence(100) == [(160, Edge.SILENCE)]


def test_no_named_silence_makes_a_pause_out_of_voice() -> None:
    microphone = Microphone(TurnDetection(silence_duration_ms=0, named=True))
    assert microphone.voice(200) == [(20, Edge.VOICE), (60, Edge.CONFIRMED)]


def test_while_a_reply_is_held_300_ms_of_voice_make_a_turn() -> None:
    assert Microphone(patient=True).voice(400)[-1] == (300, Edge.CONFIRMED)


def test_while_a_reply_is_held_160_ms_of_silence_make_a_backchannel() -> None:
    microphone = Microphone(patient=True)
    microphone.voice(200)
    assert microphone.silence(200) == [(360, Edge.ABANDONED)]


def test_while_a_reply_is_held_a_sound_is_judged_after_400_ms() -> None:
    microphone = Microphone(patient=True)
    edges = []
    for _ in range(5):
        edges += microphone.voice(40) + microphone.silence(60)
    assert edges[1] == (400, Edge.ABANDONED)


def test_while_a_reply_is_held_a_broken_voice_that_lasts_is_a_turn() -> None:
    microphone = Microphone(patient=True)
    edges = []
    for _ in range(5):
        edges += microphone.voice(60) + microphone.silence(40)
    assert edges == [(20, Edge.VOICE), (400, Edge.CONFIRMED)]


@pytest.mark.parametrize(
    ("voice", "edge", "phase"),
    [
        (0, None, Phase.QUIET),
        (20, Edge.ABANDONED, Phase.QUIET),
        (100, Edge.SILENCE, Phase.PAUSED),
    ],
)
def test_a_microphone_that_stops_ends_what_was_begun(
    voice: int, edge: Edge | None, phase: Phase
) -> None:
    microphone = Microphone()
    microphone.voice(voice)
    assert microphone.tracker.fall_silent() is edge
    assert microphone.tracker.phase is phase
