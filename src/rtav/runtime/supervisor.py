"""All calls of this process: made, found, ended; and the one place where anything may fail."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Protocol, Self

from rtav import clock, log, metrics
from rtav.core import inputs as told
from rtav.core.catalog import Catalog, Own
from rtav.core.common import Policy
from rtav.core.config import SessionConfig
from rtav.core.dialect import Dialect, Signs, decide
from rtav.core.past import Past
from rtav.core.patching import patched
from rtav.core.session import Session
from rtav.core.sight import wished
from rtav.core.view import Seen, view
from rtav.engines.base import AvatarEngine, LlmEngine, SttEngine, TtsEngine, VadEngine
from rtav.errors import AtCapacity
from rtav.protocol.session import parse_session
from rtav.runtime.call import Call
from rtav.runtime.crew import Crew
from rtav.runtime.fitting import FaceSettings, Fitting
from rtav.runtime.peer import Peer
from rtav.runtime.remote_tools import NO_TOOLS, Tools
from rtav.runtime.stage import Stage
from rtav.runtime.used import Used

logger = logging.getLogger(__name__)

GRACE_S = 0.25
"""How long a user's text waits for the `response.create` that many clients send behind it."""


class Engines(Protocol):
    """The engines that serve, started."""

    @property
    def vad(self) -> VadEngine: ...
    @property
    def stt(self) -> SttEngine: ...
    @property
    def llm(self) -> LlmEngine: ...
    @property
    def tts(self) -> TtsEngine: ...
    @property
    def avatar(self) -> AvatarEngine: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the operator decided about calls."""

    call_s: float
    default_dialect: Dialect
    offers_motions: bool
    """The model is given the tool that moves the face."""
    face: FaceSettings
    voice_aliases: Mapping[str, str]
    models: Sequence[str] | None = None
    """All that a client may name; None: any."""
    context_tokens: int = 28_672
    """What the model reads at most."""
    prompts: Mapping[str, str] = field(default_factory=dict)
    """Templates of instructions by their ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a caller showed when it opened a call."""

    call_id: str
    session_id: str
    session: Mapping[str, Any]
    secret_session: Mapping[str, Any]
    dialect: str | None
    beta_header: bool
    agents_header: bool
    key_spelling: str
    rest_session: bool = False
    auth_message: bool = False
    """The key came in an `auth` message."""
    query: frozenset[str] = frozenset()
    """Names in the query that only rtAV's clients use."""
    past: Past | None = None
    """That of the session which the call goes on with."""
    owner: str = ""
    """Whose assets the call may name."""
    own: Own = field(default_factory=Own)
    """What that owner has now; `Supervisor.offer` tells of what comes later."""
    call_s: float | None = None
    """The caller's own limit on the length of a call; the rules' counts, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What is left of a call."""

    call_id: str
    session_id: str
    reason: str
    used: Used
    past: Past | None = None
    """What a further call can go on with; None if it ended for good."""


class Supervisor:
    """Use as an async context: on the way out every call is ended and awaited."""

    def __init__(
        self,
        engines: Engines,
        rules: Rules,
        stage: Stage,
        *,
        tools: Tools = NO_TOOLS,
        on_ended: Callable[[Ended], None] = lambda _: None,
    ) -> None:
        """`stage` is the caller's to close, after the supervisor's end. Without `tools` nobody may
        name a server of tools.

        `on_ended` is told of each call when everything it made has ended; it returns at once.
        """
        self._rules = rules
        self._on_ended = on_ended
        self._catalog = Catalog.of(
            faces=[face.id for face in engines.avatar.faces()],
            voices=[voice.id for voice in engines.tts.voices()],
            motions=[motion.id for motion in engines.avatar.motions()],
            aliases=rules.voice_aliases,
            models=rules.models,
            hosts=tools.hosts,
            prompts=rules.prompts,
            pictures=[face.id for face in engines.avatar.faces() if not face.has_outline],
        )
        self._crew = Crew(
            vad=engines.vad,
            stt=engines.stt,
            llm=engines.llm,
            tts=engines.tts,
            avatar=engines.avatar,
            stage=stage,
            face=rules.face,
            tools=tools,
        )
        self._calls: dict[str, Call] = {}
        self._owners: dict[str, str] = {}
        self._tasks = asyncio.TaskGroup()
        self._is_open = False

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._is_open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_open = False
        for call in self._calls.values():
            call.hang_up("shutdown")
        # Not told of an error, which would cancel the calls before they have said goodbye.
        await self._tasks.__aexit__(None, None, None)

    # --- calls -------------------------------------------------------------------------------

    @property
    def calls(self) -> int:
        return len(self._calls)

    def find(self, call_id: str) -> Call | None:
        call = self._calls.get(call_id)
        return None if call is None or call.reason else call

    def past(self, call_id: str) -> Past | None:
        """What a call could go on with that took the place of this one; None if there is none."""
        call = self._calls.get(call_id)
        return None if call is None else call.past

    def replace(self, call_id: str) -> Past | None:
        """End this call, if it has not ended yet, for one that goes on with its session."""
        if call_id in self._calls:
            self._calls[call_id].hang_up("replaced")
        return self.past(call_id)

    def admit(self) -> None:
        """Raises AtCapacity while the server is on its way down."""
        if not self._is_open:
            raise AtCapacity("The server is stopping.")

    def check(self, opening: Opening) -> None:
        """Raises ProtocolError for a configuration that no call can have."""
        self._configure(opening)

    def open(self, peer: Peer, opening: Opening) -> Call:
        """Start a call with this peer. Raises ProtocolError as `check` does, AtCapacity as `admit`
        does: the peer is still the caller's then."""
        self.admit()
        config, signs, _ = self._configure(opening)
        past, now = opening.past, clock.unix()
        call_s = min(self._rules.call_s, opening.call_s or self._rules.call_s)
        if past is not None:
            call_s = min(call_s, past.expires_at - now)
        session = Session(
            config,
            catalog=self._catalog.joined(opening.own),
            signs=signs,
            policy=Policy(
                transport=peer.media.transport,
                client_plays=not peer.media.hears,
                sends_pictures=peer.media.video is None,
                video_codec=None if peer.media.video is None else peer.media.video.codec,
                fit_video=Fitting(settings=self._rules.face, video=peer.media.video).fit,
                microphone_races=peer.media.speaks,
                grace_s=GRACE_S,
                expires_at=int(now + call_s),
                expires_in_s=call_s,
                began_at=asyncio.get_running_loop().time(),
                offers_motions=self._rules.offers_motions,
                context_tokens=self._rules.context_tokens,
                default_dialect=self._rules.default_dialect,
            ),
            new_id=wire_id,
            conversation=None if past is None else past.conversation,
        )
        with log.about(opening.call_id):
            call = Call(opening.call_id, peer, session, crew=self._crew)
            peer.listen(call)
            self._calls[call.id], self._owners[call.id] = call, opening.owner
            self._tasks.create_task(self._run(call, opening.session_id), name=call.id)
        return call

    def offer(self, owner: str, own: Own) -> None:
        """Let the running calls of this owner name these assets, too."""
        for call_id, of in self._owners.items():
            if of == owner:
                with log.about(call_id):
                    self._calls[call_id].tell(told.AssetsAdded(own))

    def describe(self, session: Mapping[str, Any], own: Own | None = None) -> dict[str, Any]:
        """The session object that a call with this configuration starts with.

        `own` is what its caller may name beside the standard assets.
        """
        shown = self.shown(
            Opening(
                call_id="",
                session_id="",
                session=session,
                secret_session={},
                dialect=None,
                beta_header=False,
                agents_header=False,
                key_spelling="",
                own=own or Own(),
            )
        )
        del shown["id"]
        return shown

    def shown(self, opening: Opening) -> dict[str, Any]:
        """The session object that a call like this starts with; raises as `check` does."""
        config, _, dialect = self._configure(opening)
        wish = wished(config, self._catalog.joined(opening.own))
        fps = float(self._rules.face.fps) if wish.fps is None else wish.fps
        seen = Seen(
            transport="webrtc",
            expires_at=0,
            sight=replace(wish, fps=fps),
            express=self._rules.offers_motions,
        )
        return view(config, dialect or self._rules.default_dialect, seen)

    # --- pieces ------------------------------------------------------------------------------

    def _configure(self, opening: Opening) -> tuple[SessionConfig, Signs, Dialect | None]:
        past = opening.past
        signs = Signs(
            named=opening.dialect or (None if past is None else past.dialect),
            beta=opening.beta_header,
            agents_header=opening.agents_header,
            key=opening.key_spelling,
            rest_session=opening.rest_session,
            auth_message=opening.auth_message,
            query=opening.query,
            sessions=(opening.session, opening.secret_session),
        )
        dialect = decide(signs)
        catalog = self._catalog.joined(opening.own)
        config = past.config if past else SessionConfig.initial(opening.session_id, catalog)
        for raw in (opening.secret_session, opening.session):
            patch = parse_session(dict(raw), strict=dialect is Dialect.OPENAI)
            config = patched(config, patch, catalog)
        if past is not None:
            _check_assets(config, catalog)
        return config, signs, dialect

    async def _run(self, call: Call, session_id: str) -> None:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        metrics.calls_active.inc()
        try:
            await call.run()
        except Exception:  # noqa: BLE001 - a bug ends its call, never the process
            logger.exception("the call failed")
        finally:
            del self._calls[call.id], self._owners[call.id]
            seconds = loop.time() - began_at
            metrics.calls_active.dec()
            metrics.calls_total.labels(reason=call.reason).inc()
            metrics.call_seconds.observe(seconds)
            logger.info("ended after %.1f s: %s", seconds, call.reason)
            self._on_ended(
                Ended(
                    call_id=call.id,
                    session_id=session_id,
                    reason=call.reason,
                    used=call.used,
                    past=call.past,
                )
            )


def _check_assets(config: SessionConfig, catalog: Catalog) -> None:
    """An owner may have deleted what a session used before its break. Raises ProtocolError."""
    catalog.faces.resolve(config.face_id, param="session.face")
    catalog.voices.resolve(config.voice_id, param="session.voice")
    for motion in config.motions:
        catalog.motions.resolve(motion, param="session.driving")


def wire_id(prefix: str) -> str:
    """An identifier as OpenAI writes them: the prefix, an underscore, 21 random characters."""
    return f"{prefix}_{secrets.token_urlsafe(16)[:21].replace('-', 'a').replace('_', 'b')}"
