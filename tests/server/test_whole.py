"""The real command with the real engines: started, called, hung up, stopped."""

import asyncio
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import aiortc
import httpx
import pytest

import rtav

pytestmark = pytest.mark.real_time
STOP_S = 5


class Served:
    def __init__(self, folder: Path) -> None:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("RTAV_")}
        with (folder / "log").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rtav", "serve", "--port=0", "--set=llm.discover=false"],
                env=environ | {"RTAV_STATE_DIR": str(folder)},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.greeting: list[str] = []
        for line in self._process.stdout:
            self.greeting.append(line.rstrip())
            if found := re.search(r"(http://127\.0\.0\.1:\d+)/#key=(rtav_ak_\S+)", line):
                self.url, self.key = found.groups()
                return
        self.stop()
        raise AssertionError((folder / "log").read_text())

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [int(pid) for pid in listed.read_text().split()] if listed.exists() else []

    def stop(self) -> tuple[int, float]:
        """Exit status, and how long it took."""
        started = time.monotonic()  # noqa: TID251 - the real time is what is tested
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(timeout=3 * STOP_S)
        finally:
            self._process.kill()
            self._process.stdout.close()
        return status, time.monotonic() - started  # noqa: TID251 - as above


@pytest.fixture
def served(tmp_path) -> Iterator[Served]:
    server = Served(tmp_path)
    yield server
    server.stop()


class Client:
    """A peer with a data channel only, as rtAV's own examples have."""

    def __init__(self) -> None:
        self.connection = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        self.channel = self.connection.createDataChannel("realtime", ordered=True)
        self.first = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()
        self.channel.on("message", self._heard)
        self.channel.on("close", self.closed.set)

    def _heard(self, message: str) -> None:
        if not self.first.done():
            self.first.set_result(json.loads(message))

    async def call(self, served: Served, key: str, *, path: str = "") -> httpx.Response:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        async with httpx.AsyncClient(base_url=served.url) as http:
            answer = await http.post(
                "/v1/realtime/calls" + path,
                data={"sdp": self.connection.localDescription.sdp, "session": "{}"},
                headers={"Authorization": f"Bearer {key}"},
            )
        assert answer.status_code == 201, answer.text
        await self.connection.setRemoteDescription(
            aiortc.RTCSessionDescription(sdp=answer.text, type="answer")
        )
        return answer


def test_a_call_is_opened_with_a_secret_hung_up_once_and_gone(served):
    async def story() -> None:
        async with httpx.AsyncClient(base_url=served.url, headers=served.headers) as http:
            minted = (await http.post("/v1/realtime/client_secrets", json={})).json()
            client = Client()
            answer = await client.call(served, minted["client_secret"])
            created = await asyncio.wait_for(client.first, 10)
            assert created["type"] == "session.created"
            assert created["session"]["id"] == answer.headers["x-session-id"]
            assert (await http.get("/readyz")).json()["calls"] == 1

            ends = [await http.post(answer.headers["location"] + "/hangup") for _ in range(2)]
            assert [end.status_code for end in ends] == [200, 404]
            await asyncio.wait_for(client.closed.wait(), 10)
            async with asyncio.timeout(10):
                while (await http.get("/readyz")).json()["calls"]:  # noqa: ASYNC110 - far away
                    await asyncio.sleep(0.05)
            await client.connection.close()

    asyncio.run(story())


def test_a_call_is_a_session_that_ends_with_its_peer_and_is_accounted_for(served):
    async def story() -> None:
        async with httpx.AsyncClient(base_url=served.url, headers=served.headers) as http:
            client = Client()
            session_id = (await client.call(served, served.key)).headers["x-session-id"]
            created = await asyncio.wait_for(client.first, 10)
            session = (await http.get(f"/v1/sessions/{session_id}")).json()
            assert session["id"] == created["session"]["id"]
            assert session["status"] == "active"
            assert session["voice"] == created["session"]["voice"]

            await client.connection.close()
            async with asyncio.timeout(10):
                while session["status"] == "active":
                    await asyncio.sleep(0.05)
                    session = (await http.get(f"/v1/sessions/{session_id}")).json()
            (row,) = (await http.get("/v1/usage")).json()["data"]
            assert row["session_id"] == session_id
            assert row["duration_seconds"] == session["duration_seconds"] > 0

    asyncio.run(story())


def test_a_session_made_over_rest_is_joined_and_hung_up_over_rest(served):
    async def story() -> None:
        async with httpx.AsyncClient(base_url=served.url, headers=served.headers) as http:
            made = (await http.post("/v1/sessions", json={"instructions": "Be brief."})).json()
            client = Client()
            await client.call(served, served.key, path=f"?session_id={made['id']}")
            created = await asyncio.wait_for(client.first, 10)
            assert created["session"]["id"] == made["id"]
            assert created["session"]["instructions"] == "Be brief."

            ended = (await http.delete(f"/v1/sessions/{made['id']}")).json()
            assert ended["status"] == "ended"
            await asyncio.wait_for(client.closed.wait(), 10)
            await client.connection.close()

    asyncio.run(story())


def test_a_stop_ends_running_calls_and_leaves_no_process(served):
    async def connect() -> Client:
        client = Client()
        await client.call(served, served.key)
        await asyncio.wait_for(client.first, 10)
        return client

    async def story() -> tuple[list[int], int, float]:
        client = await connect()
        children = served.children()
        stopped = await asyncio.to_thread(served.stop)
        await asyncio.wait_for(client.closed.wait(), 10)
        await client.connection.close()
        return children, *stopped

    children, status, took_s = asyncio.run(story())
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    assert status == 0
    assert took_s < STOP_S


def test_the_greeting_says_what_serves_and_where_words_go(served):
    kinds = [line.split()[0] for line in served.greeting[:5]]

    assert kinds == ["vad", "stt", "llm", "tts", "avatar"]
    assert "  Nothing leaves this machine." in served.greeting
    assert served.greeting[-1].startswith("rtav is ready: http://127.0.0.1:")


def test_what_a_key_uploads_outlives_the_server_and_is_named_in_sessions(tmp_path):
    driving = Path(rtav.__file__).parent / "assets" / "driving" / "Wink.json"
    ids: dict[str, str] = {}

    async def upload(served: Served) -> None:
        async with httpx.AsyncClient(
            base_url=served.url, headers=served.headers, timeout=30
        ) as http:
            for kind, content in (
                ("driving", driving.read_bytes()),
                ("voices", b'{"base": "anthony", "pitch": 1.2}'),
                ("faces", zipped(driving.parents[1] / "faces" / "face1")),
            ):
                made = await http.post(f"/v1/{kind}?name=Mine", content=content)
                assert made.status_code == 201, made.text
                ids[kind] = made.json()["id"]

    async def name(served: Served) -> dict:
        async with httpx.AsyncClient(base_url=served.url, headers=served.headers) as http:
            named = {"face": ids["faces"], "voice": ids["voices"], "driving": [ids["driving"]]}
            return (await http.post("/v1/sessions", json=named)).json()

    first = Served(tmp_path)
    asyncio.run(upload(first))
    first.stop()
    again = Served(tmp_path)
    session = asyncio.run(name(again))
    status, _ = again.stop()

    assert (session["face"], session["voice"]) == (ids["faces"], ids["voices"])
    assert session["driving"] == [ids["driving"]]
    assert status == 0


def zipped(folder: Path) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    return out.getvalue()
