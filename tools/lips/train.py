"""Trains the table by which the lips of voices without phone times are moved.

    PYTHONPATH=src nice python tools/lips/train.py [--minutes 120] [--seed 1]

Speech is made by the synthesisers that rtav has, which say what they say when: espeak-ng in many
of its voices, and flite if it is installed. They read the documentation of Python's standard
library; sentences and voices that the table is judged by are never trained on. It takes about five
minutes on one core and writes src/rtav/assets/lips/by_ear.npz.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from corpus import Utterance, judged_speech, training_speech
from network import learn

from rtav.engines.base import VISEMES, Viseme
from rtav.engines.by_ear import FORMAT, TABLE, ByEar, Table, read_table
from rtav.engines.mel import RATE_HZ

BILABIAL = VISEMES.index("PP")
OPEN = [VISEMES.index(name) for name in ("aa", "E", "O")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=120, help="of speech to train on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--judge", action="store_true", help="only judge the table that is there")
    wanted = parser.parse_args()
    if not wanted.judge:
        table = learn(
            training_speech(minutes=wanted.minutes, seed=wanted.seed),
            epochs=wanted.epochs,
            seed=wanted.seed,
        )
        write(table, TABLE)
    table = read_table(TABLE)
    print(f"{'judged by':34}  frames  speech  jaw r  bilabials  false closures/s")
    for name, utterances in judged_speech().items():
        print(f"{name:34}" + "".join(f"{value:9.3f}" for value in judged(table, utterances)))


def write(table: Table, path: Path) -> None:
    arrays = {name: getattr(table, name).astype(np.float16) for name in Table.__dataclass_fields__}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, format=np.array(FORMAT), **arrays)
    print(f"-> {path.name}, {path.stat().st_size // 1000} kB")


def judged(table: Table, utterances: list[Utterance]) -> tuple[float, float, float, float, float]:
    """Shares of right hundredths of a second, in all and within speech; how well the opening of
    the jaw agrees; the share of /m b p/ that were heard; wrong closures a second of speech."""
    true, heard, missed, closures, wrong = [], [], 0, 0, 0
    for utterance in utterances:
        ear = ByEar(RATE_HZ, table)
        visemes = [*ear.push(utterance.pcm), *ear.flush()]
        frames = len(utterance.pcm) // 160
        known, guess = frame_names(utterance.visemes, frames), frame_names(visemes, frames)
        true.append(known)
        heard.append(guess)
        for start, end in runs(known == BILABIAL):
            closures += 1
            missed += not (guess[max(0, start - 2) : end + 2] == BILABIAL).any()
        for start, end in runs(guess == BILABIAL):
            wrong += not (known[max(0, start - 2) : end + 2] == BILABIAL).any()
    a, b = np.concatenate(true), np.concatenate(heard)
    spoken = a != 0
    jaw = jaw_of(a), jaw_of(b)
    return (
        float((a == b).mean()),
        float((a == b)[spoken].mean()),
        float(np.corrcoef(*jaw)[0, 1]),
        1 - missed / max(closures, 1),
        wrong / (spoken.sum() / 100),
    )


def jaw_of(names: np.ndarray) -> np.ndarray:
    """How far the jaw is open, smoothed as the face's lips smooth it."""
    from rtav.engines.avatar.lips import SHAPES

    opened = np.array([SHAPES[name].get("jawOpen", 0.0) for name in VISEMES])[names]
    return np.convolve(opened, np.hanning(13) / np.hanning(13).sum(), "same")


def frame_names(visemes: list[Viseme], frames: int) -> np.ndarray:
    """(frames,): the index of the viseme in the middle of every hundredth of a second."""
    names = np.zeros(frames, np.int64)
    for v in visemes:
        names[max(0, round(v.start / 160)) : round(v.end / 160)] = VISEMES.index(v.name)
    return names


def runs(where: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], where.astype(np.int8), [0]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


if __name__ == "__main__":
    main()
