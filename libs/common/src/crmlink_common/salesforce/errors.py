"""What an org's refusals mean: one function maps them all to the tree of errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx

from crmlink_common.errors import (
    ConflictError,
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
from crmlink_common.salesforce.ids import to_18

CODE = re.compile(r"[A-Z][A-Z0-9_]{1,99}", re.ASCII)
FIELD = re.compile(r"[A-Za-z][\w.]{0,254}", re.ASCII)
CONCURRENCY_WAIT = timedelta(seconds=60)


class SalesforceError(CrmLinkError):
    """A call or a record failed. Carries Salesforce's code, never its message: that quotes data."""

    def __init__(
        self,
        salesforce_code: str,
        *,
        fields: Sequence[str] = (),
        duplicates: Sequence[str] = (),
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(salesforce_code)
        self.code = salesforce_code
        self.salesforce_code = salesforce_code
        self.fields = tuple(fields)
        self.duplicates = tuple(duplicates)  # ids of the records that a duplicate rule found
        self.retry_after = retry_after


class SalesforceTransientError(SalesforceError, TransientError):
    """The same call may succeed later."""


class SalesforceLimitError(SalesforceError, LimitError):
    """The org's API limit is used up."""


class SalesforceNotConnectedError(SalesforceError, NotConnectedError):
    """The org does not let this connection in."""


class SalesforceUnknownOutcomeError(SalesforceError, UnknownOutcomeError):
    """The call may have taken effect."""


class SalesforceStaleTokenError(SalesforceError, StaleTokenError):
    """The access token is no longer valid."""


class SalesforcePermanentError(SalesforceError, PermanentError):
    """The same call will always fail."""


class SalesforceNotFoundError(SalesforceError, NotFoundError):
    """The record, object or resource is not there."""


class SalesforceConflictError(SalesforceError, ConflictError):
    """Another record stands in the way, or more than one matches."""


BY_CODE: dict[str, type[SalesforceError]] = {
    "INVALID_SESSION_ID": SalesforceStaleTokenError,
    "INVALID_AUTH_HEADER": SalesforceStaleTokenError,
    "REQUEST_LIMIT_EXCEEDED": SalesforceLimitError,  # its status is 403: the code comes first
    "API_DISABLED_FOR_ORG": SalesforceNotConnectedError,
    "API_CURRENTLY_DISABLED": SalesforceNotConnectedError,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": SalesforceTransientError,
    "BATCH_PROCESSING_HALTED": SalesforceTransientError,
    "PROCESSING_HALTED": SalesforceTransientError,
    "QUERY_TIMEOUT": SalesforceTransientError,
    "STORAGE_LIMIT_EXCEEDED": SalesforceTransientError,  # updates and reads go on
    "TXN_SECURITY_METERING_ERROR": SalesforceTransientError,
    "UNABLE_TO_LOCK_ROW": SalesforceTransientError,
    "ENTITY_IS_DELETED": SalesforceNotFoundError,
    "NOT_FOUND": SalesforceNotFoundError,
    "DUPLICATES_DETECTED": SalesforceConflictError,
    "DUPLICATE_EXTERNAL_ID": SalesforceConflictError,
    "DUPLICATE_VALUE": SalesforceConflictError,
}
BY_STATUS: dict[int, type[SalesforceError]] = {
    300: SalesforceConflictError,  # the external id of several records
    401: SalesforceStaleTokenError,
    404: SalesforceNotFoundError,
}
PASSING = frozenset({"SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION"})  # of a record or subrequest


def failure(
    details: object,
    *,
    status: int = httpx.codes.BAD_REQUEST,
    repeatable: bool,
    retry_after: timedelta | None = None,
) -> SalesforceError:
    """Map an error of a call, a subrequest or one record; ``details`` is its JSON."""
    first = details[0] if isinstance(details, list) and details else details
    told: Mapping[str, Any] = first if isinstance(first, dict) else {}
    code = told.get("statusCode") or told.get("errorCode")
    code = code if isinstance(code, str) and CODE.fullmatch(code) else f"http_{status}"
    fields = tuple(_names(told.get("fields")))
    kind = _kind(code, fields, status, repeatable=repeatable)
    if kind is SalesforceLimitError and str(told.get("message")).startswith("Concurrent"):
        retry_after = CONCURRENCY_WAIT  # too many long calls at once, not a day's worth
    return kind(code, fields=fields, duplicates=_duplicates(told), retry_after=retry_after)


def _kind(
    code: str, fields: Sequence[str], status: int, *, repeatable: bool
) -> type[SalesforceError]:
    if code == "INVALID_CROSS_REFERENCE_KEY" and not fields:
        return SalesforceNotFoundError  # the record itself; with fields, what they point to
    return BY_CODE.get(code) or _kind_by_status(code, status, repeatable=repeatable)


def _kind_by_status(code: str, status: int, *, repeatable: bool) -> type[SalesforceError]:
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return SalesforceTransientError
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
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


def _names(fields: object) -> Iterator[str]:
    """Yield API names alone: whatever else stands there could be data."""
    for name in fields if isinstance(fields, list) else ():
        if isinstance(name, str) and FIELD.fullmatch(name):
            yield name


def _duplicates(told: Mapping[str, Any]) -> tuple[str, ...]:
    """Return record ids; older API versions misspell the key."""
    result = told.get("duplicateResult") or told.get("duplicateResut") or {}
    try:
        matches = [m for one in result["matchResults"] for m in one["matchRecords"]]
        ids = [match["record"]["Id"] for match in matches]
        return tuple(dict.fromkeys(to_18(record_id) for record_id in ids))
    except (LookupError, TypeError, InvalidInputError):
        return ()  # the conflict is told all the same
