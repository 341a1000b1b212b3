"""Facts §7: a job is found again after a restart, and never uploaded or closed twice."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from crmlink_common.errors import (
    PermanentError,
    TransientError,
    UnknownOutcomeError,
)
from crmlink_common.salesforce.bulk import IngestJobs
from crmlink_common.salesforce.bulk_job import JobRef
from crmlink_common.salesforce.fakes import FakeOrg, an_error, body_of

from .ingest_world import (
    FULL,
    RECORDS,
    REF,
    UPDATE,
    UPLOADED,
    begun,
    job,
    jobs,
    run,
    table,
)


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


async def test_a_job_that_cannot_be_deleted_is_read_all_the_same(fake: FakeOrg) -> None:
    done = table("sf__Id,sf__Created,Id", *[f"{one},false,{one}" for one in FULL])
    fake.answers = begun(job("JobComplete", 3), done, an_error(400, "INVALIDJOBSTATE"))
    outcomes = await jobs(await fake.open(), delete_read=True).run(UPDATE, RECORDS, within=100)
    assert all(one.ok for one in outcomes)


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


async def test_an_upload_that_is_refused_wrote_nothing_and_leaves_no_job(fake: FakeOrg) -> None:
    with pytest.raises(PermanentError):
        await run(fake, [job("Open"), an_error(413, "REQUEST_TOO_LARGE"), job("Aborted")])
    assert body_of(fake.asked[-1]) == {"state": "Aborted"}
