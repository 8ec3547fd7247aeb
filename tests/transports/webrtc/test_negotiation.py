"""What is answered to which offer, by connecting an aiortc client over loopback."""

import asyncio

import pytest
from OpenSSL import SSL

from rtav.errors import AtCapacity, ConfigError, ProtocolError
from rtav.runtime.peer import PeerMedia, VideoFormat
from rtav.testing.caller import call, calling, serving, until
from rtav.transports.webrtc.webrtc import IceSettings

ANY_SIZE = 1 << 30


def _section(sdp: str, kind: str) -> list[str]:
    whole = next(part for part in sdp.split("\r\nm=")[1:] if part.startswith(kind))
    return f"m={whole}".splitlines()


def _without(offer: str, *unwanted: str) -> str:
    return "".join(f"{line}\r\n" for line in offer.splitlines() if not line.startswith(unwanted))


def _negotiate_no_srtp(transport) -> None:
    """As clients do that know data channels only."""
    certificate = transport._RTCDtlsTransport__local_certificate

    def make_context(srtp_profiles):
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        context.use_certificate(certificate._cert)
        context.use_privatekey(certificate._key)
        return context

    vars(certificate)["_create_ssl_context"] = make_context
    vars(transport)["_setup_srtp"] = lambda: None


def test_a_data_channel_alone_connects_and_carries_text_both_ways():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.open_channel("realtime", protocol="json")
            peer, recorder = await call(web, caller)
            assert (recorder.label, recorder.subprotocol) == ("realtime", "json")
            assert peer.media == PeerMedia(
                transport="webrtc", hears=False, speaks=False, video=None, max_message_bytes=262_144
            )
            assert peer.audio is None
            assert peer.video is None
            caller.channel.send("hello")
            peer.send("welcome")
            await until(lambda: caller.messages and recorder.messages)
            assert (caller.messages, recorder.messages) == (["welcome"], ["hello"])
            assert "media_ready" not in recorder.events

    asyncio.run(scenario())


def test_a_client_that_negotiates_no_srtp_may_have_a_data_channel():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.open_channel()
            _negotiate_no_srtp(caller.transport)
            _, recorder = await call(web, caller)
            assert recorder.events == ["opened"]

    asyncio.run(scenario())


def test_an_offer_without_candidates_connects():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.open_channel()
            caller.speak()
            _, recorder = await call(
                web,
                caller,
                change_offer=lambda offer: _without(offer, "a=candidate", "a=end-of-candidates"),
            )
            assert set(recorder.events) == {"opened", "media_ready"}

    asyncio.run(scenario())


def test_local_names_and_tcp_candidates_are_passed_over():
    def only_useless(offer: str) -> str:
        useless = (
            "a=candidate:1 1 udp 2113937151 5b3f.local 50000 typ host\r\n"
            "a=candidate:2 1 tcp 1518280447 127.0.0.1 9 typ host tcptype active\r\n"
            "a=end-of-candidates\r\n"
        )
        return _without(offer, "a=candidate", "a=end-of-candidates") + useless

    async def scenario():
        async with serving() as web, calling() as caller:
            caller.open_channel()
            _, recorder = await call(web, caller, change_offer=only_useless)
            assert recorder.events == ["opened"]

    asyncio.run(scenario())


def test_audio_and_video_are_one_stream_of_one_source_name():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.open_channel()
            caller.speak()
            caller.watch()
            peer, _ = await call(web, caller)
            answer = caller.pc.remoteDescription.sdp
            msids = [line.split()[0] for line in answer.splitlines() if "a=msid:" in line]
            names = {line.split("cname:")[1] for line in answer.splitlines() if "cname:" in line}
            assert len(msids) == 2
            assert len(set(msids)) == 1
            assert len(names) == 1
            assert peer.media.hears
            assert peer.media.speaks

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("offered", "wanted", "chosen"),
    [
        (("VP8", "H264"), None, VideoFormat(codec="vp8", max_pixels=921_600, other="h264")),
        (("H264", "VP8"), None, VideoFormat(codec="h264", max_pixels=921_600, other="vp8")),
        (("VP8", "H264"), "h264", VideoFormat(codec="h264", max_pixels=921_600, other="vp8")),
        (("H264", "VP8"), "vp8", VideoFormat(codec="vp8", max_pixels=921_600, other="h264")),
        (("VP8",), "h264", VideoFormat(codec="vp8", max_pixels=ANY_SIZE, max_pixel_rate=ANY_SIZE)),
        (("H264",), "vp8", VideoFormat(codec="h264", max_pixels=921_600)),
    ],
)
def test_the_wanted_codec_is_answered_first_else_the_order_decides(offered, wanted, chosen):
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.watch(*offered)
            peer = await web.connect(await caller.offer(), video_codec=wanted)
            answer = _section(await peer.answer(), "video")
            assert peer.media.video == chosen
            codecs = [line.split()[1] for line in answer if line.startswith("a=rtpmap")]
            names = {"h264": "H264/90000", "vp8": "VP8/90000"}
            both = [chosen.codec, chosen.other] if chosen.other else [chosen.codec]
            assert codecs == [n for codec in both for n in (names[codec], "rtx/90000")]

    asyncio.run(scenario())


def test_of_two_baseline_entries_the_constrained_one_is_answered():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.watch("H264")
            peer = await web.connect(await caller.offer())
            formats = [x for x in _section(await peer.answer(), "video") if "profile-level-id" in x]
            assert len(formats) == 1
            assert "packetization-mode=1;profile-level-id=42e01f" in formats[0]

    asyncio.run(scenario())


def test_video_that_nobody_can_send_is_refused_while_the_call_goes_on():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.speak()
            caller.watch("VP8")
            caller.open_channel()
            offer = (await caller.offer()).replace("VP8/90000", "AV1/90000")
            peer = await web.connect(offer)
            answer = await peer.answer()
            kinds = [line for line in answer.splitlines() if line.startswith("m=")]
            assert [line.split()[0] for line in kinds] == ["m=audio", "m=video", "m=application"]
            assert kinds[1].split()[1] == "0"
            assert "a=group:BUNDLE 0 2" in answer.splitlines()
            assert "a=inactive" in _section(answer, "video")
            assert peer.media.video is None
            assert peer.media.hears

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("offered", "answered"), [("sendrecv", "sendonly"), ("sendonly", "recvonly")]
)
def test_a_camera_is_accepted_and_ignored(offered, answered):
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.open_channel()
            caller.watch("VP8", direction=offered)
            peer = await web.connect(await caller.offer())
            assert f"a={answered}" in _section(await peer.answer(), "video")
            assert (peer.media.video is not None) == (offered == "sendrecv")

    asyncio.run(scenario())


def test_a_client_may_listen_without_a_microphone():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.listen()
            caller.open_channel()
            peer, _ = await call(web, caller)
            assert peer.media.hears
            assert not peer.media.speaks

    asyncio.run(scenario())


def test_every_call_is_answered_from_the_same_port():
    async def scenario():
        async with serving() as web, calling() as one, calling() as other:
            for caller in (one, other):
                caller.open_channel()
                await call(web, caller)
            for caller in (one, other):
                (remote,) = caller.transport.transport.getRemoteCandidates()
                assert (remote.ip, remote.port) == ("127.0.0.1", web.udp_port)
            # Two calls, each with its user name and its one remote address.
            assert web.routes == 4

    asyncio.run(scenario())


def test_calls_on_one_port_hear_only_their_own_client():
    async def scenario():
        async with serving() as web, calling() as one, calling() as other:
            one.open_channel()
            other.open_channel()
            peer_one, recorder_one = await call(web, one)
            peer_other, recorder_other = await call(web, other)
            one.channel.send("from one")
            other.channel.send("from other")
            peer_one.send("to one")
            peer_other.send("to other")
            await until(lambda: one.messages and other.messages)
            assert (recorder_one.messages, one.messages) == (["from one"], ["to one"])
            assert (recorder_other.messages, other.messages) == (["from other"], ["to other"])

    asyncio.run(scenario())


def test_each_call_takes_a_port_of_the_range_and_gives_it_back():
    async def scenario():
        settings = IceSettings(bind=("127.0.0.1",), port_range=(47_310, 47_311))
        async with serving(settings) as web, calling() as one, calling() as other:
            one.open_channel()
            other.open_channel()
            peer, _ = await call(web, one)
            await call(web, other)
            ports = {c.transport.transport.getRemoteCandidates()[0].port for c in (one, other)}
            assert ports == {47_310, 47_311}
            async with calling() as third:
                third.open_channel()
                offer = await third.offer()
                with pytest.raises(AtCapacity, match="every UDP port from 47310 to 47311"):
                    await web.connect(offer)
                await peer.close("make room")
                await call(web, third)

    asyncio.run(scenario())


def test_public_addresses_are_advertised_instead_of_the_bound_ones():
    async def scenario():
        settings = IceSettings(bind=("127.0.0.1",), public=("203.0.113.7", "2001:db8::7"))
        async with serving(settings) as web, calling() as caller:
            caller.open_channel()
            peer = await web.connect(await caller.offer())
            answer = (await peer.answer()).splitlines()
            found = [line.split()[4:6] for line in answer if line.startswith("a=candidate")]
            port = str(web.udp_port)
            assert found == [["203.0.113.7", port], ["2001:db8::7", port]]

    asyncio.run(scenario())


def test_a_taken_port_is_a_configuration_error():
    async def scenario():
        async with serving() as web:
            taken = IceSettings(bind=("127.0.0.1",), udp_port=web.udp_port)
            with pytest.raises(ConfigError, match="ice.udp_port"):
                async with serving(taken):
                    pass

    asyncio.run(scenario())


def test_an_address_of_another_machine_is_a_configuration_error(caplog):
    async def scenario():
        with pytest.raises(ConfigError, match="none of 192.0.2.77 can be bound"):
            async with serving(IceSettings(bind=("192.0.2.77",))):
                pass

    asyncio.run(scenario())
    assert "cannot listen on UDP 192.0.2.77" in caplog.text


def test_an_unusable_offer_leaves_nothing_behind():
    async def scenario():
        async with serving() as web:
            before = len(asyncio.all_tasks())
            for offer in ("", "hello", "v=0\r\n", "v=0\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"):
                with pytest.raises(ProtocolError) as raised:
                    await web.connect(offer)
                assert (raised.value.code, raised.value.param) == ("invalid_sdp", "sdp")
            assert (len(asyncio.all_tasks()), web.peers, web.routes) == (before, 0, 0)

    asyncio.run(scenario())
