"""`/v1/usage`: what sessions used, for accounts: by key and time, as JSON or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from rtav.errors import ProtocolError
from rtav.server.keys import user_id
from rtav.server.payload import JsonObject
from rtav.server.routes.sessions import OfKey, timestamp, whose
from rtav.server.services import Services
from rtav.server.storage.records import Period, SessionRecord, Usage

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
    200: {
        "description": "A row for each session that has ended, and their sum.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
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
        rows = [_row(record) for record in records]
        accepts_csv = "text/csv" in request.headers.get("accept", "")
        if format == "csv" or (format is None and accepts_csv):
            return Response(_csv(rows), media_type="text/csv")
        return JSONResponse({"object": "list", "data": rows, "total": _total(rows)})

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


def _total(rows: Sequence[JsonObject]) -> JsonObject:
    sums = {name: round(sum(row[name] or 0 for row in rows), 3) for name in _SUMS}
    return {"sessions": len(rows), **sums}


def _csv(rows: Sequence[JsonObject]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
