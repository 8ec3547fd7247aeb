"""The replies of a call that are being made: each in a task of its own."""

from __future__ import annotations

import asyncio

from rtav.core.outputs import Ask, Say, Void
from rtav.runtime.speaking import Means, Speaking
from rtav.runtime.tasks import Start


class Turns:
    def __init__(self, means: Means, start: Start) -> None:
        self._means, self._start = means, start
        self._turns: dict[int, tuple[Speaking, asyncio.Task[None]]] = {}

    def speak(self, order: Ask | Say) -> None:
        """Begin a reply, or let one that runs go on with this."""
        known = self._turns.get(order.turn)
        if known is not None:
            known[0].order(order)
            return
        speaking = Speaking(order.turn, self._means)
        speaking.order(order)
        task = self._start(speaking.run(), f"turn {order.turn}")
        self._turns[order.turn] = (speaking, task)
        task.add_done_callback(lambda _: self._turns.pop(order.turn, None))

    def void(self, order: Void) -> None:
        """Stop whatever is done for a turn, and drop its track."""
        self._means.playout.void(order.turn)
        if known := self._turns.pop(order.turn, None):
            known[1].cancel()
