"""Bulk 2.0 jobs: what names one, what it says of itself, and how often it is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from crmlink_common.salesforce.errors import (
    SalesforceError,
    SalesforcePermanentError,
    SalesforceTransientError,
    failure,
    lost,
)
from crmlink_common.salesforce.ids import is_id

REASON = re.compile(r"\s*([A-Za-z][A-Za-z_]{1,60})\s*:")
OURS = frozenset({"InvalidBatch", "ClientInputError", "InvalidJob", "InvalidEntity"})
ROW_ERROR = re.compile(r"([A-Z][A-Z0-9_]*):(.*):([^:]*?)\s*--\s*", re.DOTALL)


class JobState(StrEnum):
    """Facts §7."""

    OPEN = "Open"
    UPLOAD_COMPLETE = "UploadComplete"
    IN_PROGRESS = "InProgress"
    COMPLETE = "JobComplete"
    FAILED = "Failed"
    ABORTED = "Aborted"


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
    reason: str = ""  # Salesforce's word for why it failed, never the sentence: that quotes data

    @property
    def failure(self) -> SalesforceError:
        """What its end means for records that it did not process."""
        if self.state is JobState.FAILED:
            kind = SalesforcePermanentError if self.reason in OURS else SalesforceTransientError
            return kind(self.reason or "JOB_FAILED")
        aborted = self.state is JobState.ABORTED
        return SalesforceTransientError("JOB_ABORTED" if aborted else "NOT_PROCESSED")


def read_job(told: Any) -> Job:  # noqa: ANN401 - any JSON value
    """Read the JSON of a job; raise SalesforceTransientError for what is none."""
    try:
        job_id = told["id"]
        if not isinstance(job_id, str) or not is_id(job_id):
            raise ValueError
        reason = REASON.match(str(told.get("errorMessage") or ""))
        return Job(
            job_id=job_id,
            state=JobState(told["state"]),
            processed=int(told.get("numberRecordsProcessed") or 0),
            failed=int(told.get("numberRecordsFailed") or 0),
            reason=reason[1] if reason else "",
        )
    except (AttributeError, LookupError, TypeError, ValueError):
        raise lost("MALFORMED_ANSWER", repeatable=True) from None


def row_error(text: str) -> SalesforceError:
    """Map the ``CODE:message:fields --`` of a row that failed."""
    found = ROW_ERROR.match(text)
    code = found[1] if found else text.partition(":")[0]
    fields = [name.strip() for name in found[3].split(",") if name.strip()] if found else []
    told: Mapping[str, object] = {"statusCode": code, "fields": fields}
    return failure([told], repeatable=True)


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
