"""Working on a load: slices of records, each saved with its results in one transaction."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from crmlink_salesforce_sim.bulk.columns import Column, read_header
from crmlink_salesforce_sim.bulk.formats import BadUploadError, read_lines, written_lines
from crmlink_salesforce_sim.bulk.job import COMPLETE, FAILED, RUNNING, Job
from crmlink_salesforce_sim.bulk.operations import IDS_ONLY, OPERATIONS, Loading
from crmlink_salesforce_sim.dml import DmlOptions
from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.records import Writer
from crmlink_salesforce_sim.schema import SObject

SLICE = 200  # records saved together, as the platform does it
GOOD, BAD = "successful", "failed"
Line = list[str]


@dataclass(frozen=True)
class _Load:
    job: Job
    sobject: SObject
    columns: list[Column]


def load(org: Org, job: Job) -> None:
    """Work on a load to its end, or until the org stops or the job is aborted."""
    try:
        lines = read_lines(job, org.jobs.uploaded(job.id))
        header = next(lines, [])
        columns = _columns(org, job, header)
    except BadUploadError as exc:
        _fail(org, job, str(exc))
        return
    with org.store.writing():
        current = org.jobs.find(job.id) or job
        job = replace(current.moved(RUNNING, org.jobs.stamp), columns=tuple(header))
        org.jobs.save(job)
    plan = _Load(job, org.schema.required(job.object), columns)
    _slices(org, plan, islice(lines, job.processed, None))


def _columns(org: Org, job: Job, header: Line) -> list[Column]:
    if not header:
        raise BadUploadError("InvalidBatch : The job has no data")
    sobject = org.schema.required(job.object)
    columns = read_header(org.schema, sobject, header)
    if job.operation in IDS_ONLY and [one.field.name for one in columns] != ["Id"]:
        raise BadUploadError("InvalidBatch : A delete takes the column Id alone")
    return columns


def _slices(org: Org, plan: _Load, lines: Iterator[Line]) -> None:
    while org.background.goes_on():
        try:
            part = list(islice(lines, SLICE))
        except BadUploadError as exc:
            _fail(org, plan.job, str(exc))
            return
        if not _slice(org, plan, part):
            return


def _slice(org: Org, plan: _Load, lines: list[Line]) -> bool:
    """Save some records and say whether there may be more to do."""
    begun = time.monotonic()
    options = DmlOptions(auto_assign=plan.job.assignment_rule is not None)
    with org.writing(plan.job.created_by, plan.job.client, options) as writer:
        job = org.jobs.find(plan.job.id)
        if job is None or job.state != RUNNING:  # aborted or deleted meanwhile
            return False
        if not lines:
            org.jobs.moved(job, COMPLETE)
            org.jobs.forget_upload(job.id)
            return False
        failed = _save(org, plan, writer, lines, job.processed)
        spent = job.milliseconds + round((time.monotonic() - begun) * 1000)
        done = job.processed + len(lines)
        changed = replace(job, processed=done, failed=job.failed + failed, milliseconds=spent)
        org.jobs.save(replace(changed, modified=org.jobs.stamp))
    return True


def _save(org: Org, plan: _Load, writer: Writer, lines: list[Line], first: int) -> int:
    loading = Loading(writer, plan.sobject, plan.job.external_id or "")
    good: list[Line] = []
    bad: list[Line] = []
    for line in lines:
        body: Row = {}
        try:
            with org.store.writing():
                _fill(body, plan.columns, line)
                record_id, new = OPERATIONS[plan.job.operation](loading, body)
            good.append([record_id, str(new).lower(), *line])
        except ApiError as exc:
            told = str(body.get("Id") or "")
            bad.append([told, row_error(_of_text(exc, plan.columns, line)), *line])
    org.jobs.add_lines(plan.job.id, GOOD, first, written_lines(plan.job, good))
    org.jobs.add_lines(plan.job.id, BAD, first, written_lines(plan.job, bad))
    return len(bad)


def _fill(body: Row, columns: Sequence[Column], line: Line) -> None:
    if len(line) != len(columns):
        message = f"The record has {len(line)} fields, the header {len(columns)}"
        raise ApiError("MALFORMED_CSV", message)
    for column, text in zip(columns, line, strict=True):
        column.put(body, text)


def _of_text(error: ApiError, columns: Sequence[Column], line: Line) -> ApiError:
    """Say of text what a JSON call says of a value of the wrong type."""
    if error.code != "JSON_PARSER_ERROR":
        return error
    for column, text in zip(columns, line, strict=False):
        if not column.key and text and text in error.message:
            field = column.field
            message = f"{field.label}: value not of required type: {text}"
            return ApiError("INVALID_TYPE_ON_FIELD_IN_RECORD", message, fields=[field.name])
    return error


def row_error(error: ApiError) -> str:
    """Return an error as sf__Error tells it: `CODE:message:fields --`."""
    fields = f"{', '.join(error.fields)} " if error.fields else ""
    return f"{error.code}:{error.message}:{fields}--"


def unprocessed(org: Org, job: Job) -> list[str]:
    """Return the lines of the records that were not worked on, after the header."""
    try:
        lines = read_lines(job, org.jobs.uploaded(job.id))
        header = next(lines, list(job.columns))
        rest = list(islice(lines, job.processed, None))
    except BadUploadError:  # what cannot be read cannot be given back as records
        return []
    return written_lines(job, [header, *rest]) if header else []


def _fail(org: Org, job: Job, message: str) -> None:
    with org.store.writing():
        current = org.jobs.find(job.id) or job
        org.jobs.save(current.moved(FAILED, org.jobs.stamp, message))
