from __future__ import annotations

from datetime import timedelta

import pytest

from crmlink_common.errors import (
    ConflictError,
    CrmLinkError,
    LimitError,
    NotConnectedError,
    NotFoundError,
    PermanentError,
    StaleTokenError,
    TransientError,
    UnknownOutcomeError,
)
from crmlink_common.salesforce.errors import failure, lost, of_the_call


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("INVALID_SESSION_ID", 401, StaleTokenError),
        ("REQUEST_LIMIT_EXCEEDED", 403, LimitError),
        ("API_DISABLED_FOR_ORG", 403, NotConnectedError),
        ("UNABLE_TO_LOCK_ROW", 400, TransientError),
        ("ALL_OR_NONE_OPERATION_ROLLED_BACK", 400, TransientError),
        ("PROCESSING_HALTED", 400, TransientError),
        ("UNKNOWN_EXCEPTION", 400, TransientError),
        ("UNKNOWN_EXCEPTION", 500, UnknownOutcomeError),
        ("ENTITY_IS_DELETED", 404, NotFoundError),
        ("ENTITY_IS_DELETED", 400, NotFoundError),
        ("INVALID_CROSS_REFERENCE_KEY", 400, NotFoundError),
        ("DUPLICATE_VALUE", 400, ConflictError),
        ("ANY", 300, ConflictError),
        ("ANY", 302, TransientError),
        ("ANY", 404, NotFoundError),
        ("ANY", 429, TransientError),
        ("REQUIRED_FIELD_MISSING", 400, PermanentError),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", 400, PermanentError),
        ("INSUFFICIENT_ACCESS", 403, PermanentError),
    ],
)
def test_each_code_has_its_class(code: str, status: int, kind: type[CrmLinkError]) -> None:
    error = failure([{"errorCode": code, "message": "Ada"}], status=status, repeatable=False)
    assert isinstance(error, kind)
    assert (error.code, error.salesforce_code, str(error)) == (code, code, code)


def test_a_bad_reference_in_a_field_is_not_a_missing_record() -> None:
    told = {"statusCode": "INVALID_CROSS_REFERENCE_KEY", "fields": ["AccountId"]}
    error = failure([told], repeatable=True)
    assert not isinstance(error, NotFoundError)
    assert error.fields == ("AccountId",)


@pytest.mark.parametrize("key", ["duplicateResut", "duplicateResult"])
def test_the_duplicates_are_named_whatever_the_spelling(key: str) -> None:
    record = {"attributes": {"type": "Contact"}, "Id": "001dM00003jU9GxQAK"}
    result = {"matchResults": [{"matchRecords": [{"record": record}, {"record": record}]}]}
    error = failure([{key: result, "errorCode": "DUPLICATES_DETECTED"}], repeatable=False)
    assert isinstance(error, ConflictError)
    assert error.duplicates == ("001dM00003jU9GxQAK",)


@pytest.mark.parametrize("told", [None, [], {}, "down", [None], [{"errorCode": 7}], [{}]])
def test_an_answer_without_a_code_has_its_status_for_one(told: object) -> None:
    error = failure(told, status=503, repeatable=True)
    assert (type(error).__mro__[2], error.code) == (TransientError, "http_503")


def test_text_where_a_code_or_a_name_should_be_is_not_handed_on() -> None:
    told = {"errorCode": "Ada is not valid", "fields": ["ada@x.example", "Name", 7]}
    error = failure([told], status=400, repeatable=True)
    assert (error.code, error.fields) == ("http_400", ("Name",))
    assert failure([{"errorCode": "X1", "fields": "Ada"}], repeatable=True).fields == ()


def test_too_many_long_calls_at_once_pass_sooner_than_a_used_up_day() -> None:
    def refused(message: str) -> timedelta | None:
        told = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": message}]
        return failure(told, status=403, repeatable=True).retry_after

    assert refused("ConcurrentPerOrgLongTxn Limit exceeded.") == timedelta(seconds=60)
    assert refused("TotalRequests Limit exceeded.") is None


def test_a_lost_answer_is_unknown_only_where_a_repeat_would_harm() -> None:
    assert isinstance(lost("ReadTimeout", repeatable=False), UnknownOutcomeError)
    assert isinstance(lost("ReadTimeout", repeatable=True), TransientError)


@pytest.mark.parametrize(
    ("stopped_by", "kind"),
    [
        (NotConnectedError("x"), NotConnectedError),
        (TransientError("x", retry_after=timedelta(seconds=3)), TransientError),
        (PermanentError("x"), PermanentError),
    ],
)
def test_what_stops_a_call_keeps_its_class_on_each_record(
    stopped_by: CrmLinkError, kind: type[CrmLinkError]
) -> None:
    error = of_the_call(stopped_by)
    assert isinstance(error, kind)
    assert error.retry_after == getattr(stopped_by, "retry_after", None)
