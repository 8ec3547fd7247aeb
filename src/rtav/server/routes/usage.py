"""`/v1/usage`: what sessions used, for accounts: by key and time, as JSON or CSV."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from rtav.errors import ProtocolError
from rtav.server.answers import answer, errors
from rtav.server.keys import user_id
from rtav.server.payload import JsonObject
from rtav.server.routes.sessions import OfKey, timestamp, whose
from rtav.server.services import Services
from rtav.server.shapes import UsagePage
from rtav.server.storage.records import Period, SessionRecord, Usage

ROWS_AT_ONCE = 50
_SUMS = (
    "duration_seconds",
    "audio_input_seconds",
    "audio_output_seconds",
    "video_seconds",
    "input_tokens",
    "output_tokens",
)
COLUMNS = (
    "session_id", "key_id", "user_id", "status", "started_at", "ended_at", *_SUMS,
)  # fmt: skip

Start = Annotated[
    str | None, Query(description="ISO 8601, UTC unless it names a zone: ended then or later.")
]
End = Annotated[str | None, Query(description="As `start`: ended before.")]
Form = Annotated[Literal["json", "csv"] | None, Query(description="Instead of an `Accept` header.")]

_DOCUMENTED: dict[int | str, dict[str, Any]] = {  # Any: an OpenAPI document
    200: answer(UsagePage)[200]
    | {
        "description": "A row for each session that has ended, and their sum.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    },
    **errors(400, 401, 403, 503),
}


def router(services: Services) -> APIRouter:
    routes = APIRouter(tags=["Usage"])

    @routes.get("/v1/usage", summary="What sessions used", responses=_DOCUMENTED)
    async def used(  # noqa: PLR0913 - one parameter for each of the query
        request: Request,
        start: Start = None,
        end: End = None,
        key_id: OfKey = None,
        format: Form = None,  # noqa: A002 - the wire's name
    ) -> Response:
        caller = await services.access.operator(request)
        period = Period(start=_moment(start, "start"), end=_moment(end, "end"))
        records = await services.sessions.used(period, key_id=whose(caller, key_id))
        accepts_csv = "text/csv" in request.headers.get("accept", "")
        if format == "csv" or (format is None and accepts_csv):
            return StreamingResponse(_csv(records), media_type="text/csv")
        return StreamingResponse(_json(records), media_type="application/json")

    return routes


def _moment(text: str | None, param: str) -> datetime | None:
    if text is None:
        return None
    try:
        # a "+" that was not escaped arrives as a space
        moment = datetime.fromisoformat(text.replace(" ", "+", 1) if "T" in text else text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ProtocolError(
            f"'{param}' is not a time like 2026-01-31 or 2026-01-31T12:00:00Z",
            code="invalid_value",
            param=param,
        ) from None


def _row(record: SessionRecord) -> JsonObject:
    used = record.usage or Usage()
    return {
        "session_id": record.id,
        "key_id": record.key_id,
        "user_id": user_id(record.key_id),
        "status": record.status,
        "started_at": timestamp(record.started_at),
        "ended_at": timestamp(record.ended_at),
        "duration_seconds": record.duration_seconds,
        "audio_input_seconds": used.audio_input_seconds,
        "audio_output_seconds": used.audio_output_seconds,
        "video_seconds": used.video_seconds,
        "input_tokens": used.input_tokens,
        "output_tokens": used.output_tokens,
    }


async def _json(records: Sequence[SessionRecord]) -> AsyncIterator[str]:
    sums: dict[str, float] = dict.fromkeys(_SUMS, 0)
    yield '{"object":"list","data":['
    for number, part in enumerate(_parts(records)):
        rows = [_row(record) for record in part]
        for name in _SUMS:
            sums[name] += sum(row[name] or 0 for row in rows)
        yield ("," if number else "") + json.dumps(rows)[1:-1]
        await asyncio.sleep(0)
    total = {"sessions": len(records), **{name: round(sums[name], 3) for name in _SUMS}}
    yield f'],"total":{json.dumps(total)}}}'


async def _csv(records: Sequence[SessionRecord]) -> AsyncIterator[str]:
    yield ",".join(COLUMNS) + "\r\n"
    for part in _parts(records):
        text = io.StringIO()
        csv.DictWriter(text, COLUMNS).writerows(_row(record) for record in part)
        yield text.getvalue()
        await asyncio.sleep(0)


def _parts(records: Sequence[SessionRecord]) -> Iterator[Sequence[SessionRecord]]:
    """A year of sessions at once would make every call stutter."""
    return (records[start : start + ROWS_AT_ONCE] for start in range(0, len(records), ROWS_AT_ONCE))
