"""Bulk 2.0 jobs outlive the process that began them."""

import time
from datetime import datetime
from pathlib import Path

from crmlink_salesforce_sim.build import build
from crmlink_salesforce_sim.bulk.job import INGEST, UPLOADED, Job
from crmlink_salesforce_sim.bulk.work import wake
from crmlink_salesforce_sim.generate.fill import Amounts
from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.options import Options

RECORDS = 1000


def opened(data: Path, clock: datetime) -> Server:
    amounts = Amounts(accounts=1, contacts=1, leads=1)
    return build(Options(data=data, amounts=amounts), lambda: clock)


def waiting(server: Server) -> Job:
    jobs = server.org.jobs
    user = server.identity.user_id
    job = jobs.add(
        Job("", INGEST, "insert", "Contact", user, jobs.stamp, jobs.stamp, UPLOADED, "59.0")
    )
    jobs.upload(job, b"LastName\n" + b"".join(b"Slice %d\n" % n for n in range(RECORDS)))
    return job


def test_a_job_cut_short_is_finished_by_the_next_run_without_doing_anything_twice(
    tmp_path: Path,
) -> None:
    """Facts §7: a job is worked on in slices; each record is saved once."""
    moment = datetime.fromisoformat("2026-05-01T07:25:37+00:00")
    first = opened(tmp_path / "org.sqlite", moment)
    job = waiting(first)
    wake(first.org)
    while not (found := first.org.jobs.find(job.id)) or not found.processed:
        time.sleep(0.001)
    first.org.close()
    second = opened(tmp_path / "org.sqlite", moment)
    left = second.org.jobs.find(job.id)
    assert left is not None
    assert 0 < left.processed <= RECORDS
    wake(second.org)
    while (found := second.org.jobs.find(job.id)) is None or found.state != "JobComplete":
        time.sleep(0.001)
    with second.org.store.reading() as connection:
        statement = (
            "SELECT COUNT(*), COUNT(DISTINCT LastName) FROM Contact WHERE LastName >= 'Slice'"
        )
        counts = connection.execute(statement + " AND LastName < 'Slicf'").fetchone()
    assert tuple(counts) == (RECORDS, RECORDS)
    assert (found.processed, found.failed) == (RECORDS, 0)
    second.org.close()
