import asyncio
import socket

import pytest

from rtav.engines.stt.sphinx_wire import BlockingLine, Kind, Line, Message, pack, unpack


def test_a_message_arrives_as_it_was_sent_however_it_is_cut() -> None:
    sent = pack(Kind.AUDIO, b"\x01\x02\x03") + pack(Kind.PAUSE)
    buffer = bytearray()
    received: list[Message] = []

    for byte in sent:
        buffer.append(byte)
        if (message := unpack(buffer)) is not None:
            received.append(message)

    assert received == [Message(Kind.AUDIO, b"\x01\x02\x03"), Message(Kind.PAUSE, b"")]
    assert not buffer


def test_both_ends_speak_the_same_language() -> None:
    async def scenario() -> Message:
        ours, theirs = socket.socketpair()
        _, line = await asyncio.get_running_loop().create_unix_connection(Line, sock=ours)
        worker = BlockingLine(theirs)
        line.send(Kind.BEGIN, b"40,3,-1")
        assert worker.receive() == Message(Kind.BEGIN, b"40,3,-1")
        worker.send(Kind.PARTIAL, b"what")
        message = await line.receive()
        line.close()
        theirs.close()
        return message

    assert asyncio.run(scenario()) == Message(Kind.PARTIAL, b"what")


def test_a_line_whose_other_end_is_gone_says_so_after_its_last_message() -> None:
    async def scenario() -> Message:
        ours, theirs = socket.socketpair()
        _, line = await asyncio.get_running_loop().create_unix_connection(Line, sock=ours)
        BlockingLine(theirs).send(Kind.FINAL, b"last")
        theirs.close()
        message = await line.receive()
        with pytest.raises(EOFError):
            await line.receive()
        line.send(Kind.AUDIO, b"to nobody")
        return message

    assert asyncio.run(scenario()) == Message(Kind.FINAL, b"last")


def test_a_worker_whose_server_is_gone_hears_nothing_more() -> None:
    ours, theirs = socket.socketpair()
    ours.close()

    assert BlockingLine(theirs).receive() is None
    theirs.close()
