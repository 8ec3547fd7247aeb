"""An upload as it arrives: a form with a file, or the bare file; written to disk as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect, Request

from rtav.errors import ProtocolError
from rtav.protocol.refusal import invalid

RECEIVE_S = 120.0
MAX_NAME, MAX_TEXT = 100, 1000  # characters
MAX_FIELD_BYTES = 64 << 10
FORM_BYTES = 256 << 10
"""What a form may have beside its file."""
FIELDS = ("name", "description", "language", "consent", "landmarks", "background")
_PIECE = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    fields: Mapping[str, str]
    """Those of FIELDS that were sent."""
    filename: str


async def receive(request: Request, to: Path, *, max_bytes: int) -> Received:
    """Write the request's file to `to`.

    Raises ProtocolError: `file_too_large`, `missing_required_parameter`, `invalid_form`,
    `request_timeout`, `invalid_value`.
    """
    try:
        async with asyncio.timeout(RECEIVE_S):
            return await _receive(request, to, max_bytes)
    except TimeoutError:
        raise ProtocolError(
            f"The file did not arrive within {RECEIVE_S:g} s", code="request_timeout"
        ) from None
    except ClientDisconnect:
        raise ProtocolError("The file did not arrive", code="invalid_form") from None


async def _receive(request: Request, to: Path, max_bytes: int) -> Received:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        await _write(request.stream(), to, max_bytes)
        return Received(fields=_checked(request.query_params), filename="")
    try:
        async with request.form(
            max_files=2, max_fields=len(FIELDS) + 4, max_part_size=MAX_FIELD_BYTES
        ) as form:
            return await _from_form(form, to, max_bytes, request.query_params)
    except (FormParserError, UnicodeError):
        raise ProtocolError("The form cannot be read", code="invalid_form") from None


async def _from_form(
    form: FormData, to: Path, max_bytes: int, query: Mapping[str, str]
) -> Received:
    file = form.get("file")
    if isinstance(file, UploadFile):
        await _write(_pieces(file), to, max_bytes)
        filename = file.filename or ""
    elif isinstance(file, str) and file:  # JSON in a field without a filename
        await _write(_once(file.encode()), to, max_bytes)
        filename = ""
    else:
        raise _missing()
    sent: dict[str, str] = dict(query)
    for name in FIELDS:
        value = form.get(name)
        if isinstance(value, UploadFile):
            value = (await value.read(MAX_FIELD_BYTES)).decode("utf-8")
        if value is not None:
            sent[name] = value
    return Received(fields=_checked(sent), filename=filename)


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(_PIECE):
        yield piece


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _write(pieces: AsyncIterator[bytes], to: Path, max_bytes: int) -> None:
    size = 0
    with to.open("xb") as out:
        async for piece in pieces:
            size += len(piece)
            if size > max_bytes:
                raise ProtocolError(
                    f"The file is over {max_bytes} bytes", code="file_too_large", param="file"
                )
            out.write(piece)
    if not size:
        raise _missing()


def _missing() -> ProtocolError:
    return ProtocolError(
        "The file is missing: send a form with `file`, or the file itself as the body",
        code="missing_required_parameter",
        param="file",
    )


def _checked(sent: Mapping[str, str]) -> dict[str, str]:
    checked = {}
    for name in FIELDS:
        value = sent.get(name, "").strip()
        longest = MAX_FIELD_BYTES if name == "landmarks" else MAX_TEXT
        if name in ("name", "language"):
            longest = MAX_NAME
        if len(value) > longest or not all(
            char.isprintable() or char in "\r\n\t" for char in value
        ):
            raise invalid(f"at most {longest} characters, all of them printable", param=name)
        if value:
            checked[name] = value
    return checked


def named(received: Received) -> str:
    """The name that was given, or that of the file, or one that says that there was none."""
    stem = Path(received.filename.replace("\\", "/")).stem
    readable = "".join(char for char in stem if char.isprintable()).strip()[:MAX_NAME]
    return received.fields.get("name") or readable or "Untitled"
