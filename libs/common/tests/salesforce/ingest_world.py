"""What the tests of ingest jobs share: a job's answers, tables, and a clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from crmlink_common.salesforce.bulk import IngestJobs
from crmlink_common.salesforce.bulk_job import JobRef
from crmlink_common.salesforce.client import Org, Outcome
from crmlink_common.salesforce.fakes import Answer, FakeOrg
from crmlink_common.salesforce.writes import Operation, Write

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
