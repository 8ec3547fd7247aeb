"""Puts a client's long messages together at a bounded cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aiortc.rtcsctptransport import SCTP_DATA_LAST_FRAG, DataChunk, InboundStream

MAX_CHUNKS = 16_384
"""A client sends some 1150 bytes of a message at a time: 18 MiB."""

MAX_BYTES = 16 << 20
"""What may wait for its end: more than any message that gets an answer, and little memory."""


@dataclass(slots=True)
class Backlog:
    """What all streams of a client hold that is no whole message yet."""

    chunks: int = 0
    size_bytes: int = 0

    def add(self, chunks: int, size_bytes: int) -> None:
        """Raises ConnectionError, which ends the connection, where it is too much."""
        self.chunks += chunks
        self.size_bytes += size_bytes
        if self.chunks > MAX_CHUNKS or self.size_bytes > MAX_BYTES:
            raise ConnectionError("the client sends a message without an end")


class BoundedStream(InboundStream):
    """aiortc's, without its look through all chunks at each one: with 10 MB that takes seconds of
    the event loop, which all calls share."""

    def __init__(self, backlog: Backlog) -> None:
        super().__init__()
        self._backlog = backlog
        self._is_futile = False

    def add_chunk(self, chunk: DataChunk) -> None:
        before = len(self.reassembly)
        super().add_chunk(chunk)
        # The newest chunk completes a message only if it is the last of one.
        is_newest = self.reassembly[-1] is chunk
        self._is_futile = is_newest and not chunk.flags & SCTP_DATA_LAST_FRAG
        self._backlog.add(len(self.reassembly) - before, len(chunk.user_data))

    def pop_messages(self) -> Iterator[tuple[int, int, bytes]]:
        if self._is_futile:
            self._is_futile = False
            return
        before = len(self.reassembly)
        for message in super().pop_messages():
            self._backlog.add(len(self.reassembly) - before, -len(message[2]))
            before = len(self.reassembly)
            yield message

    def prune_chunks(self, tsn: int) -> int:
        before = len(self.reassembly)
        size_bytes = super().prune_chunks(tsn)
        self._backlog.add(len(self.reassembly) - before, -size_bytes)
        return size_bytes
