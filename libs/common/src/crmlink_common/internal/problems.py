"""RFC 9457 problem documents: one shape of error over HTTP, there and back."""

from __future__ import annotations

import logging
from typing import Any

import httpx
from fastapi import FastAPI, Request, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from crmlink_common.errors import (
    ConflictError,
    CrmLinkError,
    InvalidInputError,
    LimitError,
    NotConnectedError,
    NotFoundError,
    PermanentError,
    TransientError,
)
from crmlink_common.internal.auth import CallerRefusedError, CallerUnknownError
from crmlink_common.storage.trouble import PASSES
from crmlink_common.telemetry.redaction import describe

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
STATUSES: tuple[tuple[type[CrmLinkError], int], ...] = (  # the first that fits decides
    (CallerUnknownError, status.HTTP_401_UNAUTHORIZED),
    (CallerRefusedError, status.HTTP_403_FORBIDDEN),
    (NotFoundError, status.HTTP_404_NOT_FOUND),
    (NotConnectedError, status.HTTP_409_CONFLICT),
    (ConflictError, status.HTTP_409_CONFLICT),
    (InvalidInputError, 422),
    (LimitError, status.HTTP_429_TOO_MANY_REQUESTS),
    (TransientError, status.HTTP_503_SERVICE_UNAVAILABLE),
    (PermanentError, status.HTTP_400_BAD_REQUEST),
)


def status_of(error: CrmLinkError) -> int:
    """Give the HTTP status that says what the caller must do."""
    for kind, code in STATUSES:
        if isinstance(error, kind):
            return code
    return status.HTTP_500_INTERNAL_SERVER_ERROR


def problem(
    code: str, title: str, http_status: int, *, detail: str = "", **more: object
) -> JSONResponse:
    """Build a problem document; extra members such as ``field`` and ``cure`` are kept."""
    body: dict[str, object] = {
        "type": f"urn:crmlink:problem:{code}",
        "title": title,
        "status": http_status,
        "detail": detail or title,
        "code": code,
    }
    body.update({name: value for name, value in more.items() if value not in (None, "")})
    return JSONResponse(body, status_code=http_status, media_type=MEDIA_TYPE)


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every error as a problem document; what was not foreseen is logged by type alone."""

    @app.exception_handler(CrmLinkError)
    async def known(_: Request, error: CrmLinkError) -> JSONResponse:
        title = getattr(error, "title", "") or str(error) or error.code
        more = {name: getattr(error, name, None) for name in ("field", "cure", "line", "column")}
        more |= getattr(error, "details", None) or {}
        answer = problem(error.code, title, status_of(error), detail=str(error), **more)
        retry_after = getattr(error, "retry_after", None)
        if retry_after is not None:
            answer.headers["Retry-After"] = str(max(1, round(retry_after.total_seconds())))
        return answer

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query"))
        return problem("invalid_input", str(first["msg"]), 422, field=place)

    @app.exception_handler(HTTPException)
    async def plain(_: Request, error: HTTPException) -> JSONResponse:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
        answer = problem(code, str(error.detail), error.status_code)
        answer.headers.update(error.headers or {})
        return answer

    async def away(_: Request, error: Exception) -> JSONResponse:
        log.warning("database does not answer", extra=describe(error))
        answer = problem("transient", "The database does not answer", 503)
        answer.headers["Retry-After"] = "2"
        return answer

    for kind in PASSES:
        app.add_exception_handler(kind, away)

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, error: Exception) -> JSONResponse:
        log.error("request failed", extra=describe(error))
        return problem("internal_error", "Something went wrong on our side", 500)


class RemoteError(CrmLinkError):
    """Another service refused; its problem document is kept whole in ``document``.

    ``retry_after`` is its header of that name, '' when it had none.
    """

    def __init__(
        self, http_status: int, document: dict[str, Any], *, retry_after: str = ""
    ) -> None:
        super().__init__(str(document.get("detail") or document.get("title") or http_status))
        self.http_status = http_status
        self.document = document
        self.retry_after = retry_after
        self.code = str(document.get("code") or f"http_{http_status}")


def checked(response: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON of a good answer.

    Raises:
        RemoteError: the other service answered with a problem document.
    """
    if response.is_success:
        return response.json() if response.content else None
    try:
        document = response.json()
    except ValueError:
        document = {}
    raise RemoteError(
        response.status_code,
        document if isinstance(document, dict) else {},
        retry_after=response.headers.get("Retry-After", ""),
    )
