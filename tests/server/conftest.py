"""A server whose calls and peers are stand-ins: what is tested is everything before a call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from rtav.errors import AtCapacity, ProtocolError
from rtav.runtime.supervisor import Opening
from rtav.server.access import Access
from rtav.server.admission import Admission
from rtav.server.app import create_app
from rtav.server.ephemeral import Sealer
from rtav.server.keys import ApiKeys
from rtav.server.listing import Listing
from rtav.server.services import Services

API_KEY = "rtav_ak_operator"
START = 1_767_225_600.0
ANSWER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"


class FakePeer:
    def __init__(self, webrtc: FakeWebRtc) -> None:
        self._webrtc = webrtc
        self.closed_for: str | None = None

    async def answer(self) -> str:
        if self._webrtc.answer_fails:
            raise ProtocolError("no codec in common", code="invalid_sdp", param="sdp")
        return self._webrtc.answer

    async def close(self, reason: str) -> None:
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


class FakeCall:
    def __init__(self, supervisor: FakeSupervisor, call_id: str) -> None:
        self._supervisor = supervisor
        self._call_id = call_id
        self.ended_for: str | None = None

    def hang_up(self, reason: str) -> None:
        self.ended_for = reason
        del self._supervisor.running[self._call_id]


@dataclass
class FakeSupervisor:
    """Unrealistic: a call never ends by itself and a face is the only field it checks."""

    running: dict[str, FakeCall] = field(default_factory=dict)
    opened: list[Opening] = field(default_factory=list)
    open_fails: bool = False
    is_full: bool = False

    @property
    def calls(self) -> int:
        return len(self.running)

    def admit(self) -> None:
        if self.is_full:
            raise AtCapacity("full")

    def check(self, opening: Opening) -> None:
        for session in (opening.secret_session, opening.session):
            self.describe(session)

    def describe(self, session: Mapping[str, Any]) -> dict[str, Any]:
        if session.get("face", "face1") not in ("face1", "default"):
            raise ProtocolError("no such face", code="face_not_found", param="session.face")
        return {"type": "realtime", "object": "realtime.session", **session}

    def open(self, peer: FakePeer, opening: Opening) -> FakeCall:
        if self.open_fails:
            raise RuntimeError("cannot start")
        self.opened.append(opening)
        self.running[opening.call_id] = FakeCall(self, opening.call_id)
        return self.running[opening.call_id]

    def find(self, call_id: str) -> FakeCall | None:
        return self.running.get(call_id)


def _entries(*ids: str) -> tuple[dict[str, str], ...]:
    return tuple({"id": id_, "name": id_, "type": "standard"} for id_ in ids)


LISTING = Listing(
    faces=_entries("default", "face1", "face2"),
    voices=_entries("default", "alice"),
    driving=_entries("idle", "Wink"),
    models=_entries("gpt-5.2", "none"),
)


class Server:
    """The application with its stand-ins, a clock to turn, and a synchronous client."""

    key = API_KEY

    def __init__(self, *, max_calls: int = 4, cors_origins: tuple[str, ...] = ("*",)) -> None:
        self.now = START
        self.supervisor = FakeSupervisor()
        self.webrtc = FakeWebRtc()
        self.sealer = Sealer(["a secret for tests"])
        self.admission = Admission(max_calls=max_calls, active=lambda: self.supervisor.calls)
        self.app = create_app(
            Services(
                access=Access(keys=ApiKeys([API_KEY]), sealer=self.sealer, unix=lambda: self.now),
                admission=self.admission,
                supervisor=self.supervisor,
                webrtc=self.webrtc,
                listing=LISTING,
                unix=lambda: self.now,
                cors_origins=cors_origins,
            )
        )

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

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def mint(self, **body: Any) -> dict[str, Any]:
        response = self.post("/v1/realtime/client_secrets", json=body)
        assert response.status_code == 200, response.text
        return response.json()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture(scope="session")
def make_server() -> type[Server]:
    return Server
