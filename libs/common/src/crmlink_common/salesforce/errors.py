"""What an org's refusals mean: one function maps them all to the tree of errors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import httpx

from crmlink_common.errors import CrmLinkError, NotConnectedError, TransientError
from crmlink_common.salesforce.error_bodies import (
    code_of,
    duplicates_of,
    first_of,
    further_names_of,
    names_of,
    read_job,
    read_row,
)
from crmlink_common.salesforce.error_classes import (
    SalesforceConflictError,
    SalesforceError,
    SalesforceLimitError,
    SalesforceNotConnectedError,
    SalesforceNotFoundError,
    SalesforcePermanentError,
    SalesforceStaleTokenError,
    SalesforceTransientError,
    SalesforceUnknownOutcomeError,
)
from crmlink_common.salesforce.error_codes import BY_CODE, BY_STATUS, OF_AUTOMATION, PASSING

__all__ = [
    "SalesforceConflictError",
    "SalesforceError",
    "SalesforceLimitError",
    "SalesforceNotConnectedError",
    "SalesforceNotFoundError",
    "SalesforcePermanentError",
    "SalesforceStaleTokenError",
    "SalesforceTransientError",
    "SalesforceUnknownOutcomeError",
    "failure",
    "job_failure",
    "lost",
    "of_the_call",
    "row_failure",
]

CONCURRENCY_WAIT = timedelta(seconds=60)


def failure(
    details: object,
    *,
    status: int = httpx.codes.BAD_REQUEST,
    repeatable: bool,
    retry_after: timedelta | None = None,
) -> SalesforceError:
    """Map an error of a call, a subrequest or one record; ``details`` is its JSON.

    Of several errors the first decides; the fields of all are named.
    """
    told = first_of(details)
    code = code_of(told) or _code_of_status(status)
    fields = tuple(names_of(told))
    message = str(told.get("message") or "")
    kind = _kind(code, fields, status, repeatable=repeatable)
    if code in OF_AUTOMATION and "UNABLE_TO_LOCK_ROW" in message:
        kind = SalesforceTransientError  # what the trigger or flow ran into
    if kind is SalesforceLimitError and message.startswith("Concurrent"):
        retry_after = CONCURRENCY_WAIT  # too many long calls at once, not a day's worth
    named = tuple(dict.fromkeys([*fields, *further_names_of(details)]))
    return kind(code, fields=named, duplicates=duplicates_of(details), retry_after=retry_after)


def row_failure(text: str) -> SalesforceError:
    """Map a row's sf__Error of Bulk, ``CODE:message:Field --``: the row had no effect."""
    return failure(read_row(text), repeatable=True)


def job_failure(text: str) -> SalesforceError:
    """Map a job's errorMessage: its rows of other outcome are told by the job's results."""
    return failure(read_job(text), repeatable=True)


def _code_of_status(status: int) -> str:
    return "MULTIPLE_RECORDS" if status == httpx.codes.MULTIPLE_CHOICES else f"http_{status}"


def _kind(
    code: str, fields: Sequence[str], status: int, *, repeatable: bool
) -> type[SalesforceError]:
    if code == "INVALID_CROSS_REFERENCE_KEY":  # the record itself; with fields, what they point to
        return SalesforcePermanentError if fields else SalesforceNotFoundError
    return BY_CODE.get(code) or _kind_by_status(code, status, repeatable=repeatable)


def _kind_by_status(code: str, status: int, *, repeatable: bool) -> type[SalesforceError]:
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return SalesforceTransientError
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.REQUEST_TIMEOUT:
        return SalesforceTransientError if repeatable else SalesforceUnknownOutcomeError
    if code in PASSING:
        return SalesforceTransientError
    if status < httpx.codes.BAD_REQUEST and status != httpx.codes.MULTIPLE_CHOICES:
        return SalesforceTransientError  # a redirect, not followed: the org moves or is in repair
    return BY_STATUS.get(status, SalesforcePermanentError)


def lost(reason: str, *, repeatable: bool) -> SalesforceError:
    """Say what a call means whose answer did not come, or cannot be read."""
    kind = SalesforceTransientError if repeatable else SalesforceUnknownOutcomeError
    return kind(reason)


def of_the_call(error: CrmLinkError) -> SalesforceError:
    """Let what stopped a call stand as the error of each of its records."""
    if isinstance(error, SalesforceError):
        return error
    retry_after = error.retry_after if isinstance(error, TransientError) else None
    kind: type[SalesforceError] = SalesforcePermanentError
    if isinstance(error, NotConnectedError):
        kind = SalesforceNotConnectedError
    elif isinstance(error, TransientError):
        kind = SalesforceTransientError
    return kind(error.code, retry_after=retry_after)
