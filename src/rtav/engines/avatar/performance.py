"""Everything a face does at one instant, layer over layer: motion, mood, speech, life."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from rtav.engines.avatar.behaviour import Behaviour
from rtav.engines.avatar.channels import Pose, add, both, clamp, ease, scale
from rtav.engines.avatar.lips import REACH_S, mouth
from rtav.engines.avatar.motion import Motion
from rtav.engines.avatar.nature import Nature
from rtav.engines.avatar.nodding import Nods
from rtav.engines.avatar.player import Player
from rtav.engines.avatar.stress import stress
from rtav.engines.base import Moment
from rtav.media.pcm import SESSION_RATE_HZ

TALK_RISE_S = 0.08  # time constants of the motion's mouth giving way to speech and coming back
TALK_FALL_S = 0.25
GESTURE_S = 0.25  # time constant of the mood giving way to a gesture
NEAR = 0.01  # unseen: what fades has arrived
CROWD_S = 0.8  # time constant of a speaker's own beats giving way to those all have, and back
GESTURE_MOOD = 0.35  # how much of the mood shows during a gesture

QUIET_JAW = 0.65  # of its opening is left to a whisper: who speaks up opens the mouth more
JAW_SHARE = 0.2  # what is left of the motion's jaw and lips while the mouth talks
SMILE_SHARE = 0.55  # a smile survives speech, but leaves the lips room
JAW_AND_LIPS = (
    "jawOpen", "jawLeft", "mouthClose", "mouthFunnel", "mouthPucker", "mouthRollUpper",
    "mouthRollLower", "tongueUp", *both("mouthUpperUp"), *both("mouthLowerDown"),
)  # fmt: skip
SMILE = ("mouthStretch", *both("mouthSmile"), *both("mouthFrown"))


class Performance:
    """The pose of one call's face as a function of its orders and the moment.

    Moments must not go back; how many are left out between two makes no difference beyond
    the rounding of two slow fades.
    """

    def __init__(self, motion: Motion, nature: Nature) -> None:
        self._nature = nature
        self._player = Player(motion)
        self._behaviour = Behaviour()
        self._nods = Nods()
        self._last_s = 0.0
        self._talk = 0.0
        self._gesture = 0.0
        self._own_blinks = 0.0
        self._own_beats = 0.0
        self._stress: Pose = {}
        self._mouth: Pose = {}
        self._mouth_s = 0.0

    def drive(self, motions: Sequence[Motion], *, at: int) -> None:
        """See `Player.drive`; `at` is in samples at SESSION_RATE_HZ."""
        self._player.drive(motions, at_s=at / SESSION_RATE_HZ)

    @property
    def common(self) -> Hashable | None:
        """Names the last pose: all faces on one clock and of one nature that say the same have it.
        None: this one is alone with it."""
        is_common = (
            self._gesture == 0.0
            and self._talk == 0.0
            and not self._nods.shows(self._last_s)
            and self._player.is_in_step(self._last_s)
            and self._behaviour.is_settled(self._last_s)
        )
        return (self._player.motion.name, self._behaviour.shown) if is_common else None

    @property
    def talks(self) -> bool:
        """Whether the last pose shows anything of speech, or of the mouth making room for it."""
        return self._talk > 0.0

    def pose(self, moment: Moment, *, crowded: bool = False) -> Pose:
        """All channels at `moment`, each inside its range.

        `crowded`: so many speak with this face that they had better share a head.
        """
        t = max(moment.at / SESSION_RATE_HZ, self._last_s)
        dt, self._last_s = t - self._last_s, t
        speech = self._speech(t, moment)
        pose = self._player.pose(t)
        gesturing = 0.0 if self._player.motion.loops else 1.0
        self._gesture = _approach(self._gesture, gesturing, dt / GESTURE_S)
        blinks = gesturing if self._player.motion.blinks else 0.0
        self._own_blinks = _approach(self._own_blinks, blinks, dt / GESTURE_S)
        self._talk = _approach(
            self._talk, 1.0 if speech else 0.0, dt / (TALK_RISE_S if speech else TALK_FALL_S)
        )
        instant = self._nature.at(t)
        mood = self._behaviour.pose(t, moment.mood, instant.moods)
        add(mood, self._nods.pose(t, moment))
        beats = self._stresses(moment, instant.beat, dt, crowded=crowded)
        if self._talk > 0.0:
            add(mood, beats, weight=self._talk)
        add(pose, mood, weight=1.0 - (1.0 - GESTURE_MOOD) * self._gesture)
        scale(pose, JAW_AND_LIPS, 1.0 - (1.0 - JAW_SHARE) * self._talk)
        scale(pose, SMILE, 1.0 - (1.0 - SMILE_SHARE) * self._talk)
        add(pose, speech)
        # lips that meet cannot be parted by the motion below
        pose["jawOpen"] = pose.get("jawOpen", 0.0) * (1.0 - min(1.0, pose.get("mouthClose", 0.0)))
        instant.signs.add_to(
            pose, blinking=1.0 - self._own_blinks, glancing=self._behaviour.glancing(t)
        )
        return clamp(pose)

    def _stresses(self, moment: Moment, common: Pose, dt: float, *, crowded: bool) -> Pose:
        """Beats at the stresses of what is said; or in a crowd, those that all have."""
        if moment.speech_at is not None:
            self._stress = stress(moment.speech_at / SESSION_RATE_HZ, moment.accents)
        own = 0.0 if crowded else 1.0
        self._own_beats = (
            own if self._talk == 0.0 else _approach(self._own_beats, own, dt / CROWD_S)
        )
        beats: Pose = {}
        add(beats, self._stress, weight=self._own_beats)
        add(beats, common, weight=1.0 - self._own_beats)
        return beats

    def _speech(self, t: float, moment: Moment) -> Pose:
        """The mouth's shape; when the voice stops, the last one closes within `REACH_S`."""
        if moment.speech_at is not None:
            at_s = moment.speech_at / SESSION_RATE_HZ
            self._mouth = mouth(at_s, moment.visemes, rate_hz=SESSION_RATE_HZ)
            opening = QUIET_JAW + (1.0 - QUIET_JAW) * moment.loudness**0.5
            scale(self._mouth, ("jawOpen", *both("mouthLowerDown")), opening)
            self._mouth_s = t
            return self._mouth
        left = ease(1.0 - (t - self._mouth_s) / REACH_S)
        return {name: value * left for name, value in self._mouth.items()} if left > 0.0 else {}


def _approach(value: float, target: float, steps: float) -> float:
    value = target + (value - target) * math.exp(-steps)
    return target if abs(value - target) < NEAR else value
