"""/jobs/query: queries whose answer is large."""

import base64
import binascii

from crmlink_salesforce_sim.api.bulk_jobs import (
    aborted,
    check_fields,
    csv_answer,
    deleted,
    formats,
    found_job,
    invalid_job,
    invalid_state,
    listed,
    state_asked,
)
from crmlink_salesforce_sim.api.call import Answer, Call
from crmlink_salesforce_sim.api.router import Router
from crmlink_salesforce_sim.bulk.extract import RECORDS, planned
from crmlink_salesforce_sim.bulk.formats import document, written_lines
from crmlink_salesforce_sim.bulk.job import ABORTED, COMPLETE, QUERY, UPLOADED, Job
from crmlink_salesforce_sim.bulk.work import wake
from crmlink_salesforce_sim.errors import ApiError, Row, not_found
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.queries import Queries

OPERATIONS = ("query", "queryAll")
KNOWN = {"operation", "query", "contentType", "lineEnding", "columnDelimiter"}
MOST_JOBS = 10_000  # in 24 hours
PAGE = 50_000
LINKS = 5
LINKS_SINCE = 58


def add_bulk_queries(router: Router) -> None:
    """Add the resources of query jobs."""
    router.add("jobs/query", GET=_list, POST=_create)
    router.add("jobs/query/*", GET=_get, PATCH=_change, DELETE=_delete)
    router.add("jobs/query/*/results", GET=_results)
    router.add("jobs/query/*/resultPages", GET=_links)


def _list(org: Org, call: Call) -> Answer:
    return listed(org, call, QUERY)


def _create(org: Org, call: Call) -> Answer:
    body = call.row()
    check_fields(body, KNOWN)
    operation, text = body.get("operation"), body.get("query")
    if operation not in OPERATIONS:
        raise invalid_job(f"Invalid value for operation: {operation}")
    if not isinstance(text, str) or not text.strip():
        raise invalid_job("A query job needs a query")
    if (made := org.jobs.made_today(QUERY)) >= MOST_JOBS:
        message = f"Max bulk v2 query jobs ({MOST_JOBS}) per 24 hrs has been reached ({made})"
        raise ApiError("LIMIT_EXCEEDED", message)
    queries = Queries(org, call.user, call.version)
    plan = planned(queries, text, deleted=operation == "queryAll")
    delimiter, line_ending = formats(body)
    stamp = org.jobs.stamp
    job = Job(
        id="",
        kind=QUERY,
        operation=str(operation),
        object=plan.root.name,
        created_by=call.user,
        created=stamp,
        modified=stamp,
        state=UPLOADED,
        version=call.version,
        client=call.client,
        delimiter=delimiter,
        line_ending=line_ending,
        query=text,
    )
    job = org.jobs.add(job)
    wake(org)
    return Answer(job.created_answer())


def _get(org: Org, _: Call, job_id: str) -> Answer:
    return Answer(found_job(org, QUERY, job_id).whole())


def _change(org: Org, call: Call, job_id: str) -> Answer:
    job, state = found_job(org, QUERY, job_id), state_asked(call)
    if state != ABORTED:
        raise invalid_job(f"Invalid value for state: {state}")
    return aborted(org, job)


def _delete(org: Org, _: Call, job_id: str) -> Answer:
    return deleted(org, found_job(org, QUERY, job_id))


def _complete(org: Org, call: Call, job_id: str) -> Job:
    job = found_job(org, QUERY, job_id)
    if job.version != call.version:
        message = f"The job was created in version {job.version}: use it for its results too"
        raise ApiError("API_VERSION_MISMATCH", message, 409)
    if job.state != COMPLETE:
        raise invalid_state(job)
    return job


def _results(org: Org, call: Call, job_id: str) -> Answer:
    job = _complete(org, call, job_id)
    start, most = _offset(call, job), _most(call)
    lines = org.jobs.lines(job.id, RECORDS, start, most)
    end = start + len(lines)
    locator = _locator(end) if end < job.processed else "null"
    body = document(job, [*written_lines(job, [job.columns]), *lines])
    numbers = {"Sforce-Locator": locator, "Sforce-NumberOfRecords": str(len(lines))}
    return csv_answer(body, **numbers)


def _links(org: Org, call: Call, job_id: str) -> Answer:
    if int(call.version.partition(".")[0]) < LINKS_SINCE:
        raise not_found()
    job = _complete(org, call, job_id)
    start = _offset(call, job)
    starts = range(start, max(job.processed, 1), PAGE)
    base = f"/services/data/v{call.version}/jobs/query/{job.id}"
    pages: list[Row] = [
        {"resultUrl": f"{base}/results?locator={_locator(one)}"} for one in starts[:LINKS]
    ]
    done = len(starts) <= LINKS
    following = None if done else f"{base}/resultPages?locator={_locator(starts[LINKS])}"
    return Answer({"resultPages": pages, "nextRecordsUrl": following, "done": done})


def _most(call: Call) -> int:
    text = call.params.get("maxRecords", str(PAGE))
    if not text.isdigit() or not int(text):
        raise ApiError("INVALID_PARAMETER", f"maxRecords has to be a number: {text}")
    return int(text)


def _locator(start: int) -> str:
    return base64.urlsafe_b64encode(str(start).encode()).decode().rstrip("=")


def _offset(call: Call, job: Job) -> int:
    """Return the record a locator stands for; a wrong one is refused."""
    text = call.params.get("locator", "")
    if not text:
        return 0
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not found.isdigit() or not 0 <= int(found) <= job.processed:
        raise ApiError("INVALID_QUERY_LOCATOR", "invalid query locator")
    return int(found)
