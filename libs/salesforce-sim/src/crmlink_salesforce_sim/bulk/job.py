"""A Bulk 2.0 job, and the documents that tell of it."""

from dataclasses import dataclass, replace

from crmlink_salesforce_sim.errors import Row

INGEST, QUERY = "V2Ingest", "V2Query"
OPEN, UPLOADED, RUNNING = "Open", "UploadComplete", "InProgress"
COMPLETE, FAILED, ABORTED = "JobComplete", "Failed", "Aborted"
WAITING = (UPLOADED, RUNNING)
ENDED = (COMPLETE, FAILED, ABORTED)
DELETABLE = (UPLOADED, *ENDED)
BATCH = 10_000  # records in an internal batch


@dataclass(frozen=True)
class Job:
    """One job: what was asked for, and how far it is."""

    id: str
    kind: str
    operation: str
    object: str
    created_by: str
    created: str
    modified: str
    state: str
    version: str
    client: str = ""
    external_id: str | None = None
    assignment_rule: str | None = None
    delimiter: str = "COMMA"
    line_ending: str = "LF"
    query: str = ""
    columns: tuple[str, ...] = ()
    uploaded: bool = False
    processed: int = 0
    failed: int = 0
    milliseconds: int = 0
    error: str | None = None

    @property
    def batches(self) -> int:
        """Return how many internal batches of 10,000 records it took so far."""
        return -(-self.processed // BATCH)

    def moved(self, state: str, now: str, error: str | None = None) -> "Job":
        """Return the job in another state."""
        return replace(self, state=state, modified=now, error=error)

    def _common(self) -> Row:
        """Return what every document of the job has."""
        found: Row = {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.created_by,
            "createdDate": self.created,
            "systemModstamp": self.modified,
            "state": self.state,
        }
        if self.external_id:
            found["externalIdFieldName"] = self.external_id
        if self.assignment_rule:
            found["assignmentRuleId"] = self.assignment_rule
        return found | {
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version),
        }

    def listed(self) -> Row:
        """Return the job as a list of jobs, and the answer to a change of it, tell."""
        formats: Row = {"lineEnding": self.line_ending, "columnDelimiter": self.delimiter}
        content: Row = {}
        if self.kind == INGEST and self.state == OPEN:
            content = {"contentUrl": self.content_url}
        return {**self._common(), "jobType": self.kind, **content, **formats}

    def created_answer(self) -> Row:
        """Return the job as its creation is answered: a query without its type."""
        found = self.listed()
        if self.kind == QUERY:
            del found["jobType"]
        return found

    def whole(self) -> Row:
        """Return all there is to know."""
        numbers: Row = {"numberRecordsProcessed": self.processed}
        if self.kind == INGEST:
            numbers["numberRecordsFailed"] = self.failed
        times: Row = {"retries": 0, "totalProcessingTime": self.milliseconds}
        if self.kind == INGEST:
            times |= {"apiActiveProcessingTime": self.milliseconds, "apexProcessingTime": 0}
        told: Row = {"errorMessage": self.error} if self.error else {}
        return {**self.listed(), **times, **numbers, **told}

    @property
    def content_url(self) -> str:
        """Return where the data goes: a path without a leading slash, as Salesforce gives it."""
        return f"services/data/v{self.version}/jobs/ingest/{self.id}/batches"
