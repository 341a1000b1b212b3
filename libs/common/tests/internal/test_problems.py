from __future__ import annotations

import logging
from datetime import timedelta
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Query
from sqlalchemy.exc import OperationalError

from crmlink_common.errors import (
    ConflictError,
    ContractError,
    CrmLinkError,
    InvalidInputError,
    LimitError,
    NotConnectedError,
    NotFoundError,
    PermanentError,
    StaleTokenError,
    TransientError,
    UnknownOutcomeError,
)
from crmlink_common.internal.auth import CallerRefusedError, CallerUnknownError
from crmlink_common.internal.problems import (
    MEDIA_TYPE,
    RemoteError,
    checked,
    install_problem_handlers,
)

ERRORS: list[tuple[CrmLinkError, int]] = [
    (CallerUnknownError("x"), 401),
    (CallerRefusedError("x"), 403),
    (NotFoundError("x"), 404),
    (ConflictError("x"), 409),
    (NotConnectedError("x"), 409),
    (InvalidInputError("x"), 422),
    (LimitError("x"), 429),
    (TransientError("x"), 503),
    (PermanentError("x"), 400),
    (ContractError("x"), 400),
    (UnknownOutcomeError("x"), 500),
    (StaleTokenError("x"), 500),
    (CrmLinkError("x"), 500),
]


async def answer_of(error: Exception, path: str = "/") -> httpx.Response:
    app = FastAPI()
    install_problem_handlers(app)

    @app.get("/")
    async def fail() -> None:
        raise error

    @app.get("/typed")
    async def typed(page: Annotated[int, Query(ge=1)]) -> int:
        return page

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        return await http.get(path)


@pytest.mark.parametrize(("error", "status"), ERRORS, ids=lambda one: type(one).__name__)
async def test_each_class_of_error_has_its_status_and_keeps_its_code(
    error: CrmLinkError, status: int
) -> None:
    answer = await answer_of(error)
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE)
    assert answer.json() == {
        "type": f"urn:crmlink:problem:{error.code}",
        "title": "x",
        "status": status,
        "detail": "x",
        "code": error.code,
    }


@pytest.mark.parametrize(("error", "status"), ERRORS, ids=lambda one: type(one).__name__)
async def test_the_caller_gets_back_the_code_and_the_status(
    error: CrmLinkError, status: int
) -> None:
    with pytest.raises(RemoteError) as told:
        checked(await answer_of(error))
    assert (told.value.code, told.value.http_status, str(told.value)) == (error.code, status, "x")


async def test_field_and_cure_are_told() -> None:
    answer = await answer_of(InvalidInputError("bad", field="query", cure="Write it anew."))
    assert answer.json().items() >= {"field": "query", "cure": "Write it anew."}.items()


@pytest.mark.parametrize(("seconds", "header"), [(90, "90"), (0.2, "1")])
async def test_when_to_come_again_is_told(seconds: float, header: str) -> None:
    wait = timedelta(seconds=seconds)
    assert (await answer_of(TransientError("x", retry_after=wait))).headers["retry-after"] == header


async def test_what_was_not_foreseen_shows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = await answer_of(ValueError("ada@x.example"))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "ada" not in answer.text
    [record] = [one for one in caplog.records if one.name.startswith("crmlink")]
    assert record.message == "request failed"
    assert "ada" not in str(record.__dict__)


async def test_a_database_that_is_away_is_a_reason_to_come_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = await answer_of(OperationalError("select 1", {}, Exception("db.internal refused")))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["code"] == "transient"
    assert "db.internal" not in answer.text + caplog.text


async def test_a_wrong_argument_is_named_without_its_value() -> None:
    answer = await answer_of(ValueError(), "/typed?page=ada@x.example")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert answer.json()["field"] == "page"
    assert "ada" not in answer.text


@pytest.mark.parametrize(
    ("error", "path", "status", "code"),
    [
        (ValueError(), "/nowhere", 404, "not_found"),
        (HTTPException(418, "tea"), "/", 418, "http_error"),
    ],
)
async def test_the_frameworks_own_errors_are_problems_too(
    error: Exception, path: str, status: int, code: str
) -> None:
    answer = await answer_of(error, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == MEDIA_TYPE


def test_a_good_answer_is_given() -> None:
    assert checked(httpx.Response(200, json={"a": 1})) == {"a": 1}
    assert checked(httpx.Response(204)) is None


@pytest.mark.parametrize("content", [b"<html>", b"[1]", b""])
def test_a_refusal_that_is_no_problem_document_has_a_code_all_the_same(content: bytes) -> None:
    with pytest.raises(RemoteError) as told:
        checked(httpx.Response(502, content=content))
    assert (told.value.code, told.value.document) == ("http_502", {})
