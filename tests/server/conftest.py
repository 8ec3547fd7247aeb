"""A server whose calls and peers are stand-ins: what is tested is everything before a call."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import weakref
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from rtav import clock
from rtav.core.catalog import Own
from rtav.core.dialect import Signs
from rtav.core.past import Past
from rtav.errors import AtCapacity, ProtocolError, RtavError
from rtav.runtime.supervisor import Ended, Opening
from rtav.runtime.used import Used
from rtav.server.access import Access
from rtav.server.admission import Admission
from rtav.server.allowance import Allowance
from rtav.server.app import create_app
from rtav.server.books import Books, opened_books
from rtav.server.ephemeral import Grant, Sealer
from rtav.server.ice_servers import IceServers
from rtav.server.keys import ApiKeys, Key, KeyLimits, Scope, hashed
from rtav.server.listing import Listing
from rtav.server.services import Services, new_id
from rtav.server.sessions import Sessions
from rtav.server.storage.database import StorageError
from rtav.server.storage.records import AssetRecord, Period, SessionRecord
from rtav.server.storage.sessions import Wanted
from rtav.server.uploads.library import Library
from rtav.server.uploads.quota import Quota
from rtav.server.uploads.shelves import KINDS, Shelves
from rtav.settings import AssetSettings, Settings
from rtav.testing.player import past_of
from rtav.transports.websocket.peer import WebSocketPeer
from rtav.transports.websocket.sockets import WebSockets

NO_ICE_SERVERS = IceServers()
API_KEY = "rtav_ak_operator"
START = 1_767_225_600.0
ANSWER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"


DEFAULTS = {
    "model": "gpt-5.2",
    "voice": "default",
    "instructions": "You are a helpful assistant.",
    "face": "default",
}


class FakePeer:
    def __init__(self, webrtc: FakeWebRtc) -> None:
        self._webrtc = webrtc
        self.closed_for: str | None = None

    async def answer(self) -> str:
        if self._webrtc.answer_fails:
            raise ProtocolError("no codec in common", code="invalid_sdp", param="sdp")
        return self._webrtc.answer

    async def close(self, reason: str, words: str = "") -> None:
        self.closed_for = reason


@dataclass
class FakeWebRtc:
    peers: list[FakePeer] = field(default_factory=list)
    offers: list[str] = field(default_factory=list)
    codecs: list[str | None] = field(default_factory=list)
    answer: str = ANSWER
    answer_fails: bool = False
    gate: asyncio.Event | None = None

    async def connect(self, offer_sdp: str, *, video_codec: str | None = None) -> FakePeer:
        if "broken" in offer_sdp:
            raise ProtocolError("cannot parse the offer", code="invalid_sdp", param="sdp")
        if "bug" in offer_sdp:
            raise RuntimeError("secret detail")
        if self.gate is not None:
            await self.gate.wait()
        self.offers.append(offer_sdp)
        self.codecs.append(video_codec)
        self.peers.append(FakePeer(self))
        return self.peers[-1]


class FakeSideband:
    """The other end of a sideband: repeats what it is told."""

    def __init__(self, peer: WebSocketPeer) -> None:
        self._peer = peer

    def opened(self, *, label: str, subprotocol: str) -> None:
        self._peer.send('{"type": "session.created"}')

    def received(self, message: str | bytes) -> None:
        self._peer.send(message)

    def gone(self, reason: str) -> None:
        pass


@dataclass
class FakeSidebands:
    refusal: RtavError | None = None
    late_refusal: RtavError | None = None
    """What happens while the socket is accepted."""
    signs: list[Signs] = field(default_factory=list)

    def admit(self) -> None:
        if self.refusal:
            raise self.refusal

    def add(self, peer: WebSocketPeer, signs: Signs) -> None:
        if self.late_refusal:
            raise self.late_refusal
        self.signs.append(signs)
        peer.listen(FakeSideband(peer))


class FakeCall:
    def __init__(
        self, supervisor: FakeSupervisor, call_id: str, session: Mapping[str, Any]
    ) -> None:
        self._supervisor = supervisor
        self.session = session
        self._call_id = call_id
        self.ended_for: str | None = None
        self.sidebands = FakeSidebands()

    def shown(self) -> Mapping[str, Any]:
        return self.session

    def hold(self, peer: WebSocketPeer) -> None:
        """Be the other end of a socket: repeats what it is told."""
        self._peer = peer
        peer.listen(self)

    def opened(self, *, label: str, subprotocol: str) -> None:
        self.subprotocol = subprotocol
        self._peer.send('{"type": "session.created"}')

    def received(self, message: str | bytes) -> None:
        if message == "end":
            end = self._peer.close("expired", "Your session hit the maximum duration of 1 minute.")
            self._ending = asyncio.get_running_loop().create_task(end)  # noqa: TID251 - held until the test is over
        else:
            self._peer.send(message)

    def gone(self, reason: str) -> None:
        self.hang_up(reason)

    def hang_up(self, reason: str) -> None:
        self.ended_for = reason
        self._supervisor.end(self._call_id, reason)


@dataclass
class FakeSupervisor:
    """Unrealistic: a call never ends by itself and a face is the only field it checks."""

    running: dict[str, FakeCall] = field(default_factory=dict)
    opened: list[Opening] = field(default_factory=list)
    open_fails: bool = False
    is_full: bool = False
    on_ended: Callable[[Ended], None] = lambda _: None
    said: str = "hello"
    """What was said in each call."""
    used: Used = Used(heard_s=2.0, spoken_s=1.5, shown_s=3.0, input_tokens=20, output_tokens=7)

    def end(self, call_id: str, reason: str) -> None:
        """The call is over, whoever ended it."""
        del self.running[call_id]
        session_id = next(each.session_id for each in self.opened if each.call_id == call_id)
        past = (
            None if reason in ("failed", "expired") else past_of(self.said, expires_at=START + 3600)
        )
        self.on_ended(
            Ended(call_id=call_id, session_id=session_id, reason=reason, used=self.used, past=past)
        )

    @property
    def calls(self) -> int:
        return len(self.running)

    def admit(self) -> None:
        if self.is_full:
            raise AtCapacity("full")

    def check(self, opening: Opening) -> None:
        for session in (opening.secret_session, opening.session):
            self.describe(session, opening.own)

    def describe(self, session: Mapping[str, Any], own: Own | None = None) -> dict[str, Any]:
        if session.get("face", "face1") not in ("face1", "default", *(own or Own()).faces):
            raise ProtocolError("no such face", code="face_not_found", param="session.face")
        heard = dict.fromkeys(("transcription", "noise_reduction", "turn_detection"))
        audio = {
            "input": {"format": {"type": "audio/pcm"}, **heard},
            "output": {"format": {"type": "audio/pcm"}, "voice": "default", "speed": 1.0},
        }
        shown = {"max_output_tokens": "inf", "audio": audio, "output_modalities": ["audio"]}
        return {"type": "realtime", "object": "realtime.session", **session, **shown}

    def shown(self, opening: Opening) -> dict[str, Any]:
        self.check(opening)
        return DEFAULTS | {**opening.secret_session, **opening.session}

    def open(self, peer: FakePeer, opening: Opening) -> FakeCall:
        if self.open_fails:
            raise RuntimeError("cannot start")
        self.opened.append(opening)
        call = self.running[opening.call_id] = FakeCall(self, opening.call_id, self.shown(opening))
        if isinstance(peer, WebSocketPeer):
            call.hold(peer)
        return call

    def find(self, call_id: str) -> FakeCall | None:
        return self.running.get(call_id)

    def past(self, call_id: str) -> Past | None:
        return past_of(self.said, expires_at=START + 3600) if call_id in self.running else None

    def replace(self, call_id: str) -> Past | None:
        past = self.past(call_id)
        self.running[call_id].hang_up("replaced")
        return past


@dataclass
class FakeStorage:
    """The database and the way to it: what is put is stored when `write` is called."""

    waiting: dict[str, SessionRecord] = field(default_factory=dict)
    stored: dict[str, SessionRecord] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    is_away: bool = False

    def put(self, record: SessionRecord) -> None:
        self.waiting[record.id] = record

    def write(self) -> None:
        self.stored |= self.waiting
        self.waiting.clear()

    async def find(self, session_id: str) -> SessionRecord | None:
        self._answer()
        return self.stored.get(session_id)

    async def page(self, wanted: Wanted, *, without: Collection[str] = ()) -> list[SessionRecord]:
        self._answer()
        found = [
            record
            for record in self.stored.values()
            if record.id not in without
            and wanted.key_id in (None, record.key_id)
            and wanted.status in (None, record.status)
            and (wanted.before is None or (record.created_at, record.id) < wanted.before)
        ]
        found.sort(key=lambda record: (record.created_at, record.id), reverse=True)
        return found[: wanted.limit]

    async def ended(
        self, period: Period, *, key_id: str | None, without: Collection[str] = ()
    ) -> list[SessionRecord]:
        self._answer()
        return [
            record
            for record in self.stored.values()
            if record.id not in without
            and record.ended_at is not None
            and key_id in (None, record.key_id)
            and (period.start is None or record.ended_at >= period.start)
            and (period.end is None or record.ended_at < period.end)
        ]

    async def spend(self, grant: Grant) -> bool:
        self._answer()
        is_new = grant.id not in self.spent
        self.spent.add(grant.id)
        return is_new

    def _answer(self) -> None:
        if self.is_away:
            raise StorageError("OperationalError: database is locked")


def _entries(*ids: str) -> tuple[dict[str, str], ...]:
    return tuple({"id": id_, "name": id_, "type": "standard"} for id_ in ids)


LISTING = Listing(
    faces=_entries("default", "face1", "face2"),
    voices=_entries("default", "alice"),
    driving=_entries("idle", "Wink"),
    models=tuple(
        {"id": id_, "object": "model", "created": int(START), "owned_by": "rtav"}
        for id_ in ("gpt-5.2", "none")
    ),
)


class FakeAssetTable:
    """The table of assets, in memory, without the sessions that may be using them."""

    def __init__(self) -> None:
        self.rows: dict[str, AssetRecord] = {}
        self.is_away = False
        self.changes = 0

    async def add(self, record: AssetRecord) -> None:
        self._answer(changes=1)
        self.rows[record.id] = record

    async def all(self) -> list[AssetRecord]:
        self._answer()
        return list(self.rows.values())

    async def version(self) -> int:
        self._answer()
        return self.changes

    async def delete(self, asset_id: str, *, at: datetime) -> None:
        self._answer(changes=1)
        self.rows[asset_id] = replace(self.rows[asset_id], deleted_at=at)

    async def unused(self, *, deleted_before: datetime) -> list[AssetRecord]:
        self._answer()
        return [
            each
            for each in self.rows.values()
            if each.deleted_at and each.deleted_at < deleted_before
        ]

    async def forget(self, asset_ids: Collection[str]) -> None:
        self._answer(changes=1)
        for asset_id in asset_ids:
            del self.rows[asset_id]

    def _answer(self, *, changes: int = 0) -> None:
        if self.is_away:
            raise StorageError("OperationalError: database is locked")
        self.changes += changes


def no_library(table: Any) -> Library:
    """A library of engines that take nothing from callers; its folder goes with it."""
    root = Path(tempfile.mkdtemp())
    library = Library(
        table=table,
        shelves=Shelves(root),
        makers={},
        quota=Quota(AssetSettings(), now=clock.monotonic),
        wall=clock.wall,
        new_id=new_id,
    )
    weakref.finalize(library, shutil.rmtree, root)
    return library


class Server:
    """The application with its stand-ins, a clock to turn, and a synchronous client."""

    key = API_KEY

    def __init__(
        self,
        *,
        max_calls: int = 4,
        cors_origins: tuple[str, ...] = ("*",),
        ice_servers: IceServers = NO_ICE_SERVERS,
    ) -> None:
        self.now = START
        self.supervisor = FakeSupervisor()
        self.webrtc = FakeWebRtc()
        self.sealer = Sealer(["a secret for tests"])
        self.storage = FakeStorage()
        self.keys = ApiKeys([API_KEY])
        self._given: dict[str, Key] = {}
        self.sessions = Sessions(
            archive=self.storage,
            outgoing=self.storage,
            unix=lambda: self.now,
            hang_up=lambda call_id: self.supervisor.running[call_id].hang_up("hangup"),
            join_s=60,
        )
        self.supervisor.on_ended = self.sessions.ended
        self.admission = Admission(
            max_calls=max_calls, active=lambda: self.supervisor.calls + self.sessions.waiting
        )
        self.assets = FakeAssetTable()
        self.library = self.make_library(self.assets)
        self.app = create_app(
            Services(
                access=Access(
                    keys=self.keys,
                    sealer=self.sealer,
                    unix=lambda: self.now,
                    mark_spent=self.storage.spend,
                ),
                admission=self.admission,
                allowance=Allowance(active_of=self.sessions.active_of, now=lambda: self.now),
                sessions=self.sessions,
                supervisor=self.supervisor,
                webrtc=self.webrtc,
                sockets=WebSockets(),
                listing=LISTING,
                library=self.library,
                max_bytes=dict.fromkeys(KINDS, 2_000_000),
                unix=lambda: self.now,
                cors_origins=cors_origins,
                ice_servers=ice_servers,
            )
        )

    def make_library(self, table: FakeAssetTable) -> Library:
        return no_library(table)

    def wall(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://server")

    def request(self, method: str, path: str, *, key: str | None = API_KEY, **more: Any):
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        headers |= more.pop("headers", {})

        async def exchange() -> httpx.Response:
            async with self.client() as client:
                return await client.request(method, path, headers=headers, **more)

        return asyncio.run(exchange())

    def give(self, name: str, *scopes: str, **limits: Any) -> str:
        """A further key; all scopes if none is named."""
        made = Key(
            id=f"key_{name}",
            name=name,
            hash=hashed(f"rtav_ak_{name}"),
            scopes=frozenset(Scope(scope) for scope in scopes or Scope),
            limits=KeyLimits(**limits),
        )
        self._given[made.id] = made
        self.keys.replace(self._given.values())
        return f"rtav_ak_{name}"

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def mint(self, **body: Any) -> dict[str, Any]:
        response = self.post("/v1/realtime/client_secrets", json=body)
        assert response.status_code == 200, response.text
        return response.json()


class BookedServer(Server):
    """As `Server`, with books that are really kept; to be used in the event loop that keeps them.

    Unrealistic: its clock for sessions is the machine's.
    """

    def __init__(self, books: Books, supervisor: FakeSupervisor, *, max_calls: int) -> None:
        self.books, self.supervisor = books, supervisor
        self.webrtc = FakeWebRtc()
        sessions = books.sessions
        supervisor.on_ended = sessions.ended
        self.app = create_app(
            Services(
                access=Access(
                    keys=books.keys,
                    sealer=Sealer(["a secret for tests"]),
                    unix=clock.unix,
                    reload=books.reader.reload,
                    used=books.reader.used,
                    mark_spent=books.spend,
                    configurations=books.secrets,
                ),
                admission=Admission(
                    max_calls=max_calls, active=lambda: supervisor.calls + sessions.waiting
                ),
                allowance=Allowance(active_of=sessions.active_of, now=clock.monotonic),
                sessions=sessions,
                supervisor=supervisor,
                webrtc=self.webrtc,
                sockets=WebSockets(),
                listing=LISTING,
                library=no_library(books.assets),
                max_bytes=dict.fromkeys(KINDS, 1),
                unix=clock.unix,
            )
        )

    async def ask(self, method: str, path: str, *, key: str = API_KEY, **more: Any):
        async with self.client() as client:
            headers = {"Authorization": f"Bearer {key}"}
            return await client.request(method, path, headers=headers, **more)

    async def call(self, *, key: str = API_KEY) -> httpx.Response:
        return await self.ask("POST", "/v1/realtime/calls", key=key, data={"sdp": "v=0\r\n"})


@contextlib.asynccontextmanager
async def booked(settings: Settings, *, max_calls: int = 100) -> AsyncIterator[BookedServer]:
    """A server with the storage of these settings; on the way out it is written and closed."""
    supervisor = FakeSupervisor()

    def hang_up(call_id: str) -> None:
        supervisor.running[call_id].hang_up("hangup")

    async with opened_books(settings, api_key=API_KEY, hang_up=hang_up) as books:
        yield BookedServer(books, supervisor, max_calls=max_calls)
        for call in list(supervisor.running.values()):
            call.hang_up("shutdown")


@pytest.fixture(scope="session")
def open_server() -> Callable[..., contextlib.AbstractAsyncContextManager[BookedServer]]:
    return booked


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture(scope="session")
def make_server() -> type[Server]:
    return Server
