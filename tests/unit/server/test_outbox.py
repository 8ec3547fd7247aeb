import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime

import pytest

from rtav.server.storage import outbox as module
from rtav.server.storage.database import StorageError
from rtav.server.storage.outbox import Outbox
from rtav.server.storage.records import SessionRecord
from rtav.testing.virtual import run

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def record(number: int, *, status: str = "active") -> SessionRecord:
    return SessionRecord(
        id=f"session_{number}",
        key_id="key_a",
        config={},
        status=status,
        created_at=NOON,
        started_at=NOON,
    )


class Shelf:
    """A database that may be locked, or hang."""

    def __init__(self) -> None:
        self.batches: list[list[SessionRecord]] = []
        self.is_locked = False
        self.hangs = False
        self.tries = 0
        self.meanwhile: Callable[[], None] | None = None

    async def save(self, records: Collection[SessionRecord]) -> None:
        self.tries += 1
        if self.hangs:
            await asyncio.sleep(3)
            raise StorageError("TimeoutError")
        if self.is_locked:
            raise StorageError("OperationalError: database is locked")
        self.batches.append(list(records))
        if self.meanwhile is not None:
            self.meanwhile()
            self.meanwhile = None


def played(story) -> Shelf:
    """`story(shelf, outbox)` beside the running outbox, which is closed behind it."""
    shelf = Shelf()

    async def whole() -> None:
        outbox = Outbox(shelf.save)
        async with asyncio.TaskGroup() as group:
            group.create_task(outbox.run())
            await story(shelf, outbox)
            outbox.close()
            closed_at = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - closed_at <= 6

    run(whole())
    return shelf


def test_what_is_put_is_written_and_then_forgotten():
    async def story(_, outbox):
        outbox.put(record(1))
        outbox.put(record(2))
        await asyncio.sleep(0.1)
        assert outbox.waiting == {}

    assert played(story).batches == [[record(1), record(2)]]


def test_only_the_newest_state_of_a_session_is_written():
    async def story(_, outbox):
        outbox.put(record(1))
        outbox.put(record(1, status="ended"))

    assert played(story).batches == [[record(1, status="ended")]]


def test_a_locked_database_is_tried_again_and_warned_of_once(caplog):
    async def story(shelf, outbox):
        shelf.is_locked = True
        outbox.put(record(1))
        await asyncio.sleep(2.5)
        outbox.put(record(2))
        await asyncio.sleep(1)
        assert set(outbox.waiting) == {"session_1", "session_2"}
        shelf.is_locked = False
        await asyncio.sleep(1)
        assert outbox.waiting == {}

    shelf = played(story)
    assert shelf.batches == [[record(1), record(2)]]
    assert shelf.tries == 5
    warnings = [line for line in caplog.messages if "takes nothing" in line]
    assert len(warnings) == 1


def test_what_changes_while_it_is_written_is_written_again():
    async def story(shelf, outbox):
        shelf.meanwhile = lambda: outbox.put(record(1, status="ended"))
        outbox.put(record(1))
        await asyncio.sleep(0.1)

    assert played(story).batches == [[record(1)], [record(1, status="ended")]]


def test_a_full_outbox_loses_the_oldest_and_says_so(caplog, monkeypatch):
    monkeypatch.setattr(module, "LIMIT", 2)

    async def story(shelf, outbox):
        shelf.is_locked = True
        for number in (1, 2, 3):
            outbox.put(record(number))
        assert list(outbox.waiting) == ["session_2", "session_3"]
        await asyncio.sleep(0)
        shelf.is_locked = False

    assert played(story).batches == [[record(2), record(3)]]
    assert "1 sessions were not stored" in caplog.text


@pytest.mark.parametrize("way", ["is_locked", "hangs"])
def test_an_exit_does_not_wait_for_a_database_that_does_not_answer(way, caplog):
    async def story(shelf, outbox):
        setattr(shelf, way, True)
        outbox.put(record(1))
        await asyncio.sleep(0.1)

    assert played(story).batches == []
    assert "1 sessions were not stored" in caplog.text
