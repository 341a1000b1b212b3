"""Facts §7: ingest jobs, told by key what became of each record."""

from __future__ import annotations

import asyncio
import gzip
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
from crmlink_common.salesforce.bulk_job import JobRef, Polling
from crmlink_common.salesforce.bulk_way import Bulk, ByJobs
from crmlink_common.salesforce.client import Outcome
from crmlink_common.salesforce.fakes import FakeOrg, an_error, body_of
from crmlink_common.salesforce.write_all import write_all
from crmlink_common.salesforce.writes import Operation, Write, WriteOptions
from crmlink_common.salesforce.writing import Writing

from .ingest_world import (
    FULL,
    IDS,
    PATH,
    RECORDS,
    REF,
    UPDATE,
    UPSERT,
    begun,
    codes,
    job,
    jobs,
    run,
    table,
)


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


async def test_more_than_one_upload_takes_is_parted_into_jobs(fake: FakeOrg) -> None:
    answers = []
    for one in FULL:
        done = table("sf__Id,sf__Created,Id", f"{one},false,{one}")
        answers += begun(job("JobComplete", 1), done)
    fake.answers = answers
    org = await fake.open()
    small = jobs(org, most_bytes=30)  # two lines are longer
    writing = Writing(org, UPDATE, RECORDS)
    outcomes = await write_all(writing, ByJobs(small, BULK))
    assert [one.record_id for one in outcomes] == FULL
    uploads = [one for one in fake.asked if one.method == "PUT"]
    assert [gzip.decompress(one.content).count(b"\n") for one in uploads] == [2, 2, 2]
    with pytest.raises(InvalidInputError):
        await small.run(UPDATE, RECORDS, within=1)


async def test_jobs_that_may_not_end_in_time_are_not_begun(fake: FakeOrg) -> None:
    fake.answers = begun(*[job("InProgress")] * 9)
    org = await fake.open()
    writing = Writing(org, UPDATE, RECORDS)
    terms = Bulk(over=2, within=5)
    outcomes = await write_all(writing, ByJobs(jobs(org, most_bytes=30), terms))
    assert codes(outcomes) == ["JOB_STILL_RUNNING", "NOT_SENT", "NOT_SENT"]
