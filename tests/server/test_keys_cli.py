"""`rtav keys` beside a server that runs."""

import asyncio
import re

import pytest
from typer.testing import CliRunner

from rtav.cli import app
from rtav.settings import Settings

SECRETS = "/v1/realtime/client_secrets"


@pytest.fixture
def settings(monkeypatch, tmp_path) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RTAV_STATE_DIR", str(tmp_path))
    monkeypatch.setattr("rtav.log.configure", lambda **_: None)  # pytest's handlers stay
    return Settings(state_dir=tmp_path)


def keys(*arguments: str):
    return CliRunner().invoke(app, ["keys", *arguments])


def created(*arguments: str) -> tuple[str, str]:
    """Id and key."""
    result = keys("create", *arguments)
    assert result.exit_code == 0, result.stderr
    return result.stderr.split()[0], result.stdout.strip()


def test_a_key_is_printed_once_and_alone_on_standard_output(settings):
    id_, key = created("--name", "shop")
    listed = keys("list").stdout

    assert re.fullmatch(r"rtav_ak_[\w-]{43}", key)
    assert re.fullmatch(r"key_[0-9a-f]{16}", id_)
    assert id_ in listed
    assert key not in listed
    assert key.encode() not in (settings.state_dir / "rtav.sqlite3").read_bytes()


def test_the_list_shows_what_each_key_may(settings):
    created()
    created(
        "--name=shop", "--scope=calls", "--scope=admin",
        "--max-calls=2", "--calls-per-minute=10", "--max-minutes=1.5",
    )  # fmt: skip
    first, second = keys("list").stdout.splitlines()

    assert "(no name)  assets+calls  created 20" in first
    assert "shop  admin+calls  2 calls at once  10 calls a minute  1.5 minutes a call" in second


def test_a_key_works_at_once_until_it_is_revoked(settings, open_server):
    async def story() -> list[int]:
        async with open_server(settings) as server:
            before = await server.call(key="rtav_ak_nobody")
            id_, key = await asyncio.to_thread(created)
            during = await server.call(key=key)
            secret = (await server.ask("POST", SECRETS, key=key, json={})).json()["value"]
            assert (await asyncio.to_thread(keys, "revoke", id_)).exit_code == 0
            await server.books.reader.read()
            return [
                answer.status_code
                for answer in (
                    before,
                    during,
                    await server.call(key=key),
                    await server.call(key=secret),
                )
            ]

    assert asyncio.run(story()) == [401, 201, 401, 401]
    assert "revoked 20" in keys("list").stdout


def test_when_a_key_was_used_is_noted(settings, open_server):
    async def story(key: str) -> None:
        async with open_server(settings) as server:
            await server.call(key=key)
            await server.books.reader.write_uses()

    _, key = created()
    assert "last used" not in keys("list").stdout
    asyncio.run(story(key))
    assert "last used 20" in keys("list").stdout


def test_scopes_and_limits_of_a_key_are_kept(settings, open_server):
    async def story(key: str) -> list[int]:
        async with open_server(settings) as server:
            calls = [await server.call(key=key) for _ in range(2)]
            return [answer.status_code for answer in calls]

    _, caller = created("--scope=calls", "--max-calls=1")
    _, librarian = created("--scope=assets")
    assert asyncio.run(story(caller)) == [201, 429]
    assert asyncio.run(story(librarian)) == [403, 403]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["revoke", "key_nobody"], 1, "rtav: there is no key key_nobody"),
        (["create", "--scope", "everything"], 2, "everything"),
        (["create", "--max-calls", "0"], 2, "max-calls"),
        (["list", "--set", "storage.url=nonsense"], 2, "rtav: storage.url: is no database URL"),
    ],
)
def test_a_mistake_is_told(settings, arguments, status, message):
    result = keys(*arguments)

    assert result.exit_code == status
    assert message in result.stderr
