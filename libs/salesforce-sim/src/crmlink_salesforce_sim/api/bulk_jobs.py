"""What ingest and query jobs share over HTTP: finding, listing, deleting, aborting."""

from crmlink_salesforce_sim.api.call import Answer, Call
from crmlink_salesforce_sim.bulk.formats import DELIMITERS, LINE_ENDINGS
from crmlink_salesforce_sim.bulk.job import (
    ABORTED,
    DELETABLE,
    ENDED,
    INGEST,
    OPEN,
    QUERY,
    WAITING,
    Job,
)
from crmlink_salesforce_sim.errors import ApiError, Row, not_found
from crmlink_salesforce_sim.ids import full_id
from crmlink_salesforce_sim.org import Org

LIST_PAGE = 1000
CSV_TYPE = "text/csv"
KINDS = {"V2Ingest": INGEST, "V2Query": QUERY}
OTHER_KINDS = ("Classic", "BigObjectIngest")  # jobs this org never has


def found_job(org: Org, kind: str, job_id: str) -> Job:
    """Return a job of that kind, or refuse as a resource that does not exist."""
    job = org.jobs.find(full_id(job_id) or "")
    if job is None or job.kind != kind:
        raise not_found()
    return job


def listed(org: Org, call: Call, kind: str) -> Answer:
    """Answer a page of jobs: `jobType`, `isPkChunkingEnabled`, `concurrencyMode`, `queryLocator`.

    Primary key chunking and the serial mode belong to the older Bulk API, so no job here has
    either.
    """
    asked = call.params.get("jobType", kind)
    if asked not in KINDS and asked not in OTHER_KINDS:
        raise invalid_job(f"Invalid value for jobType: {asked}")
    locator = call.params.get("queryLocator", "0")
    if not locator.isdigit():
        raise ApiError("INVALID_QUERY_LOCATOR", "invalid query locator")
    older = call.flag("isPkChunkingEnabled")
    older = older or call.params.get("concurrencyMode", "Parallel").lower() != "parallel"
    kinds = [] if older or asked not in KINDS else [KINDS[asked]]
    start = int(locator)
    page = org.jobs.newest_first(kinds, start, LIST_PAGE + 1)
    more = len(page) > LIST_PAGE
    names = "ingest" if kind == INGEST else "query"
    base = f"/services/data/v{call.version}/jobs/{names}"
    records = [one.listed() for one in page[:LIST_PAGE]]
    following = f"{base}?queryLocator={start + LIST_PAGE}" if more else None
    return Answer({"done": not more, "records": records, "nextRecordsUrl": following})


def state_asked(call: Call) -> str:
    """Return the state a PATCH asks for."""
    state = call.row().get("state")
    if not isinstance(state, str):
        raise invalid_job("A state is needed: UploadComplete or Aborted")
    return state


def aborted(org: Org, job: Job) -> Answer:
    """End a job that has not ended; what is done stays done."""
    with org.store.writing():
        job = org.jobs.find(job.id) or job
        if job.state not in (OPEN, *WAITING):
            raise invalid_state(job)
        return Answer(org.jobs.moved(job, ABORTED).listed())


def deleted(org: Org, job: Job) -> Answer:
    """Forget a job; one that is open or runs has to be aborted first."""
    with org.store.writing():
        job = org.jobs.find(job.id) or job
        if job.state not in DELETABLE:
            raise invalid_state(job)
        org.jobs.remove(job.id)
    return Answer(status=204)


def formats(body: Row) -> tuple[str, str]:
    """Return the column delimiter and the line ending a new job asks for."""
    content = body.get("contentType", "CSV")
    if content != "CSV":
        raise invalid_job(f"Invalid value for contentType: {content}")
    delimiter = str(body.get("columnDelimiter") or "COMMA")
    line_ending = str(body.get("lineEnding") or "LF")
    if delimiter not in DELIMITERS:
        raise invalid_job(f"Invalid value for columnDelimiter: {delimiter}")
    if line_ending not in LINE_ENDINGS:
        raise invalid_job(f"Invalid value for lineEnding: {line_ending}")
    return delimiter, line_ending


def check_fields(body: Row, known: set[str]) -> None:
    """Refuse a new job with a property it does not have."""
    for name in body:
        if name not in known:
            message = f'Unrecognized field "{name}" at [line:1, column:1]'
            raise ApiError("JSON_PARSER_ERROR", message)


def csv_answer(content: bytes, **headers: str) -> Answer:
    """Answer a CSV document."""
    return Answer(content, headers={"Content-Type": CSV_TYPE, **headers})


def check_ended(job: Job) -> None:
    """Refuse results while there may be more of them."""
    if job.state not in ENDED:
        raise invalid_state(job)


def invalid_job(message: str) -> ApiError:
    """Say that a job cannot be as it is asked for."""
    return ApiError("INVALIDJOB", message)


def invalid_state(job: Job) -> ApiError:
    """Say that the job's state does not allow what is asked."""
    return ApiError("INVALIDJOBSTATE", f"The job {job.id} is in the state {job.state}")
