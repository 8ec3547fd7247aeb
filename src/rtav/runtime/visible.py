"""Data for clients that draw the face themselves: the mouth's shapes, and how all of it moves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from rtav import metrics
from rtav.core.inputs import PosesMade
from rtav.core.outputs import MakePoses, SendPoses, SendVisemes
from rtav.core.units import to_ms
from rtav.engines.base import Acts, AvatarEngine
from rtav.protocol.server import ServerEvent
from rtav.runtime.playout import Playout
from rtav.runtime.poses import Poses
from rtav.runtime.stage import Stage

logger = logging.getLogger(__name__)


class Visible:
    """Of one call. Its methods belong to the event loop and return at once."""

    def __init__(
        self,
        engine: AvatarEngine,
        stage: Stage,
        playout: Playout,
        *,
        tell: Callable[[PosesMade], None],
    ) -> None:
        self._engine, self._stage, self._playout, self._tell = engine, stage, playout, tell
        self._loop = asyncio.get_running_loop()
        self._poses: Poses | None = None
        self._driven: tuple[Sequence[str], int] | None = None
        self._has_failed = False

    def make(self, order: MakePoses) -> None:
        """Begin or end to say how the face moves."""
        self.close()
        if order.fps is None:
            return
        if not isinstance(self._engine, Acts):
            logger.warning("the avatar's engine cannot say how a face moves: no blendshapes")
            return
        self._poses = Poses(
            self._engine.act(),
            self._stage,
            self._playout,
            fps=order.fps,
            loop=self._loop,
            tell=self._tell,
            on_failure=self._failed,
        )
        if self._driven is not None:
            self._poses.drive(self._driven[0], at=self._driven[1])

    def drive(self, motions: Sequence[str], *, at: int) -> None:
        self._driven = motions, at
        if self._poses is not None:
            self._poses.drive(motions, at=at)

    def tick(self, at: int) -> None:
        if self._poses is not None:
            self._poses.tick(at)

    def close(self) -> None:
        if self._poses is not None:
            self._poses.close()
            self._poses = None

    def visemes(self, order: SendVisemes) -> ServerEvent | None:
        """The event, unless no shape of the mouth begins there."""
        shapes = [
            {"viseme": shape.name, "start_ms": to_ms(shape.start), "end_ms": to_ms(shape.end)}
            for shape in self._playout.track(order.turn).visemes
            if order.start <= shape.start < order.end
        ]
        if not shapes:
            return None
        return ServerEvent("avatar.visemes", {**order.place, "visemes": shapes}, order.event_id)

    def poses(self, order: SendPoses) -> ServerEvent:
        assert self._poses is not None, "it told of them just now"
        return self._poses.event(order)

    def _failed(self, error: BaseException) -> None:
        metrics.engine_failures_total.labels(
            kind="avatar", engine=self._engine.capabilities.name, error=type(error).__name__
        ).inc()
        if not self._has_failed:
            self._has_failed = True
            logger.warning("a pose cannot be made and is left out", exc_info=error)
