"""Any text is an offer that aiortc can read, or a ProtocolError."""

import aiortc.sdp
from hypothesis import given
from hypothesis import strategies as st

from rtav.errors import ProtocolError
from rtav.transports.webrtc.sdp import MAX_OFFER_CHARS, read_offer

LINES = st.sampled_from(
    [
        "v=0",
        "a=group:BUNDLE 0 1 2",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 9",
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
        "m=video 0 RTP/SAVPF 96",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "m=application 9 DTLS/SCTP 5000",
        "m=",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=mid:1",
        "a=mid:",
        "a=rtcp-mux",
        "a=sendrecv",
        "a=recvonly",
        "a=bundle-only",
        "a=rtpmap:111 opus/48000/2",
        "a=rtpmap:96 VP8/90000",
        "a=rtpmap:96 H264/90000",
        "a=fmtp:96 packetization-mode=1;profile-level-id=42e01f",
        "a=fmtp:96 packetization-mode=1;profile-level-id=42f\u00b2ff",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
        "a=rtcp-fb:* nack",
        "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=extmap:15 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=ice-ufrag:aBcD",
        "a=ice-pwd:0123456789abcdefghijkl",
        "a=fingerprint:sha-256 AA:BB",
        "a=setup:actpass",
        "a=setup:active",
        "a=ice-lite",
        "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host",
        "a=candidate:1 1 udp 1 ::1 99999 typ host",
        "a=max-message-size:-1",
        "a=sctp-port:99999",
    ]
)

SKELETON = [
    "v=0",
    "a=group:BUNDLE 0 1 2",
    "a=ice-ufrag:aBcD",
    "a=ice-pwd:0123456789abcdefghijkl",
    "a=fingerprint:sha-256 AA:BB",
    "a=setup:actpass",
]


def _check(text: str) -> None:
    try:
        offer = read_offer(text)
    except ProtocolError as error:
        assert error.code == "invalid_sdp"  # noqa: PT017 - either end of the invariant
        return
    parsed = aiortc.sdp.SessionDescription.parse(offer.text)
    mids = {media.rtp.muxId for media in parsed.media}
    assert mids >= {stream.mid for stream in (offer.audio, offer.video) if stream}
    assert len(parsed.media) >= 1
    answer = str(parsed)
    sections = offer.complete(answer).count("\r\nm=")
    assert sections == len(parsed.media) + len(offer.rejected)


@given(st.text(max_size=300))
def test_any_text_is_an_offer_or_an_error(text):
    _check(text)


@given(st.lists(LINES, max_size=40), st.booleans())
def test_any_lines_of_an_offer_are_an_offer_or_an_error(lines, has_skeleton):
    _check("\r\n".join([*(SKELETON if has_skeleton else []), *lines]))


@given(st.integers(0, 2000), st.integers(0, 2000), st.text(max_size=20))
def test_a_damaged_offer_is_an_offer_or_an_error(start, length, replacement):
    lines = [
        *SKELETON,
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=mid:0",
        "a=rtcp-mux",
        "a=rtpmap:111 opus/48000/2",
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
        "a=mid:1",
        "a=rtcp-mux",
        "a=rtpmap:96 H264/90000",
        "a=fmtp:96 packetization-mode=1;profile-level-id=42e01f",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
        "a=rtcp-fb:96 nack pli",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "a=mid:2",
        "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host",
    ]
    whole = "\r\n".join(lines)
    start, length = start % len(whole), length % 40
    _check(whole[:start] + replacement + whole[start + length :])


def test_a_huge_text_is_an_error_at_once():
    _check("v=0\r\n" + "m=audio 9 RTP/SAVPF 0\r\n" * MAX_OFFER_CHARS)
