"""A scripted face whose pictures say, even after an encoder, what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rtav.engines.base import Expression, FaceInfo, Moment, Mood, MotionInfo, Viseme
from rtav.engines.look import PLAIN, Look, picture_px
from rtav.media.pcm import I420, SESSION_RATE_HZ
from rtav.testing.engines import Scripted

MOTIONS_S: Mapping[str, float] = {
    "default": 4.0,
    "Wink": 1.2,
    "AgreeYesTotaly": 1.6,
    "SmileTeeth": 2.0,
    "IdleListeningEncouraging": 3.0,
}
FACES = ("default", "face1", "face2")
MOODS: tuple[Mood, ...] = ("idle", "listening", "thinking", "speaking")

_OPEN = {"sil": 0, "PP": 0, "FF": 40, "aa": 255, "O": 200, "E": 160, "I": 120, "U": 100}
_HALF_OPEN = 80  # every other viseme
_BITS = (("at", 40), ("motion", 8), ("openness", 8), ("face", 4), ("mood", 4))
_SIDE = 8  # blocks; 64 of them carry the 64 bits, each large enough to survive H.264
_DARK, _BRIGHT = 16, 235  # luma, of the range video uses


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a picture of ScriptedAvatar shows."""

    at: int
    motion: str
    openness: int
    """Of the mouth, 0 to 255."""
    face: str
    mood: Mood


def read(picture: I420) -> Stamp:
    """The stamp of a picture, also of one that went through a codec."""
    rows, width = picture.shape
    down, across = (
        np.arange(_SIDE) * block + block // 2 for block in (rows * 2 // 3 // _SIDE, width // _SIDE)
    )
    bits = (picture[np.ix_(down, across)] > (_DARK + _BRIGHT) // 2).ravel()
    values, at = {}, 0
    for name, length in _BITS:
        values[name] = int("".join("1" if bit else "0" for bit in bits[at : at + length]), 2)
        at += length
    return Stamp(
        at=values["at"],
        motion=tuple(MOTIONS_S)[values["motion"]],
        openness=values["openness"],
        face=FACES[values["face"]],
        mood=MOODS[values["mood"]],
    )


class ScriptedAvatar(Scripted):
    """An engine of faces that are stamps: 64 blocks of dark and bright.

    Unrealistic: drawing takes no time worth mentioning, motions change without transition, and
    the mouth jumps from viseme to viseme.
    """

    def __init__(self) -> None:
        super().__init__("scripted-avatar")
        self.opened: list[ScriptedFace] = []
        self.actors: list[ScriptedActor] = []

    def faces(self) -> Sequence[FaceInfo]:
        return tuple(FaceInfo(id=name, name=name.title()) for name in FACES)

    def motions(self) -> Sequence[MotionInfo]:
        return tuple(
            MotionInfo(id=name, name=name, duration_s=seconds, loops=name == "default")
            for name, seconds in MOTIONS_S.items()
        )

    def open(
        self, face: str, *, size_px: int, fps: int, seed: int | None, look: Look = PLAIN
    ) -> ScriptedFace:
        opened = ScriptedFace(face, size_px=size_px, look=look)
        self.opened.append(opened)
        return opened

    def act(self) -> ScriptedActor:
        self.actors.append(ScriptedActor())
        return self.actors[-1]


class ScriptedActor:
    """Says of a moment's face how far the mouth is open, and the call's clock as degrees of yaw.

    Unrealistic: nothing else ever moves.
    """

    def __init__(self) -> None:
        self.drives: list[tuple[tuple[str, ...], int]] = []

    def express(self, moment: Moment) -> Expression:
        openness = _openness(moment.visemes, moment.speech_at) / 255
        shapes = {"jawOpen": round(openness, 3)} if openness else {}
        return Expression(blendshapes=shapes, head=(moment.at / SESSION_RATE_HZ, 0.0, 0.0))

    def drive(self, motions: Sequence[str], *, at: int) -> None:
        self.drives.append((tuple(motions), at))


class ScriptedFace:
    """The face of one call; remembers how it was driven and what it was asked to show.

    Unrealistic: it never has anything in common with other calls' faces.
    """

    in_step = None

    def __init__(self, face: str, *, size_px: int, look: Look = PLAIN) -> None:
        """Raises KeyError for a face that does not exist, ValueError for a size without blocks."""
        if size_px % (2 * _SIDE):
            raise ValueError(f"a stamp's side is a multiple of {2 * _SIDE} pixels, not {size_px}")
        self._width, self._height = picture_px(size_px, look)
        self.look = look
        self._sequence: Sequence[str] = ("default",)
        self._driven_at = 0
        self.drives: list[tuple[tuple[str, ...], int]] = []
        self.moments: list[Moment] = []
        self.show(face)

    def render(self, moment: Moment) -> I420:
        self.moments.append(moment)
        values = {
            "at": moment.at,
            "motion": tuple(MOTIONS_S).index(self._motion(moment.at)),
            "openness": _openness(moment.visemes, moment.speech_at),
            "face": FACES.index(self.face),
            "mood": MOODS.index(moment.mood),
        }
        bits = "".join(f"{values[name]:0{length}b}" for name, length in _BITS)
        blocks = np.where([bit == "1" for bit in bits], _BRIGHT, _DARK).astype(np.uint8)
        block = np.ones((self._height // _SIDE, self._width // _SIDE), np.uint8)
        luma = np.kron(blocks.reshape(_SIDE, _SIDE), block)
        grey = np.full((self._height // 2, self._width), 128, np.uint8)
        return np.vstack((luma, grey))

    def drive(self, motions: Sequence[str], *, at: int) -> None:
        for motion in motions:
            MOTIONS_S[motion]  # noqa: B018 - an unknown one is a KeyError, as the contract says
        self._sequence, self._driven_at = tuple(motions), at
        self.drives.append((tuple(motions), at))

    def show(self, face: str) -> None:
        if face not in FACES:
            raise KeyError(face)
        self.face = face

    def _motion(self, at: int) -> str:
        elapsed_s = (at - self._driven_at) / SESSION_RATE_HZ
        for motion in self._sequence[:-1]:
            elapsed_s -= MOTIONS_S[motion]
            if elapsed_s < 0:
                return motion
        return self._sequence[-1]


def _openness(visemes: Sequence[Viseme], speech_at: int | None) -> int:
    if speech_at is None:
        return 0
    now = (viseme.name for viseme in visemes if viseme.start <= speech_at < viseme.end)
    return _OPEN.get(next(now, "sil"), _HALF_OPEN)
