"""How many calls there may be at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rtav.errors import AtCapacity


class Admission:
    """Counts calls that exist and calls that are being set up. One event loop only.

    A call is set up in several awaited steps; without the second count, calls that arrive together
    would all be let in by the same free place.
    """

    def __init__(self, *, max_calls: int, active: Callable[[], int]) -> None:
        self._max_calls = max_calls
        self._active = active
        self._pending = 0

    @property
    def is_full(self) -> bool:
        return self._active() + self._pending >= self._max_calls

    @contextmanager
    def place(self, *, is_free: bool = False) -> Iterator[None]:
        """Hold a place until the call exists or has failed. Raises AtCapacity.

        `is_free`: it takes the place of a call that ends for it.
        """
        if self.is_full and not is_free:
            raise AtCapacity(f"All {self._max_calls} lines are busy; try again in a moment")
        self._pending += 1
        try:
            yield
        finally:
            self._pending -= 1
