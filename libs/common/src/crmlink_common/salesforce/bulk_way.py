"""Bulk 2.0 as one of the ways to write: when it is taken, and how records are parted into jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crmlink_common.errors import CrmLinkError, PermanentError, UnknownOutcomeError
from crmlink_common.salesforce.bulk import IngestJobs, JobCreated, told_nobody
from crmlink_common.salesforce.bulk_csv import cells_of, columns_of, size_of
from crmlink_common.salesforce.errors import of_the_call
from crmlink_common.salesforce.write_plan import BULK_OVER, parted, takes_bulk
from crmlink_common.salesforce.writes import spread
from crmlink_common.salesforce.writing import Writing

HOUR = 3600.0
MOST_PER_JOB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """The terms on which a write takes Bulk 2.0.

    ``over``: records above which it does. ``within``: seconds that all its jobs together may take;
    then they go on, and their records are of unknown outcome. ``job_created`` is awaited for every
    job before its upload: who keeps the reference can attach to the job after a restart.
    """

    over: int = BULK_OVER
    within: float = HOUR
    job_created: JobCreated = told_nobody


@dataclass(frozen=True, slots=True)
class ByJobs:
    """Writes by Bulk 2.0 what it is good for."""

    jobs: IngestJobs
    terms: Bulk

    async def __call__(self, writing: Writing, positions: Sequence[int]) -> list[int]:
        """Give outcomes to some of the records; return those that take another way."""
        rows = (
            {one: cells_of(writing.records[one]) for one in positions} if writing.write.bulk else {}
        )
        fit = [one for one in positions if rows.get(one) is not None]
        if not self._is_worth_it(writing, len(fit)):
            return list(positions)
        known = [row for row in rows.values() if row is not None]
        columns = len(columns_of(known))
        sizes = [size_of(row, columns) for row in known]
        left = set(positions).difference(fit)
        deadline = self.jobs.clock() + self.terms.within
        for part in parted(range(len(fit)), sizes, MOST_PER_JOB, self.jobs.most_bytes):
            job = [fit[number] for number in part]
            if writing.stopped or self.jobs.clock() > deadline:
                writing.not_sent(job)
            elif not await self._job(writing, job, deadline):
                left.update(job)
        return sorted(left)

    def _is_worth_it(self, writing: Writing, count: int) -> bool:
        usage, write = writing.session.usage, writing.write
        return takes_bulk(
            count,
            write.operation,
            unique=write.unique,
            version=writing.session.api_version,
            over=self.terms.over,
            calls_left=usage.limit - usage.used if usage else None,
        )

    async def _job(self, writing: Writing, job: list[int], deadline: float) -> bool:
        """Return False when the org takes no such job: then nothing was written."""
        try:
            outcomes = await self.jobs.run(
                writing.write,
                [writing.records[position] for position in job],
                within=max(0.0, deadline - self.jobs.clock()),
                job_created=self.terms.job_created,
                positions=job,
            )
        except PermanentError:
            return False
        except CrmLinkError as exc:
            writing.stopped = of_the_call(exc)
            outcomes = spread(writing.stopped, len(job))
        if all(isinstance(one.error, UnknownOutcomeError) for one in outcomes):
            writing.stopped = outcomes[0].error  # it may be running still
        writing.outcomes |= dict(zip(job, outcomes, strict=True))
        return True
