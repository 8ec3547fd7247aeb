"""Learns the table: cross entropy, Adam, a cosine for a rate; numpy on one core."""

from __future__ import annotations

import math

import numpy as np
from corpus import Utterance

from rtav.engines.base import VISEMES
from rtav.engines.by_ear import AHEAD, HIDDEN, INPUTS, PAST, Table
from rtav.engines.mel import BANDS, FRAME, HOP, UNHEARD, Mel

BATCH = 512
RATE = 2e-3
DROPOUT = 0.1
BILABIAL_WEIGHT = 1.1  # then about as many closures are missed as are shown in vain


def learn(speech: list[Utterance], *, epochs: int, seed: int) -> Table:
    """Of frames at equal weight, but for bilabials."""
    bands, wanted = zip(*(_frames(one) for one in speech), strict=True)
    starts = np.cumsum([0, *(len(one) for one in bands[:-1])])
    sound, names = np.concatenate(bands), np.concatenate(wanted)
    # the row of each frame's context: utterances are padded, so none reaches into another
    rows = np.concatenate(
        [
            start + np.arange(len(one))
            for start, one in zip(starts, wanted_lengths(bands), strict=True)
        ]
    )
    names = names[: len(rows)]
    context = np.arange(PAST + 1 + AHEAD)
    sample = sound[(rows[::37, None] + context)].reshape(-1, INPUTS)
    mean, scale = sample.mean(0), 1 / (sample.std(0) + 1e-3)
    random = np.random.default_rng(seed)
    weights = [
        random.normal(0, 1 / math.sqrt(INPUTS), (INPUTS, HIDDEN)).astype(np.float32),
        np.zeros(HIDDEN, np.float32),
        random.normal(0, 1 / math.sqrt(HIDDEN), (HIDDEN, len(VISEMES))).astype(np.float32),
        np.zeros(len(VISEMES), np.float32),
    ]
    adam = Adam(weights)
    for epoch in range(epochs):
        rate = RATE * 0.5 * (1 + math.cos(math.pi * epoch / epochs))
        right = 0
        order = random.permutation(len(rows))
        for at in range(0, len(order), BATCH):
            some = order[at : at + BATCH]
            seen = (sound[rows[some, None] + context].reshape(-1, INPUTS) - mean) * scale
            gradients, hits = _gradients(weights, seen, names[some], random)
            adam.step(gradients, rate)
            right += hits
        print(f"epoch {epoch + 1}: {right / len(order):.3f} right", flush=True)
    return Table(mean, scale, *weights)


class Adam:
    """Moves `weights`, in place."""

    def __init__(self, weights: list[np.ndarray]) -> None:
        self._weights = weights
        self._first = [np.zeros_like(w) for w in weights]
        self._second = [np.zeros_like(w) for w in weights]
        self._steps = 0

    def step(self, gradients: list[np.ndarray], rate: float) -> None:
        self._steps += 1
        for w, g, m, v in zip(self._weights, gradients, self._first, self._second, strict=True):
            m += 0.1 * (g - m)
            v += 0.001 * (np.square(g) - v)
            unbiased = np.sqrt(v / (1 - 0.999**self._steps)) + 1e-8
            w -= rate / (1 - 0.9**self._steps) * m / unbiased


def _frames(one: Utterance) -> tuple[np.ndarray, np.ndarray]:
    """Bands with room for the context at both ends, (PAST + n + AHEAD, BANDS), and n names."""
    bands = Mel().push(one.pcm.astype(np.float32) / 32768)
    names = np.zeros(len(bands), np.int64)
    for v in one.visemes:
        first, last = ((at - FRAME / 2) / HOP for at in (v.start, v.end))
        names[max(0, math.ceil(first)) : max(0, math.ceil(last))] = VISEMES.index(v.name)
    room = (np.full((n, BANDS), UNHEARD, np.float32) for n in (PAST, AHEAD))
    before, behind = room
    return np.concatenate((before, bands, behind)), names


def wanted_lengths(bands: tuple[np.ndarray, ...]) -> list[range]:
    return [range(len(one) - PAST - AHEAD) for one in bands]


def _gradients(
    weights: list[np.ndarray], seen: np.ndarray, names: np.ndarray, random: np.random.Generator
) -> tuple[list[np.ndarray], int]:
    w1, b1, w2, b2 = weights
    kept = (random.random((len(seen), HIDDEN), np.float32) >= DROPOUT) / np.float32(1 - DROPOUT)
    hidden = np.maximum(seen @ w1 + b1, 0) * kept
    scores = hidden @ w2 + b2
    likely = np.exp(scores - scores.max(1, keepdims=True))
    likely /= likely.sum(1, keepdims=True)
    hits = int((likely.argmax(1) == names).sum())
    likely[np.arange(len(names)), names] -= 1
    weight = np.where(names == VISEMES.index("PP"), BILABIAL_WEIGHT, 1.0)
    likely *= (weight / len(names)).astype(np.float32)[:, None]
    back = (likely @ w2.T) * (hidden > 0) * kept
    return [seen.T @ back, back.sum(0), hidden.T @ likely, likely.sum(0)], hits
