"""Request bodies as they really arrive: an offer in four encodings, JSON that may be anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json
from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from rtav.errors import ProtocolError

JsonObject = dict[str, Any]  # Any: a client's JSON

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferBody:
    sdp: str
    session: Mapping[str, Any]  # Any: a client's JSON
    """The call's own configuration; empty if it named none."""


async def read_offer(request: Request) -> OfferBody:
    """Read a call's body: multipart or url-encoded fields `sdp` and `session`, or bare SDP.

    Browsers send multipart without types or as files called `blob`, openai-python types its parts,
    aiohttp url-encodes a form of strings, OpenAI's JavaScript SDKs post bare SDP. Raises
    ProtocolError.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _FORMS:
        sdp, session = await _read_form(request)
    elif kind in ("application/sdp", "text/plain", ""):
        sdp, session = _text(await request.body(), param="sdp"), ""
    else:
        raise ProtocolError(
            f"Send the offer as {' or '.join(_FORMS)} with a field `sdp`, or as application/sdp",
            code="unsupported_media_type",
        )
    return OfferBody(sdp=_offer(sdp), session=_session(session))


async def read_object(request: Request) -> JsonObject:
    """The JSON object in the body; {} if there is none. Raises ProtocolError."""
    body = await request.body()
    return parse_object(body, param=None, code="invalid_json") if body.strip() else {}


def parse_object(text: bytes | str, *, param: str | None, code: str) -> JsonObject:
    """One JSON object. Raises ProtocolError with `param` and `code` for anything else."""
    name = f"`{param}`" if param else "The body"
    try:
        parsed = from_json(text, allow_inf_nan=False)
    except ValueError:
        raise ProtocolError(f"{name} is not valid JSON", code=code, param=param) from None
    if not isinstance(parsed, dict):
        raise ProtocolError(f"{name} must be a JSON object", code=code, param=param)
    return parsed


def merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> JsonObject:  # Any: JSON
    """`low` with what `high` names laid over it, object by object; a null is a value."""
    result = dict(low)
    for name, value in high.items():
        below = result.get(name)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = merged(below, value)
        result[name] = value
    return result


async def _read_form(request: Request) -> tuple[str, str]:
    try:
        async with request.form(max_files=8, max_fields=16) as form:
            return await _field(form, "sdp"), await _field(form, "session")
    except (FormParserError, UnicodeError):
        raise ProtocolError("The form cannot be read", code="invalid_form") from None


async def _field(form: FormData, name: str) -> str:
    value = form.get(name, "")
    if isinstance(value, UploadFile):
        return _text(await value.read(), param=name)
    return value


def _text(body: bytes, *, param: str) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise ProtocolError(
            f"`{param}` is not UTF-8 text", code=f"invalid_{param}", param=param
        ) from None


def _offer(sdp: str) -> str:
    if not sdp.strip():
        raise ProtocolError(
            "The offer is missing: `sdp` is required",
            code="missing_required_parameter",
            param="sdp",
        )
    if not sdp.startswith("v=0"):
        raise ProtocolError(
            "`sdp` is not an SDP offer: it must start with v=0", code="invalid_sdp", param="sdp"
        )
    return sdp


def _session(text: str) -> JsonObject:
    if not text.strip():
        return {}
    return parse_object(text, param="session", code="invalid_session")
