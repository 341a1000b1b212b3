"""The jobs that wait, one after the other."""

import logging
import sqlite3
from functools import partial

from crmlink_salesforce_sim.bulk.extract import extract
from crmlink_salesforce_sim.bulk.ingest import load
from crmlink_salesforce_sim.bulk.job import FAILED, INGEST, Job
from crmlink_salesforce_sim.org import Org

log = logging.getLogger(__name__)


def wake(org: Org) -> None:
    """Have the jobs that wait worked on; also those an earlier run of the org left."""
    if org.jobs.next_waiting() is not None:
        org.background.wake(partial(_work, org))


def _work(org: Org) -> None:
    while org.background.goes_on() and (job := org.jobs.next_waiting()) is not None:
        try:
            _one(org, job)
        except sqlite3.ProgrammingError:
            raise
        except Exception:  # the job says so; the others go on
            log.exception("job failed")
            message = "InternalServerError : An unexpected error occurred"
            org.jobs.save(job.moved(FAILED, org.jobs.stamp, message))


def _one(org: Org, job: Job) -> None:
    if job.kind == INGEST:
        load(org, job)
    else:
        extract(org, job)
