from __future__ import annotations

import base64
import json

import pytest

from rtav.errors import ProtocolError
from rtav.protocol.client import ItemCreate, ResponseCreate, parse

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
JPEG = b"\xff\xd8\xff\xe0" + bytes(8)
WEBP = b"RIFF\x10\x00\x00\x00WEBPVP8 "
GIF = b"GIF89a" + bytes(8)


def data(kind: str, picture: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def shown(url: object, **more: object) -> str:
    content = [
        {"type": "input_text", "text": "?"},
        {"type": "input_image", "image_url": url, **more},
    ]
    item = {"type": "message", "role": "user", "content": content}
    return json.dumps({"type": "conversation.item.create", "event_id": "mine", "item": item})


@pytest.mark.parametrize(
    "url",
    [
        data("png", PNG),
        data("jpeg", JPEG),
        data("jpg", JPEG),
        data("webp", WEBP),
        data("gif", GIF),
        data("PNG", PNG),
        "https://example.org/cat.png?size=2#top",
        "HTTPS://example.org",
    ],
)
def test_pictures_of_every_known_kind_are_taken_as_they_are(url) -> None:
    event = parse(shown(url, detail="high"))
    assert isinstance(event, ItemCreate)
    assert event.item.content[1].image_url == url
    assert event.item.content[1].detail == "high"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "it must be a data: URL with the picture or an https: URL"),
        ("cat.png", "it must be a data: URL with the picture or an https: URL"),
        ("http://example.org/cat.png", "it must be a data: URL with the picture or an https: URL"),
        ("file:///etc/passwd", "it must be a data: URL with the picture or an https: URL"),
        ("https://", "it must be a data: URL with the picture or an https: URL"),
        ("https://a b", "it must be a data: URL with the picture or an https: URL"),
        ("https://example.org/" + "a" * 8192, "the URL is longer than 8192 characters"),
        (data("bmp", b"BM"), "only data:image/png, jpeg, webp and gif with ;base64 are read"),
        ("data:image/png,raw", "only data:image/png, jpeg, webp and gif with ;base64 are read"),
        ("data:image/png;base64,no base64!", "the picture is not base64"),
        ("data:image/png;base64,é", "the picture is not base64"),
        (data("png", b""), "the picture is not what it says: PNG"),
        (data("png", JPEG), "the picture is not what it says: PNG"),
        (data("png", PNG + bytes(10 << 20)), "the picture is larger than 10485760 bytes"),
    ],
)
def test_what_is_no_picture_is_refused_by_its_path(url, why) -> None:
    with pytest.raises(ProtocolError) as refused:
        parse(shown(url))
    error = refused.value
    assert (error.code, error.event_id) == ("invalid_value", "mine")
    assert error.param == "item.content[1].image_url"
    assert str(error) == f"Invalid 'item.content[1].image_url': {why}."


def test_a_detail_that_is_none_is_refused() -> None:
    with pytest.raises(ProtocolError) as refused:
        parse(shown(data("png", PNG), detail="sharp"))
    assert refused.value.param == "item.content[1].detail"


def test_a_response_may_bring_pictures_of_its_own() -> None:
    def asked(url: str) -> str:
        content = [{"type": "input_image", "image_url": url}]
        message = {"type": "message", "role": "user", "content": content}
        return json.dumps({"type": "response.create", "response": {"input": [message]}})

    assert isinstance(parse(asked(data("gif", GIF))), ResponseCreate)
    with pytest.raises(ProtocolError) as refused:
        parse(asked("cat.gif"))
    assert refused.value.param == "response.input[0].content[0].image_url"
