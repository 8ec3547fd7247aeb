"""Whole calls in virtual time: a supervisor with scripted engines and a stage without threads."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rtav.core.dialect import Dialect
from rtav.engines.base import LlmEngine, SttEngine, TtsEngine
from rtav.engines.toolservers import ToolServers
from rtav.runtime.call import Call
from rtav.runtime.fitting import FaceSettings
from rtav.runtime.peer import Peer
from rtav.runtime.remote_tools import NO_TOOLS, Tools
from rtav.runtime.stage import Stage, Threads
from rtav.runtime.supervisor import Ended, Opening, Rules, Supervisor
from rtav.testing.engines import ScriptedLlm, ScriptedStt, ScriptedTts, ScriptedVad
from rtav.testing.face import ScriptedAvatar

R = TypeVar("R")


class InlineExecutor(Executor):
    """Runs what is submitted at once, in the caller's thread. Unrealistic: nothing is ever late,
    unless `holds` is set; then work waits until `release`."""

    def __init__(self) -> None:
        self.holds = False
        self._waiting: list[Callable[[], None]] = []

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        future: Future[R] = Future()

        def work() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - as every executor does
                future.set_exception(error)

        if self.holds:
            self._waiting.append(work)
        else:
            work()
        return future

    def release(self) -> None:
        """Do what has waited, and everything from now on at once."""
        self.holds = False
        waiting, self._waiting = self._waiting, []
        for work in waiting:
            work()


@dataclass(kw_only=True)
class ScriptedEngines:
    """One of each kind."""

    vad: ScriptedVad = field(default_factory=ScriptedVad)
    stt: SttEngine = field(default_factory=ScriptedStt)
    llm: LlmEngine = field(default_factory=ScriptedLlm)
    tts: TtsEngine = field(default_factory=ScriptedTts)
    avatar: ScriptedAvatar = field(default_factory=ScriptedAvatar)


RULES = Rules(
    call_s=600.0,
    default_dialect=Dialect.OPENAI,
    offers_motions=False,
    face=FaceSettings(size_px=128, fps=25, bitrate=200_000),
    voice_aliases={"marin": "high"},
)


@dataclass(kw_only=True)
class Exchange:
    """Takes calls, as the server would."""

    supervisor: Supervisor
    engines: ScriptedEngines
    render: InlineExecutor
    """Where faces are drawn."""
    load: InlineExecutor
    """Where they are read."""
    _numbers: Callable[[], int] = field(default_factory=lambda: itertools.count(1).__next__)

    def take(
        self, peer: Peer, session: Mapping[str, Any] | None = None, *, dialect: str | None = None
    ) -> Call:
        """Open a call with this client; ids count from `call_1`."""
        return self.supervisor.open(peer, opening(self._numbers(), session, dialect=dialect))


def opening(
    number: int, session: Mapping[str, Any] | None = None, *, dialect: str | None = None
) -> Opening:
    """What a caller with an API key shows."""
    return Opening(
        call_id=f"call_{number}",
        session_id=f"session_{number}",
        session=session or {},
        secret_session={},
        dialect=dialect,
        beta_header=False,
        agents_header=False,
        key_spelling="",
    )


@contextlib.asynccontextmanager
async def exchange(
    engines: ScriptedEngines | None = None,
    rules: Rules = RULES,
    on_ended: Callable[[Ended], None] = lambda _: None,
    tools: ToolServers | None = None,
) -> AsyncIterator[Exchange]:
    """Everything that a call needs; on the way out the calls that are left are ended."""
    engines = engines or ScriptedEngines()
    render, load = InlineExecutor(), InlineExecutor()
    stage = Stage(Threads(render=render, encode=InlineExecutor(), load=load))
    shared = NO_TOOLS if tools is None else Tools(servers=tools)
    async with Supervisor(engines, rules, stage, tools=shared, on_ended=on_ended) as supervisor:
        yield Exchange(supervisor=supervisor, engines=engines, render=render, load=load)
    stage.close()
