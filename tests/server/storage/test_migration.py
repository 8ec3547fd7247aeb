import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from rtav.errors import ConfigError
from rtav.server.storage.database import Database, opened, url_of
from rtav.server.storage.tables import metadata


def differences(connection) -> list:
    return compare_metadata(MigrationContext.configure(connection), metadata)


async def counted(database: Database) -> int:
    async with database.reading() as connection:
        return (await connection.exec_driver_sql("SELECT count(*) FROM api_keys")).scalar_one()


INSERT = (
    "INSERT INTO api_keys (id, name, hash, scopes, created_at)"
    " VALUES ('key_1', 'n', 'h', '[]', '2026-01-01 00:00:00')"
)


def test_an_empty_database_gets_the_tables_that_the_code_knows(url):
    async def story() -> list:
        async with opened(url) as database, database.reading() as connection:
            return await connection.run_sync(differences)

    assert asyncio.run(story()) == []


def test_an_existing_database_keeps_what_it_holds(url):
    async def story() -> int:
        async with opened(url) as database, database.writing() as connection:
            await connection.exec_driver_sql(INSERT)
        async with opened(url) as database:
            return await counted(database)

    assert asyncio.run(story()) == 1


def test_servers_that_start_together_migrate_once(url):
    async def one() -> int:
        async with opened(url) as database:
            return await counted(database)

    async def story() -> list[int]:
        return await asyncio.gather(*(one() for _ in range(5)))

    assert asyncio.run(story()) == [0, 0, 0, 0, 0]


def test_a_database_of_a_newer_version_stops_the_start(url):
    async def story() -> None:
        async with opened(url) as database, database.writing() as connection:
            await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        async with opened(url):
            pass

    with pytest.raises(ConfigError, match="of another version of rtav"):
        asyncio.run(story())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("nonsense", "storage.url: is no database URL"),
        ("mysql://somewhere/db", "storage.url: mysql is not supported"),
        ("sqlite:////nowhere/at/all/file", "storage.url: the database cannot be used"),
        ("postgresql://u:hidden@127.0.0.1:1/db", "storage.url: the database cannot be used"),
    ],
)
def test_a_url_that_does_not_work_is_named_without_its_password(setting, message):
    async def story() -> None:
        async with opened(setting):
            pass

    with pytest.raises(ConfigError, match=message) as error:
        asyncio.run(story())
    assert "hidden" not in str(error.value)


def test_the_default_is_a_file_in_the_state_folder(tmp_path):
    folder = tmp_path / "state"

    assert url_of(None, folder) == f"sqlite:///{folder}/rtav.sqlite3"
    assert folder.is_dir()
    assert url_of("postgresql://db/rtav", folder) == "postgresql://db/rtav"
