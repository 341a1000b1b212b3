"""/jobs/ingest: loads of many records."""

from email.parser import BytesParser
from email.policy import HTTP

from crmlink_salesforce_sim.api.bulk_jobs import (
    aborted,
    check_ended,
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
from crmlink_salesforce_sim.bulk.formats import document, written_lines
from crmlink_salesforce_sim.bulk.ingest import BAD, GOOD, unprocessed
from crmlink_salesforce_sim.bulk.job import ABORTED, ENDED, INGEST, OPEN, UPLOADED, Job
from crmlink_salesforce_sim.bulk.operations import OPERATIONS
from crmlink_salesforce_sim.bulk.work import wake
from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.schema import SObject

MOST_UPLOAD = 100_000_000  # bytes; 150 MB once it is base64
MOST_MULTIPART = 100_000  # characters
MOST_BATCHES = 15_000  # in 24 hours
KNOWN = {
    *("object", "operation", "externalIdFieldName", "contentType", "lineEnding"),
    *("columnDelimiter", "assignmentRuleId"),
}


def add_bulk_ingest(router: Router) -> None:
    """Add the resources of loads."""
    router.add("jobs/ingest", GET=_list, POST=_create)
    router.add("jobs/ingest/*", GET=_get, PATCH=_change, DELETE=_delete)
    router.add("jobs/ingest/*/batches", PUT=_upload)
    router.add("jobs/ingest/*/successfulResults", GET=_successful)
    router.add("jobs/ingest/*/failedResults", GET=_failed)
    for name in ("unprocessedrecords", "unprocessedRecords"):  # clients write both
        router.add(f"jobs/ingest/*/{name}", GET=_unprocessed)


def _list(org: Org, call: Call) -> Answer:
    return listed(org, call, INGEST)


def _create(org: Org, call: Call) -> Answer:
    if call.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return _create_with_data(org, call)
    return Answer(_added(org, call, call.row()).created_answer())


def _added(org: Org, call: Call, body: Row) -> Job:
    check_fields(body, KNOWN)
    name, operation = body.get("object"), body.get("operation")
    if not isinstance(name, str) or not isinstance(operation, str):
        raise invalid_job("A load needs an object and an operation")
    if operation not in OPERATIONS:
        raise invalid_job(f"Invalid value for operation: {operation}")
    sobject = org.schema.find(name)
    if sobject is None or not sobject.writable:
        raise ApiError("INVALIDENTITY", f"{name} is not supported by the Bulk API")
    if org.jobs.batches_today() >= MOST_BATCHES:
        raise ApiError("LIMIT_EXCEEDED", "ApiBatchItems Limit exceeded.")
    external_id = _external_id(sobject, body) if operation == "upsert" else None
    delimiter, line_ending = formats(body)
    rule = body.get("assignmentRuleId")
    stamp = org.jobs.stamp
    job = Job(
        id="",
        kind=INGEST,
        operation=operation,
        object=sobject.name,
        created_by=call.user,
        created=stamp,
        modified=stamp,
        state=OPEN,
        version=call.version,
        client=call.client,
        external_id=external_id,
        assignment_rule=str(rule) if rule else None,
        delimiter=delimiter,
        line_ending=line_ending,
    )
    return org.jobs.add(job)


def _external_id(sobject: SObject, body: Row) -> str:
    name = body.get("externalIdFieldName")
    if not isinstance(name, str):
        raise invalid_job("externalIdFieldName is required for upsert")
    field = sobject.find(name)
    if field is None or not field.lookup:
        message = f"Field name provided, {name}, does not match an External ID, Salesforce Id"
        raise invalid_job(f"{message} or indexed field for {sobject.name}")
    return field.name


def _create_with_data(org: Org, call: Call) -> Answer:
    """Create a job and its data in one call; it needs no closing."""
    head = f"Content-Type: {call.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + call.body)
    parts: dict[str, bytes] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        content = part.get_payload(decode=True)
        name = part.get_param("name", "", header="content-disposition")
        parts[str(name)] = content if isinstance(content, bytes) else b""
    if set(parts) != {"job", "content"}:
        raise invalid_job("A multipart request needs the parts job and content")
    if len(parts["content"]) > MOST_MULTIPART:
        message_text = f"A multipart request takes {MOST_MULTIPART} characters of data"
        raise ApiError("LIMIT_EXCEEDED", message_text)
    body = Call(call.method, call.path, call.version, call.user, body=parts["job"]).row()
    job = _added(org, call, body)
    org.jobs.upload(job, parts["content"])
    return Answer(_closed(org, job).created_answer())


def _get(org: Org, _: Call, job_id: str) -> Answer:
    return Answer(found_job(org, INGEST, job_id).whole())


def _change(org: Org, call: Call, job_id: str) -> Answer:
    job, state = found_job(org, INGEST, job_id), state_asked(call)
    if state == ABORTED:
        return aborted(org, job)
    if state != UPLOADED:
        raise invalid_job(f"Invalid value for state: {state}")
    return Answer(_closed(org, job).listed())


def _closed(org: Org, job: Job) -> Job:
    """Let a job be worked on; it takes no data from now on."""
    with org.store.writing():
        job = org.jobs.find(job.id) or job
        if job.state != OPEN:
            raise invalid_state(job)
        closed = org.jobs.moved(job, UPLOADED)
    wake(org)
    return closed


def _delete(org: Org, _: Call, job_id: str) -> Answer:
    return deleted(org, found_job(org, INGEST, job_id))


def _upload(org: Org, call: Call, job_id: str) -> Answer:
    if len(call.body) > MOST_UPLOAD:
        raise ApiError("REQUEST_TOO_LARGE", "the data is larger than 100 MB", 413)
    with org.store.writing():
        job = found_job(org, INGEST, job_id)
        if job.state != OPEN:
            raise invalid_state(job)
        if job.uploaded:
            message = f"Found multiple contents for job: <{job.id}>, send its data in one PUT"
            raise ApiError("INVALIDJOBSTATE", message)
        org.jobs.upload(job, call.body)
    return Answer(status=201)


def _results(org: Org, job_id: str, kind: str, *first: str) -> Answer:
    job = found_job(org, INGEST, job_id)
    check_ended(job)
    head = written_lines(job, [[*first, *job.columns]]) if job.columns else []
    return csv_answer(document(job, [*head, *org.jobs.shuffled_lines(job.id, kind)]))


def _successful(org: Org, _: Call, job_id: str) -> Answer:
    return _results(org, job_id, GOOD, "sf__Id", "sf__Created")


def _failed(org: Org, _: Call, job_id: str) -> Answer:
    return _results(org, job_id, BAD, "sf__Id", "sf__Error")


def _unprocessed(org: Org, _: Call, job_id: str) -> Answer:
    job = found_job(org, INGEST, job_id)
    if job.state not in ENDED:
        raise invalid_state(job)
    return csv_answer(document(job, unprocessed(org, job)))
