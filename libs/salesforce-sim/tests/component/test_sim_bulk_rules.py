"""Loads save as single calls do, and their use of the org is told."""

import asyncio
from typing import Any

import httpx
import pytest

from crmlink_salesforce_sim.generate.people import QUEUE
from crmlink_salesforce_sim.oauth.server import Server


async def loaded(
    api: httpx.AsyncClient, content: str, operation: str = "insert", **more: str | None
) -> Any:  # noqa: ANN401 - JSON
    body = {"object": "Contact", "operation": operation, **more}
    job = (await api.post("jobs/ingest", json=body)).json()["id"]
    headers = {"Content-Type": "text/csv"}
    await api.put(f"jobs/ingest/{job}/batches", content=content, headers=headers)
    await api.patch(f"jobs/ingest/{job}", json={"state": "UploadComplete"})
    for _ in range(2000):
        found = (await api.get(f"jobs/ingest/{job}")).json()
        if found["state"] not in ("UploadComplete", "InProgress"):
            return found
        await asyncio.sleep(0.005)
    raise AssertionError(found)


async def errors(api: httpx.AsyncClient, job: str) -> str:
    return (await api.get(f"jobs/ingest/{job}/failedResults")).text


async def test_validation_and_duplicate_rules_hold_for_loads(
    api: httpx.AsyncClient, web: httpx.AsyncClient
) -> None:
    """Facts §10: a duplicate rule or a validation can fail any write."""
    text = "No title like that"
    when = ["=", ["field", "Title"], "Refused"]
    validation = {"object": "Contact", "name": "T", "when": when, "message": text}
    duplicates = {"object": "Contact", "name": "Same_Email", "match": [["Email"]]}
    rules = {"validationRules": [validation], "duplicateRules": [duplicates]}
    assert (await web.post("/_sim/automation", json=rules)).is_success
    content = "LastName,Email,Title\nA,a@x.example,Refused\nB,b@x.example,\nB,b@x.example,\n"
    job = await loaded(api, content)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (3, 2)
    told = await errors(api, job["id"])
    assert f"FIELD_CUSTOM_VALIDATION_EXCEPTION:{text}:" in told
    assert "DUPLICATES_DETECTED:Use one of these records?:" in told


@pytest.mark.parametrize("rule", [None, "01QdM0000000001QAA"])
async def test_assignment_rules_run_for_loads_that_name_one(
    api: httpx.AsyncClient, server: Server, rule: str | None
) -> None:
    """Facts §7: assignmentRuleId."""
    server.org.automation.change({"assignments": [{"object": "Lead", "owner": QUEUE}]})
    content = "LastName,Company\nAssigned,C\n"
    job = await loaded(api, content, object="Lead", assignmentRuleId=rule)
    assert job["numberRecordsFailed"] == 0
    query = {"q": "SELECT OwnerId FROM Lead WHERE LastName = 'Assigned'"}
    [record] = (await api.get("query", params=query)).json()["records"]
    assert (record["OwnerId"] == QUEUE) == (rule is not None)


async def test_a_locked_row_fails_alone(api: httpx.AsyncClient, web: httpx.AsyncClient) -> None:
    """Facts §2: UNABLE_TO_LOCK_ROW."""
    ids = []
    for name in "ab":
        made = await api.post("sobjects/Contact", json={"LastName": name})
        ids.append(made.json()["id"])
    assert (await web.post("/_sim/locks", json={"ids": ids[:1]})).is_success
    job = await loaded(api, "Id,Title\n" + "".join(f"{one},x\n" for one in ids), "update")
    assert job["numberRecordsFailed"] == 1
    told = await errors(api, job["id"])
    assert "UNABLE_TO_LOCK_ROW:" in told
    assert ids[0] in told


async def test_limits_tell_what_jobs_used(api: httpx.AsyncClient, server: Server) -> None:
    """Facts §7: 15,000 batches and 10,000 query jobs in 24 hours."""
    await loaded(api, "LastName\nx\n")
    await api.post("jobs/query", json={"operation": "query", "query": "SELECT Id FROM Contact"})
    told = (await api.get("limits")).json()
    assert told["DailyBulkApiBatches"] == {"Max": 15000, "Remaining": 14999}
    assert told["DailyBulkV2QueryJobs"] == {"Max": 10000, "Remaining": 9999}
    assert server.org.jobs.used_today() == {"DailyBulkApiBatches": 1, "DailyBulkV2QueryJobs": 1}


async def test_a_day_takes_so_many_jobs(api: httpx.AsyncClient, server: Server) -> None:
    """Facts §7: LIMIT_EXCEEDED, with the number reached."""
    with server.org.store.writing() as connection:
        made = [("V2Query", server.org.jobs.stamp, "Aborted", 0)] * 10_000
        made.append(("V2Ingest", server.org.jobs.stamp, "JobComplete", 15_000))
        statement = "INSERT INTO sim_jobs (kind, created, state, batches) VALUES (?, ?, ?, ?)"
        connection.executemany(statement, made)
    query = {"operation": "query", "query": "SELECT Id FROM Contact"}
    load = {"object": "Contact", "operation": "insert"}
    for path, body in (("jobs/query", query), ("jobs/ingest", load)):
        answer = await api.post(path, json=body)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"operation": "insert"}, "INVALIDJOB"),
        ({"object": "Contact", "operation": "merge"}, "INVALIDJOB"),
        ({"object": "Nope__c", "operation": "insert"}, "INVALIDENTITY"),
        ({"object": "User", "operation": "insert"}, "INVALIDENTITY"),
        ({"object": "Contact", "operation": "upsert"}, "INVALIDJOB"),
        (
            {"object": "Contact", "operation": "upsert", "externalIdFieldName": "Phone"},
            "INVALIDJOB",
        ),
        ({"object": "Contact", "operation": "insert", "contentType": "JSON"}, "INVALIDJOB"),
        ({"object": "Contact", "operation": "insert", "columnDelimiter": ","}, "INVALIDJOB"),
        ({"object": "Contact", "operation": "insert", "lineEnding": "CR"}, "INVALIDJOB"),
        ({"object": "Contact", "operation": "insert", "x": 1}, "JSON_PARSER_ERROR"),
    ],
)
async def test_a_job_that_makes_no_sense_is_not_made(
    api: httpx.AsyncClient, body: dict[str, object], code: str
) -> None:
    """Facts §7: INVALIDENTITY names the object; the properties have their values."""
    answer = await api.post("jobs/ingest", json=body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)
