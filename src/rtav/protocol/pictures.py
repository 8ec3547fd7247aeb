"""Pictures that a client shows, checked before anybody looks at them."""

from __future__ import annotations

import base64
import re
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

MAX_PICTURE_BYTES = 10 << 20
"""Larger ones are scaled down by every model that sees; as base64 these fit a conversation."""

MAX_URL = 8192
"""Characters of a URL under which a picture lies: more than any server takes."""

_BEGINNINGS = {
    "png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "jpeg": re.compile(rb"\xff\xd8\xff"),
    "webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "gif": re.compile(rb"GIF8[79]a"),
}
_DATA = re.compile(r"data:image/(png|jpeg|jpg|webp|gif);base64,", re.IGNORECASE)
_HTTPS = re.compile(r"https://[^\s/?#]+\S*", re.IGNORECASE)


def _checked(url: str) -> str:
    data = _DATA.match(url)
    if data is not None:
        kind = data[1].lower().replace("jpg", "jpeg")
        _check_bytes(kind, url[data.end() :])
    elif url[:5].lower() == "data:":
        raise _refusal("only data:image/png, jpeg, webp and gif with ;base64 are read")
    elif len(url) > MAX_URL:
        raise _refusal(f"the URL is longer than {MAX_URL} characters")
    elif not _HTTPS.fullmatch(url):
        raise _refusal("it must be a data: URL with the picture or an https: URL")
    return url


def _refusal(why: str) -> PydanticCustomError:
    return PydanticCustomError("limit", "{why}", {"why": why})


def _check_bytes(kind: str, encoded: str) -> None:
    if len(encoded) * 3 // 4 > MAX_PICTURE_BYTES + 2:
        raise _refusal(f"the picture is larger than {MAX_PICTURE_BYTES} bytes")
    try:
        data = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise _refusal("the picture is not base64") from None
    if _BEGINNINGS[kind].match(data) is None:
        raise _refusal(f"the picture is not what it says: {kind.upper()}")


PictureUrl = Annotated[str, AfterValidator(_checked)]
"""A picture itself as a data: URL, PNG, JPEG, WebP or GIF, or an https: URL for the model."""
