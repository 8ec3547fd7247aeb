"""Messages in pieces: what comes out is whole, what it costs is bounded."""

import pytest
from aiortc.rtcsctptransport import SCTP_DATA_FIRST_FRAG, SCTP_DATA_LAST_FRAG, DataChunk

from rtav.transports.webrtc.reassembly import MAX_BYTES, MAX_CHUNKS, Backlog, BoundedStream

FIRST, LAST, WHOLE = SCTP_DATA_FIRST_FRAG, SCTP_DATA_LAST_FRAG, 3


class CountedList(list):
    looks = 0

    def __getitem__(self, index):
        self.looks += 1
        return super().__getitem__(index)


def piece(tsn, data=b"x", flags=0, *, sequence=0):
    chunk = DataChunk(flags=flags)
    chunk.tsn, chunk.stream_id, chunk.stream_seq, chunk.protocol = tsn, 1, sequence, 51
    chunk.user_data = data
    return chunk


def feed(stream, *chunks):
    came = []
    for chunk in chunks:
        stream.add_chunk(chunk)
        came += [data for _, _, data in stream.pop_messages()]
    return came


def test_pieces_in_order_make_a_message():
    backlog = Backlog()
    stream = BoundedStream(backlog)
    assert feed(stream, piece(1, b"a", FIRST), piece(2, b"b"), piece(3, b"c", LAST)) == [b"abc"]
    assert (backlog.chunks, backlog.size_bytes) == (0, 0)


def test_a_piece_that_came_late_completes_its_message_and_the_next():
    backlog = Backlog()
    stream = BoundedStream(backlog)
    late = piece(2, b"b")
    early = [piece(1, b"a", FIRST), piece(3, b"c", LAST), piece(4, b"d", WHOLE, sequence=1)]
    assert feed(stream, *early) == []
    assert feed(stream, late) == [b"abc", b"d"]
    assert (backlog.chunks, backlog.size_bytes) == (0, 0)


def test_a_piece_in_order_costs_the_same_however_long_its_message_is():
    stream = BoundedStream(Backlog())
    feed(stream, piece(1, flags=FIRST), *(piece(tsn) for tsn in range(2, 5000)))
    stream.reassembly = CountedList(stream.reassembly)
    assert feed(stream, *(piece(tsn) for tsn in range(5000, 5100))) == []
    assert stream.reassembly.looks <= 300


def test_what_a_client_gives_up_is_forgotten():
    backlog = Backlog()
    stream = BoundedStream(backlog)
    feed(stream, piece(1, b"ab", FIRST))
    assert stream.prune_chunks(5) == 2
    assert (backlog.chunks, backlog.size_bytes) == (0, 0)


def test_a_message_without_an_end_ends_the_connection():
    stream = BoundedStream(Backlog())
    feed(stream, piece(1, flags=FIRST), *(piece(tsn) for tsn in range(2, MAX_CHUNKS + 1)))
    with pytest.raises(ConnectionError):
        feed(stream, piece(MAX_CHUNKS + 1))


def test_what_waits_counts_for_all_streams_together():
    backlog = Backlog()
    feed(BoundedStream(backlog), piece(1, bytes(MAX_BYTES // 2), FIRST))
    feed(BoundedStream(backlog), piece(2, bytes(MAX_BYTES // 2), FIRST))
    with pytest.raises(ConnectionError):
        feed(BoundedStream(backlog), piece(3, b"x", FIRST))
