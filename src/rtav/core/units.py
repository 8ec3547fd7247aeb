"""How positions are counted: samples at the session's rate, and milliseconds on the wire."""

from __future__ import annotations

RATE_HZ = 24_000
"""Samples per second of every position: what was spoken, played and heard."""


def to_samples(ms: int) -> int:
    return ms * RATE_HZ // 1000


def to_ms(samples: int) -> int:
    return samples * 1000 // RATE_HZ
