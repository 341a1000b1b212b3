"""What a refusal means for pending work, and how long it waits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crmlink_common.errors import CrmLinkError
from crmlink_common.salesforce.errors import (
    SalesforceError,
    SalesforceLimitError,
    SalesforceNotConnectedError,
    SalesforcePermanentError,
    SalesforceStaleTokenError,
    SalesforceTransientError,
    SalesforceUnknownOutcomeError,
)
from crmlink_sync_outbound.domain.outcomes import (
    EXCEPTIONS,
    SLOWEST,
    Kind,
    backoff,
    failed,
    of_refusal,
    retry,
    skipped,
)


@pytest.mark.parametrize(
    ("error", "kind", "code", "again"),
    [
        (SalesforceTransientError("UNABLE_TO_LOCK_ROW"), Kind.RETRY, "UNABLE_TO_LOCK_ROW", True),
        (
            SalesforceLimitError("REQUEST_LIMIT_EXCEEDED"),
            Kind.RETRY,
            "REQUEST_LIMIT_EXCEEDED",
            True,
        ),
        (SalesforceNotConnectedError("API_DISABLED"), Kind.RETRY, "API_DISABLED", True),
        (SalesforceStaleTokenError("INVALID_SESSION_ID"), Kind.RETRY, "INVALID_SESSION_ID", True),
        (SalesforceUnknownOutcomeError("LOST"), Kind.RETRY, "LOST", True),
        (SalesforcePermanentError("STRING_TOO_LONG"), Kind.FAILED, "STRING_TOO_LONG", False),
        (
            SalesforcePermanentError("REQUIRED_FIELD_MISSING"),
            Kind.FAILED,
            "required_field_missing",
            False,
        ),
    ],
)
def test_a_refusal_is_tried_again_only_if_that_may_help(
    *, error: SalesforceError, kind: Kind, code: str, again: bool
) -> None:
    got = of_refusal(error, 1)
    assert (got.kind, got.code, got.retry_in is not None) == (kind, code, again)


def test_a_refusal_names_fields_and_waits_as_told() -> None:
    refused = of_refusal(SalesforcePermanentError("STRING_TOO_LONG", fields=["Phone"]), 1)
    assert refused.fields == ("Phone",)
    wait = timedelta(seconds=9)
    assert of_refusal(SalesforceTransientError("X", retry_after=wait), 7).retry_in == wait


def test_after_a_lost_answer_alone_the_record_is_read_before_the_next_try() -> None:
    lost = of_refusal(SalesforceUnknownOutcomeError("ReadTimeout"), 1)
    assert lost.reread
    assert lost.retry_in is not None
    assert lost.retry_in < timedelta(seconds=3)  # unlike a create's
    assert not of_refusal(SalesforceTransientError("NOT_SENT"), 1).reread


@pytest.mark.parametrize(
    ("attempts", "jitter", "seconds"),
    [(1, 0.5, 2), (2, 0.5, 4), (3, 0.0, 6), (3, 1.0, 10), (12, 0.5, 900), (999, 0.5, 900)],
)
def test_waits_double_to_a_quarter_of_an_hour(attempts: int, jitter: float, seconds: float) -> None:
    assert backoff(attempts, lambda: jitter) == timedelta(seconds=seconds)
    assert backoff(attempts) <= SLOWEST * 1.25


def test_what_is_listed_as_an_exception() -> None:
    assert {skipped("x").kind, failed("x").kind, Kind.UNKNOWN} == EXCEPTIONS
    assert retry("x", SLOWEST).kind not in EXCEPTIONS
    assert issubclass(SalesforceError, CrmLinkError)
