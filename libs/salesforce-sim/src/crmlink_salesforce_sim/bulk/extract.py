"""Query jobs: what Bulk 2.0 refuses, and the records as CSV."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from crmlink_salesforce_sim.bulk.formats import written_lines
from crmlink_salesforce_sim.bulk.job import COMPLETE, FAILED, RUNNING, Job
from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.queries import UNLIMITED, Queries
from crmlink_salesforce_sim.soql.compile import Plan
from crmlink_salesforce_sim.soql.shape import Shape, Slot

RECORDS = "records"
PAGE = 1000
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL)
_REFUSED = (
    (r"\bGROUP\s+BY\b", "Group By clause is not supported in Bulk Query"),
    (r"\bOFFSET\s+\d", "Offset clause is not supported in Bulk Query"),
    (r"\bTYPEOF\b", "TYPEOF is not supported in Bulk Query"),
    (r"\bFIELDS\s*\(", "The SOQL FIELDS function is not supported in Bulk Query"),
)
Path = tuple[str, ...]


def planned(queries: Queries, text: str, *, deleted: bool) -> Plan:
    """Return the plan of a statement; ApiError for what Bulk 2.0 does not run (facts §7)."""
    bare = _STRING.sub("''", text)
    for pattern, message in _REFUSED:
        if re.search(pattern, bare, re.IGNORECASE):
            raise ApiError("API_ERROR", message)
    plan = queries.compiler(text, deleted=deleted).plan()
    if plan.children:
        raise ApiError("API_ERROR", "Aggregate Relationships not supported in Bulk Query")
    if plan.aggregate or plan.counts_only:
        raise ApiError("API_ERROR", "Aggregate functions are not supported in Bulk Query")
    if any(_compound(plan.shape)):
        raise ApiError("API_ERROR", "Selecting compound data not supported in Bulk Query")
    return plan


def _compound(shape: Shape) -> Iterator[bool]:
    for part in shape.parts.values():
        if isinstance(part, Shape):
            yield from _compound(part)
        elif isinstance(part, Slot):
            yield bool(part.field.components)


def header(shape: Shape, before: Path = ()) -> list[Path]:
    """Return the columns of a plan, parents' fields as paths, in the order of the statement."""
    found: list[Path] = []
    for name, part in shape.parts.items():
        if isinstance(part, Shape):
            found += header(part, (*before, name))
        else:
            found.append((*before, name))
    return found


def extract(org: Org, job: Job) -> None:
    """Run a query job to its end, or until the org stops or the job is aborted."""
    begun = time.monotonic()
    try:
        queries = Queries(org, job.created_by, job.version)
        plan = planned(queries, job.query, deleted=job.operation == "queryAll")
    except ApiError as exc:
        org.jobs.save(job.moved(FAILED, org.jobs.stamp, f"{exc.code} : {exc.message}"))
        return
    paths = header(plan.shape)
    columns = tuple(".".join(one) for one in paths)
    with org.store.writing():
        current = org.jobs.find(job.id)
        if current is None or current.state != job.state:
            return
        started = replace(current, columns=columns, processed=0)
        job = org.jobs.moved(started, RUNNING)
        org.jobs.clear_lines(job.id)
    with org.store.reading() as connection:
        limit = UNLIMITED if plan.limit is None else plan.limit
        rows = connection.execute(plan.statement(["t.Id"], limit), plan.bound).fetchall()
    ids = iter([str(one) for (one, *_) in rows])
    while org.background.goes_on():
        part = list(islice(ids, PAGE))
        records = _records(org, plan, part)
        if not _keep(org, job, paths, records, begun):
            return


def _records(org: Org, plan: Plan, ids: list[str]) -> list[Row]:
    if not ids:
        return []
    with org.store.reading() as connection:
        rows = connection.execute(plan.by_ids(len(ids)), ids).fetchall()
    by_id = {str(cells[0]): cells for cells in rows}
    return [plan.shape.record(by_id[one], lambda *_: "", org.schema) for one in ids if one in by_id]


def _keep(org: Org, job: Job, paths: list[Path], records: list[Row], begun: float) -> bool:
    """Keep a page of records; say whether there may be more."""
    lines = written_lines(job, ([_cell(record, path) for path in paths] for record in records))
    with org.store.writing():
        current = org.jobs.find(job.id)
        if current is None or current.state != RUNNING:
            return False
        org.jobs.add_lines(job.id, RECORDS, current.processed, lines)
        spent = round((time.monotonic() - begun) * 1000)
        changed = replace(current, processed=current.processed + len(lines), milliseconds=spent)
        org.jobs.moved(changed, RUNNING if records else COMPLETE)
    return bool(records)


def _cell(record: Row, path: Path) -> str:
    here: object = record
    for name in path:
        here = here.get(name) if isinstance(here, dict) else None
    if here is None:
        return ""
    if isinstance(here, bool):
        return str(here).lower()
    return _zulu(str(here))


def _zulu(text: str) -> str:
    """Return a datetime as Bulk writes it: with Z, not with an offset."""
    return text.removesuffix("+0000") + "Z" if text.endswith(".000+0000") else text
