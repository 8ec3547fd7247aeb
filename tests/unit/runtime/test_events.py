from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from rtav.errors import ProtocolError
from rtav.protocol.server import ServerEvent
from rtav.runtime.events import MAX_BUFFERED_BYTES, MAX_MESSAGE_BYTES, Events
from rtav.testing.peer import WEBRTC, WEBSOCKET, FakePeer
from rtav.testing.virtual import run

DELETED = ServerEvent("conversation.item.deleted", {"item_id": "item_1"}, "event_1")
DONE = ServerEvent("conversation.item.done", {"item": {}, "previous_item_id": None}, "event_2")
ERROR = ServerEvent("error", {"error": {"code": None, "message": "no"}}, "event_3")


class Desk:
    def __init__(self, peer: FakePeer) -> None:
        self.peer = peer
        self.stalled = 0
        self.refused: list[ProtocolError] = []
        self.events = Events(peer, stalled=self._stall, refused=self.refused.append)

    def _stall(self) -> None:
        self.stalled += 1

    def send(self, event: ServerEvent, spelling: Any = "ga") -> list[dict[str, Any]]:
        async def main() -> None:  # the peer notes the time
            self.events.send(event, spelling)

        run(main())
        return self.peer.events


def test_an_event_is_sent_as_the_connection_spells_it() -> None:
    assert Desk(FakePeer()).send(DELETED) == [
        {"type": "conversation.item.deleted", "event_id": "event_1", "item_id": "item_1"}
    ]


def test_an_event_that_a_spelling_does_not_have_is_not_sent() -> None:
    assert Desk(FakePeer()).send(DONE, "beta") == []


def test_a_peer_that_does_not_read_gets_nothing_more_and_that_is_told() -> None:
    desk = Desk(FakePeer())
    desk.peer.buffered_bytes = MAX_BUFFERED_BYTES + 1

    assert desk.send(DELETED) == []
    assert desk.stalled == 1


def test_an_event_that_is_too_large_is_answered_with_what_and_how_large() -> None:
    desk = Desk(FakePeer(dataclasses.replace(WEBRTC, max_message_bytes=40)))

    desk.send(DELETED)

    assert [(e.type, e.code, e.message) for e in desk.refused] == [
        (
            "server_error",
            "event_too_large",
            "An event of 76 bytes cannot be sent, 40 is the limit: conversation.item.deleted.",
        )
    ]


def test_an_error_that_is_too_large_is_not_answered_with_another() -> None:
    desk = Desk(FakePeer(dataclasses.replace(WEBRTC, max_message_bytes=40)))

    desk.send(ERROR)

    assert desk.refused == []


@pytest.mark.parametrize("media", [WEBRTC, WEBSOCKET], ids=["webrtc", "websocket"])
def test_a_message_may_be_as_large_as_its_transport_carries(media: Any) -> None:
    desk = Desk(FakePeer(media))
    limit = MAX_MESSAGE_BYTES[media.transport]
    event = '{"type":"generate","text":"' + "x" * (limit - 29) + '"}'

    assert len(event) == limit
    assert desk.events.read(event).type == "generate"  # type: ignore[attr-defined]
    with pytest.raises(ProtocolError) as refused:
        desk.events.read(event + " ")
    assert refused.value.code == "event_too_large"


def test_a_large_item_may_go_back_twice_to_a_client_that_reads() -> None:
    desk = Desk(FakePeer())
    item = {"item": {"text": "a" * (5 << 20)}, "previous_item_id": None}

    desk.send(ServerEvent("conversation.item.added", item, "event_1"))
    desk.peer.buffered_bytes = 5 << 20
    desk.send(ServerEvent("conversation.item.done", item, "event_2"))
    desk.peer.buffered_bytes = 10 << 20
    desk.send(DELETED)
    assert desk.stalled == 0

    desk.peer.buffered_bytes = 16 << 20
    desk.send(DELETED)
    assert desk.stalled == 1
