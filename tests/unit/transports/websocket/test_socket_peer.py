"""One client on a WebSocket, in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from rtav.errors import AtCapacity
from rtav.testing.virtual import run
from rtav.transports.websocket.peer import WebSocketPeer
from rtav.transports.websocket.sockets import MAX_WAITING, WebSockets


class FakeSocket:
    """The server's end of a socket. Unrealistic: what it takes is with the client at once."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.closed: tuple[int, str] | None = None
        self.takes = asyncio.Event()
        self.takes.set()
        self.is_gone = False
        self._incoming: list[dict[str, Any]] = []
        self._news = asyncio.Event()

    def comes(self, **message: Any) -> None:
        self._incoming.append(message)
        self._news.set()

    async def receive(self) -> dict[str, Any]:
        while not self._incoming:
            self._news.clear()
            await self._news.wait()
        return self._incoming.pop(0)

    async def send_text(self, message: str) -> None:
        await self.takes.wait()
        if self.is_gone:
            raise WebSocketDisconnect(1006)
        self.sent.append(message)

    async def close(self, code: int, reason: str) -> None:
        self.closed = code, reason


class Listener:
    def __init__(self) -> None:
        self.story: list[object] = []

    def opened(self, *, label: str, subprotocol: str) -> None:
        self.story.append(("opened", label, subprotocol))

    def received(self, message: str | bytes) -> None:
        self.story.append(message)

    def gone(self, reason: str) -> None:
        self.story.append(("gone", reason))


class Line:
    def __init__(self) -> None:
        self.sockets = WebSockets()
        self.socket = FakeSocket()
        self.peer: WebSocketPeer = self.sockets.connect(self.socket, subprotocol="openai-x")
        self.listener = Listener()
        self.peer.listen(self.listener)


def test_messages_go_both_ways_in_order_until_the_client_leaves() -> None:
    async def main() -> Line:
        line = Line()
        line.peer.send("first")
        line.socket.comes(type="websocket.receive", text="hello")
        line.socket.comes(type="websocket.receive", bytes=b"you")
        line.socket.comes(type="websocket.disconnect", code=1000)
        await line.peer.run()
        return line

    line = run(main())

    assert line.listener.story == [("opened", "", "openai-x"), "hello", b"you", ("gone", "left")]
    assert line.socket.closed is None
    assert line.sockets.peers == 0
    assert (line.peer.media.transport, line.peer.media.hears) == ("websocket", False)


@pytest.mark.parametrize(
    ("reason", "code"),
    [("hangup", 1000), ("shutdown", 1001), ("expired", 1001), ("failed", 1011), ("stalled", 1008)],
)
def test_what_waits_is_sent_before_the_server_closes_and_the_code_says_why(reason, code) -> None:
    async def main() -> Line:
        line = Line()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(line.peer.run())
            await asyncio.sleep(0)
            line.peer.send("last words")
            await line.peer.close(reason)
        line.peer.send("too late")
        return line

    line = run(main())

    assert line.socket.sent == (["last words"] if reason != "stalled" else [])
    assert line.socket.closed is not None
    assert line.socket.closed[0] == code
    assert line.listener.story[-1] == ("gone", reason)
    assert line.peer.stats().packets_sent == len(line.socket.sent)


def test_what_a_slow_client_has_not_taken_is_counted_and_ends_it_at_last() -> None:
    async def main() -> float:
        line = Line()
        line.socket.takes.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(line.peer.run())
            line.peer.send("x" * 100)
            line.peer.send("y" * 50)
            await asyncio.sleep(1)
            assert line.peer.buffered_bytes == 150
        assert line.listener.story[-1] == ("gone", "stalled")
        assert line.peer.buffered_bytes == 0
        return asyncio.get_running_loop().time()

    assert run(main()) == 20.0


def test_a_server_that_closes_does_not_wait_for_a_slow_client() -> None:
    async def main() -> float:
        line = Line()
        line.socket.takes.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(line.peer.run())
            line.peer.send("x")
            await asyncio.sleep(1)
            await line.peer.close("hangup")
        return asyncio.get_running_loop().time()

    assert run(main()) == 2.5


def test_a_socket_that_breaks_while_it_is_written_to_has_left() -> None:
    async def main() -> Line:
        line = Line()
        line.socket.is_gone = True
        line.peer.send("x")
        await line.peer.run()
        return line

    assert run(main()).listener.story[-1] == ("gone", "left")


def test_a_call_that_is_cancelled_is_told_that_it_is_over() -> None:
    async def main() -> Line:
        line = Line()
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(line.peer.run())
            await asyncio.sleep(1)
            task.cancel()
        return line

    assert run(main()).listener.story[-1] == ("gone", "server shutting down")


def test_a_peer_that_is_closed_before_it_runs_says_goodbye_and_no_more() -> None:
    async def main() -> Line:
        line = Line()
        await line.peer.close("failed")
        await line.peer.run()
        return line

    line = run(main())

    assert line.listener.story == [("gone", "failed")]
    assert line.socket.closed == (1011, "The server failed.")


def test_a_message_that_is_too_long_is_refused() -> None:
    async def main() -> None:
        line = Line()
        with pytest.raises(ValueError, match="more than"):
            line.peer.send("x" * (24 * 1024 * 1024 + 1))

    run(main())


def test_a_server_that_goes_away_says_so_to_everybody_and_lets_nobody_in() -> None:
    async def main() -> Line:
        line = Line()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(line.peer.run())
            await asyncio.sleep(0)
            await line.sockets.close()
        with pytest.raises(AtCapacity):
            line.sockets.admit()
        return line

    assert run(main()).socket.closed == (1001, "")


def test_only_so_many_may_wait_without_saying_who_they_are() -> None:
    sockets = WebSockets()
    held = [sockets.waiting() for _ in range(MAX_WAITING)]
    for place in held:
        place.__enter__()
    with pytest.raises(AtCapacity), sockets.waiting():
        pass
    held[0].__exit__(None, None, None)
    with sockets.waiting():
        pass
