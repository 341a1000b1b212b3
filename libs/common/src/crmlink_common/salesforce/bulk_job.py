"""Bulk 2.0 jobs: what names one, what it says of itself, and how often it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from crmlink_common.salesforce.errors import (
    SalesforceError,
    SalesforceTransientError,
    job_failure,
    lost,
)
from crmlink_common.salesforce.ids import is_id
from crmlink_common.salesforce.records import json_of
from crmlink_common.salesforce.session import Session


class JobState(StrEnum):
    """Facts §7."""

    OPEN = "Open"
    UPLOAD_COMPLETE = "UploadComplete"
    IN_PROGRESS = "InProgress"
    COMPLETE = "JobComplete"
    FAILED = "Failed"
    ABORTED = "Aborted"


MALFORMED = "MALFORMED_ANSWER"
TRIES = 3  # to create a job, when no answer can be read
ENDED = frozenset({JobState.COMPLETE, JobState.FAILED, JobState.ABORTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRef:
    """All that is needed to find an ingest job again, after a restart too; small and plain.

    ``positions`` tells which of the records given to one write the job holds. It is for whoever
    keeps the reference; attaching finds records by their key.
    """

    job_id: str
    sobject: str
    operation: str
    key_field: str
    version: str
    positions: tuple[int, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryJobRef:
    """Finds a query job again; results are told in the version that asked for them."""

    job_id: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a job says of itself."""

    job_id: str
    state: JobState
    processed: int = 0
    failed: int = 0
    error: SalesforceError | None = None  # why it failed

    @property
    def failure(self) -> SalesforceError:
        """What its end means for records that it did not process."""
        if self.state is JobState.FAILED:
            return self.error or SalesforceTransientError("JOB_FAILED")
        aborted = self.state is JobState.ABORTED
        return SalesforceTransientError("JOB_ABORTED" if aborted else "NOT_PROCESSED")


async def begun(session: Session, path: str, told: Mapping[str, str]) -> Job:
    """Create a job; one whose answer is lost does nothing, so another may be created."""
    for _ in range(TRIES):
        try:
            answer = await session.send("POST", session.data_path(path), json=told, repeatable=True)
            return read_job(json_of(answer))
        except SalesforceTransientError as exc:
            if exc.salesforce_code != MALFORMED:
                raise
    raise SalesforceTransientError(MALFORMED)


def read_job(told: Any, *, repeatable: bool = True) -> Job:  # noqa: ANN401 - any JSON value
    """Read the JSON of a job; raise what a lost answer means for what is none."""
    try:
        job_id = told["id"]
        if not isinstance(job_id, str) or not is_id(job_id):
            raise ValueError
        message = told.get("errorMessage")
        return Job(
            job_id=job_id,
            state=JobState(told["state"]),
            processed=int(told.get("numberRecordsProcessed") or 0),
            failed=int(told.get("numberRecordsFailed") or 0),
            error=job_failure(message) if isinstance(message, str) and message else None,
        )
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError):
        raise lost(MALFORMED, repeatable=repeatable) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """Seconds between looks at a job: few calls for a long one, a short wait for a short one."""

    first: float = 1.0
    factor: float = 1.5
    most: float = 30.0

    def wait(self, look: int, jitter: float) -> float:
        """Return the seconds before this look, the first being 0; jitter is 0 to 1."""
        steady = min(self.first * self.factor ** min(look, 40), self.most)
        return steady * (0.75 + jitter / 2)
