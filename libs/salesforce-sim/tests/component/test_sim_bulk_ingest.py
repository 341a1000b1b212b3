"""Bulk 2.0 loads over HTTP."""

import asyncio
import csv
import io
from typing import Any

import httpx
import pytest

from crmlink_salesforce_sim.oauth.server import Server

Clock = Any  # of conftest
FIELDS = """
    id operation object createdById createdDate systemModstamp state concurrencyMode contentType
    apiVersion contentUrl lineEnding columnDelimiter jobType
"""
NUMBERS = """
    numberRecordsProcessed numberRecordsFailed retries totalProcessingTime
    apiActiveProcessingTime apexProcessingTime
"""


async def opened(api: httpx.AsyncClient, operation: str, **more: str) -> str:
    body = {"object": "Contact", "operation": operation, "contentType": "CSV", **more}
    answer = await api.post("jobs/ingest", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def put(api: httpx.AsyncClient, job: str, content: str) -> httpx.Response:
    headers = {"Content-Type": "text/csv"}
    return await api.put(f"jobs/ingest/{job}/batches", content=content.encode(), headers=headers)


async def ended(api: httpx.AsyncClient, path: str) -> Any:  # noqa: ANN401 - JSON
    for _ in range(2000):
        found = (await api.get(path)).json()
        if found["state"] in ("JobComplete", "Failed", "Aborted"):
            return found
        await asyncio.sleep(0.005)
    raise AssertionError(found)


async def loaded(api: httpx.AsyncClient, content: str, operation: str, **more: str) -> Any:  # noqa: ANN401 - JSON
    job = await opened(api, operation, **more)
    assert (await put(api, job, content)).status_code == 201
    closed = await api.patch(f"jobs/ingest/{job}", json={"state": "UploadComplete"})
    assert (closed.status_code, closed.json()["state"]) == (200, "UploadComplete")
    return await ended(api, f"jobs/ingest/{job}")


async def results(api: httpx.AsyncClient, job: str, kind: str) -> list[dict[str, str]]:
    answer = await api.get(f"jobs/ingest/{job}/{kind}/")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


async def found(api: httpx.AsyncClient, where: str, fields: str = "LastName") -> list[Any]:
    words = ["SELECT", fields, "FROM Contact WHERE", where, "ORDER BY LastName"]
    text = " ".join(words)
    return list((await api.get("query", params={"q": text})).json()["records"])


async def test_a_job_is_opened_with_the_documented_fields(api: httpx.AsyncClient) -> None:
    """Facts §7: the job document, its number of a version, its path for the data."""
    body = {"object": "contact", "operation": "insert"}
    job = (await api.post("jobs/ingest", json=body)).json()
    assert sorted(job) == sorted(FIELDS.split())
    assert (job["object"], job["state"], job["apiVersion"]) == ("Contact", "Open", 59.0)
    assert job["contentUrl"] == f"services/data/v59.0/jobs/ingest/{job['id']}/batches"
    assert (job["lineEnding"], job["columnDelimiter"]) == ("LF", "COMMA")
    assert (len(job["id"]), job["id"][:3]) == (18, "750")
    whole = (await api.get(f"jobs/ingest/{job['id']}")).json()
    assert sorted(whole) == sorted((FIELDS + NUMBERS).split())
    assert (whole["jobType"], whole["numberRecordsProcessed"]) == ("V2Ingest", 0)


async def test_records_are_inserted_in_the_background_and_failures_are_told_apart(
    api: httpx.AsyncClient,
) -> None:
    """Facts §7: sf__Id, sf__Created / sf__Id, sf__Error, and the columns of the upload."""
    content = "LastName,Email\nBulk A,a@x.example\nBulk B,wrong\n,c@x.example\nBulk D,\n"
    job = await loaded(api, content, "insert")
    assert (job["state"], job["numberRecordsProcessed"]) == ("JobComplete", 4)
    assert job["numberRecordsFailed"] == 2
    good = await results(api, job["id"], "successfulResults")
    assert list(good[0]) == ["sf__Id", "sf__Created", "LastName", "Email"]
    assert {one["LastName"] for one in good} == {"Bulk A", "Bulk D"}
    assert {one["sf__Created"] for one in good} == {"true"}
    bad = await results(api, job["id"], "failedResults")
    assert {one["sf__Error"] for one in bad} == {
        "INVALID_EMAIL_ADDRESS:Email: invalid email address: wrong:Email --",
        "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",
    }
    assert {one["sf__Id"] for one in bad} == {""}
    assert await results(api, job["id"], "unprocessedrecords") == []
    ids = {one["Id"] for one in await found(api, "LastName LIKE 'Bulk %'", "Id")}
    assert ids == {one["sf__Id"] for one in good}


async def test_results_tell_nothing_of_the_order_of_the_upload(api: httpx.AsyncClient) -> None:
    """Facts §7: results carry no position; asked twice they are the same."""
    names = [f"Order {n:03}" for n in range(40)]
    job = await loaded(api, "LastName\n" + "\n".join(names), "insert")
    told = [one["LastName"] for one in await results(api, job["id"], "successfulResults")]
    again = [one["LastName"] for one in await results(api, job["id"], "successfulResults")]
    assert told == again
    assert told != names
    assert sorted(told) == names


async def test_an_empty_cell_changes_nothing_and_na_empties_the_field(
    api: httpx.AsyncClient,
) -> None:
    """Facts §7: null = #N/A; a relationship column finds the parent by its external id."""
    made = []
    for name in ("Kept", "Emptied"):
        body = {"LastName": name, "Title": "Dr", "Department": "X"}
        made.append((await api.post("sobjects/Contact", json=body)).json()["id"])
    await api.post("sobjects/Contact", json={"LastName": "Boss", "Member_Id__c": "w/boss"})
    rows = f"{made[0]},,Y,w/boss,true\n{made[1]},#N/A,,#N/A,\n"
    content = "Id,Title,Department,ReportsTo.Member_Id__c,DoNotCall\n" + rows
    job = await loaded(api, content, "update")
    assert job["numberRecordsFailed"] == 0, await results(api, job["id"], "failedResults")
    assert {one["sf__Created"] for one in await results(api, job["id"], "successfulResults")} == {
        "false"
    }
    fields = "Title, Department, ReportsTo.LastName, DoNotCall"
    emptied, kept = await found(api, "LastName IN ('Kept', 'Emptied')", fields + ", LastName")
    assert (kept["Title"], kept["Department"], kept["DoNotCall"]) == ("Dr", "Y", True)
    assert kept["ReportsTo"]["LastName"] == "Boss"
    assert (emptied["Title"], emptied["Department"], emptied["ReportsTo"]) == (None, "X", None)


async def test_an_upsert_tells_what_is_new_and_what_is_ambiguous(api: httpx.AsyncClient) -> None:
    """Facts §7 and §2: externalIdFieldName; DUPLICATE_EXTERNAL_ID for more than one match."""
    await api.post("sobjects/Contact", json={"LastName": "Old", "Member_Id__c": "w/old"})
    content = "Member_Id__c;LastName\r\nw/old;Renamed\r\nw/new;New\r\n;None\r\nw/new;Again\r\n"
    more = {"columnDelimiter": "SEMICOLON", "lineEnding": "CRLF"}
    job = await loaded(api, content, "upsert", externalIdFieldName="member_id__c", **more)
    assert job["externalIdFieldName"] == "Member_Id__c"
    answer = await api.get(f"jobs/ingest/{job['id']}/successfulResults")
    assert answer.text.endswith("\r\n")
    good = list(csv.DictReader(io.StringIO(answer.text, newline=""), delimiter=";"))
    assert {(one["LastName"], one["sf__Created"]) for one in good} == {
        ("Renamed", "false"),
        ("New", "true"),
    }
    failed = await api.get(f"jobs/ingest/{job['id']}/failedResults")
    assert "MISSING_ARGUMENT:Member_Id__c not specified:--" in failed.text
    assert "DUPLICATE_VALUE:Duplicate external id specified: w/new:Member_Id__c --" in failed.text
    for _ in range(2):
        await api.post("sobjects/Contact", json={"LastName": "T", "Email": "twin@x.example"})
    job = await loaded(
        api, "Email,LastName\ntwin@x.example,x\n", "upsert", externalIdFieldName="Email"
    )
    [bad] = await results(api, job["id"], "failedResults")
    assert bad["sf__Error"].startswith("DUPLICATE_EXTERNAL_ID:")


async def test_records_are_deleted_by_id_into_the_bin_or_past_it(api: httpx.AsyncClient) -> None:
    """Facts §7: delete and hardDelete."""
    ids = []
    for name in ("Bin", "Hard"):
        made = await api.post("sobjects/Contact", json={"LastName": name})
        ids.append(made.json()["id"])
    await loaded(api, f"Id\n{ids[0]}\n", "delete")
    await loaded(api, f"Id\n{ids[1]}\n", "hardDelete")
    text = "SELECT LastName FROM Contact WHERE LastName IN ('Bin', 'Hard')"
    kept = (await api.get("queryAll", params={"q": text})).json()["records"]
    assert [one["LastName"] for one in kept] == ["Bin"]
    again = await loaded(api, f"Id\n{ids[0]}\n", "delete")
    [bad] = await results(api, again["id"], "failedResults")
    assert bad["sf__Error"] == "ENTITY_IS_DELETED:entity is deleted:--"
    assert bad["sf__Id"] == ids[0]


@pytest.mark.parametrize(
    ("content", "more", "message"),
    [
        ("LastName,Nope__c\nx,y\n", {}, "InvalidBatch : Field name not found : Nope__c"),
        ("LastName,Account.Name\nx,y\n", {}, "InvalidBatch : Field name not found : Account.Name"),
        ("", {}, "InvalidBatch"),
        ("LastName\r\nx\r\n", {}, "Current LineEnding setting is LF"),
        ("LastName\nx\n", {"lineEnding": "CRLF"}, "Current LineEnding setting is CRLF"),
        ('LastName\n"x\n', {}, "InvalidBatch : Unable to parse"),
    ],
)
async def test_data_that_cannot_be_read_fails_the_job(
    api: httpx.AsyncClient, content: str, more: dict[str, str], message: str
) -> None:
    """Facts §7: state Failed with an errorMessage; nothing is processed."""
    job = await loaded(api, content, "insert", **more)
    assert (job["state"], job["numberRecordsProcessed"]) == ("Failed", 0)
    assert message in job["errorMessage"]


async def test_a_header_that_names_nothing_leaves_all_records_unprocessed(
    api: httpx.AsyncClient,
) -> None:
    """Facts §7: unprocessedrecords."""
    job = await loaded(api, "LastName,Nope\nx,y\nz,\n", "insert")
    left = await results(api, job["id"], "unprocessedrecords")
    assert left == [{"LastName": "x", "Nope": "y"}, {"LastName": "z", "Nope": ""}]


async def test_text_of_a_wrong_type_is_told_of_its_record(api: httpx.AsyncClient) -> None:
    """Facts §7: a row's error is CODE:message:fields."""
    content = "LastName,Birthdate,DoNotCall\nGood,1980-02-03,1\nBad,yesterday,0\n"
    job = await loaded(api, content, "insert")
    assert job["numberRecordsProcessed"] == 2
    [bad] = await results(api, job["id"], "failedResults")
    code = "INVALID_TYPE_ON_FIELD_IN_RECORD:Birthdate: value not of required type: yesterday"
    assert bad["sf__Error"] == f"{code}:Birthdate --"


async def test_a_job_takes_its_data_once_and_moves_forwards_only(api: httpx.AsyncClient) -> None:
    """Facts §7: one PUT; states."""
    job = await opened(api, "insert")
    assert (await put(api, job, "LastName\nx\n")).status_code == 201
    twice = await put(api, job, "LastName\ny\n")
    assert (twice.status_code, twice.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")
    early = await api.get(f"jobs/ingest/{job}/successfulResults")
    assert early.json()[0]["errorCode"] == "INVALIDJOBSTATE"
    gone = await api.patch(f"jobs/ingest/{job}", json={"state": "Aborted"})
    assert gone.json()["state"] == "Aborted"
    for state in ("UploadComplete", "Aborted"):
        late = await api.patch(f"jobs/ingest/{job}", json={"state": state})
        assert late.json()[0]["errorCode"] == "INVALIDJOBSTATE", state
    assert len(await results(api, job, "unprocessedrecords")) == 1
    assert (await api.delete(f"jobs/ingest/{job}")).status_code == 204
    assert (await api.get(f"jobs/ingest/{job}")).status_code == 404


async def test_a_job_that_waits_can_be_aborted_and_one_that_is_open_not_deleted(
    api: httpx.AsyncClient, server: Server
) -> None:
    """Facts §7: states are asynchronous: UploadComplete, then InProgress."""
    server.org.background.hold(held=True)
    job = await opened(api, "insert")
    await put(api, job, "LastName\nHeld\n")
    assert (await api.delete(f"jobs/ingest/{job}")).json()[0]["errorCode"] == "INVALIDJOBSTATE"
    await api.patch(f"jobs/ingest/{job}", json={"state": "UploadComplete"})
    assert (await api.get(f"jobs/ingest/{job}")).json()["state"] == "UploadComplete"
    await api.patch(f"jobs/ingest/{job}", json={"state": "Aborted"})
    server.org.background.hold(held=False)
    assert (await ended(api, f"jobs/ingest/{job}"))["state"] == "Aborted"
    assert await found(api, "LastName = 'Held'") == []


async def test_a_job_with_its_data_is_made_in_one_call(api: httpx.AsyncClient) -> None:
    """Facts §7: multipart, up to 100,000 characters."""
    job = ("", '{"object": "Contact", "operation": "insert"}', "application/json")
    for content, status in (("LastName\nMulti\n", 200), ("LastName\n" + "x" * 100_000, 400)):
        parts = {"job": job, "content": ("content", content, "text/csv")}
        answer = await api.post("jobs/ingest", files=parts)
        assert answer.status_code == status, answer.text
        if status == 200:
            done = await ended(api, f"jobs/ingest/{answer.json()['id']}")
            assert (done["state"], done["numberRecordsProcessed"]) == ("JobComplete", 1)


async def test_jobs_are_listed_filtered_and_kept_for_seven_days(
    api: httpx.AsyncClient, clock: Clock, server: Server
) -> None:
    """Facts §7: jobs kept 7 days, by the org's clock; each HTTP call is one API request."""
    first, second = await opened(api, "insert"), await opened(api, "update")
    listed = (await api.get("jobs/ingest")).json()
    assert [one["id"] for one in listed["records"]] == [second, first]
    assert (listed["done"], listed["nextRecordsUrl"]) == (True, None)
    for query in ("isPkChunkingEnabled=true", "jobType=Classic", "jobType=V2Query"):
        assert (await api.get(f"jobs/ingest?{query}")).json()["records"] == [], query
    answer = await api.get("jobs/ingest?jobType=V2Ingest&isPkChunkingEnabled=false")
    assert len(answer.json()["records"]) == 2
    assert answer.headers["sforce-limit-info"].startswith("api-usage=7/")
    clock.pass_seconds(7 * 24 * 3600 + 1)
    fresh = server.tokens.approve(server.identity.user_id, "api").access  # the session ended
    headers = {"Authorization": f"Bearer {fresh}"}
    assert (await api.get(f"jobs/ingest/{first}", headers=headers)).status_code == 404
    assert (await api.get("jobs/ingest", headers=headers)).json()["records"] == []
