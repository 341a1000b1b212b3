"""What to do after a call that failed: send it again, in parts, or let it be."""

from __future__ import annotations

from enum import Enum, auto

from crmlink_common.errors import PermanentError, UnknownOutcomeError
from crmlink_common.salesforce.backoff import Backoff
from crmlink_common.salesforce.errors import SalesforceError, SalesforceTransientError

SPOILED_BY_ONE = frozenset(
    {"JSON_PARSER_ERROR", "REQUEST_TOO_LARGE", "http_413"}  # as by one text where a date must be
)
TOO_MUCH_AT_ONCE = frozenset(
    {"ReadTimeout", "WriteTimeout", "TimeoutError", "QUERY_TIMEOUT", "REQUEST_RUNNING_TOO_LONG"}
)
LOCKED = "UNABLE_TO_LOCK_ROW"
MOST_HALVINGS = 16  # per write, to find the records that spoil their calls
BETWEEN_REPEATS = Backoff()


class Verdict(Enum):
    """What becomes of the records of a call that failed."""

    PART = auto()  # in two, at once: one of them is refused for what another is
    LESS = auto()  # in two after a while, and all that follow too
    AGAIN = auto()  # the same after a while
    FAIL = auto()  # they fail; the next call may go well
    STOP = auto()  # they fail, and nothing more is sent


def after_failure(
    error: SalesforceError,
    *,
    count: int,
    repeatable: bool,
    partable: bool,
    failures: int,
    halvings: int,
) -> Verdict:
    """Decide. ``failures`` are calls in a row, this one among them; ``count`` is its records."""
    code = error.salesforce_code
    if code in SPOILED_BY_ONE:
        return Verdict.PART if partable and count > 1 and halvings > 0 else Verdict.FAIL
    if isinstance(error, PermanentError) or code == LOCKED:
        return Verdict.FAIL
    unknown = isinstance(error, UnknownOutcomeError)
    long = BETWEEN_REPEATS.is_too_long(error.retry_after)
    if failures >= BETWEEN_REPEATS.attempts or long or (unknown and not repeatable):
        return Verdict.STOP
    if code in TOO_MUCH_AT_ONCE and partable and count > 1:
        return Verdict.LESS
    return Verdict.AGAIN if unknown else Verdict.STOP  # the transport has tried the others again


def told_to_caller(error: SalesforceError, *, repeatable: bool) -> SalesforceError:
    """Of an upsert that may be done again, nobody has to look for what may have been done."""
    if repeatable and isinstance(error, UnknownOutcomeError):
        return SalesforceTransientError(error.salesforce_code)
    return error
