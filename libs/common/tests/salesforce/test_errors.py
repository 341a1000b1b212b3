from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from crmlink_common.salesforce.error_bodies import read_refusal
from crmlink_common.salesforce.error_codes import BY_CODE
from crmlink_common.salesforce.errors import failure, job_failure, lost, of_the_call, row_failure


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
        ("INSUFFICIENT_ACCESS_OR_READONLY", 403, PermanentError),
        ("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", 400, PermanentError),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", 400, PermanentError),
        ("CANNOT_UPDATE_CONVERTED_LEAD", 400, PermanentError),
        ("FIELD_FILTER_VALIDATION_EXCEPTION", 400, PermanentError),
        ("INVALID_QUERY_LOCATOR", 400, PermanentError),
        ("EXCEEDED_ID_LIMIT", 400, PermanentError),
        ("INVALID_REPLICATION_DATE", 400, PermanentError),
        ("METHOD_NOT_ALLOWED", 405, PermanentError),
        ("LIMIT_EXCEEDED", 400, LimitError),
        ("STORAGE_LIMIT_EXCEEDED", 403, TransientError),
        ("BATCH_PROCESSING_HALTED", 412, TransientError),
        ("SERVER_UNAVAILABLE", 503, UnknownOutcomeError),
        ("SERVER_UNAVAILABLE", 400, TransientError),
        ("REQUIRED_FIELD_MISSING", 500, PermanentError),
        ("ANY", 409, PermanentError),
        ("ANY", 410, PermanentError),
        ("ANY", 412, ConflictError),
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


def test_of_several_errors_the_first_decides_and_all_fields_are_named() -> None:
    told = [
        {"statusCode": "REQUIRED_FIELD_MISSING", "fields": ["LastName"]},
        {"statusCode": "STRING_TOO_LONG", "fields": ["Phone", "LastName", "not a name"]},
        "odd",
    ]
    error = failure(told, repeatable=True)
    assert (error.code, error.fields) == ("REQUIRED_FIELD_MISSING", ("LastName", "Phone"))


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


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'[{"errorCode":"INVALID_FIELD","message":"Ada"}]', "INVALID_FIELD"),
        (b'{"errorCode":"NOT_FOUND","statusCode":404,"output":null}', "NOT_FOUND"),
        (b'{"error":"invalid_grant","error_description":"expired"}', "INVALID_GRANT"),
        (b'{"exceptionCode":"API_ERROR","exceptionMessage":"Ada"}', "API_ERROR"),
        (
            (
                b'<?xml version="1.0"?><Errors><Error><errorCode>INVALID_SESSION_ID</errorCode>'
                b"<message>Ada</message></Error></Errors>"
            ),
            "INVALID_SESSION_ID",
        ),
        (b"<env:Fault><faultcode>sf:INVALID_TYPE</faultcode></env:Fault>", "INVALID_TYPE"),
        (b"  Bad_OAuth_Token\n", "INVALID_SESSION_ID"),
        (b"<html><body>Down for Maintenance</body></html>", "http_400"),
        (b"", "http_400"),
        (b"\xff\xfe", "http_400"),
        (b"[" * 100_000, "http_400"),
    ],
)
def test_bodies_of_every_form_are_read(content: bytes, code: str) -> None:
    error = failure(read_refusal(content), repeatable=True)
    assert (error.code, str(error)) == (code, code)


def test_fields_of_xml_are_read() -> None:
    body = b"<Errors><Error><fields>Name</fields><errorCode>X1</errorCode></Error></Errors>"
    assert failure(read_refusal(body), repeatable=True).fields == ("Name",)


def test_several_records_of_an_external_id_are_named() -> None:
    urls = [f"/services/data/v59.0/sobjects/Contact/{one}" for one in ("001dM00003jU9GxQAK", "x")]
    error = failure(urls, status=300, repeatable=False)
    assert isinstance(error, ConflictError)
    assert (error.code, error.duplicates) == ("MULTIPLE_RECORDS", ("001dM00003jU9GxQAK",))


@pytest.mark.parametrize(
    ("text", "kind", "code", "fields"),
    [
        (
            "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",
            PermanentError,
            "REQUIRED_FIELD_MISSING",
            ("LastName",),
        ),
        (
            "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--",
            TransientError,
            "UNABLE_TO_LOCK_ROW",
            (),
        ),
        (
            "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:AccountId --",
            PermanentError,
            "INVALID_CROSS_REFERENCE_KEY",
            ("AccountId",),
        ),
        (
            "INVALID_CROSS_REFERENCE_KEY:invalid:--",
            NotFoundError,
            "INVALID_CROSS_REFERENCE_KEY",
            (),
        ),
        (
            "DUPLICATE_VALUE:a: b: c:Name Email --",
            ConflictError,
            "DUPLICATE_VALUE",
            ("Name", "Email"),
        ),
        ("nobody knows", PermanentError, "http_400", ()),
        ("", PermanentError, "http_400", ()),
    ],
)
def test_rows_of_bulk_tell_what_records_do(
    text: str, kind: type[CrmLinkError], code: str, fields: tuple[str, ...]
) -> None:
    """Facts §7: sf__Error."""
    error = row_failure(text)
    assert isinstance(error, kind)
    assert (error.code, error.fields) == (code, fields)


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        ("InvalidBatch : Field name not found : Ada__c", PermanentError, "InvalidBatch"),
        ("TooManyLockFailure:200 lock failures", TransientError, "TooManyLockFailure"),
        ("InternalServerError:IO Exception", TransientError, "InternalServerError"),
        ("ExceededQuota : ApiBatchItems", LimitError, "ExceededQuota"),
        ("Ada : went wrong", PermanentError, "http_400"),
    ],
)
def test_jobs_tell_why_they_failed(text: str, kind: type[CrmLinkError], code: str) -> None:
    error = job_failure(text)
    assert isinstance(error, kind)
    assert error.code == code


def test_a_trigger_that_ran_into_a_lock_may_succeed_later() -> None:
    told = {
        "statusCode": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "message": "T: caused by: first error: UNABLE_TO_LOCK_ROW, unable to obtain",
    }
    assert isinstance(failure([told], repeatable=False), TransientError)


@given(st.text(), st.text(), st.sampled_from(sorted(BY_CODE)))
def test_nothing_of_a_message_is_handed_on(text: str, name: str, code: str) -> None:
    told = [{"errorCode": code, "message": f"x{text}", "fields": [f"{name} "]}]
    error = failure(told, repeatable=True)
    assert (str(error), error.fields) == (code, ())


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["errorCode", "statusCode", "fields", "message", "duplicateResult"]),
            inner,
        )
    ),
    max_leaves=8,
)


@given(ANY, st.integers(100, 599), st.booleans())
def test_whatever_comes_has_a_class(told: object, status: int, repeatable: bool) -> None:  # noqa: FBT001 - drawn
    error = failure(told, status=status, repeatable=repeatable)
    assert isinstance(error, CrmLinkError)


@given(st.binary(max_size=200))
def test_whatever_bytes_come_are_read(content: bytes) -> None:
    assert isinstance(failure(read_refusal(content), repeatable=True), CrmLinkError)
