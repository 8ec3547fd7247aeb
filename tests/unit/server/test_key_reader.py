import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from rtav.server.key_reader import KeyReader
from rtav.server.keys import ApiKeys, Key, hashed
from rtav.server.storage.database import StorageError
from rtav.testing.virtual import run

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SHOP = Key(id="key_shop", name="shop", hash=hashed("shop"))


class Table:
    """The table of keys, read in 10 ms."""

    def __init__(self, *keys: Key) -> None:
        self.keys = list(keys)
        self.read_at: list[float] = []
        self.uses: list[dict[str, datetime]] = []
        self.is_away = False

    async def all(self) -> Sequence[Key]:
        self.read_at.append(round(asyncio.get_running_loop().time(), 3))
        await asyncio.sleep(0.01)
        if self.is_away:
            raise StorageError("OperationalError: database is locked")
        return list(self.keys)

    async def used(self, uses: dict[str, datetime]) -> None:
        if self.is_away:
            raise StorageError("OperationalError: database is locked")
        self.uses.append(uses)


def reader(table: Table, keys: ApiKeys) -> KeyReader:
    return KeyReader(keys, table, now=asyncio.get_running_loop().time, wall=lambda: NOON)


def test_a_key_is_valid_as_soon_as_the_table_has_been_read():
    async def story() -> None:
        table, keys = Table(), ApiKeys(["operator"])
        await reader(table, keys).read()
        assert keys.find("shop") is None

        table.keys.append(SHOP)
        await reader(table, keys).reload()
        assert keys.find("shop") == SHOP
        assert keys.find("operator").id == "key_operator"

    run(story())


def test_those_who_try_out_keys_share_four_readings_a_second():
    async def story() -> list[float]:
        table = Table()
        watched = reader(table, ApiKeys([]))
        began = asyncio.get_running_loop().time()
        for _ in range(4):
            await asyncio.gather(*(watched.reload() for _ in range(100)))
        return [round(at - began, 2) for at in table.read_at]

    assert run(story()) == [0.0, 0.25, 0.5, 0.75]


def test_a_key_that_was_made_while_the_table_is_read_is_found_by_the_next_reading():
    async def story() -> Key | None:
        table, keys = Table(), ApiKeys([])
        watched = reader(table, keys)
        async with asyncio.TaskGroup() as group:
            group.create_task(watched.reload())
            await asyncio.sleep(0.005)
            table.keys = [SHOP]
            group.create_task(watched.reload())
        assert len(table.read_at) == 2
        return keys.find("shop")

    assert run(story()) == SHOP


def test_the_table_is_read_every_two_seconds():
    async def story() -> Key | None:
        table, keys = Table(SHOP), ApiKeys([])
        watched = reader(table, keys)
        task = asyncio.get_running_loop().create_task(watched.run())
        await asyncio.sleep(3)
        assert keys.find("shop") == SHOP

        table.keys = [Key(id="key_shop", name="", hash=hashed("shop"), revoked_at=NOON)]
        await asyncio.sleep(2)
        task.cancel()
        await asyncio.wait([task])
        return keys.find("shop")

    assert run(story()) is None


def test_without_the_database_the_keys_stay_and_one_warning_says_so(caplog):
    async def story() -> Key | None:
        table, keys = Table(SHOP), ApiKeys([])
        watched = reader(table, keys)
        await watched.read()
        table.is_away = True
        for _ in range(3):
            await watched.read()
        return keys.find("shop")

    assert run(story()) == SHOP
    assert caplog.text.count("keys cannot be read") == 1


def test_uses_that_cannot_be_written_are_kept_for_the_next_time():
    async def story() -> list[dict[str, datetime]]:
        table = Table()
        watched = reader(table, ApiKeys([]))
        watched.used(SHOP)
        table.is_away = True
        with pytest.raises(StorageError):
            await watched.write_uses()
        table.is_away = False
        await watched.write_uses()
        await watched.write_uses()
        return table.uses

    assert run(story()) == [{"key_shop": NOON}]


def test_the_operators_own_key_is_in_no_table():
    async def story() -> list[dict[str, datetime]]:
        table, keys = Table(), ApiKeys(["operator"])
        watched = reader(table, keys)
        watched.used(keys.find("operator"))
        await watched.write_uses()
        return table.uses

    assert run(story()) == []
