"""What a server has written, the next one knows: in either database."""

import asyncio

import pytest
from pydantic import SecretStr

from rtav.settings import Settings, StorageSettings

SESSIONS = "/v1/sessions"


@pytest.fixture
def settings(tmp_path, url) -> Settings:
    return Settings(state_dir=tmp_path, storage=StorageSettings(url=SecretStr(url)))


@pytest.mark.parametrize("name", ["%00", "%FF", "x" * 1000, "session_%20", "%F0%9F%99%82"])
def test_what_is_no_id_is_no_session_in_either_database(settings, open_server, name):
    async def story() -> list[int]:
        async with open_server(settings) as server:
            answers = [
                await server.ask(method, f"{SESSIONS}/{name}") for method in ("GET", "DELETE")
            ]
            return [answer.status_code for answer in answers]

    assert asyncio.run(story()) == [404, 404]


def test_text_that_databases_take_badly_is_kept(settings, open_server):
    async def story() -> dict:
        async with open_server(settings) as server:
            hard = {"instructions": "\0 \u2028 🙂 \" ' ; --"}
            made = (await server.ask("POST", SESSIONS, json=hard)).json()
            await server.ask("DELETE", f"{SESSIONS}/{made['id']}")
        async with open_server(settings) as server:
            return (await server.ask("GET", f"{SESSIONS}/{made['id']}")).json()

    assert asyncio.run(story())["instructions"] == "\0 \u2028 🙂 \" ' ; --"


def test_sessions_and_usage_outlive_the_server(settings, open_server):
    async def before() -> str:
        async with open_server(settings) as server:
            opened = await server.call()
            await server.ask("POST", opened.headers["location"] + "/hangup")
            return opened.headers["x-session-id"]

    async def after(session_id: str) -> tuple[dict, list[dict], int]:
        async with open_server(settings) as server:
            session = (await server.ask("GET", f"{SESSIONS}/{session_id}")).json()
            rows = (await server.ask("GET", "/v1/usage")).json()["data"]
            joining = await server.ask(
                "POST", f"/v1/realtime/calls?session_id={session_id}", data={"sdp": "v=0\r\n"}
            )
            return session, rows, joining.status_code

    session_id = asyncio.run(before())
    session, rows, status = asyncio.run(after(session_id))
    assert (session["id"], session["status"]) == (session_id, "ended")
    assert session["instructions"] == "You are a helpful assistant."
    assert [row["session_id"] for row in rows] == [session_id]
    assert rows[0]["audio_output_seconds"] == 1.5
    assert status == 409


def test_a_secret_for_one_call_is_used_up_for_the_next_server_too(settings, open_server):
    async def one(secret: str | None) -> tuple[str, int]:
        async with open_server(settings) as server:
            if secret is None:
                minted = await server.ask(
                    "POST", "/v1/realtime/client_secrets", json={"single_use": True}
                )
                secret = minted.json()["value"]
            return secret, (await server.call(key=secret)).status_code

    secret, first = asyncio.run(one(None))
    _, second = asyncio.run(one(secret))
    assert (first, second) == (201, 401)
