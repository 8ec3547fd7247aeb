"""The only module that reads the machine's time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]
"""Seconds, monotonic, from an arbitrary start: for decisions and deadlines."""


def monotonic() -> float:
    """Seconds on the clock that never goes back. The running loop's `time()` is the same clock."""
    return time.monotonic()


def cpu_seconds() -> float:
    """CPU time of the calling thread, in seconds: for budgets that neighbours cannot disturb."""
    return time.thread_time()


def wall() -> datetime:
    """The wall clock, UTC: for logs and expiry, nothing else."""
    return datetime.now(UTC)


def unix() -> float:
    """The wall clock as seconds since 1970: for expiry times and RTCP, nothing else."""
    return time.time()
