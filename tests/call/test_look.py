"""Face, size, framing, rate and background, changed while a call lasts."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import av
import numpy as np
import pytest

from rtav.engines.look import Look
from rtav.media import h264, vp8
from rtav.runtime.fitting import FaceSettings
from rtav.runtime.peer import VideoFormat
from rtav.testing.calls import RULES, ScriptedEngines, exchange
from rtav.testing.peer import WEBRTC, FakePeer, Sent
from rtav.testing.virtual import run

SETTINGS = FaceSettings(size_px=256, fps=25, bitrate=400_000)
BOTH = replace(WEBRTC, video=VideoFormat(codec="h264", max_pixels=101_376, other="vp8"))
"""H.264 up to level 1.3 (396 macroblocks), or VP8."""


def update(**session: Any) -> dict[str, Any]:
    return {"type": "session.update", "session": {"type": "realtime"} | session}


def gaps_s(sent: list[Sent]) -> set[float]:
    return set(np.diff([one.rtp_time / 90_000 for one in sent]).round(3))


def keys(sent: list[Sent]) -> int:
    kinds = {"h264": h264, "vp8": vp8, "": h264}
    return sum(kinds[one.codec].is_key(list(one.payloads)) for one in sent)


def called(
    during: Callable[[FakePeer], Awaitable[None]],
    *,
    peer: FakePeer | None = None,
    engines: ScriptedEngines | None = None,
) -> FakePeer:
    client = peer or FakePeer()

    async def main() -> None:
        async with exchange(engines, rules=replace(RULES, face=SETTINGS)) as office:
            office.take(client)
            await asyncio.sleep(0)
            client.open(label="realtime")
            await asyncio.sleep(0.5)
            await during(client)
            await asyncio.sleep(0.5)
            client.vanish()

    run(main())
    return client


@pytest.mark.parametrize(
    "change",
    [
        {"face": "face2"},
        {"upsample_factor": 0.5},
        {"framing": "portrait"},
        {"framing": "landscape", "background": "#203040"},
        {"background": "matte"},
        {"face": "face1", "upsample_factor": 1.5, "framing": "landscape", "background": "matte"},
    ],
)
def test_a_change_leaves_no_gap_and_costs_one_key_frame(change: dict[str, Any]) -> None:
    engines = ScriptedEngines()
    sent: list[int] = []

    async def during(peer: FakePeer) -> None:
        sent.append(len(peer.video.sent))
        peer.say(update(**change))

    peer = called(during, engines=engines)

    assert gaps_s(peer.video.sent) == {0.04}
    assert keys(peer.video.sent[: sent[0]]) == 1
    assert keys(peer.video.sent[sent[0] :]) == (0 if change == {"face": "face2"} else 1)
    shown = peer.got("session.updated")[-1]["session"]
    assert {name: shown[name] for name in change} == change


def test_the_old_picture_goes_on_until_the_new_one_is_loaded() -> None:
    peer = FakePeer()

    async def main() -> None:
        async with exchange(rules=replace(RULES, face=SETTINGS)) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            await asyncio.sleep(0.5)
            office.load.holds = True
            peer.say(update(framing="landscape", face="face2", target_fps=50))
            await asyncio.sleep(1)
            office.load.release()
            await asyncio.sleep(0.5)
            peer.vanish()

    run(main())

    sizes = [size for _, size in decoded(peer.video.sent)]
    assert set(sizes) == {(256, 256), (448, 256)}
    assert sizes == sorted(sizes)  # changes once
    assert gaps_s(peer.video.sent) == {0.04, 0.02}
    assert keys(peer.video.sent) == 2


def test_what_h264_cannot_carry_goes_as_vp8_and_back() -> None:
    peer = FakePeer(BOTH)

    async def during(peer: FakePeer) -> None:
        peer.say(update(upsample_factor=2, framing="portrait"))
        await asyncio.sleep(0.5)
        peer.say(update(upsample_factor=1, framing="square"))

    called(during, peer=peer)

    updated = [event["session"] for event in peer.got("session.updated")]
    assert [session["video_codec"] for session in updated] == ["vp8", "h264"]
    assert [session["upsample_factor"] for session in updated] == [2.0, 1.0]
    runs = [
        codec
        for index, (codec, _) in enumerate(decoded(peer.video.sent))
        if index == 0 or decoded(peer.video.sent)[index - 1][0] != codec
    ]
    assert runs == ["h264", "vp8", "h264"]
    assert decoded(peer.video.sent)[20] == ("vp8", (512, 912))
    assert gaps_s(peer.video.sent) == {0.04}


def test_without_vp8_the_size_is_reduced_and_shown_so() -> None:
    peer = FakePeer(replace(WEBRTC, video=replace(BOTH.video, other=None)))

    async def during(peer: FakePeer) -> None:
        peer.say(update(upsample_factor=2, framing="portrait"))

    called(during, peer=peer)

    shown = peer.got("session.updated")[0]["session"]
    assert (shown["video_codec"], shown["upsample_factor"]) == ("h264", 0.875)
    assert decoded(peer.video.sent)[-1] == ("h264", (224, 400))


def test_a_negotiated_codec_may_be_wished_during_the_call() -> None:
    peer = FakePeer(BOTH)

    async def during(peer: FakePeer) -> None:
        peer.say(update(video_codec="vp8"))

    called(during, peer=peer)

    assert [codec for codec, _ in decoded(peer.video.sent)][::20] == ["h264", "vp8"]
    assert keys(peer.video.sent) == 2


def test_everything_changes_at_once() -> None:
    engines = ScriptedEngines()
    change = {
        "face": "face2",
        "voice": "low",
        "framing": "landscape",
        "background": "#203040",
        "target_fps": 50,
        "upsample_factor": 0.5,
    }

    async def during(peer: FakePeer) -> None:
        peer.say(update(**change))

    peer = called(during, engines=engines)

    shown = peer.got("session.updated")[-1]["session"]
    assert {name: shown[name] for name in change} == change
    assert decoded(peer.video.sent)[-1] == ("h264", (224, 128))
    assert gaps_s(peer.video.sent) == {0.04, 0.02}
    assert keys(peer.video.sent) == 2
    assert [face.face for face in engines.avatar.opened][-1] == "face2"


def test_of_twenty_changes_in_a_second_every_one_is_answered_and_the_last_is_seen() -> None:
    framings = itertools.cycle(["landscape", "portrait", "square"])
    wishes = [
        {"framing": framing, "target_fps": 25 + number, "face": f"face{1 + number % 2}"}
        for number, framing in zip(range(20), framings, strict=False)
    ]

    async def during(peer: FakePeer) -> None:
        for wish in wishes:
            peer.say(update(**wish))
            await asyncio.sleep(0.05)

    peer = called(during)

    updated = [event["session"] for event in peer.got("session.updated")]
    assert [
        {name: one[name] for name in wish} for one, wish in zip(updated, wishes, strict=True)
    ] == wishes
    assert decoded(peer.video.sent)[-1] == ("h264", (256, 448))
    assert max(gaps_s(peer.video.sent)) <= 0.1
    assert keys(peer.video.sent) <= 1 + len(wishes)
    assert peer.got("error") == []


def test_a_face_that_goes_while_it_is_loaded_leaves_the_old_picture() -> None:
    engines, peer = ScriptedEngines(), FakePeer()
    open_face = engines.avatar.open

    def gone(face: str, **how: Any) -> Any:
        if face == "face2":
            raise KeyError(face)
        return open_face(face, **how)

    async def main() -> None:
        async with exchange(engines, rules=replace(RULES, face=SETTINGS)) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            await asyncio.sleep(0.5)
            office.load.holds = True
            peer.say(update(face="face2", framing="landscape", target_fps=50))
            await asyncio.sleep(0.2)
            engines.avatar.open = gone  # type: ignore[method-assign, assignment]
            office.load.release()
            await asyncio.sleep(0.5)
            peer.say(update(driving=["Wink"]))
            await asyncio.sleep(0.5)
            peer.say(update(face="face1"))
            await asyncio.sleep(0.5)
            peer.vanish()

    run(main())

    sizes = [size for _, size in decoded(peer.video.sent)]
    assert set(sizes) == {(256, 256), (448, 256)}
    assert sizes == sorted(sizes)
    assert gaps_s(peer.video.sent) == {0.04, 0.02}
    assert [motions for motions, _ in engines.avatar.opened[0].drives][-1] == ("Wink",)
    assert peer.got("error") == []


def test_a_face_that_is_not_there_is_refused_and_what_is_loaded_comes() -> None:
    peer = FakePeer()

    async def main() -> None:
        async with exchange(rules=replace(RULES, face=SETTINGS)) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            await asyncio.sleep(0.5)
            office.load.holds = True
            peer.say(update(face="face2", framing="landscape"))
            peer.say(update(face="nobody", framing="portrait", target_fps=50))
            await asyncio.sleep(0.2)
            office.load.release()
            await asyncio.sleep(0.5)
            peer.vanish()

    run(main())

    assert [event["error"]["param"] for event in peer.got("error")] == ["session.face"]
    assert len(peer.got("session.updated")) == 1
    assert decoded(peer.video.sent)[-1] == ("h264", (448, 256))
    assert gaps_s(peer.video.sent) == {0.04}


def test_a_background_that_is_not_there_changes_nothing() -> None:
    engines = ScriptedEngines()

    async def during(peer: FakePeer) -> None:
        peer.say(update(background="beach", framing="landscape"))

    peer = called(during, engines=engines)

    assert [event["error"]["param"] for event in peer.got("error")] == ["session.background"]
    assert peer.got("session.updated") == []
    assert len(engines.avatar.opened) == 1


def test_a_call_begins_with_the_look_it_asks_for() -> None:
    engines = ScriptedEngines()
    peer = FakePeer()

    async def main() -> None:
        session = {"framing": "portrait", "background": "#102030"}
        async with exchange(engines, rules=replace(RULES, face=SETTINGS)) as office:
            office.take(peer, session=session)
            await asyncio.sleep(0)
            peer.open()
            await asyncio.sleep(0.5)
            peer.vanish()

    run(main())

    looks = [face.look for face in engines.avatar.opened]
    assert looks == [Look(framing="portrait", background="#102030")]
    assert gaps_s(peer.video.sent) == {0.04}


def decoded(sent: list[Sent]) -> list[tuple[str, tuple[int, int]]]:
    """Codec and size of every frame, as a receiver finds them."""
    found = []
    decoders = {name: av.CodecContext.create(name, "r") for name in ("h264", "vp8")}
    for one in sent:
        codec = one.codec or "h264"
        bits = whole(codec, one.payloads)
        for picture in decoders[codec].decode(av.Packet(bits)):
            found.append((codec, (picture.width, picture.height)))
    return found


def whole(codec: str, payloads: tuple[bytes, ...]) -> bytes:
    """The frame that these RTP payloads are of."""
    if codec == "vp8":
        return b"".join(payload[1:] for payload in payloads)
    return b"".join(h264_units(payloads))


def h264_units(payloads: tuple[bytes, ...]) -> list[bytes]:
    units: list[bytes] = []
    for payload in payloads:
        kind = payload[0] & 0x1F
        if kind == 24:
            at = 1
            while at < len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                units.append(b"\0\0\0\1" + payload[at + 2 : at + 2 + size])
                at += 2 + size
        elif kind == 28:
            if payload[1] & 0x80:
                units.append(b"\0\0\0\1" + bytes([payload[0] & 0xE0 | payload[1] & 0x1F]))
            units[-1] += payload[2:]
        else:
            units.append(b"\0\0\0\1" + payload)
    return units
