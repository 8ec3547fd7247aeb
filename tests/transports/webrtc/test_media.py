"""What goes over the tracks, by connecting an aiortc client over loopback."""

import asyncio
import struct

import numpy as np
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSrPacket,
    RtpPacket,
    pack_remb_fci,
)

from rtav.media.opus import OpusEncoder
from rtav.media.video import make_encoder
from rtav.testing.caller import call, calling, serving, until

WALL = 1_790_000_000.5  # seconds since 1970
NTP = 3_998_988_800.5  # the same since 1900


def _frames(codec, count=3):
    encoder = make_encoder(codec, width=64, height=64, fps=25, bitrate=100_000, ceiling=200_000)
    pictures = (np.full((96, 64), 60 + 20 * number, np.uint8) for number in range(count))
    return [encoder.encode(picture, key=False) for picture in pictures]


def _packets(caller, payload_type):
    parsed = [RtpPacket.parse(data) for data in caller.rtp]
    return [packet for packet in parsed if packet.payload_type == payload_type]


def _video_source(peer):
    return peer.video._ssrc


def test_opus_and_video_are_heard_and_seen():
    async def scenario(codec):
        async with serving() as web, calling() as caller:
            caller.listen()
            caller.watch()
            peer, _ = await call(web, caller, video_codec=codec)
            voice = OpusEncoder()
            tone = (9000 * np.sin(np.arange(480) * 0.1)).astype(np.int16)
            for number in range(8):
                peer.audio.push([voice.encode(tone)], 960 * number)
            for number, payloads in enumerate(_frames(codec)):
                peer.video.push(payloads, 3600 * number)
            async with asyncio.timeout(2):
                picture = await caller.tracks["video"].recv()
                sound = [await caller.tracks["audio"].recv() for _ in range(3)]
            assert (picture.width, picture.height) == (64, 64)
            assert picture.to_ndarray(format="gray").mean() > 40
            assert np.abs(sound[-1].to_ndarray()).max() > 2000

    for codec in ("vp8", "h264"):
        asyncio.run(scenario(codec))


def test_the_microphone_arrives_as_it_was_sent():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.speak()
            peer, recorder = await call(web, caller)
            await until(lambda: len(recorder.packets) >= 5)
            sequences = [sequence for sequence, _, _ in recorder.packets]
            times = [rtp_time for _, rtp_time, _ in recorder.packets]
            assert np.diff(sequences).tolist() == [1] * (len(sequences) - 1)
            assert np.diff(times).tolist() == [960] * (len(times) - 1)
            assert peer.stats().packets_received == len(recorder.packets)
            assert peer.stats().packets_lost == 0

    asyncio.run(scenario())


def test_a_frame_is_one_rtp_time_with_the_marker_on_its_last_packet():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.watch("VP8")
            peer, _ = await call(web, caller)
            peer.video.push([b"\x10first", b"\x00last"], 0)
            peer.video.push([b"\x10next"], 3600)
            await until(lambda: len(_packets(caller, 97)) == 3)
            packets = _packets(caller, 97)
            assert [packet.marker for packet in packets] == [0, 1, 1]
            assert [packet.payload for packet in packets] == [
                b"\x10first",
                b"\x00last",
                b"\x10next",
            ]
            start = packets[0].timestamp
            assert [(p.timestamp - start) & 0xFFFFFFFF for p in packets] == [0, 0, 3600]
            assert peer.stats().packets_sent == 3

    asyncio.run(scenario())


def test_packets_carry_their_mid_and_video_the_time_it_was_sent():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.listen()
            caller.watch("VP8")
            peer, _ = await call(web, caller)
            peer.audio.push([b"voice"], 0)
            peer.video.push([b"\x10picture"], 0)
            await until(lambda: len(caller.rtp) == 2)
            extensions = caller.transport._rtp_header_extensions_map
            (voice,) = (RtpPacket.parse(d, extensions) for d in caller.rtp if d.endswith(b"voice"))
            (image,) = (RtpPacket.parse(d, extensions) for d in caller.rtp if d.endswith(b"ture"))
            assert (voice.extensions.mid, voice.extensions.abs_send_time) == ("0", None)
            assert image.extensions.mid == "1"
            now = asyncio.get_running_loop().time()
            age_s = (now - image.extensions.abs_send_time / (1 << 18)) % 64
            assert age_s < 1

    asyncio.run(scenario())


def test_nothing_is_sent_before_the_handshake_or_after_the_end():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.listen()
            peer = await web.connect(await caller.offer())
            assert not peer.audio.ready
            peer.audio.push([b"early"], 0)
            peer.audio.report(WALL, 0)
            await peer.close("enough")
            assert not peer.audio.ready
            peer.audio.push([b"late"], 960)
            assert peer.stats().packets_sent == 0

    asyncio.run(scenario())


def test_a_report_says_one_instant_on_both_clocks():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.listen()
            peer, _ = await call(web, caller)
            peer.audio.push([b"voice"], 960)
            peer.audio.report(WALL, 1200)
            await until(lambda: caller.rtp and caller.rtcp)
            report, names = RtcpPacket.parse(caller.rtcp[0])
            assert isinstance(report, RtcpSrPacket)
            assert isinstance(names, RtcpSdesPacket)
            assert report.sender_info.ntp_timestamp == int(NTP * (1 << 32))
            sent = RtpPacket.parse(caller.rtp[0])
            assert report.sender_info.rtp_timestamp - sent.timestamp == 240
            assert (report.sender_info.packet_count, report.sender_info.octet_count) == (1, 5)
            (name,) = names.chunks[0].items
            assert f"cname:{name[1].decode()}" in caller.pc.remoteDescription.sdp

    asyncio.run(scenario())


def test_a_receiver_report_becomes_loss_and_round_trip_time():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.listen()
            peer, _ = await call(web, caller)
            peer.audio.report(WALL, 0)
            info = RtcpReceiverInfo(
                ssrc=peer.audio._ssrc,
                fraction_lost=64,
                packets_lost=3,
                highest_sequence=10,
                jitter=0,
                lsr=int(NTP * (1 << 16)) & 0xFFFFFFFF,
                dlsr=0,
            )
            await caller.send_rtcp(RtcpRrPacket(ssrc=1, reports=[info]))
            await until(lambda: peer.stats().rtt_s is not None)
            assert 0 < peer.stats().rtt_s < 1
            assert peer.stats().loss == 0.25

    asyncio.run(scenario())


def test_pli_and_fir_ask_for_a_key_frame():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.watch("VP8")
            peer, recorder = await call(web, caller)
            source = _video_source(peer)
            await caller.send_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=source))
            await until(lambda: recorder.keyframes == 1)
            fir = struct.pack("!LBxxx", source, 7)
            for _ in range(2):  # the second is a repetition
                await caller.send_rtcp(
                    RtcpPsfbPacket(fmt=RTCP_PSFB_FIR, ssrc=1, media_ssrc=0, fci=fir)
                )
            await caller.send_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=source))
            await until(lambda: recorder.keyframes == 3)
            await asyncio.sleep(0.05)
            assert recorder.keyframes == 3

    asyncio.run(scenario())


def test_remb_below_what_is_sent_changes_the_bitrate():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.watch("VP8")
            peer, recorder = await call(web, caller)
            source = _video_source(peer)
            caller.lose_rtp(25)  # or it would estimate by itself
            for frame in range(25):
                peer.video.push([bytes(1100)], 3600 * frame)  # 220 kbit at once
            for fci in (
                pack_remb_fci(330_000, [source]),  # more than is sent
                pack_remb_fci(160_000, [source]),
                pack_remb_fci(100_000, [4711]),  # some other source
                b"ELSEWHAT",  # some other application's
            ):
                await caller.send_rtcp(
                    RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=fci)
                )
            await caller.send_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=source))
            await until(lambda: recorder.keyframes == 1)
            assert recorder.bitrates == [160_000]
            assert peer.stats().bitrate == 160_000

    asyncio.run(scenario())


def test_a_lost_packet_is_sent_again_in_the_clients_way():
    async def scenario():
        async with serving() as web, calling() as caller:
            caller.watch("VP8")
            peer, _ = await call(web, caller)
            for number in range(3):
                peer.video.push([b"\x10frame %d" % number], 3600 * number)
            await until(lambda: len(_packets(caller, 97)) == 3)
            lost = _packets(caller, 97)[1]
            nack = RtcpRtpfbPacket(
                fmt=RTCP_RTPFB_NACK,
                ssrc=1,
                media_ssrc=_video_source(peer),
                lost=[lost.sequence_number, (lost.sequence_number + 100) & 0xFFFF],
            )
            for _ in range(2):  # asked again at once: it is on its way already
                await caller.send_rtcp(nack)
            await until(lambda: len(_packets(caller, 98)) == 1)
            await asyncio.sleep(0.05)
            (again,) = _packets(caller, 98)
            assert again.payload == struct.pack("!H", lost.sequence_number) + lost.payload
            assert (again.timestamp, again.marker) == (lost.timestamp, lost.marker)
            assert again.ssrc == peer.video._rtx_ssrc

    asyncio.run(scenario())


def test_without_rtx_a_lost_packet_is_sent_again_as_it_was():
    def without_rtx(offer):
        lines = [line for line in offer.splitlines() if "rtx/90000" not in line]
        return "\r\n".join(line for line in lines if "apt=" not in line) + "\r\n"

    async def scenario():
        async with serving() as web, calling() as caller:
            caller.watch("VP8")
            peer, _ = await call(web, caller, change_offer=without_rtx)
            caller.lose_rtp(1)
            peer.video.push([b"\x10lost"], 0)
            peer.video.push([b"\x10next"], 3600)
            await until(lambda: len(caller.rtp) == 1)
            next_one = RtpPacket.parse(caller.rtp[0])
            lost = (next_one.sequence_number - 1) & 0xFFFF
            await caller.send_rtcp(
                RtcpRtpfbPacket(
                    fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=_video_source(peer), lost=[lost]
                )
            )
            await until(lambda: len(caller.rtp) == 2)
            again = RtpPacket.parse(caller.rtp[1])
            assert (again.sequence_number, again.payload) == (lost, b"\x10lost")
            assert again.ssrc == next_one.ssrc

    asyncio.run(scenario())
