"""Client secrets whose configuration no key can carry: it is stored, and found by the key's id."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
from datetime import UTC, datetime

import pytest

from rtav.server.access import MAX_STORED_BYTES
from rtav.server.ephemeral import MAX_KEY_BYTES
from rtav.server.storage.database import opened
from rtav.server.storage.secrets import SecretTable
from rtav.settings import Settings

MINT = "/v1/realtime/client_secrets"
CALL = {"data": {"sdp": "v=0\r\n"}}


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(state_dir=tmp_path)


def noise(size_bytes: int) -> str:
    """Text that nothing makes shorter than about three quarters of it."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return "".join(random.Random(1).choices(letters, k=size_bytes))


def refusal(answer) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["param"]


def test_its_calls_begin_with_what_was_stored(settings, open_server) -> None:
    session = {"instructions": noise(100_000), "face": "face1"}

    async def main() -> None:
        async with open_server(settings) as server:
            minted = (await server.ask("POST", MINT, json={"session": session})).json()
            for name in ("value", "client_secret"):
                assert len(minted[name]) < MAX_KEY_BYTES
                answer = await server.ask("POST", "/v1/realtime/calls", key=minted[name], **CALL)
                assert answer.status_code == 201, answer.text
                assert server.supervisor.opened[-1].secret_session == session
            assert minted["session"]["instructions"] == session["instructions"]

    asyncio.run(main())


def test_a_small_one_is_not_stored(settings, open_server) -> None:
    async def main() -> None:
        async with open_server(settings) as server:
            await server.ask("POST", MINT, json={"session": {"instructions": "Be brief."}})

    asyncio.run(main())
    with contextlib.closing(sqlite3.connect(settings.state_dir / "rtav.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM client_secrets").fetchone() == (0,)


def test_more_than_that_is_refused(settings, open_server) -> None:
    async def main() -> None:
        async with open_server(settings) as server:
            session = {"instructions": noise(MAX_STORED_BYTES)}
            answer = await server.ask("POST", MINT, json={"session": session})
            assert refusal(answer) == (400, "invalid_session", "session")

    asyncio.run(main())


def test_where_nothing_is_stored_it_is_refused(server) -> None:
    answer = server.post(MINT, json={"session": {"instructions": noise(10_000)}})
    assert refusal(answer) == (400, "invalid_session", "session")


def test_one_that_is_gone_has_expired(settings, open_server) -> None:
    async def main() -> None:
        async with open_server(settings) as server:
            session = {"instructions": noise(10_000)}
            minted = (await server.ask("POST", MINT, json={"session": session})).json()
            with contextlib.closing(
                sqlite3.connect(settings.state_dir / "rtav.sqlite3")
            ) as database:
                database.execute("DELETE FROM client_secrets")
                database.commit()
            answer = await server.ask("POST", "/v1/realtime/calls", key=minted["value"], **CALL)
            assert refusal(answer)[:2] == (401, "expired_client_secret")

    asyncio.run(main())


def test_a_database_that_is_away_is_said_to_be(settings, open_server) -> None:
    async def main() -> None:
        async with open_server(settings) as server:
            with contextlib.closing(sqlite3.connect(settings.state_dir / "rtav.sqlite3")) as other:
                other.isolation_level = None
                other.execute("BEGIN EXCLUSIVE")
                session = {"instructions": noise(10_000)}
                answer = await server.ask("POST", MINT, json={"session": session})
                assert refusal(answer)[:2] == (503, "storage_unavailable")
                small = await server.ask("POST", MINT, json={"session": {"voice": "alice"}})
                assert small.status_code == 200
                other.execute("ROLLBACK")

    asyncio.run(main())


def test_they_are_deleted_when_they_have_expired(tmp_path) -> None:
    first, second = (datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in (1, 2))

    async def main() -> None:
        async with opened(f"sqlite:///{tmp_path}/test.sqlite3") as database:
            table = SecretTable(database)
            await table.put("cs_1", {"voice": "alice"}, expires_at=first)
            await table.put("cs_2", {"voice": "anthony"}, expires_at=second)
            await table.forget(now=first)
            assert await table.find("cs_1") is None
            assert await table.find("cs_2") == {"voice": "anthony"}

    asyncio.run(main())
