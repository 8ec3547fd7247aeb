"""What a face does by itself: blinks, glances, breathing, resting lids and a head never still."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from rtav.engines.avatar.channels import Pose, both, ease
from rtav.engines.avatar.wander import Bumps, Saccades, Wander, branch

BLINK_GAP_S = 3.6  # median; people in conversation blink every 2 to 5 seconds
BLINK_GAP_RANGE_S = (1.1, 9.0)
DOUBLE_BLINK_SHARE = 0.12
RESTING = {**dict.fromkeys(both("eyeBlink"), 0.13), **dict.fromkeys(both("eyeSquint"), 0.12)}
"""Lids of someone at ease: fully open eyes stare, 0.2 and more look sleepy."""
SWAY = {
    "headYaw": ((0.35, 0.31), (0.25, 0.173)),
    "headPitch": ((0.25, 0.37), (0.2, 0.211)),
    "headRoll": ((0.3, 0.269), (0.2, 0.127)),
}
"""Degrees and Hz of a head that balances on its neck. No two have a common period."""
FIXATION_S = (0.3, 1.6)  # between two of the tiny jumps by which eyes that look at somebody live
FIXATION_SPREAD = (0.5, 0.35)  # of these, degrees across and upwards
GLANCE_GAP_S = 5.5  # median: someone looked at looks back seven eighths of the time
GLANCE_GAP_RANGE_S = (2.0, 14.0)
GLANCE_S = (0.45, 1.3)
GLANCE_FAR = (4.0, 9.0)  # degrees
GAZE_HOLD = 0.7  # share of a head turn that the eyes make up for, to stay with the viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """The signs of life at one instant."""

    drift: Mapping[str, float]
    gaze: tuple[float, float]
    """Around the viewer's eyes: too little to look anywhere else."""
    glance: tuple[float, float]
    """Away from the viewer, now and then."""
    breath: float
    lid: float

    def add_to(self, pose: Pose, *, blinking: float = 1.0, glancing: float = 1.0) -> None:
        """Add them over everything else, in place.

        `blinking` is how far blinks close the eyes, `glancing` how far glances leave the viewer.
        """
        for name, drift in self.drift.items():
            pose[name] = pose.get(name, 0.0) + drift
        gaze_x, gaze_y = (a + glancing * b for a, b in zip(self.gaze, self.glance, strict=True))
        hold_x = -GAZE_HOLD * pose.get("headYaw", 0.0)
        hold_y = GAZE_HOLD * pose.get("headPitch", 0.0)
        pose["gazeX"] = pose.get("gazeX", 0.0) + gaze_x + hold_x
        pose["gazeY"] = pose.get("gazeY", 0.0) + gaze_y + hold_y
        pose["breath"] = pose.get("breath", 0.0) + self.breath
        for name, value in RESTING.items():
            pose[name] = max(pose.get(name, 0.0), value)
        for name in both("eyeBlink"):
            pose[name] = max(pose[name], blinking * self.lid)


class Life:
    """Where the signs of life come from. Times are seconds."""

    def __init__(self, random: Random) -> None:
        self._blink_random, self._gaze_random, self._breath_random, self._fixed_random = (
            branch(random) for _ in range(4)
        )
        self._blinks = Bumps(
            self._blink_gap, lambda: 1.0, shape=_lid, first_s=self._blink_random.uniform(0.8, 3.0)
        )
        self._fixation = Saccades(self._fixate, first_s=0.6)
        self._glances = Saccades(self._glance, first_s=self._glance_gap())
        self._breath_start_s = -self._breath_random.uniform(0.0, 3.0)
        self._breath_length_s = 3.8
        self._breath_depth = 1.0
        self._drift = {
            "headYaw": Wander(random, spread=0.9, gap_s=(1.6, 4.4), glide_s=1.6),
            "headPitch": Wander(random, spread=0.7, gap_s=(1.4, 4.0), glide_s=1.4),
            "headRoll": Wander(random, spread=0.8, gap_s=(2.0, 5.6), glide_s=2.0),
            "browInnerUp": Wander(random, spread=0.04, gap_s=(1.5, 5.0), glide_s=0.5),
        }
        phases = branch(random)
        self._sway = {
            name: [(deg, math.tau * hz, phases.uniform(0.0, math.tau)) for deg, hz in waves]
            for name, waves in SWAY.items()
        }

    def at(self, t: float) -> Signs:
        """What shows at `t`, which never goes back."""
        drift = {name: wander.at(t) for name, wander in self._drift.items()}
        for name, waves in self._sway.items():
            drift[name] += sum(deg * math.sin(speed * t + phase) for deg, speed, phase in waves)
        gaze, glance, breath = self._fixation.at(t), self._glances.at(t), self._breath(t)
        return Signs(drift=drift, gaze=gaze, glance=glance, breath=breath, lid=self._blinks.at(t))

    def _blink_gap(self) -> float:
        random = self._blink_random
        if random.random() < DOUBLE_BLINK_SHARE:
            return random.uniform(0.36, 0.48)
        low, high = BLINK_GAP_RANGE_S
        return min(high, max(low, random.lognormvariate(math.log(BLINK_GAP_S), 0.45)))

    def _fixate(self, t: float) -> tuple[tuple[float, float], float]:
        random = self._fixed_random
        across, upwards = FIXATION_SPREAD
        return (random.gauss(0.0, across), random.gauss(0.0, upwards)), random.uniform(*FIXATION_S)

    def _glance(self, t: float) -> tuple[tuple[float, float], float]:
        """Away, mostly to a side and seldom far up; or back to the viewer."""
        random = self._gaze_random
        if self._glances.target != (0.0, 0.0):
            if random.random() < 0.2:  # not back yet: there was something else to see
                return self._somewhere(), random.uniform(*GLANCE_S)
            return (0.0, 0.0), self._glance_gap()
        target = self._somewhere()
        if math.hypot(*target) > 5.5:  # a large jump takes a blink along
            self._blinks.at(t)
            self._blinks.ask(t)
        return target, random.uniform(*GLANCE_S)

    def _somewhere(self) -> tuple[float, float]:
        random = self._gaze_random
        far, side = random.uniform(*GLANCE_FAR), random.choice((-1.0, 1.0))
        return side * far, far * random.uniform(-0.5, 0.3)

    def _glance_gap(self) -> float:
        low, high = GLANCE_GAP_RANGE_S
        random = self._gaze_random
        return min(high, max(low, random.lognormvariate(math.log(GLANCE_GAP_S), 0.5)))

    def _breath(self, t: float) -> float:
        while t >= self._breath_start_s + self._breath_length_s:
            self._breath_start_s += self._breath_length_s
            self._breath_length_s = self._breath_random.uniform(3.2, 4.8)
            self._breath_depth = self._breath_random.uniform(0.6, 1.0)
        phase = (t - self._breath_start_s) / self._breath_length_s
        # in over two fifths of the time, out over the rest
        return self._breath_depth * (ease(phase / 0.4) if phase < 0.4 else ease((1 - phase) / 0.6))


def _lid(t: float) -> float:
    """A blink `t` seconds after its start: shut in 80 ms, 40 ms closed, open 180 ms later."""
    if t < 0.08:
        return t / 0.08
    if t < 0.12:
        return 1.0
    return (1.0 - min(1.0, (t - 0.12) / 0.18)) ** 2
