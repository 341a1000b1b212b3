"""Where jobs, their data and their results are kept: tables beside the records."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from crmlink_salesforce_sim.bulk.job import INGEST, QUERY, WAITING, Job
from crmlink_salesforce_sim.ids import make_id
from crmlink_salesforce_sim.store import Store
from crmlink_salesforce_sim.times import written

KEY_PREFIX = "750"
KEPT = timedelta(days=7)
DAY = timedelta(hours=24)
TABLES = """
CREATE TABLE IF NOT EXISTS sim_jobs
    (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, kind TEXT, created TEXT,
    state TEXT, batches INTEGER, document TEXT);
CREATE TABLE IF NOT EXISTS sim_job_uploads (job TEXT PRIMARY KEY, content BLOB);
CREATE TABLE IF NOT EXISTS sim_job_lines
    (job TEXT, kind TEXT, n INTEGER, first INTEGER, lines TEXT, PRIMARY KEY (job, kind, n))
"""


class Jobs:
    """The jobs of the last seven days, by the org's clock."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        with store.writing() as connection:
            for statement in TABLES.split(";"):
                connection.execute(statement)

    @property
    def stamp(self) -> str:
        """Return the org's time as jobs carry it."""
        return written(self._now())

    def add(self, job: Job) -> Job:
        """Keep a new job under a new id; forget those that are too old."""
        with self._store.writing() as connection:
            self._purge()
            row = (job.kind, job.created, job.state)
            cursor = connection.execute(
                "INSERT INTO sim_jobs (kind, created, state, batches) VALUES (?, ?, ?, 0)", row
            )
            number = cursor.lastrowid or 0
            made = replace(job, id=make_id(KEY_PREFIX, number))
            connection.execute(
                "UPDATE sim_jobs SET id = ?, document = ? WHERE number = ?",
                (made.id, json.dumps(asdict(made)), number),
            )
        return made

    def _purge(self) -> None:
        oldest = written(self._now() - KEPT)
        with self._store.writing() as connection:
            rows = connection.execute("SELECT id FROM sim_jobs WHERE created < ?", (oldest,))
            for (job_id,) in rows.fetchall():
                self.remove(job_id)

    def find(self, job_id: str) -> Job | None:
        """Return a job, unless there is none or its seven days are over."""
        oldest = written(self._now() - KEPT)
        with self._store.reading() as connection:
            row = connection.execute(
                "SELECT document FROM sim_jobs WHERE id = ? AND created >= ?", (job_id, oldest)
            ).fetchone()
        return None if row is None else _read(row[0])

    def save(self, job: Job) -> None:
        """Keep the job as it is now."""
        with self._store.writing() as connection:
            connection.execute(
                "UPDATE sim_jobs SET state = ?, batches = ?, document = ? WHERE id = ?",
                (job.state, job.batches, json.dumps(asdict(job)), job.id),
            )

    def remove(self, job_id: str) -> None:
        """Forget a job with its data and results."""
        with self._store.writing() as connection:
            connection.execute("DELETE FROM sim_jobs WHERE id = ?", (job_id,))
            connection.execute("DELETE FROM sim_job_lines WHERE job = ?", (job_id,))
            self.forget_upload(job_id)

    def newest_first(self, kinds: Sequence[str], start: int, most: int) -> list[Job]:
        """Return a page of jobs."""
        oldest = written(self._now() - KEPT)
        marks = ", ".join("?" * len(kinds))
        words = ["SELECT document FROM sim_jobs WHERE created >= ? AND kind IN", f"({marks})"]
        words.append("ORDER BY number DESC LIMIT ? OFFSET ?")
        with self._store.reading() as connection:
            rows = connection.execute(" ".join(words), (oldest, *kinds, most, start)).fetchall()
        return [_read(text) for (text,) in rows]

    def next_waiting(self) -> Job | None:
        """Return the job that has waited longest for its processing."""
        with self._store.reading() as connection:
            row = connection.execute(
                "SELECT document FROM sim_jobs WHERE state IN (?, ?) ORDER BY number LIMIT 1",
                WAITING,
            ).fetchone()
        return None if row is None else _read(row[0])

    def made_today(self, kind: str) -> int:
        """Return how many jobs of a kind the last 24 hours saw."""
        return self._today("COUNT(*)", kind)

    def batches_today(self) -> int:
        """Return how many internal batches the loads of the last 24 hours took."""
        return self._today("COALESCE(SUM(batches), 0)", INGEST)

    def used_today(self) -> dict[str, int]:
        """Return what the last 24 hours used of the org's limits, by the limits' names."""
        return {
            "DailyBulkApiBatches": self.batches_today(),
            "DailyBulkV2QueryJobs": self.made_today(QUERY),
        }

    def _today(self, what: str, kind: str) -> int:
        since = written(self._now() - DAY)
        words = ["SELECT", what, "FROM sim_jobs WHERE kind = ? AND created > ?"]
        with self._store.reading() as connection:
            (found,) = connection.execute(" ".join(words), (kind, since)).fetchone()
        return int(found)

    def upload(self, job: Job, content: bytes) -> None:
        """Keep the data of an open job."""
        with self._store.writing() as connection:
            statement = "INSERT OR REPLACE INTO sim_job_uploads VALUES (?, ?)"
            connection.execute(statement, (job.id, content))
            self.save(replace(job, uploaded=True, modified=self.stamp))

    def uploaded(self, job_id: str) -> bytes:
        """Return the data of a job; nothing once it is complete."""
        with self._store.reading() as connection:
            statement = "SELECT content FROM sim_job_uploads WHERE job = ?"
            found = connection.execute(statement, (job_id,)).fetchone()
        return b"" if found is None else bytes(found[0])

    def forget_upload(self, job_id: str) -> None:
        """Drop the data of a job that needs it no more."""
        with self._store.writing() as connection:
            connection.execute("DELETE FROM sim_job_uploads WHERE job = ?", (job_id,))

    def clear_lines(self, job_id: str) -> None:
        """Drop the results of a job that begins again."""
        with self._store.writing() as connection:
            connection.execute("DELETE FROM sim_job_lines WHERE job = ?", (job_id,))

    def add_lines(self, job_id: str, kind: str, first: int, lines: Sequence[str]) -> None:
        """Keep lines of a result, which begin with the record of that number."""
        if lines:
            with self._store.writing() as connection:
                connection.execute(
                    "INSERT INTO sim_job_lines SELECT ?, ?, COUNT(*), ?, ? FROM sim_job_lines"
                    " WHERE job = ? AND kind = ?",
                    (job_id, kind, first, json.dumps(lines), job_id, kind),
                )

    def lines(self, job_id: str, kind: str, start: int, most: int) -> list[str]:
        """Return some lines of a result, from a record on."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT first, lines FROM sim_job_lines WHERE job = ? AND kind = ?"
                " AND first < ? ORDER BY first DESC",
                (job_id, kind, start + most),
            )
            found: list[str] = []
            for first, text in rows:
                found[:0] = json.loads(text)[max(0, start - first) : start + most - first]
                if first <= start:
                    break
        return found

    def shuffled_lines(self, job_id: str, kind: str) -> list[str]:
        """Return a whole result in an order that tells nothing, the same each time."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT lines FROM sim_job_lines WHERE job = ? AND kind = ? ORDER BY n",
                (job_id, kind),
            ).fetchall()
        found = [line for (text,) in rows for line in json.loads(text)]
        random.Random(job_id).shuffle(found)  # noqa: S311 - an order, no secret
        return found

    def moved(self, job: Job, state: str) -> Job:
        """Keep the job in another state and return it."""
        changed = job.moved(state, self.stamp)
        self.save(changed)
        return changed


def _read(text: str) -> Job:
    document = json.loads(text)
    return Job(**{**document, "columns": tuple(document["columns"])})
