"""Facts §7: query jobs, their rows page by page and never twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from crmlink_common.errors import PermanentError, TransientError
from crmlink_common.salesforce.bulk_job import JobState, QueryJobRef
from crmlink_common.salesforce.bulk_query import QueryJobs
from crmlink_common.salesforce.fakes import FakeOrg, an_error, body_of

JOB = "750Tn000004ZoR3IAK"
REF = QueryJobRef(job_id=JOB, version="58.0")


def job(state: str, **more: object) -> dict[str, Any]:
    return {"id": JOB, "state": state, **more}


def page(*names: str, locator: str = "null", end: str = "\n") -> httpx.Response:
    lines = ['"Id","Name"', *[f'"id-{name}","{name}"' for name in names]]
    headers = {"content-type": "text/csv", "Sforce-Locator": locator}
    return httpx.Response(200, text="\n".join(lines) + end, headers=headers)


async def jobs_of(fake: FakeOrg, *answers: Any) -> QueryJobs:  # noqa: ANN401 - those of FakeOrg
    fake.answers = [*answers]
    org = await fake.open()
    return QueryJobs(session=org, sleep=fake._sleep, jitter=lambda: 0.5)


async def names(jobs: QueryJobs, **bounds: int) -> list[str]:
    parts = [part async for part in jobs.pages(REF, **{"max_rows": 100, **bounds})]
    return [row["name"] for part in parts for row in part]


async def test_a_job_is_begun_in_the_version_its_results_are_asked_in(fake: FakeOrg) -> None:
    jobs = await jobs_of(fake, job("UploadComplete"))
    ref = await jobs.begin("SELECT Id FROM Contact", include_deleted=True)
    assert ref == QueryJobRef(job_id=JOB, version="59.0")
    told = body_of(fake.asked[0])
    assert (told["operation"], told["query"]) == ("queryAll", "SELECT Id FROM Contact")


async def test_the_end_is_waited_for(fake: FakeOrg) -> None:
    trouble = [an_error(503)] * 4
    jobs = await jobs_of(fake, job("UploadComplete"), *trouble, job("JobComplete"))
    ended = await jobs.ended(REF, within=100)
    assert ended is not None
    assert ended.state is JobState.COMPLETE
    assert {one.url.path for one in fake.asked} == {f"/services/data/v58.0/jobs/query/{JOB}"}


async def test_a_job_that_takes_longer_may_be_waited_for_again(fake: FakeOrg) -> None:
    jobs = await jobs_of(fake, job("InProgress"), job("JobComplete"))
    assert await jobs.ended(REF, within=0) is None
    assert await jobs.ended(REF, within=0) is not None


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (job("Failed", errorMessage="InvalidBatch : no such column Ada"), PermanentError),
        (job("Failed", errorMessage="InternalServerError : Ada"), TransientError),
        (job("Aborted"), TransientError),
    ],
)
async def test_a_job_that_failed_says_why_and_quotes_nothing(
    fake: FakeOrg, told: dict[str, Any], kind: type[Exception]
) -> None:
    with pytest.raises(kind) as caught:
        await (await jobs_of(fake, told)).ended(REF, within=1)
    assert "Ada" not in str(caught.value)


async def test_all_pages_are_read_by_their_locators(fake: FakeOrg) -> None:
    jobs = await jobs_of(fake, page("a", "b", locator="MTAw"), page("c", end=""))
    assert await names(jobs, rows_per_page=2) == ["a", "b", "c"]
    assert [dict(one.url.params) for one in fake.asked] == [
        {"maxRecords": "2"},
        {"maxRecords": "2", "locator": "MTAw"},
    ]


@pytest.mark.parametrize("answers", [[page()], [httpx.Response(200)]])
async def test_no_rows_are_no_rows(fake: FakeOrg, answers: Sequence[httpx.Response]) -> None:
    assert await names(await jobs_of(fake, *answers)) == []


async def test_no_more_rows_are_told_than_wanted(fake: FakeOrg) -> None:
    jobs = await jobs_of(fake, page("a", "b", "c", locator="x"), page("d", "e"))
    assert await names(jobs, max_rows=4) == ["a", "b", "c", "d"]
    assert [one.url.params["maxRecords"] for one in fake.asked] == ["4", "1"]


async def test_a_page_that_breaks_off_is_read_again_and_no_row_told_twice(fake: FakeOrg) -> None:
    cut = httpx.Response(200, text='"Id","Name"\n"id-a","a"\n"id-b","b\n')
    jobs = await jobs_of(fake, cut, page("a", "b", "c"))
    assert await names(jobs) == ["a", "b", "c"]


async def test_a_page_that_always_breaks_off_is_told(fake: FakeOrg) -> None:
    cut = httpx.Response(200, text='"Id","Name"\n"id-a","a"\n"id-b","b\n')
    jobs = await jobs_of(fake, *[cut] * 3)
    with pytest.raises(TransientError):
        await names(jobs)
    assert len(fake.asked) == 3


async def test_a_locator_that_names_its_own_page_ends_the_reading(fake: FakeOrg) -> None:
    jobs = await jobs_of(fake, page("a", locator="x"), *[page("b", locator="x")] * 3)
    with pytest.raises(TransientError):
        await names(jobs)


async def test_a_page_of_html_is_no_page_of_rows(fake: FakeOrg) -> None:
    jobs = await jobs_of(fake, *[httpx.Response(200, html="<html>\n</html>")] * 12)
    with pytest.raises(TransientError):
        await names(jobs)


async def test_a_job_is_stopped_and_deleted(fake: FakeOrg) -> None:
    jobs = await jobs_of(fake, job("Aborted"), httpx.Response(204))
    await jobs.abort(REF)
    await jobs.delete(REF)
    assert [one.method for one in fake.asked] == ["PATCH", "DELETE"]
