"""The storage beside calls: never in their way, and complete in the end."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Iterator

import pytest

from rtav.settings import Settings

SESSIONS = "/v1/sessions"


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(state_dir=tmp_path)


@contextlib.contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """Another process writes, and takes its time."""
    with contextlib.closing(sqlite3.connect(settings.state_dir / "rtav.sqlite3")) as other:
        other.isolation_level = None
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def stored(settings: Settings) -> list[tuple[str, str]]:
    with contextlib.closing(sqlite3.connect(settings.state_dir / "rtav.sqlite3")) as database:
        return sorted(database.execute("SELECT id, status FROM sessions").fetchall())


def test_a_burst_of_sessions_is_answered_and_stored(settings, open_server):
    async def story() -> list[str]:
        async with open_server(settings) as server:
            answers = await asyncio.gather(
                *(server.ask("POST", SESSIONS, json={"voice": "alice"}) for _ in range(50))
            )
            assert [answer.status_code for answer in answers] == [201] * 50
            return [answer.json()["id"] for answer in answers]

    made = asyncio.run(story())
    assert len(set(made)) == 50
    assert stored(settings) == sorted((id_, "ended") for id_ in made)


def test_a_locked_database_neither_stalls_nor_fails_calls(settings, open_server):
    async def story() -> tuple[float, list[str]]:
        async with open_server(settings) as server:
            slowest = 0.0
            opened = []
            with locked(settings):
                for _ in range(20):
                    began = time.monotonic()  # noqa: TID251 - the real time is what is tested
                    answer = await server.call()
                    slowest = max(slowest, time.monotonic() - began)  # noqa: TID251 - as above
                    assert answer.status_code == 201
                    opened.append(answer.headers["x-session-id"])
                    found = await server.ask("GET", f"{SESSIONS}/{opened[-1]}")
                    assert found.json()["status"] == "active"
                ended = await server.ask("DELETE", f"{SESSIONS}/{opened[0]}")
                assert ended.json()["status"] == "ended"
                assert stored(settings) == []
            return slowest, opened

    slowest, opened = asyncio.run(story())
    assert slowest < 0.5
    assert stored(settings) == sorted((id_, "ended") for id_ in opened)


def test_a_database_that_stays_locked_is_told_of_and_holds_up_no_exit(
    settings, open_server, caplog
):
    async def whole() -> float:
        holder = contextlib.ExitStack()
        try:
            async with open_server(settings) as server:
                holder.enter_context(locked(settings))
                await server.call()
                began = time.monotonic()  # noqa: TID251 - the real time is what is tested
        finally:
            holder.close()
        return time.monotonic() - began  # noqa: TID251 - as above

    assert asyncio.run(whole()) < 7
    assert "1 sessions were not stored" in caplog.text
