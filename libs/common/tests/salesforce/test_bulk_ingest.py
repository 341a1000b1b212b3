"""Facts §7: ingest jobs, told by key what became of each record, and found again."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from crmlink_common.errors import (
    InvalidInputError,
    LimitError,
    PermanentError,
    TransientError,
    UnknownOutcomeError,
)
from crmlink_common.salesforce.bulk import IngestJobs
from crmlink_common.salesforce.bulk_job import JobRef, Polling
from crmlink_common.salesforce.bulk_way import Bulk
from crmlink_common.salesforce.client import Org, Outcome
from crmlink_common.salesforce.fakes import Answer, FakeOrg, an_error, body_of
from crmlink_common.salesforce.writes import Operation, Write, WriteOptions

JOB = "750Tn000004ZoR3IAK"
IDS = [f"003{n:012}" for n in range(3)]
FULL = ["003000000000000AAA", "003000000000001AAA", "003000000000002AAA"]
UPDATE = Write(Operation.UPDATE, "Contact", "Id")
UPSERT = Write(Operation.UPSERT, "Contact", "Key__c")
RECORDS: list[dict[str, Any]] = [
    {"Id": IDS[0], "Phone": "1"},
    {"Id": IDS[1], "Phone": None},
    {"Id": IDS[2], "Fax": "2"},
]
PATH = f"/services/data/v59.0/jobs/ingest/{JOB}"
UPLOADED = httpx.Response(201)
REF = JobRef(job_id=JOB, sobject="Contact", operation="update", key_field="Id", version="59.0")


def job(state: str, processed: int = 0, failed: int = 0, **more: object) -> dict[str, Any]:
    counts = {"numberRecordsProcessed": processed, "numberRecordsFailed": failed}
    return {"id": JOB, "state": state, **counts, **more}


def table(*lines: str) -> httpx.Response:
    headers = {"content-type": "text/csv"}
    return httpx.Response(200, text="".join(f"{line}\n" for line in lines), headers=headers)


def begun(*more: Answer) -> list[Answer]:
    return [job("Open"), UPLOADED, job("UploadComplete"), *more]


class Clock:
    """Goes on while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def jobs(org: Org, **more: Any) -> IngestJobs:  # noqa: ANN401 - those of IngestJobs
    clock = Clock()
    return IngestJobs(session=org, sleep=clock.sleep, clock=clock, jitter=lambda: 0.5, **more)


async def run(
    fake: FakeOrg, answers: Sequence[Answer], *, within: float = 100, write: Write = UPDATE
) -> list[Outcome]:
    fake.answers = [*answers]
    return await jobs(await fake.open()).run(write, RECORDS, within=within)


def codes(outcomes: Sequence[Outcome]) -> list[str]:
    return [one.error.code if one.error else "" for one in outcomes]


async def test_records_are_uploaded_closed_and_found_by_their_ids(fake: FakeOrg) -> None:
    answers = begun(
        job("InProgress"),
        job("JobComplete", 3, 1),
        table(
            '"sf__Id","sf__Created","Id","Phone","Fax"',
            f'"{FULL[2]}","false","{IDS[2]}","","2"',
            f'"{FULL[0]}","false","{FULL[0]}","1",""',
        ),
        table(
            '"sf__Id","sf__Error","Id","Phone","Fax"',
            f'"{FULL[1]}","REQUIRED_FIELD_MISSING:Ada: [Phone]:Phone --","{IDS[1]}","",""',
        ),
    )
    outcomes = await run(fake, answers)
    assert outcomes[0] == Outcome(ok=True, record_id=FULL[0], created=False)
    assert outcomes[2].record_id == FULL[2]
    error = outcomes[1].error
    assert isinstance(error, PermanentError)
    assert (error.code, error.fields) == ("REQUIRED_FIELD_MISSING", ("Phone",))
    assert "Ada" not in str(error)
    steps = [f"{one.method} {one.url.path.removeprefix(PATH)}" for one in fake.asked]
    assert steps == [
        "POST /services/data/v59.0/jobs/ingest",
        "PUT /batches",
        "PATCH ",
        "GET ",
        "GET ",
        "GET /successfulResults",
        "GET /failedResults",
    ]
    upload = gzip.decompress(fake.asked[1].content)
    assert upload == f"Id,Phone,Fax\n{IDS[0]},1,\n{IDS[1]},#N/A,\n{IDS[2]},,2\n".encode()
    assert fake.asked[1].headers["content-type"].startswith("text/csv")
    assert body_of(fake.asked[0]) == {
        "object": "Contact",
        "operation": "update",
        "contentType": "CSV",
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    }
    assert body_of(fake.asked[2]) == {"state": "UploadComplete"}


async def test_upserts_are_found_by_their_external_id_in_any_case(fake: FakeOrg) -> None:
    told = table("sf__Id,sf__Created,key__c", f"{FULL[1]},true,AB", f"{FULL[0]},false, 1.0")
    fake.answers = begun(job("JobComplete", 2), told)
    records: list[dict[str, Any]] = [{"Key__c": 1}, {"Key__c": "ab"}]
    outcomes = await jobs(await fake.open()).run(UPSERT, records, within=100)
    assert outcomes == [
        Outcome(ok=True, record_id=FULL[0], created=False),
        Outcome(ok=True, record_id=FULL[1], created=True),
    ]
    assert body_of(fake.asked[0])["externalIdFieldName"] == "Key__c"


async def test_the_job_is_told_before_its_upload(fake: FakeOrg) -> None:
    told: list[tuple[JobRef, int]] = []

    async def job_created(ref: JobRef) -> None:
        await asyncio.sleep(0)
        told.append((ref, len(fake.asked)))

    done = table("sf__Id,sf__Created,Id", *[f"{one},false,{one}" for one in FULL])
    fake.answers = begun(job("JobComplete", 3), done)
    await jobs(await fake.open()).run(
        UPDATE, RECORDS, within=100, job_created=job_created, positions=[4, 5, 6]
    )
    assert told == [(JobRef(**{**_plain(REF), "positions": (4, 5, 6)}), 1)]


def _plain(ref: JobRef) -> dict[str, Any]:
    return {name: getattr(ref, name) for name in JobRef.__slots__}


async def test_what_the_results_do_not_tell_is_unknown(fake: FakeOrg) -> None:
    some = table("sf__Id,sf__Created,Id", f"{FULL[0]},false,{IDS[0]}", "x,false,elsewhere")
    none = table("sf__Id,sf__Error,Id")
    outcomes = await run(fake, begun(job("JobComplete", 3), some, none, none))
    assert codes(outcomes) == ["", "NO_RESULT", "NO_RESULT"]
    assert all(isinstance(one.error, UnknownOutcomeError) for one in outcomes[1:])


async def test_an_answer_that_breaks_off_is_read_again(fake: FakeOrg) -> None:
    whole = table("sf__Id,sf__Created,Id", *[f"{one},false,{one}" for one in FULL])
    half = table("sf__Id,sf__Created,Id", f"{FULL[0]},false,{FULL[0]}", '"cut')
    assert all(one.ok for one in await run(fake, begun(job("JobComplete", 3), half, whole)))


async def test_results_that_cannot_be_read_leave_the_rest_unknown(fake: FakeOrg) -> None:
    half = table("sf__Id,sf__Created,Id", f"{FULL[0]},false,{FULL[0]}", '"cut')
    outcomes = await run(fake, begun(job("JobComplete", 3), *[half] * 3, *[half] * 6))
    assert codes(outcomes) == ["", "MALFORMED_ANSWER", "MALFORMED_ANSWER"]
    assert all(isinstance(one.error, UnknownOutcomeError) for one in outcomes[1:])


async def test_a_failed_job_that_did_nothing_fails_every_record(fake: FakeOrg) -> None:
    reason = "InvalidBatch : Field name not found : Ada__c"
    failed = job("Failed", errorMessage=reason)
    outcomes = await run(fake, begun(failed, table("Id", *IDS)))
    assert codes(outcomes) == ["InvalidBatch"] * 3
    assert all(isinstance(one.error, PermanentError) for one in outcomes)


async def test_an_aborted_job_tells_what_it_did(fake: FakeOrg) -> None:
    good = table("sf__Id,sf__Created,Id", f"{FULL[0]},false,{IDS[0]}")
    outcomes = await run(
        fake, begun(job("Aborted", 1), good, table("sf__Id,sf__Error,Id"), table("Id", IDS[1]))
    )
    assert codes(outcomes) == ["", "JOB_ABORTED", "NO_RESULT"]
    assert isinstance(outcomes[1].error, TransientError)
    assert isinstance(outcomes[2].error, UnknownOutcomeError)


async def test_a_job_that_takes_too_long_goes_on_with_outcomes_unknown(fake: FakeOrg) -> None:
    outcomes = await run(fake, begun(*[job("InProgress")] * 20), within=20)
    assert codes(outcomes) == ["JOB_STILL_RUNNING"] * 3
    assert all(isinstance(one.error, UnknownOutcomeError) for one in outcomes)
    assert fake.asked[-1].method == "GET"  # nothing stops it


async def test_looks_that_fail_for_a_while_end_nothing(fake: FakeOrg) -> None:
    trouble = [an_error(503)] * 4  # the transport's tries of one look
    done = table("sf__Id,sf__Created,Id", *[f"{one},false,{one}" for one in FULL])
    outcomes = await run(fake, begun(*trouble, job("JobComplete", 3), done))
    assert all(one.ok for one in outcomes)


async def test_a_used_up_limit_while_the_job_runs_leaves_outcomes_unknown(fake: FakeOrg) -> None:
    outcomes = await run(fake, begun(an_error(403, "REQUEST_LIMIT_EXCEEDED")))
    assert all(isinstance(one.error, UnknownOutcomeError) for one in outcomes)


async def test_a_lost_upload_is_not_repeated_but_another_job_begun(fake: FakeOrg) -> None:
    done = table("sf__Id,sf__Created,Id", *[f"{one},false,{one}" for one in FULL])
    answers = [job("Open"), httpx.ReadTimeout(""), job("Aborted"), *begun(job("JobComplete"), done)]
    outcomes = await run(fake, answers)
    assert all(one.ok for one in outcomes)
    assert [one.method for one in fake.asked].count("PUT") == 2
    assert body_of(fake.asked[2]) == {"state": "Aborted"}


async def test_uploads_that_are_lost_again_and_again_wrote_nothing(fake: FakeOrg) -> None:
    lost = [job("Open"), httpx.ReadTimeout(""), job("Aborted")]
    with pytest.raises(TransientError):
        await run(fake, lost * 3)
    assert len(fake.asked) == 9


async def test_a_job_that_may_be_closed_is_asked_and_not_closed_twice(fake: FakeOrg) -> None:
    done = table("sf__Id,sf__Created,Id", *[f"{one},false,{one}" for one in FULL])
    answers = [job("Open"), UPLOADED, httpx.ReadError(""), job("InProgress")]
    assert all(one.ok for one in await run(fake, [*answers, job("JobComplete"), done]))
    assert [one.method for one in fake.asked].count("PATCH") == 1


@pytest.mark.parametrize(
    ("write", "records"),
    [
        (Write(Operation.CREATE, "Contact"), [{"LastName": "n"}]),
        (Write(Operation.DELETE, "Contact", "Id"), [{"Id": IDS[0]}]),
        (Write(Operation.UPSERT, "Contact", "Email", unique=False), [{"Email": "a"}]),
        (Write(Operation.UPSERT, "Contact", "Key__c"), [{"Key__c": "a"}, {"Key__c": "A"}]),
        (Write(Operation.UPSERT, "Contact", "Key__c"), [{"Key__c": "a", "X": ["list"]}]),
        (Write(Operation.UPSERT, "Contact", "Key__c"), [{"Phone": "1"}]),
        (UPDATE, []),
        (
            Write(Operation.UPDATE, "Contact", "Id", options=WriteOptions(allow_duplicates=True)),
            RECORDS,
        ),
    ],
)
async def test_what_no_job_can_tell_apart_or_say_is_refused(
    fake: FakeOrg, write: Write, records: list[dict[str, Any]]
) -> None:
    with pytest.raises(InvalidInputError):
        await jobs(await fake.open()).run(write, records, within=1)
    assert fake.asked == []


@pytest.mark.parametrize("looks", [["UploadComplete", "InProgress"], ["InProgress"], []])
async def test_a_restart_goes_on_with_the_job(fake: FakeOrg, looks: list[str]) -> None:
    done = table("sf__Id,sf__Created,Id", *[f"{one},false,{one}" for one in FULL])
    fake.answers = [*map(job, looks), job("JobComplete", 3), done]
    outcomes = await jobs(await fake.open()).attach(REF, RECORDS[::-1], within=100)
    assert [one.record_id for one in outcomes] == FULL[::-1]
    assert {one.method for one in fake.asked} == {"GET"}


async def test_a_job_that_another_process_closed_meanwhile_is_read(fake: FakeOrg) -> None:
    done = table("sf__Id,sf__Created,Id", *[f"{one},false,{one}" for one in FULL])
    closed = job("JobComplete", 3)
    fake.answers = [job("Open"), an_error(400, "INVALIDJOBSTATE"), closed, done]
    outcomes = await jobs(await fake.open()).attach(REF, RECORDS, within=0)
    assert all(one.ok for one in outcomes)


async def test_an_upload_that_is_refused_wrote_nothing_and_leaves_no_job(fake: FakeOrg) -> None:
    with pytest.raises(PermanentError):
        await run(fake, [job("Open"), an_error(413, "REQUEST_TOO_LARGE"), job("Aborted")])
    assert body_of(fake.asked[-1]) == {"state": "Aborted"}


async def test_a_job_that_cannot_be_deleted_is_read_all_the_same(fake: FakeOrg) -> None:
    done = table("sf__Id,sf__Created,Id", *[f"{one},false,{one}" for one in FULL])
    fake.answers = begun(job("JobComplete", 3), done, an_error(400, "INVALIDJOBSTATE"))
    outcomes = await jobs(await fake.open(), delete_read=True).run(UPDATE, RECORDS, within=100)
    assert all(one.ok for one in outcomes)


async def test_a_restart_before_the_close_begins_another_job(fake: FakeOrg) -> None:
    told: list[JobRef] = []

    async def job_created(ref: JobRef) -> None:
        await asyncio.sleep(0)
        told.append(ref)

    done = table("sf__Id,sf__Created,Id", *[f"{one},false,{one}" for one in FULL])
    fake.answers = [job("Open"), job("Aborted"), *begun(job("JobComplete", 3), done)]
    outcomes = await jobs(await fake.open()).attach(
        REF, RECORDS, within=100, job_created=job_created
    )
    assert all(one.ok for one in outcomes)
    assert told == [REF]
    assert body_of(fake.asked[1]) == {"state": "Aborted"}


async def test_a_job_that_is_gone_leaves_outcomes_unknown(fake: FakeOrg) -> None:
    fake.answers = [an_error(404, "NOT_FOUND")]
    outcomes = await jobs(await fake.open()).attach(REF, RECORDS, within=100)
    assert all(isinstance(one.error, UnknownOutcomeError) for one in outcomes)


async def test_a_cancelled_wait_leaves_the_job_running(fake: FakeOrg) -> None:
    fake.answers = begun(*[job("InProgress")] * 9)
    waiting = asyncio.Event()

    async def sleep(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    following = IngestJobs(session=await fake.open(), sleep=sleep).run(UPDATE, RECORDS, within=9)
    task = asyncio.create_task(following)
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert fake.asked[-1].method == "PATCH"  # the one that closed it


async def test_a_job_is_aborted_on_request(fake: FakeOrg) -> None:
    fake.answers = [an_error(400, "INVALIDJOBSTATE"), job("JobComplete")]
    org = await fake.open()
    assert (await jobs(org).abort(REF)).state == "JobComplete"  # it had ended
    fake.answers = [job("Aborted")]
    assert (await jobs(org).abort(REF)).state == "Aborted"


async def test_a_job_that_was_read_whole_is_deleted_on_request(fake: FakeOrg) -> None:
    done = table("sf__Id,sf__Created,Id", *[f"{one},false,{one}" for one in FULL])
    fake.answers = begun(job("JobComplete", 3), done, httpx.Response(204))
    await jobs(await fake.open(), delete_read=True).run(UPDATE, RECORDS, within=100)
    assert fake.asked[-1].method == "DELETE"


def test_looks_grow_apart() -> None:
    polling = Polling()
    waits = [polling.wait(look, 0.5) for look in range(100)]
    assert waits[0] == 1.0
    assert waits == sorted(waits)
    assert waits[-1] == 30.0


BULK = Bulk(over=2)


async def test_the_writer_takes_a_job_for_what_a_csv_can_say(fake: FakeOrg) -> None:
    done = table("sf__Id,sf__Created,Id", *[f"{one},false,{one}" for one in FULL])
    fake.answers = [*begun(job("JobComplete", 3), done), httpx.Response(204)]
    records = [*RECORDS, {"Id": "003000000000009", "Languages": ["x"]}, {"Id": "1"}]
    outcomes = await (await fake.open()).update("Contact", records, bulk=BULK)
    assert codes(outcomes) == ["", "", "", "", "MALFORMED_ID"]
    assert fake.asked[-1].url.path.endswith("/sobjects/Contact/003000000000009AAA")


async def test_an_org_that_takes_no_such_job_is_written_to_otherwise(fake: FakeOrg) -> None:
    items = [{"id": one, "success": True, "errors": []} for one in FULL]
    fake.answers = [an_error(400, "INVALIDENTITY"), items]
    outcomes = await (await fake.open()).update("Contact", RECORDS, bulk=BULK)
    assert [one.record_id for one in outcomes] == FULL
    assert fake.asked[-1].url.path.endswith("/composite/sobjects")


async def test_a_used_up_limit_before_the_job_stops_the_write(fake: FakeOrg) -> None:
    fake.answers = [an_error(403, "REQUEST_LIMIT_EXCEEDED")]
    records = [*RECORDS, {"Id": "003000000000009", "Languages": ["x"]}]
    outcomes = await (await fake.open()).update("Contact", records, bulk=BULK)
    assert all(isinstance(one.error, LimitError) for one in outcomes)
    assert len(fake.asked) == 1


async def test_records_of_one_key_are_in_jobs_that_follow_each_other(fake: FakeOrg) -> None:
    told: list[tuple[int, ...]] = []

    async def job_created(ref: JobRef) -> None:
        await asyncio.sleep(0)
        told.append(ref.positions)

    done = table("sf__Id,sf__Created,Id", *[f"{one},false,{one}" for one in FULL])
    fake.answers = begun(job("JobComplete", 3), done) * 2
    bulk = Bulk(over=2, job_created=job_created)
    outcomes = await (await fake.open()).update("Contact", RECORDS * 2, bulk=bulk)
    assert all(one.ok for one in outcomes)
    assert told == [(0, 1, 2), (3, 4, 5)]
