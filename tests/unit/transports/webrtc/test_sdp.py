import aiortc.sdp
import pytest

from rtav.errors import ProtocolError
from rtav.transports.webrtc.sdp import read_offer

TRANSPORT = """\
a=ice-ufrag:aBcD
a=ice-pwd:0123456789abcdefghijkl
a=fingerprint:sha-256 AA:BB:CC:DD
a=setup:actpass
"""

AUDIO = f"""\
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
{TRANSPORT}\
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendrecv
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=rtpmap:9 G722/8000
a=ssrc:1234 cname:x
"""

VIDEO = f"""\
m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 109 114
c=IN IP4 0.0.0.0
{TRANSPORT}\
a=mid:1
a=recvonly
a=rtcp-mux
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 transport-cc
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:103 H264/90000
a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:104 rtx/90000
a=fmtp:104 apt=103
a=rtpmap:109 H264/90000
a=fmtp:109 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:114 rtx/90000
a=fmtp:114 apt=109
"""

DATA = f"""\
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
{TRANSPORT}\
a=mid:2
a=sctp-port:5000
a=max-message-size:262144
"""

HEAD = """\
v=0
o=- 42 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2
a=msid-semantic: WMS
"""

WHOLE = HEAD + AUDIO + VIDEO + DATA


def _fails(sdp: str) -> str:
    with pytest.raises(ProtocolError) as raised:
        read_offer(sdp)
    assert (raised.value.code, raised.value.param) == ("invalid_sdp", "sdp")
    return raised.value.message


def test_the_whole_offer_is_read():
    offer = read_offer(WHOLE)
    assert (offer.audio.mid, offer.audio.direction, offer.audio.codec.payload_type) == (
        "0",
        "sendrecv",
        111,
    )
    assert (offer.video.mid, offer.video.direction, offer.video.codec.name) == (
        "1",
        "recvonly",
        "vp8",
    )
    assert offer.max_message_bytes == 262_144
    assert offer.rejected == ()


def test_only_what_is_used_is_left():
    text = read_offer(WHOLE).text
    assert text.splitlines()[:20] == [
        "v=0",
        "o=- 0 0 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1 2",
        "a=msid-semantic: WMS *",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=sendrecv",
        "a=rtcp-mux",
        "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=rtpmap:111 opus/48000/2",
        "a=ice-ufrag:aBcD",
        "a=ice-pwd:0123456789abcdefghijkl",
        "a=fingerprint:sha-256 AA:BB:CC:DD",
        "a=setup:actpass",
        "m=video 9 UDP/TLS/RTP/SAVPF 96 109",
        "c=IN IP4 0.0.0.0",
        "a=mid:1",
    ]


def test_lines_may_end_as_on_any_system():
    assert read_offer(WHOLE.replace("\n", "\r\n")) == read_offer(WHOLE)
    assert read_offer(WHOLE.replace("\n", "\r")) == read_offer(WHOLE)
    assert read_offer(f"\n{WHOLE}\n\n") == read_offer(WHOLE)


def test_only_udp_candidates_with_an_address_are_kept_once_and_for_the_whole_bundle():
    candidates = """\
a=candidate:1 1 udp 2113937151 192.0.2.7 50000 typ host generation 0 network-cost 999
a=candidate:1 1 UDP 2113937151 192.0.2.7 50000 typ host
a=candidate:2 1 udp 2113937151 0f3a8d2e.local 50001 typ host
a=candidate:3 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active
a=candidate:4 1 udp 1677729535 198.51.100.3 61000 typ srflx raddr 0.0.0.0 rport 0
a=candidate:5 2 udp 2113937150 192.0.2.7 50002 typ host
a=candidate:6 1 udp 2113937150 224.0.0.1 50002 typ host
a=candidate:7 1 udp 2113937150 192.0.2.7 0 typ host
a=candidate:8 1 udp 2113937150 2001:db8::1 50003 typ host
a=end-of-candidates
"""
    parsed = aiortc.sdp.SessionDescription.parse(read_offer(HEAD + AUDIO + candidates + DATA).text)
    for media in parsed.media:
        assert [(c.ip, c.port, c.type) for c in media.ice_candidates] == [
            ("192.0.2.7", 50000, "host"),
            ("198.51.100.3", 61000, "srflx"),
            ("2001:db8::1", 50003, "host"),
        ]
        assert not media.ice_candidates_complete


def test_at_most_32_addresses_are_tried():
    lines = "".join(f"a=candidate:1 1 udp 1 192.0.2.1 {port} typ host\n" for port in range(1, 100))
    assert read_offer(HEAD + DATA + lines).text.count("a=candidate") == 32


def test_transport_attributes_may_stand_once_for_the_session():
    bare = (AUDIO + DATA).replace(TRANSPORT, "")
    text = read_offer(HEAD + TRANSPORT + bare).text
    assert text.count("a=ice-ufrag:aBcD") == 2
    assert text.count("a=fingerprint:sha-256 AA:BB:CC:DD") == 2


def test_a_bundle_only_section_borrows_its_transport_from_the_first():
    bare = VIDEO.replace(TRANSPORT, "a=bundle-only\n").replace("m=video 9", "m=video 0")
    offer = read_offer(HEAD + AUDIO + bare)
    assert offer.video is not None
    assert offer.text.count("a=ice-ufrag:aBcD") == 2


def test_a_section_that_the_client_has_refused_stays_refused():
    offer = read_offer(HEAD + AUDIO + VIDEO.replace("m=video 9", "m=video 0") + DATA)
    assert offer.video is None
    assert offer.rejected == (
        (1, "m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\na=mid:1\r\n"),
    )


def test_refused_sections_stand_in_the_answer_where_the_client_expects_them():
    second = AUDIO.replace("a=mid:0", "a=mid:3")
    text = "m=text 9 RTP/SAVPF 98\na=mid:4\n"
    offer = read_offer(HEAD + text + AUDIO + second + DATA)
    answer = "v=0\r\ns=-\r\nm=audio 5 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\nm=application 5 x y\r\n"
    kinds = [line.split()[:2] for line in offer.complete(answer).splitlines() if line[:2] == "m="]
    assert kinds == [["m=text", "0"], ["m=audio", "5"], ["m=audio", "0"], ["m=application", "5"]]


def test_a_direction_may_be_left_out_or_said_once_for_all():
    silent = AUDIO.replace("a=sendrecv\n", "")
    assert read_offer(HEAD + silent).audio.direction == "sendrecv"
    assert read_offer(HEAD + "a=recvonly\n" + silent).audio.direction == "recvonly"


@pytest.mark.parametrize(
    ("line", "size_bytes"),
    [
        ("a=max-message-size:262144\n", 262_144),
        ("a=max-message-size:1073741823\n", 262_144),
        ("a=max-message-size:0\n", 262_144),
        ("a=max-message-size:16384\n", 16_384),
        ("a=max-message-size:many\n", 65_536),
        ("", 65_536),
    ],
)
def test_messages_are_as_long_as_the_client_takes(line, size_bytes):
    sdp = HEAD + DATA.replace("a=max-message-size:262144\n", line)
    assert read_offer(sdp).max_message_bytes == size_bytes


def test_the_older_spelling_of_a_data_channel_is_understood():
    old = (
        DATA.replace("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000")
        .replace("a=sctp-port:5000\n", "a=sctpmap:5000 webrtc-datachannel 65535\n")
        .replace("a=max-message-size:262144\n", "")
    )
    offer = read_offer(HEAD + old)
    assert "m=application 9 DTLS/SCTP 5000" in offer.text
    assert offer.max_message_bytes == 65_536


def test_an_empty_body_is_no_offer():
    assert _fails("") == 'the SDP offer must be text that begins with "v=0"'


def test_json_is_no_offer():
    assert "begins with" in _fails('{"type": "offer", "sdp": "v=0"}')


def test_an_offer_needs_an_m_line():
    assert "no m-line" in _fails(HEAD)


def test_an_offer_needs_something_we_can_do():
    only_g722 = AUDIO.replace("opus/48000/2", "speex/16000")
    assert "no Opus audio" in _fails(HEAD + only_g722)


def test_an_offer_needs_ice_credentials():
    assert "a=ice-ufrag" in _fails(WHOLE.replace("a=ice-ufrag:aBcD\n", ""))
    assert "a=ice-pwd" in _fails(WHOLE.replace("0123456789abcdefghijkl", "short"))


def test_an_offer_needs_a_fingerprint():
    assert "a=fingerprint" in _fails(WHOLE.replace("a=fingerprint:sha-256 AA:BB:CC:DD\n", ""))
    assert "a=fingerprint" in _fails(WHOLE.replace("sha-256", "md5"))


def test_an_answer_is_no_offer():
    assert "belongs into an answer" in _fails(WHOLE.replace("actpass", "active"))


def test_rtcp_must_be_multiplexed():
    assert "a=rtcp-mux" in _fails(WHOLE.replace("a=rtcp-mux\n", ""))


def test_m_lines_must_be_bundled():
    assert "bundle" in _fails(WHOLE.replace("a=group:BUNDLE 0 1 2\n", ""))
    assert read_offer(HEAD.replace("a=group:BUNDLE 0 1 2\n", "") + DATA).max_message_bytes


def test_m_lines_must_have_different_mids():
    assert "an a=mid of its own" in _fails(WHOLE.replace("a=mid:1", "a=mid:0"))
    assert "a=mid of 1 to 16" in _fails(WHOLE.replace("a=mid:1\n", ""))


def test_a_truncated_offer_says_what_is_missing():
    assert "a=mid" in _fails(WHOLE[: WHOLE.index("a=ice-ufrag")])


def test_an_offer_has_a_size():
    assert "longer than 100000" in _fails(WHOLE + "a=x\n" * 30_000)
    assert "more than 32" in _fails(HEAD + DATA * 33)
