"""Sending writes: every record gets an outcome, whatever becomes of its call."""

from __future__ import annotations

from collections.abc import Sequence

from crmlink_common.errors import CrmLinkError, PermanentError, TransientError
from crmlink_common.salesforce.composite import Subrequest
from crmlink_common.salesforce.errors import (
    SalesforceError,
    SalesforceTransientError,
    of_the_call,
)
from crmlink_common.salesforce.records import Record, json_of
from crmlink_common.salesforce.session import Session
from crmlink_common.salesforce.writes import Outcome, Write, calls, read_outcomes, spread

SPOILED_BY_ONE = frozenset({"JSON_PARSER_ERROR"})  # as by one text where a date must be


async def write_all(session: Session, write: Write, records: Sequence[Record]) -> list[Outcome]:
    """Return an outcome per record, in their order."""
    unfit = [write.unfit(record) for record in records]
    fit = [record for record, error in zip(records, unfit, strict=True) if error is None]
    outcomes = iter(await _write_fit(session, write, fit))
    return [Outcome(ok=False, error=error) if error else next(outcomes) for error in unfit]


async def _write_fit(session: Session, write: Write, records: Sequence[Record]) -> list[Outcome]:
    """After a call that failed for a while send no more."""
    outcomes: list[Outcome] = []
    for collections in calls(records):
        count = sum(map(len, collections))
        try:
            outcomes += await _write_call(session, write, collections)
        except PermanentError as exc:
            outcomes += spread(of_the_call(exc), count)
        except CrmLinkError as exc:
            outcomes += spread(error := of_the_call(exc), count)
            outcomes += spread(_not_sent(error), len(records) - len(outcomes))
            return outcomes
    return outcomes


async def _write_call(
    session: Session, write: Write, collections: list[list[Record]]
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    answers = await _ask(session, write, collections)
    for told, records in zip(answers, collections, strict=True):
        if _is_spoiled(told) and len(records) > 1 and write.halvings.take():
            half = len(records) // 2
            outcomes += await _write_fit(session, write, records[:half])
            outcomes += await _write_fit(session, write, records[half:])
        else:
            outcomes += read_outcomes(told, write, len(records))
    return outcomes


async def _ask(session: Session, write: Write, collections: list[list[Record]]) -> list[object]:
    """Send one call; return the JSON or error of each Collections request."""
    path = session.data_path(f"composite/sobjects{write.path}")
    bodies = [write.body(records) for records in collections]
    if len(bodies) > 1:
        requests = [Subrequest(write.method, path, body) for body in bodies]
        return await session.composite(requests, repeatable=write.repeatable)
    try:
        answer = await session.send(write.method, path, json=bodies[0], repeatable=write.repeatable)
    except SalesforceError as exc:
        if not _is_spoiled(exc):
            raise
        return [exc]
    return [json_of(answer, repeatable=write.repeatable)]


def _is_spoiled(told: object) -> bool:
    """Tell whether a call was refused, with no effect, for what may be one record's fault."""
    return isinstance(told, SalesforceError) and told.salesforce_code in SPOILED_BY_ONE


def _not_sent(error: SalesforceError) -> SalesforceError:
    """Records after a call of unknown outcome are known to be unsent."""
    return error if isinstance(error, TransientError) else SalesforceTransientError("NOT_SENT")
