from __future__ import annotations

from dataclasses import dataclass

import prometheus_client
import pytest

from rtav.runtime.vitals import Vitals


@dataclass
class Clock:
    """What vitals look at of an egress clock."""

    frames_sent: int = 0
    late_s: float = 0.0


def value(name: str) -> float:
    found = prometheus_client.REGISTRY.get_sample_value(name)
    assert found is not None
    return found


@pytest.mark.parametrize(("late_s", "counted"), [(0.009, 0), (0.011, 1)])
def test_ticks_that_come_late_are_counted(late_s: float, counted: int) -> None:
    before = value("rtav_ticks_late_total")

    Vitals(0.0).ticked(Clock(late_s=late_s), 1.0)  # type: ignore[arg-type]

    assert value("rtav_ticks_late_total") - before == counted


def test_frames_are_counted_while_the_call_goes_on_and_the_first_is_timed() -> None:
    names = ("rtav_frames_sent_total", "rtav_first_frame_seconds_sum")
    before = [value(name) for name in names]
    vitals, clock = Vitals(10.0), Clock()

    for now, frames in ((10.0, 0), (10.25, 1), (10.5, 3), (10.75, 3)):
        clock.frames_sent = frames
        vitals.ticked(clock, now)  # type: ignore[arg-type]

    assert [value(name) - earlier for name, earlier in zip(names, before, strict=True)] == [3, 0.25]
