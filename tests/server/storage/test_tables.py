import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from rtav.server.keys import Key, KeyLimits, Scope
from rtav.server.storage.database import opened
from rtav.server.storage.keys import KeyTable
from rtav.server.storage.records import Period, SessionRecord, Usage
from rtav.server.storage.sessions import SessionTable, Wanted

T = TypeVar("T")
NOON = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def record(number: int, **changes) -> SessionRecord:
    """A session that was made `number` minutes after noon."""
    values = {
        "id": f"session_{number}",
        "key_id": "key_a",
        "config": {"model": "gpt-5.2", "instructions": "Répondez 🙂", "driving": ["idle"]},
        "status": "active",
        "created_at": NOON + minutes(number),
        "started_at": NOON + minutes(number),
    }
    return SessionRecord(**(values | changes))


def ended(number: int, **changes) -> SessionRecord:
    """As `record`, and ended a minute later."""
    values = {
        "status": "ended",
        "ended_at": NOON + minutes(number + 1),
        "duration_seconds": 60.0,
        "usage": Usage(audio_input_seconds=1.5, output_tokens=7),
    }
    return record(number, **(values | changes))


def with_sessions(url: str, story: Callable[[SessionTable], Awaitable[T]]) -> T:
    async def run() -> T:
        async with opened(url) as database:
            return await story(SessionTable(database, server="one"))

    return asyncio.run(run())


def test_a_session_is_found_as_it_was_saved(url):
    async def story(table: SessionTable):
        await table.save([record(1), ended(2)], now=NOON)
        return [await table.find(f"session_{number}") for number in (1, 2, 3)]

    assert with_sessions(url, story) == [record(1), ended(2), None]


def test_saving_again_overwrites(url):
    async def story(table: SessionTable):
        await table.save([record(1)], now=NOON)
        await table.save([ended(1), ended(1)], now=NOON)
        return await table.find("session_1")

    assert with_sessions(url, story) == ended(1)


def test_a_page_has_the_newest_first_and_goes_on_where_the_last_one_ended(url):
    async def story(table: SessionTable):
        same_time = replace(record(3), id="session_3b")
        await table.save([record(1), record(2), record(3), same_time, record(4)], now=NOON)
        first = await table.page(Wanted(limit=3), without=["session_4"])
        last = first[-1]
        rest = await table.page(Wanted(before=(last.created_at, last.id)))
        return [found.id for found in first], [found.id for found in rest]

    first, rest = with_sessions(url, story)
    assert first == ["session_3b", "session_3", "session_2"]
    assert rest == ["session_1"]


def test_a_page_holds_only_what_is_wanted(url):
    async def story(table: SessionTable):
        await table.save([record(1), ended(2), ended(3, key_id="key_b")], now=NOON)
        wanted = [
            Wanted(key_id="key_a"),
            Wanted(status="ended"),
            Wanted(key_id="key_a", status="ended"),
        ]
        return [[found.id for found in await table.page(each)] for each in wanted]

    assert with_sessions(url, story) == [
        ["session_2", "session_1"],
        ["session_3", "session_2"],
        ["session_2"],
    ]


def test_usage_is_found_by_the_time_of_the_end(url):
    async def story(table: SessionTable):
        await table.save(
            [record(0), ended(1), ended(2), ended(3, key_id="key_b"), ended(4)], now=NOON
        )
        period = Period(start=NOON + minutes(3), end=NOON + minutes(5))
        mine = await table.ended(period, key_id="key_a")
        all_ = await table.ended(Period(), key_id=None, without=["session_1"])
        return [found.id for found in mine], [found.id for found in all_]

    mine, all_ = with_sessions(url, story)
    assert mine == ["session_2"]
    assert all_ == ["session_2", "session_3", "session_4"]


def test_sessions_of_a_server_that_died_end_when_it_was_last_heard(url):
    async def story():
        async with opened(url) as database:
            dead, alive = (SessionTable(database, server=name) for name in ("dead", "alive"))
            await dead.save([record(0), ended(1)], now=NOON + minutes(1))
            await dead.beat(now=NOON + minutes(2), dead_before=NOON)
            await alive.save([record(2)], now=NOON + minutes(2))
            found = await alive.beat(now=NOON + minutes(9), dead_before=NOON + minutes(7))
            return found, [await alive.find(f"session_{number}") for number in (0, 1, 2)]

    count, (orphan, over, running) = asyncio.run(story())
    assert count == 1
    assert orphan == replace(
        record(0), status="failed", ended_at=NOON + minutes(2), duration_seconds=120.0
    )
    assert over == ended(1)
    assert running == record(2)


def test_a_secret_is_spent_once_whoever_asks(url):
    async def story():
        async with opened(url) as one, opened(url) as other:
            tables = [SessionTable(each, server="x") for each in (one, other)]
            return await asyncio.gather(
                *(table.spend("cs_1", expires_at=NOON) for table in tables * 3)
            )

    assert sorted(asyncio.run(story())) == [False, False, False, False, False, True]


def test_secrets_that_have_expired_are_forgotten(url):
    async def story(table: SessionTable):
        await table.spend("cs_1", expires_at=NOON)
        await table.beat(now=NOON + minutes(5), dead_before=NOON + minutes(3))
        return await table.spend("cs_1", expires_at=NOON)

    assert with_sessions(url, story)


KEY = Key(
    id="key_1",
    name="shop",
    hash="a" * 64,
    scopes=frozenset({Scope.CALLS}),
    limits=KeyLimits(max_calls=2, calls_per_minute=10, max_minutes=1.5),
    created_at=NOON,
)


def test_a_key_lives_until_it_is_revoked(url):
    async def story():
        async with opened(url) as database:
            table = KeyTable(database)
            await table.add(KEY)
            before = await table.all()
            await table.used({"key_1": NOON + minutes(1)})
            revoked = [
                await table.revoke(id_, at=NOON + minutes(n))
                for n, id_ in enumerate(("key_1", "key_1", "key_2"))
            ]
            return before, revoked, await table.all()

    before, revoked, after = asyncio.run(story())
    assert before == [KEY]
    assert revoked == [True, True, False]
    assert after == [replace(KEY, revoked_at=NOON, last_used_at=NOON + minutes(1))]
