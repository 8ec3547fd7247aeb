"""Error answers: one body for every error, readable by OpenAI's SDKs and by `detail` readers."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from rtav import metrics
from rtav.errors import AtCapacity, ProtocolError, RateLimited
from rtav.protocol.refusal import explain
from rtav.server.storage.database import StorageError

logger = logging.getLogger(__name__)

_STATUS_OF_CODE = {
    "invalid_api_key": 401,
    "expired_client_secret": 401,
    "insufficient_permissions": 403,
    "origin_not_allowed": 403,
    "standard_asset": 403,
    "call_id_not_found": 404,
    "asset_not_found": 404,
    "session_not_found": 404,
    "model_not_found": 404,
    "request_timeout": 408,
    "session_conflict": 409,
    "asset_limit_reached": 409,
    "file_too_large": 413,
    "request_too_large": 413,
    "unsupported_media_type": 415,
    "invalid_face": 422,
    "invalid_voice": 422,
    "invalid_driving": 422,
    "missing_landmarks": 422,
    "rate_limit_exceeded": 429,
}  # every other code of a ProtocolError: 400

_CODE_OF_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "request_too_large"}

_MEANINGS = {
    400: "The request is refused; `error.param` names the field.",
    401: "No key, or not a valid one.",
    403: "The key may not do this.",
    404: "There is no such thing, or it is another key's.",
    408: "The file did not arrive in time.",
    409: "It is taken, or over, or there is no room for it.",
    413: "The body is too large.",
    415: "The body is of a type that is not read here.",
    422: "Nothing can be made of the file; the message says why.",
    429: "The key's limit is reached.",
    503: "Not now; try again later.",
}
_RETRY_AFTER = {"description": "Seconds to wait.", "schema": {"type": "integer"}}


class Fault(BaseModel):
    """What is wrong with a request, as OpenAI's SDKs read it."""

    message: str
    type: Literal["invalid_request_error", "server_error"]
    param: str | None
    code: str | None


class ErrorAnswer(BaseModel):
    """The body of every error."""

    error: Fault
    detail: str


def answer(model: type[BaseModel], *, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """The answer of a route that went well, for its `responses`; give it `response_model=None`."""
    told = (model.__doc__ or "As asked.").partition("\n")[0]
    return {status: {"model": model, "description": told}}  # Any: an OpenAPI document


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:  # Any: an OpenAPI document
    """The error answers of a route, for its `responses`: whatever it answers is documented."""
    return {
        status: {
            "model": ErrorAnswer,
            "description": _MEANINGS[status],
            **({"headers": {"Retry-After": _RETRY_AFTER}} if status in (429, 503) else {}),
        }
        for status in statuses
    }


def error_answer(
    status: int,
    message: str,
    *,
    code: str | None,
    param: str | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """The body of every error: `{"error": {message, type, param, code}, "detail": message}`."""
    metrics.http_errors_total.labels(status=str(status), code=code or "none").inc()
    kind = "server_error" if status >= 500 else "invalid_request_error"
    error = {"message": message, "type": kind, "param": param, "code": code}
    return JSONResponse({"error": error, "detail": message}, status, headers)


def install(app: FastAPI) -> None:
    """Give `app` an answer for each kind of error, its framework's own ones too."""
    app.add_exception_handler(ProtocolError, _client_error)
    app.add_exception_handler(AtCapacity, _at_capacity)
    app.add_exception_handler(StorageError, _storage_away)
    app.add_exception_handler(ClientDisconnect, _client_gone)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(Exception, _bug)


def _client_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProtocolError)
    status = _STATUS_OF_CODE.get(error.code or "", 400)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    if isinstance(error, RateLimited):
        metrics.calls_refused_total.labels(code="rate_limit_exceeded").inc()
        headers = {"Retry-After": str(error.retry_after_s)}
    return error_answer(status, error.message, code=error.code, param=error.param, headers=headers)


def _at_capacity(_: Request, error: Exception) -> JSONResponse:
    metrics.calls_refused_total.labels(code="no_capacity").inc()
    return error_answer(
        503,
        str(error) or "All lines are busy; try again in a moment",
        code="no_capacity",
        headers={"Retry-After": str(AtCapacity.retry_after_s)},
    )


def _storage_away(_: Request, error: Exception) -> JSONResponse:
    logger.warning("a request needed the database: %s", error)
    return error_answer(
        503,
        "The database does not answer now; calls are not affected",
        code="storage_unavailable",
        headers={"Retry-After": str(AtCapacity.retry_after_s)},
    )


def _client_gone(_: Request, __: Exception) -> JSONResponse:
    # Nobody reads it; a client that goes away is no bug, for the log and for the metrics neither.
    return error_answer(400, "The request did not arrive whole", code="incomplete_request")


def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status, message = error.status_code, str(error.detail)
    if message == HTTPStatus(status).phrase:
        message = f"{message}: {request.method} {request.url.path}"
    code = _CODE_OF_STATUS.get(status, "invalid_request")
    return error_answer(
        status, message, code=code, headers=dict(error.headers) if error.headers else None
    )


def _validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    param = ".".join(str(part) for part in first["loc"][1:])
    told = explain([first], value=first["input"], param=param)
    return error_answer(400, told.message, code=told.code, param=told.param)


def _bug(_: Request, __: Exception) -> JSONResponse:
    # Logged by uvicorn, once, with its traceback; the client learns nothing about the inside.
    return error_answer(500, "The server failed to answer this request", code="internal_error")
