"""Keeps what breaks in foreign code inside the call that it broke."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

Report = Callable[[Exception], None]


class Guard:
    """Reports every exception of the code within, but a lost connection, and goes on after it.

    What breaks there is aiortc, aioice or whoever they call, for reasons that cannot be listed;
    it must end one call and be told, never the process.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self.broken = False

    def __enter__(self) -> None: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception) or isinstance(error, ConnectionError):
            return False
        self.broken = True
        self._report(error)
        return True
