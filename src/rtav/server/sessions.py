"""The sessions of this server: made, joined by calls, ended, looked up."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from rtav.core.past import Past
from rtav.errors import ProtocolError
from rtav.runtime.supervisor import Ended
from rtav.runtime.used import Used
from rtav.server.access import Caller
from rtav.server.archive import Archive, Outgoing
from rtav.server.pasts import Pasts
from rtav.server.storage.records import Period, SessionRecord, Status, Usage
from rtav.server.storage.sessions import Wanted

logger = logging.getLogger(__name__)

Json = Mapping[str, Any]  # Any: the wire's

SHOWN = (
    "model", "voice", "instructions", "face", "driving", "modalities",
    "target_fps", "upsample_factor", "framing", "background", "tts_source", "video_codec",
    "expires_at",
)  # fmt: skip
"""What of a session object is kept of a session."""


# What is no id is not looked up: PostgreSQL takes a NUL in a text for an error of ours.
_ID = re.compile(r"[\w-]{1,64}", re.ASCII)


@dataclass(slots=True, kw_only=True)
class Open:
    """A session of this process that is not over, or whose call is not."""

    record: SessionRecord
    config: Json
    """As the client wrote it: a call that joins begins with it."""
    join_by: float
    """When it ends unless a call has joined it; seconds since 1970."""
    call_id: str | None = None
    look: Callable[[], Json] | None = None
    """Gives the session object of its call as it is now."""
    is_joining: bool = False
    secrets: frozenset[str] = frozenset()
    """The client secrets that opened its calls: these may go on with it."""
    used: Usage = Usage()
    """By the calls of it that are over."""

    @property
    def is_active(self) -> bool:
        return self.record.status == "active"

    @property
    def waits(self) -> bool:
        """It holds a place for a call that is to come."""
        return self.is_active and self.call_id is None and not self.is_joining

    def refresh(self) -> None:
        """Take down what its call has become meanwhile."""
        if self.look is not None:
            self.record = replace(self.record, config=_kept(self.look()))


class Sessions:
    """Event loop only. What it knows need not be in the database yet."""

    def __init__(
        self,
        *,
        archive: Archive,
        outgoing: Outgoing,
        unix: Callable[[], float],
        hang_up: Callable[[str], None],
        join_s: float,
    ) -> None:
        """`hang_up` ends the call with this id; `join_s` is how long a session waits for one."""
        self._archive = archive
        self._outgoing = outgoing
        self._unix = unix
        self._hang_up = hang_up
        self._join_s = join_s
        self._open: dict[str, Open] = {}
        self._by_call: dict[str, Open] = {}
        self._pasts: Pasts[Open] = Pasts(unix=unix)

    # --- places ------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Sessions that hold a place for a call that is to come."""
        self.expire()
        return sum(session.waits for session in self._open.values())

    def active_of(self, key_id: str) -> int:
        """Sessions of a key, with a call or waiting for one; not those that are being joined."""
        self.expire()
        return sum(
            session.is_active and not session.is_joining and session.record.key_id == key_id
            for session in self._open.values()
        )

    def expire(self) -> None:
        """End the sessions that no call has joined in time; forget what is left of older ones."""
        now = self._unix()
        self._pasts.expire()
        late = [each for each in self._open.values() if each.waits and each.join_by <= now]
        for session in late:
            logger.info("%s ended: no call has joined it", session.record.id)
            self._end(session, "ended")

    def close(self) -> None:
        """End what no call has joined, as the server stops."""
        for session in [each for each in self._open.values() if each.call_id is None]:
            self._end(session, "ended")

    # --- their life --------------------------------------------------------------------------

    def make(self, session_id: str, caller: Caller, *, config: Json, shown: Json) -> SessionRecord:
        """A session that waits for a call; `shown` is its session object."""
        session = self._made(session_id, caller, config=config, shown=shown)
        return session.record

    @contextlib.contextmanager
    def joining(self, session_id: str) -> Iterator[Json]:
        """Hold a session for a call that is being set up; gives the session's configuration.

        Call `joinable` before. Raises ProtocolError `session_conflict`.
        """
        session = self._joinable(session_id)
        if session is None or session.is_joining:
            raise session_is_over()
        session.is_joining = True
        try:
            yield session.config
        finally:
            session.is_joining = False
            if not session.is_active and session.call_id is None and session_id in self._open:
                self._let_go(session)

    def began(
        self, call_id: str, session_id: str, caller: Caller, *, look: Callable[[], Json]
    ) -> None:
        """A call exists; its session is the one that it joins or goes on with, or is made now.
        `look` gives its session object at any time."""
        session = (
            self._open.get(session_id)
            or self._revived(session_id)
            or self._made(session_id, caller, config={}, shown=look())
        )
        session.call_id, session.look = call_id, look
        if caller.grant is not None:
            session.secrets |= {caller.grant.id}
        session.refresh()
        self._by_call[call_id] = session
        if not session.is_active:  # ended while the call was set up
            self._hang_up(call_id)
        else:
            self._outgoing.put(session.record)

    def ended(self, told: Ended) -> None:
        """The supervisor's word that a call is over."""
        session = self._by_call.pop(told.call_id, None)
        if session is None:
            return  # it failed before `began`
        session.used = session.used.plus(_usage(told.used))
        if session.call_id == told.call_id:
            self._ended(session, told)
        if not session.is_active:
            session.record = replace(session.record, usage=session.used)
            self._outgoing.put(session.record)

    def _ended(self, session: Open, told: Ended) -> None:
        """The last call of a session is over, and no other has taken its place."""
        session.refresh()
        session.call_id = session.look = None  # the call is nobody's any more
        del self._open[session.record.id]
        if session.is_active:
            self._finish(session, "failed" if told.reason == "failed" else "ended")
            if told.past is not None:
                self._pasts.keep(session.record.id, session, told.past)

    async def end(self, session_id: str, caller: Caller) -> SessionRecord:
        """End a session and its call; one that is over stays as it is, and cannot be gone on with.

        Raises ProtocolError `session_not_found`, and `session_conflict` for another server's.
        """
        record = await self.find(session_id, caller)
        self._pasts.forget(session_id)
        session = self._open.get(session_id)
        if session is None:
            if record.status == "active":
                raise ProtocolError("This session runs on another server", code="session_conflict")
            return record
        if session.is_active:
            self._end(session, "ended")
        return session.record

    # --- looking up --------------------------------------------------------------------------

    async def find(self, session_id: str, caller: Caller) -> SessionRecord:
        """Raises ProtocolError `session_not_found`, also for what is not the caller's business."""
        self.expire()
        record = self._near().get(session_id)
        if kept := self._pasts.find(session_id):
            record = kept[0].record
        if record is None and _ID.fullmatch(session_id):
            record = await self._archive.find(session_id)
        if record is None or not caller.sees(record.key_id):
            raise ProtocolError("There is no such session", code="session_not_found")
        return record

    async def joinable(self, session_id: str, caller: Caller) -> None:
        """Raises ProtocolError: `session_not_found`, or `session_conflict` if it is over for good.

        Only a session's own key joins it. Who goes on with one hears what was said: a client secret
        must have opened it, or been minted for it.
        """
        record = await self.find(session_id, caller)
        if record.key_id != caller.key.id:
            raise ProtocolError("There is no such session", code="session_not_found")
        session = self._joinable(session_id)
        if session is None:
            raise session_is_over()
        if not session.waits and not _may_go_on(session, caller):
            raise ProtocolError(
                "This client secret is not for this session: mint one with its `session_id`",
                code="insufficient_permissions",
            )

    def opened_by(self, session_id: str, caller: Caller) -> bool:
        """Whether this very client secret has opened a call of the session."""
        session = self._joinable(session_id)
        grant = caller.grant
        return session is not None and grant is not None and grant.id in session.secrets

    def call_of(self, session_id: str) -> str | None:
        """The call that a session has now."""
        session = self._open.get(session_id)
        return None if session is None else session.call_id

    def past_of(self, session_id: str) -> Past | None:
        """What is left of a session that is over."""
        kept = self._pasts.find(session_id)
        return None if kept is None else kept[1]

    def has_call(self, call_id: str, caller: Caller) -> bool:
        """Whether there is such a call, and it is the caller's business."""
        session = self._by_call.get(call_id)
        return session is not None and caller.sees(session.record.key_id)

    async def page(self, wanted: Wanted) -> Sequence[SessionRecord]:
        """The newest first. Raises StorageError."""
        self.expire()
        near = self._near()
        stored = await self._archive.page(wanted, without=list(near))
        found = [*stored, *(record for record in near.values() if _fits(record, wanted))]
        found.sort(key=lambda record: (record.created_at, record.id), reverse=True)
        return found[: wanted.limit]

    async def used(self, period: Period, *, key_id: str | None) -> Sequence[SessionRecord]:
        """Those that ended in the period, in the order of their ends. Raises StorageError."""
        self.expire()
        near = self._near()
        stored = await self._archive.ended(period, key_id=key_id, without=list(near))
        fresh = [
            record
            for record in near.values()
            if key_id in (None, record.key_id) and _ended_in(record, period)
        ]
        return sorted(
            [*stored, *fresh], key=lambda record: (record.ended_at or record.created_at, record.id)
        )

    # --- pieces ------------------------------------------------------------------------------

    def _near(self) -> dict[str, SessionRecord]:
        """What is newer here than in the archive, by its id."""
        for session in self._open.values():
            session.refresh()
        return dict(self._outgoing.waiting) | {
            id_: session.record for id_, session in self._open.items()
        }

    def _made(self, session_id: str, caller: Caller, *, config: Json, shown: Json) -> Open:
        now = self._now()
        join_by = self._unix() + self._join_s
        record = SessionRecord(
            id=session_id,
            key_id=caller.key.id,
            config=_kept({**shown, "expires_at": int(join_by)}),
            status="active",
            created_at=now,
            started_at=now,
        )
        session = Open(record=record, config=config, join_by=join_by)
        self._open[session_id] = session
        self._outgoing.put(record)
        return session

    def _joinable(self, session_id: str) -> Open | None:
        """A session that waits for a call, has one, or had one until a moment ago."""
        session = self._open.get(session_id)
        if session is None:
            kept = self._pasts.find(session_id)
            return None if kept is None else kept[0]
        return session if session.is_active else None

    def _revived(self, session_id: str) -> Open | None:
        """A session that is over and goes on."""
        kept = self._pasts.find(session_id)
        if kept is None:
            return None
        session, _ = kept
        self._pasts.forget(session_id)
        session.record = replace(
            session.record, status="active", ended_at=None, duration_seconds=None, usage=None
        )
        self._open[session_id] = session
        return session

    def _end(self, session: Open, status: Status) -> None:
        self._finish(session, status)
        if session.call_id is not None:
            self._hang_up(session.call_id)  # what it used is known when it has ended
        elif not session.is_joining:
            self._let_go(session)
            return
        self._outgoing.put(session.record)

    def _let_go(self, session: Open) -> None:
        """It ended without ever having had a call."""
        session.record = replace(session.record, usage=Usage())
        del self._open[session.record.id]
        self._outgoing.put(session.record)

    def _finish(self, session: Open, status: Status) -> None:
        now = self._now()
        lasted = (now - session.record.started_at).total_seconds()
        session.record = replace(
            session.record, status=status, ended_at=now, duration_seconds=round(lasted, 3)
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._unix(), UTC)


def session_is_over() -> ProtocolError:
    return ProtocolError(
        "The session is over, or a call is joining it just now", code="session_conflict"
    )


def _may_go_on(session: Open, caller: Caller) -> bool:
    grant = caller.grant
    return grant is None or grant.id in session.secrets or grant.for_session == session.record.id


def _kept(shown: Json) -> Json:
    return {name: shown.get(name) for name in SHOWN}


def _usage(used: Used) -> Usage:
    return Usage(
        audio_input_seconds=used.heard_s,
        audio_output_seconds=used.spoken_s,
        video_seconds=used.shown_s,
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
    )


def _fits(record: SessionRecord, wanted: Wanted) -> bool:
    return (
        wanted.key_id in (None, record.key_id)
        and wanted.status in (None, record.status)
        and (wanted.before is None or (record.created_at, record.id) < wanted.before)
    )


def _ended_in(record: SessionRecord, period: Period) -> bool:
    return (
        record.ended_at is not None
        and (period.start is None or record.ended_at >= period.start)
        and (period.end is None or record.ended_at < period.end)
    )
