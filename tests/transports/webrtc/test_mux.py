"""Who gets which datagram of a shared port; no socket is opened."""

import asyncio

from aioice import Candidate, ice, stun

from rtav.transports.webrtc.mux import Door

ALICE = ("192.0.2.1", 5000)
BOB = ("192.0.2.2", 6000)
DATA = b"\x80 some RTP"


class Wire:
    """Instead of a socket."""

    def __init__(self) -> None:
        self.sent = []

    def sendto(self, data, address):
        self.sent.append((data, address))

    def get_extra_info(self, name, default=None):
        return default


class Call:
    """An aioice connection that writes down what it is given."""

    def __init__(self, door: Door, user: str) -> None:
        self.received = []
        self.connection = ice.Connection(
            ice_controlling=False, local_username=user, local_password=f"{user:x<22}"
        )
        self.connection.data_received = lambda data, component: self.received.append(data)
        self.connection.request_received = lambda message, *_: self.received.append(message)
        self.link = door.admit(self.connection)
        self.link.local_candidate = Candidate("1", 1, "udp", 1, "192.0.2.9", 1, "host")


def _check(user: str, password: str) -> bytes:
    """An ICE check for `user`."""
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{user}:theirs"
    request.add_message_integrity(password.encode())
    return bytes(request)


def _door() -> tuple[Door, Wire]:
    door, wire = Door(), Wire()
    door.connection_made(wire)
    return door, wire


def _run(scenario):
    async def in_loop():
        scenario()

    asyncio.run(in_loop())


def test_a_stranger_is_heard_by_nobody():
    def scenario():
        door, _ = _door()
        call = Call(door, "anna")
        door.datagram_received(DATA, ALICE)
        assert call.received == []

    _run(scenario)


def test_a_check_with_the_right_password_introduces_its_address():
    def scenario():
        door, _ = _door()
        call, other = Call(door, "anna"), Call(door, "bert")
        door.datagram_received(_check("anna", "annaxxxxxxxxxxxxxxxxxx"), ALICE)
        door.datagram_received(DATA, ALICE)
        assert len(call.received) == 2
        assert call.received[1] == DATA
        assert other.received == []

    _run(scenario)


def test_a_check_with_the_wrong_password_introduces_nobody():
    def scenario():
        door, _ = _door()
        call = Call(door, "anna")
        door.datagram_received(_check("anna", "guessedguessedguessed!"), ALICE)
        door.datagram_received(DATA, ALICE)
        assert call.received == []
        assert door.routes == 1  # the user's name

    _run(scenario)


def test_an_address_that_is_used_again_belongs_to_its_new_call():
    def scenario():
        door, _ = _door()
        old, new = Call(door, "anna"), Call(door, "bert")
        door.datagram_received(_check("anna", "annaxxxxxxxxxxxxxxxxxx"), ALICE)
        door.datagram_received(_check("bert", "bertxxxxxxxxxxxxxxxxxx"), ALICE)
        door.datagram_received(DATA, ALICE)
        assert len(old.received) == 1
        assert new.received[-1] == DATA

    _run(scenario)


def test_our_own_check_expects_an_answer_but_displaces_no_proven_owner():
    def scenario():
        door, wire = _door()
        owner, thief = Call(door, "anna"), Call(door, "bert")
        door.datagram_received(_check("anna", "annaxxxxxxxxxxxxxxxxxx"), ALICE)
        thief.link.transport.sendto(b"check", ALICE)
        thief.link.transport.sendto(b"check", BOB)
        door.datagram_received(DATA, ALICE)
        door.datagram_received(DATA, BOB)
        assert owner.received[-1] == DATA
        assert thief.received == [DATA]
        assert wire.sent == [(b"check", ALICE), (b"check", BOB)]

    _run(scenario)


def test_a_call_that_ended_leaves_no_route_and_sends_nothing():
    def scenario():
        door, wire = _door()
        call = Call(door, "anna")
        door.datagram_received(_check("anna", "annaxxxxxxxxxxxxxxxxxx"), ALICE)
        call.link.transport.sendto(b"x", BOB)
        assert door.routes == 3
        call.link.transport.close()
        call.link.transport.close()
        call.link.transport.sendto(b"late", BOB)
        door.datagram_received(DATA, ALICE)
        assert door.routes == 0
        assert len(call.received) == 1
        assert wire.sent == [(b"x", BOB)]

    _run(scenario)


def test_garbage_that_looks_like_a_check_is_harmless():
    def scenario():
        door, _ = _door()
        Call(door, "anna")
        for data in (b"", b"\x00\x01", b"\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(20)):
            door.datagram_received(data, ALICE)
        assert door.routes == 1

    _run(scenario)


def test_a_malformed_check_is_nobodys_trouble(caplog):
    # PRIORITY (0x0024) with one byte of its four.
    body = b"\x00\x24\x00\x01\x00\x00\x00\x00"
    malformed = b"\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(12) + body

    def scenario():
        door, _ = _door()
        call = Call(door, "anna")
        door.datagram_received(_check("anna", "annaxxxxxxxxxxxxxxxxxx"), ALICE)
        door.datagram_received(malformed, ALICE)
        door.datagram_received(malformed, BOB)
        assert len(call.received) == 1

    _run(scenario)
    assert caplog.records == []


def test_a_datagram_that_breaks_its_call_breaks_nothing_else():
    def scenario():
        door, _ = _door()
        call, reports = Call(door, "anna"), []
        call.connection.data_received = lambda data, component: 1 / 0
        call.link.on_broken = reports.append
        door.datagram_received(_check("anna", "annaxxxxxxxxxxxxxxxxxx"), ALICE)
        door.datagram_received(DATA, ALICE)
        assert [type(error) for error in reports] == [ZeroDivisionError]

    _run(scenario)
