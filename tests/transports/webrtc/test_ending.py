"""How calls end, and that nothing is left of them, by connecting aiortc clients over loopback."""

import asyncio
import logging
import os

import pytest

from rtav.errors import PeerGone
from rtav.testing.caller import Recorder, call, calling, serving, until
from rtav.transports.webrtc.webrtc import IceSettings

IMPATIENT = IceSettings(bind=("127.0.0.1",), vanished_after_s=0.4, setup_timeout_s=0.3)


def _now() -> float:
    return asyncio.get_running_loop().time()


def test_a_client_that_closes_its_connection_has_left_at_once():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.open_channel()
            caller.speak()
            _, recorder = await call(web, caller)
            left_at = _now()
            await caller.leave()
            await until(lambda: recorder.is_gone)
            assert recorder.events[-1] == "gone: left"
            assert recorder.gone_at - left_at < 0.5
            await until(lambda: web.peers == 0)

    asyncio.run(scenario())


def test_a_client_that_closes_its_channel_has_left_at_once():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.open_channel()
            _, recorder = await call(web, caller)
            left_at = _now()
            caller.channel.close()
            await until(lambda: recorder.is_gone)
            assert recorder.events == ["opened", "gone: left"]
            assert recorder.gone_at - left_at < 0.5

    asyncio.run(scenario())


def test_a_killed_client_is_noticed_in_time_and_released():
    async def scenario():
        async with serving(IMPATIENT) as web, calling() as caller:
            caller.open_channel()
            caller.speak()
            _, recorder = await call(web, caller)
            caller.die()
            died_at = _now()
            await until(lambda: recorder.is_gone)
            assert recorder.events[-1] == "gone: vanished"
            assert 0.3 < recorder.gone_at - died_at < 1.5
            await until(lambda: web.peers == 0)
            assert web.routes == 0

    asyncio.run(scenario())


def test_a_silent_client_that_answers_our_questions_stays():
    async def scenario():
        async with serving(IMPATIENT) as web, calling() as caller:
            caller.open_channel()
            _, recorder = await call(web, caller)
            await asyncio.sleep(1.2)  # three times what a vanished client gets
            assert recorder.events == ["opened"]

    asyncio.run(scenario())


def test_a_client_that_never_connects_is_released():
    async def scenario():
        async with serving(IMPATIENT) as web, calling() as caller:
            caller.open_channel()
            peer = await web.connect(await caller.offer())
            recorder = Recorder()
            peer.listen(recorder)
            await peer.answer()
            await until(lambda: recorder.is_gone)
            assert recorder.events == ["gone: never connected"]
            await until(lambda: web.peers == 0)
            assert web.routes == 0

    asyncio.run(scenario())


def test_closing_shows_at_the_client_and_comes_after_what_was_sent():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.open_channel()
            peer, recorder = await call(web, caller)
            peer.send("x" * 200_000)
            peer.send("last words")
            begun_at = _now()
            await peer.close("limit reached")
            assert _now() - begun_at < 2
            await until(lambda: caller.channel.readyState == "closed")
            assert [len(message) for message in caller.messages] == [200_000, 10]
            assert recorder.events == ["opened", "gone: limit reached"]
            assert (web.peers, web.routes) == (0, 0)

    asyncio.run(scenario())


def test_closing_twice_or_after_the_client_has_gone_says_gone_once():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.open_channel()
            peer, recorder = await call(web, caller)
            await asyncio.gather(peer.close("first"), peer.close("second"))
            await peer.close("third")
            peer.send("nobody hears this")
            assert recorder.events == ["opened", "gone: first"]

    asyncio.run(scenario())


def test_closing_a_client_that_died_takes_less_than_two_seconds():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.open_channel()
            peer, _ = await call(web, caller)
            caller.die()
            peer.send("nobody acknowledges this")
            begun_at = _now()
            await peer.close("hangup")
            assert _now() - begun_at < 2
            assert (web.peers, web.routes) == (0, 0)

    asyncio.run(scenario())


def test_a_peer_that_was_closed_gives_no_answer():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.open_channel()
            peer = await web.connect(await caller.offer())
            await peer.close("changed our mind")
            with pytest.raises(PeerGone):
                await peer.answer()

    asyncio.run(scenario())


def test_who_listens_too_late_is_told_that_it_is_over():
    async def scenario():
        async with serving(IMPATIENT) as web, calling() as caller:
            caller.open_channel()
            peer = await web.connect(await caller.offer())
            await until(lambda: web.peers == 0)
            recorder = Recorder()
            peer.listen(recorder)
            await until(lambda: recorder.is_gone)
            assert recorder.events == ["gone: never connected"]

    asyncio.run(scenario())


def test_shutting_down_ends_every_call():
    async def scenario():
        async with calling() as caller:
            async with serving() as web:
                caller.open_channel()
                _, recorder = await call(web, caller)
            assert recorder.events == ["opened", "gone: server shutting down"]

    asyncio.run(scenario())


def test_a_message_may_be_as_long_as_the_client_says_in_bytes():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.open_channel()
            peer, _ = await call(
                web,
                caller,
                change_offer=lambda o: o.replace(
                    "max-message-size:262144", "max-message-size:1000"
                ),
            )
            assert peer.media.max_message_bytes == 1000
            peer.send("é" * 500)
            with pytest.raises(ValueError, match="1002 bytes are more than the 1000"):
                peer.send("é" * 501)
            await until(lambda: caller.messages == ["é" * 500])

    asyncio.run(scenario())


def test_what_waits_is_counted_until_the_client_has_it():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.open_channel()
            peer, _ = await call(web, caller)
            await until(lambda: peer.buffered_bytes == 0)  # the channel's own acknowledgement
            peer.send("x" * 100_000)
            peer.send("x" * 100_000)
            assert peer.buffered_bytes == 200_000
            await asyncio.sleep(0)  # the first is cut into chunks, some of them are on their way
            assert 150_000 < peer.buffered_bytes <= 200_000
            await until(lambda: peer.buffered_bytes == 0)
            await until(lambda: len(caller.messages) == 2)

    asyncio.run(scenario())


def test_a_second_channel_is_not_heard():
    async def scenario():
        async with serving() as web, calling() as caller:
            first = caller.open_channel("first")
            _, recorder = await call(web, caller)
            second = caller.open_channel("second")
            await until(lambda: second.readyState == "open")
            second.send("to nobody")
            first.send("to the call")
            await until(lambda: recorder.messages)
            second.close()
            await until(lambda: second.readyState == "closed")
            assert recorder.messages == ["to the call"]
            assert recorder.events == ["opened"]

    asyncio.run(scenario())


def test_what_breaks_while_a_packet_is_handled_ends_the_call_with_a_warning(caplog):
    class Broken(Recorder):
        def received(self, message):
            raise RuntimeError("a bug")

    async def scenario():
        async with serving() as web, calling() as caller:
            caller.open_channel()
            peer = await web.connect(await caller.offer())
            recorder = Broken()
            peer.listen(recorder)
            await caller.accept(await peer.answer())
            await until(lambda: caller.channel.readyState == "open")
            caller.channel.send("boom")
            await until(lambda: recorder.is_gone)
            assert recorder.events == ["opened", "gone: broke"]
            await until(lambda: web.peers == 0)

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    (record,) = [r for r in caplog.records if r.name.startswith("rtav")]
    assert "a bug" in record.getMessage()


def test_what_breaks_in_the_handshake_ends_the_call_with_a_warning(caplog):
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.listen()
            peer = await web.connect(await caller.offer())
            recorder = Recorder()
            recorder.media_ready = lambda: 1 / 0
            peer.listen(recorder)
            await caller.accept(await peer.answer())
            await until(lambda: recorder.is_gone)
            assert recorder.events == ["gone: broke"]

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files in /proc")
def test_twenty_calls_leave_no_task_file_or_route():
    async def round_of_calls(web, count):
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(one_call(web, number))

    async def one_call(web, number):
        async with calling() as caller:
            caller.open_channel()
            caller.listen()
            caller.watch()
            peer, recorder = await call(web, caller)
            if number % 2:
                await peer.close("enough")
            else:
                await caller.leave()
                await until(lambda: recorder.is_gone)

    async def scenario():
        async with serving() as web:
            await round_of_calls(web, 1)
            await until(lambda: web.peers == 0)
            before = _counts(web)
            for _ in range(4):
                await round_of_calls(web, 5)
            await until(lambda: web.peers == 0)
            await until(lambda: _counts(web) == before)

    asyncio.run(scenario())


def _counts(web) -> tuple[int, int, int]:
    return len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd")), web.routes
