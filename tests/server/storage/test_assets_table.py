import asyncio
from datetime import UTC, datetime, timedelta

from rtav.server.storage.assets import AssetTable
from rtav.server.storage.database import opened
from rtav.server.storage.records import AssetRecord, SessionRecord
from rtav.server.storage.sessions import SessionTable

NOON = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


def later(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def asset(number: int, **changes) -> AssetRecord:
    values = {
        "id": f"face_{number}",
        "key_id": "key_a",
        "kind": "face",
        "name": "Renée 🙂",
        "size_bytes": 1234,
        "facts": {"duration_seconds": 1.5, "tags": ["a"]},
        "created_at": later(number),
    }
    return AssetRecord(**(values | changes))


def session(number: int, **changes) -> SessionRecord:
    values = {
        "id": f"session_{number}",
        "key_id": "key_a",
        "config": {},
        "status": "active",
        "created_at": later(number),
        "started_at": later(number),
    }
    return SessionRecord(**(values | changes))


def with_table(url: str, story):
    async def run():
        async with opened(url) as database:
            return await story(AssetTable(database), SessionTable(database, server="one"))

    return asyncio.run(run())


def test_assets_are_read_as_they_were_added_the_oldest_first(url):
    async def story(table, _):
        await table.add(asset(2, kind="voice", facts={}))
        await table.add(asset(1))
        return await table.all()

    assert with_table(url, story) == [asset(1), asset(2, kind="voice", facts={})]


def test_the_first_deletion_counts(url):
    async def story(table, _):
        await table.add(asset(1))
        await table.delete("face_1", at=later(5))
        await table.delete("face_1", at=later(6))
        await table.delete("face_2", at=later(6))
        return await table.all()

    assert with_table(url, story) == [asset(1, deleted_at=later(5))]


def test_the_version_tells_whether_anything_has_changed(url):
    async def story(table, _):
        versions = [await table.version()]
        await table.add(asset(1))
        versions += [await table.version(), await table.version()]
        await table.delete("face_1", at=later(5))
        versions.append(await table.version())
        await table.forget(["face_1"])
        return [*versions, await table.version()]

    empty, added, same, deleted, forgotten = with_table(url, story)
    assert len({empty, added, deleted}) == 3
    assert added == same
    assert forgotten == empty


def test_what_an_older_session_may_use_is_not_unused(url):
    async def story(table, sessions):
        for number in (1, 2, 3, 4):
            await table.add(asset(number, id=f"face_{number}", key_id=f"key_{number}"))
        for number in (1, 2, 3):
            await table.delete(f"face_{number}", at=later(10))
        older = session(1, key_id="key_1")
        newer = session(11, key_id="key_2")
        over = session(2, key_id="key_3", status="ended", ended_at=later(9))
        await sessions.save([older, newer, over], now=NOON)
        unused = await table.unused(deleted_before=later(20))
        too_early = await table.unused(deleted_before=later(10))
        await table.forget([each.id for each in unused])
        return [each.id for each in unused], too_early, [each.id for each in await table.all()]

    unused, too_early, left = with_table(url, story)
    assert sorted(unused) == ["face_2", "face_3"]
    assert too_early == []
    assert left == ["face_1", "face_4"]
