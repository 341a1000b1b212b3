"""What can become of one member's pending work."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from crmlink_common.errors import StaleTokenError, TransientError, UnknownOutcomeError
from crmlink_common.salesforce.errors import SalesforceError

SLOWEST = timedelta(minutes=15)
PATIENT_ATTEMPTS = 5  # then a run stops waiting for it; the work itself goes on


class Kind(StrEnum):
    WRITTEN = "written"
    ASKED = "asked"
    CREATED = "created"
    ADOPTED = "adopted"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNKNOWN = "unknown"
    RETRY = "retry"


EXCEPTIONS = frozenset({Kind.SKIPPED, Kind.FAILED, Kind.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Outcome:
    """``retry_in``: the work stays pending that long; ``fields`` names fields, never values.

    ``reread``: the record is read before the next try, for what was sent may have been written.
    """

    kind: Kind
    code: str = ""
    fields: tuple[str, ...] = ()
    retry_in: timedelta | None = None
    reread: bool = False


def skipped(code: str, *fields: str) -> Outcome:
    return Outcome(Kind.SKIPPED, code, fields)


def failed(code: str, *fields: str) -> Outcome:
    return Outcome(Kind.FAILED, code, fields)


def retry(code: str, wait: timedelta) -> Outcome:
    return Outcome(Kind.RETRY, code, retry_in=wait)


def backoff(attempts: int, jitter: Callable[[], float] = random.random) -> timedelta:
    """Wait 2, 4, 8 ... seconds and at most 15 minutes, jittered."""
    seconds = min(2.0 ** min(attempts, 12), SLOWEST.total_seconds())
    return timedelta(seconds=seconds * (0.75 + jitter() / 2))


def of_refusal(error: SalesforceError, attempts: int) -> Outcome:
    """Say what it means for a record's pending work that an update was refused, or its answer lost.

    A lost answer needs no wait as a create's does: a second update makes no double, and the record
    is read first, so that what somebody changed meanwhile is weighed and not overwritten.
    """
    if isinstance(error, TransientError | StaleTokenError):
        return retry(error.salesforce_code, error.retry_after or backoff(attempts))
    if isinstance(error, UnknownOutcomeError):
        wait = error.retry_after or backoff(attempts)
        return Outcome(Kind.RETRY, error.salesforce_code, retry_in=wait, reread=True)
    code = error.salesforce_code
    if code == "REQUIRED_FIELD_MISSING":
        code = "required_field_missing"
    return failed(code, *error.fields)
