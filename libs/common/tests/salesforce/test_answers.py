"""Whatever an org answers, it is read or refused by class: no other error gets out."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from crmlink_common.errors import TransientError, UnknownOutcomeError
from crmlink_common.salesforce.composite import read_composite
from crmlink_common.salesforce.errors import SalesforceError, failure
from crmlink_common.salesforce.records import read_page, read_retrieved
from crmlink_common.salesforce.writes import Operation, Write, read_collection, read_row

NAMES = st.sampled_from(
    [
        "Id",
        "attributes",
        "body",
        "compositeResponse",
        "created",
        "done",
        "duplicateResut",
        "errorCode",
        "errors",
        "fields",
        "httpStatusCode",
        "id",
        "matchRecords",
        "matchResults",
        "message",
        "nextRecordsUrl",
        "record",
        "records",
        "referenceId",
        "statusCode",
        "success",
        "totalSize",
    ]
)
VALUES = (
    st.none() | st.booleans() | st.integers() | st.sampled_from(["r0", "X_Y", "/services/", ""])
)
ANY_JSON = st.recursive(
    VALUES, lambda one: st.lists(one, max_size=3) | st.dictionaries(NAMES, one, max_size=6)
)
CREATE = Write(Operation.CREATE, "Contact")


@settings(deadline=None)
@given(ANY_JSON, st.integers(300, 599), st.booleans())
def test_a_failure_is_always_mapped(told: object, status: int, repeatable: bool) -> None:  # noqa: FBT001 - drawn
    error = failure(told, status=status, repeatable=repeatable)
    assert isinstance(error, SalesforceError)
    assert error.code


@settings(deadline=None)
@given(ANY_JSON)
def test_a_page_is_read_or_may_be_asked_for_again(told: object) -> None:
    for read in (read_page, read_retrieved):
        with contextlib.suppress(TransientError):
            assert read(told) is not None


@settings(deadline=None)
@given(ANY_JSON, st.integers(1, 3))
def test_every_record_has_an_outcome_whatever_is_answered(told: object, count: int) -> None:
    for read in (read_collection(told, CREATE, count), read_row(told, CREATE, {})):
        if isinstance(read, SalesforceError):
            assert isinstance(read, UnknownOutcomeError)
        else:
            assert len(read) in {1, count}
            assert all(outcome.ok == (outcome.error is None) for outcome in read)


@settings(deadline=None)
@given(ANY_JSON, st.integers(1, 3))
def test_every_part_of_a_composite_has_an_answer(told: object, count: int) -> None:
    for answers in ({"compositeResponse": told}, told):
        assert len(read_composite(answers, count, repeatable=False)) == count
    assert isinstance(read_composite({}, 1, repeatable=False)[0], UnknownOutcomeError)
