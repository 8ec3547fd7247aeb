"""Reads an offer: what the client can do, in a shape that aiortc cannot stumble over."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NoReturn

from rtav.errors import ProtocolError
from rtav.transports.webrtc.codecs import Codec, choose_audio, choose_video

MAX_OFFER_CHARS = 100_000  # Chromium with every codec and twenty candidates sends 9000
MAX_SECTIONS = 32
MAX_CANDIDATES = 32  # each costs up to seven checks to an address that the client names
DEFAULT_MESSAGE_BYTES = 65_536  # RFC 8841, section 6.1: what absence means
OUR_MESSAGE_BYTES = 262_144  # what aiortc and the browsers take

MID_EXTENSION = "urn:ietf:params:rtp-hdrext:sdes:mid"
SEND_TIME_EXTENSION = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

_DIRECTIONS: tuple[Direction, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")
_M_LINE = re.compile(r"m=([a-z]{1,16}) ([0-9]{1,5}) ([A-Z/]{1,32}) ([!-~]+(?: [!-~]+)*)", re.ASCII)
_MID = re.compile(r"[!#-'*+\-.0-9A-Z^-~]{1,16}", re.ASCII)  # 16 bytes fit the header extension
_UFRAG = re.compile(r"[!-9;-~]{4,256}", re.ASCII)
_PASSWORD = re.compile(r"[!-~]{22,256}", re.ASCII)
_FINGERPRINT = re.compile(r"(?i:sha-(?:256|384|512)) [0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})+")
_EXTENSION = re.compile(r"([0-9]{1,2})(?:/[a-z]+)? ([!-~]+)", re.ASCII)
_CANDIDATE = re.compile(
    r"([!-~]{1,32}) 1 (?i:udp) ([0-9]{1,10}) (\S+) ([0-9]{1,5}) typ (host|srflx|relay)\b", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One RTP section that is answered."""

    mid: str
    direction: Direction
    """As the client offered it."""
    codecs: tuple[Codec, ...]
    """Those that are answered, the one to begin with first."""

    @property
    def codec(self) -> Codec:
        return self.codecs[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A readable offer and what is made of it."""

    text: str
    """The sections that are answered, with nothing in them but what is used."""
    audio: Stream | None
    video: Stream | None
    max_message_bytes: int | None
    """None where no data channel was offered."""
    rejected: tuple[tuple[int, str], ...]
    """Index and answer of each section that is refused, in order."""

    def complete(self, answer: str) -> str:
        """`answer` to `text`, with the refused sections put where the client expects them."""
        head, *sections = re.split(r"(?m)^(?=m=)", answer)
        for index, section in self.rejected:
            sections.insert(index, section)
        return head + "".join(sections)


@dataclass(frozen=True, slots=True)
class _Section:
    """One m-line and its attributes."""

    kind: str
    port: int
    profile: str
    formats: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.attributes if key == name]

    def first(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)

    @property
    def mid(self) -> str:
        return self.first("mid") or ""

    @property
    def refused(self) -> bool:
        """True if the client itself does not want it. Port 0 alone also means "bundled"."""
        return self.port == 0 and self.first("bundle-only") is None

    def direction(self, session: _Section) -> Direction:
        for section in (self, session):
            for name in _DIRECTIONS:
                if section.first(name) is not None:
                    return name
        return "sendrecv"

    def rejection(self) -> str:
        lines = [
            f"m={self.kind} 0 {self.profile} {self.formats[0]}",
            "c=IN IP4 0.0.0.0",
            "a=inactive",
            *([f"a=mid:{self.mid}"] if self.mid else []),
        ]
        return _join(lines)


def read_offer(sdp: str, *, video_codec: str | None = None) -> Offer:
    """What `sdp` offers. `video_codec` ("h264" or "vp8") outranks the order of the offer.

    The first usable audio, video and data section are taken, every other one is refused. Raises
    ProtocolError, with `param="sdp"` and a message that says what to change, for anything that
    is not an offer we can answer.
    """
    session, sections = _split(sdp)
    if len({section.mid for section in sections}) < len(sections):
        _fail("every m-line needs an a=mid of its own")
    audio = video = data = None
    taken: list[_Section] = []
    for section in sections:
        if section.refused:
            continue
        if section.kind == "audio" and audio is None:
            codec = choose_audio(section.formats, section.attributes)
            audio = _stream(section, session, [codec] if codec else [])
            taken += [section] if audio else []
        elif section.kind == "video" and video is None:
            codecs = choose_video(section.formats, section.attributes, video_codec)
            video = _stream(section, session, codecs)
            taken += [section] if video else []
        elif section.kind == "application" and data is None and _is_channel(section):
            data = section
            taken.append(section)
    if not taken:
        _fail("the offer has no data channel, no Opus audio and no H.264 or VP8 video")
    streams = {stream.mid: stream for stream in (audio, video) if stream}
    return Offer(
        text=_write(session, taken, sections, streams),
        audio=audio,
        video=video,
        max_message_bytes=None if data is None else _message_bytes(data),
        rejected=tuple((i, s.rejection()) for i, s in enumerate(sections) if s not in taken),
    )


def _split(sdp: str) -> tuple[_Section, list[_Section]]:
    if len(sdp) > MAX_OFFER_CHARS:
        _fail(f"the offer is longer than {MAX_OFFER_CHARS} characters")
    lines = [line.strip() for line in re.split(r"\r\n|\n|\r", sdp.strip())]
    if lines[0] != "v=0":
        _fail('the SDP offer must be text that begins with "v=0"')
    starts = [i for i, line in enumerate(lines) if line.startswith("m=")]
    if not starts:
        _fail("the offer has no m-line: add a data channel or a track before createOffer()")
    if len(starts) > MAX_SECTIONS:
        _fail(f"the offer has more than {MAX_SECTIONS} m-lines")
    session = _Section("", 0, "", (), _attributes(lines[: starts[0]]))
    ends = [*starts[1:], len(lines)]
    return session, [_section(lines[a:b]) for a, b in zip(starts, ends, strict=True)]


def _section(lines: list[str]) -> _Section:
    match = _M_LINE.fullmatch(lines[0])
    if match is None:
        _fail("an m-line of the offer cannot be read")
    kind, port, profile, formats = match.groups()
    section = _Section(kind, int(port), profile, tuple(formats.split()), _attributes(lines[1:]))
    if not _MID.fullmatch(section.mid):
        _fail("every m-line needs an a=mid of 1 to 16 characters")
    return section


def _attributes(lines: Iterable[str]) -> tuple[tuple[str, str], ...]:
    pairs = (line[2:].partition(":") for line in lines if line.startswith("a="))
    return tuple((name, value.strip()) for name, _, value in pairs)


def _stream(section: _Section, session: _Section, codecs: list[Codec]) -> Stream | None:
    if not codecs or not section.profile.endswith("RTP/SAVPF"):
        return None
    return Stream(mid=section.mid, direction=section.direction(session), codecs=tuple(codecs))


def _is_channel(section: _Section) -> bool:
    if section.profile == "DTLS/SCTP":  # aiortc before 1.10 and other old clients
        return _number(section.formats[0], 1, 65_535) is not None
    return section.profile.endswith("DTLS/SCTP") and section.formats[0] == "webrtc-datachannel"


def _message_bytes(section: _Section) -> int:
    announced = _number(section.first("max-message-size") or "", 0, 1 << 62)
    if announced is None:
        return DEFAULT_MESSAGE_BYTES
    return min(announced or OUR_MESSAGE_BYTES, OUR_MESSAGE_BYTES)  # 0: any size


def _write(
    session: _Section,
    taken: list[_Section],
    sections: list[_Section],
    streams: dict[str, Stream],
) -> str:
    """The offer as aiortc gets it."""
    mids = [section.mid for section in taken]
    _check_bundle(session, mids)
    lines = ["v=0", "o=- 0 0 IN IP4 0.0.0.0", "s=-", "t=0 0"]
    if session.first("ice-lite") is not None:
        lines.append("a=ice-lite")
    lines += [f"a=group:BUNDLE {' '.join(mids)}", "a=msid-semantic: WMS *"]
    # aiortc takes the candidates of one section of the bundle, whichever was last.
    candidates = list(_candidates(sections))
    for section in taken:
        stream = streams.get(section.mid)
        lines += _rtp_lines(section, stream) if stream else _channel_lines(section)
        lines += _transport_lines(section, session, sections)
        # No a=end-of-candidates: with none left aioice would give up before the first check.
        lines += candidates
    return _join(lines)


def _check_bundle(session: _Section, mids: list[str]) -> None:
    groups = [value.split()[1:] for value in session.all("group") if value.startswith("BUNDLE")]
    if len(mids) > 1 and not any(set(mids) <= set(group) for group in groups):
        _fail("the offer must bundle its m-lines (a=group:BUNDLE with every a=mid)")


def _rtp_lines(section: _Section, stream: Stream) -> Iterator[str]:
    if section.first("rtcp-mux") is None:
        _fail("the offer must multiplex RTCP (a=rtcp-mux)")
    numbers = " ".join(str(codec.payload_type) for codec in stream.codecs)
    yield f"m={section.kind} 9 UDP/TLS/RTP/SAVPF {numbers}"
    yield "c=IN IP4 0.0.0.0"
    yield f"a=mid:{stream.mid}"
    yield f"a={stream.direction}"
    yield "a=rtcp-mux"
    for value in section.all("extmap"):
        match = _EXTENSION.fullmatch(value)
        if match and 1 <= int(match[1]) <= 14 and match[2] in (MID_EXTENSION, SEND_TIME_EXTENSION):
            yield f"a=extmap:{int(match[1])} {match[2]}"
    for codec in stream.codecs:
        yield f"a=rtpmap:{codec.payload_type} {codec.rtpmap}"
        if codec.fmtp:
            yield f"a=fmtp:{codec.payload_type} {codec.fmtp}"


def _channel_lines(section: _Section) -> Iterator[str]:
    if section.profile == "DTLS/SCTP":
        port = int(section.formats[0])
        yield f"m=application 9 DTLS/SCTP {port}"
        yield f"a=sctpmap:{port} webrtc-datachannel 65535"
    else:
        port = _number(section.first("sctp-port") or "5000", 1, 65_535) or 5000
        yield "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"
        yield f"a=sctp-port:{port}"
    yield "c=IN IP4 0.0.0.0"
    yield f"a=mid:{section.mid}"
    yield f"a=max-message-size:{_message_bytes(section)}"


def _transport_lines(
    section: _Section, session: _Section, sections: list[_Section]
) -> Iterator[str]:
    """ICE and DTLS; a bundle-only section may leave them to the first one of its bundle."""
    sources = (section, session, *sections)

    def effective(name: str, pattern: re.Pattern[str]) -> list[str]:
        found = (source.all(name) for source in sources)
        values = next((values for values in found if values), [])
        return [value for value in values if pattern.fullmatch(value)]

    ufrag, password = effective("ice-ufrag", _UFRAG), effective("ice-pwd", _PASSWORD)
    if not ufrag or not password:
        _fail("the offer has no valid a=ice-ufrag and a=ice-pwd")
    fingerprints = effective("fingerprint", _FINGERPRINT)
    if not fingerprints:
        _fail("the offer has no a=fingerprint of SHA-256, SHA-384 or SHA-512")
    if not effective("setup", re.compile("actpass")):
        _fail("the offer must say a=setup:actpass; anything else belongs into an answer")
    yield f"a=ice-ufrag:{ufrag[0]}"
    yield f"a=ice-pwd:{password[0]}"
    yield from (f"a=fingerprint:{fingerprint}" for fingerprint in fingerprints)
    yield "a=setup:actpass"


def _candidates(sections: list[_Section]) -> Iterator[str]:
    """UDP candidates with an address.

    Nobody across networks answers the query for a `.local` name, aioice has no ICE-TCP, and a
    client with no candidate left is learnt from its first check.
    """
    seen: set[tuple[str, int]] = set()
    for value in (value for section in sections for value in section.all("candidate")):
        match = _CANDIDATE.match(value)
        if match is None or len(seen) == MAX_CANDIDATES:
            continue
        foundation, priority, host, port, kind = match.groups()
        address = _address(host)
        target = (address or "", int(port))
        if address is None or target in seen or not 0 < target[1] < 65_536:
            continue
        seen.add(target)
        yield f"a=candidate:{foundation} 1 udp {priority} {address} {port} typ {kind}"


def _address(host: str) -> str | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return None if address.is_multicast or address.is_unspecified else str(address)


def _number(text: str, low: int, high: int) -> int | None:
    if not re.fullmatch(r"[0-9]{1,19}", text, re.ASCII):
        return None
    return int(text) if low <= int(text) <= high else None


def _join(lines: Iterable[str]) -> str:
    return "".join(f"{line}\r\n" for line in lines)


def _fail(message: str) -> NoReturn:
    raise ProtocolError(message, code="invalid_sdp", param="sdp")
