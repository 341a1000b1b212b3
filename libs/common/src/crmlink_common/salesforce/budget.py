"""Whether work may call an org now: one decision, from what is known of its limit; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType
from typing import TypeAlias

from crmlink_common.errors import InvalidInputError, LimitError
from crmlink_common.salesforce.limits import SHARES, ApiBudget, ApiUsage, WorkClass

FIRST_PROBE = timedelta(minutes=1)
LONGEST = timedelta(minutes=15)
PROBE_LASTS = timedelta(minutes=1)  # then it is taken for lost, and another may be sent
REFUSED_AGAIN = timedelta(minutes=1)  # so soon after it was let in: it goes on waiting as before
MOST_DOUBLINGS = 10
DAILY_LIMIT = "REQUEST_LIMIT_EXCEEDED"


class Reason(StrEnum):
    """Why work waits, as people and programs see it."""

    BUDGET = "budget"  # the share of its class is used up
    LIMIT = "limit"  # Salesforce refused: the org's daily limit is used up
    CONCURRENT_LIMIT = "concurrent_limit"  # Salesforce refused: too many long calls at once


SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        Reason.BUDGET: "The share of the org's API requests for this kind of work is used up.",
        Reason.LIMIT: "Salesforce refuses: the org's API requests of 24 hours are used up.",
        Reason.CONCURRENT_LIMIT: "Salesforce refuses: too many long requests run at once.",
    }
)


def waiting_sentence(code: str, until: datetime) -> str:
    """Say why something waits, and when it is looked at again."""
    why = f"{SENTENCES[code]} " if code in SENTENCES else ""
    return f"{why}Waiting until {until.astimezone(UTC):%H:%M} UTC or longer; it goes on by itself."


@dataclass(frozen=True, slots=True)
class Allow:
    """Go on."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Call nothing before ``until``: then one call may learn whether that is over.

    The limit counts a rolling day, so nobody knows when it frees: no other time is told.
    """

    until: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Probe:
    """Make one call, and nothing else before its answer: it tells how the org stands."""


Decision: TypeAlias = Allow | Wait | Probe


class BudgetError(LimitError):
    """Work must wait. ``code`` is the reason, ``until`` when it may be asked again."""

    def __init__(self, wait: Wait, now: datetime) -> None:
        super().__init__("the org's API limit", retry_after=max(wait.until - now, timedelta(0)))
        self.code = wait.reason.value
        self.until = wait.until


@dataclass(frozen=True, slots=True)
class Refusal:
    """Salesforce refused calls since then, the last time at ``at``."""

    reason: Reason
    since: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """All that is known of an org's limit. ``jitter`` is of 0 to 1, new with each probe."""

    usage: ApiUsage | None = None
    seen_at: datetime | None = None
    refusal: Refusal | None = None
    let_in: tuple[Refusal, datetime] | None = None  # the last one that ended, and when
    probes: int = 0  # in a row, none of which set all work free
    probed_at: datetime | None = None
    probing: bool = False
    jitter: float = 1.0


def decide(work: WorkClass, standing: Standing, budget: ApiBudget, now: datetime) -> Decision:
    """Judge one class of work. Before anything is known, it may go on."""
    if standing.refusal is None and budget.allows(work, standing.usage):
        return Allow()
    reason = standing.refusal.reason if standing.refusal else Reason.BUDGET
    at = probe_at(standing, now)
    return Wait(at, reason) if at is not None and at > now else Probe()


def probe_at(standing: Standing, now: datetime) -> datetime | None:
    """Say when a call may next learn how the org stands; None: at any time.

    Moments that lie ahead say that our clock was set back: they count for nothing.
    """
    if standing.probing and standing.probed_at is not None and standing.probed_at <= now:
        return standing.probed_at + PROBE_LASTS
    heard = standing.refusal.at if standing.refusal is not None else standing.seen_at
    known = [one for one in (heard, standing.probed_at) if one is not None and one <= now]
    return max(known) + interval(standing) if known else None


def interval(standing: Standing) -> timedelta:
    """From one probe to the next: ever longer, up to a quarter of an hour; never in step."""
    if standing.refusal is not None and standing.refusal.reason is Reason.CONCURRENT_LIMIT:
        return FIRST_PROBE * (1 + standing.jitter / 4)
    doubled = FIRST_PROBE * (1 << min(standing.probes, MOST_DOUBLINGS))
    return min(doubled, LONGEST) * (0.75 + standing.jitter / 4)


def heard(standing: Standing, usage: ApiUsage | None, budget: ApiBudget, now: datetime) -> Standing:
    """Learn from an answer, though it may tell no usage.

    A refusal ends by the answer of a probe: others may have been under way.
    """
    seen = standing if usage is None else replace(standing, usage=usage, seen_at=now)
    if standing.refusal is not None and not standing.probing:
        return seen
    if standing.refusal is not None and (usage is None or usage.used < usage.limit):
        seen = replace(seen, refusal=None, let_in=(standing.refusal, now))
    if seen.refusal is None and all(budget.allows(one, usage) for one in WorkClass):
        seen = replace(seen, probes=0)
    return seen


def refused(standing: Standing, error: LimitError, now: datetime, jitter: float) -> Standing:
    """Learn from a refusal; limits other than that on calls say nothing of calls."""
    if error.code != DAILY_LIMIT:
        return standing
    reason = Reason.CONCURRENT_LIMIT if error.retry_after is not None else Reason.LIMIT
    before, probes = standing.refusal, standing.probes
    if before is None and standing.let_in and now - standing.let_in[1] < REFUSED_AGAIN:
        before = standing.let_in[0]
    elif before is None:
        probes = 0
    since = before.since if before is not None and before.reason is reason else now
    refusal = Refusal(reason, since, now)
    return replace(standing, refusal=refusal, probes=probes, let_in=None, jitter=jitter)


def probing(standing: Standing, now: datetime, jitter: float) -> Standing:
    """Begin the one probe: until it ends, or is given up, all others wait."""
    count = min(standing.probes + 1, MOST_DOUBLINGS)
    return replace(standing, probing=True, probed_at=now, probes=count, jitter=jitter)


def checked_shares(told: Mapping[str, int]) -> dict[WorkClass, int]:
    """Complete shares by the defaults.

    Raises:
        InvalidInputError: a class is unknown, a share is not 1 to 100, or a less urgent class
            has the larger one.
    """
    unknown = set(told) - set(WorkClass)
    if unknown:
        raise _wrong("unknown_work_class", f"no such class of work: {min(unknown)[:64]}", "shares")
    shares = {work: told.get(work, SHARES[work]) for work in WorkClass}
    for work, share in shares.items():
        if not 1 <= share <= 100:  # noqa: PLR2004 - per cent
            raise _wrong("share_out_of_range", "A share is 1 to 100 per cent.", work)
    for urgent, less in pairwise(WorkClass):
        if shares[less] > shares[urgent]:
            raise _wrong("shares_out_of_order", f"{less} may not have more than {urgent}.", less)
    return shares


def _wrong(code: str, text: str, field: str) -> InvalidInputError:
    order = " >= ".join(WorkClass)
    error = InvalidInputError(text, field=field, cure=f"Give per cent of 1 to 100: {order}.")
    error.code = code
    return error
