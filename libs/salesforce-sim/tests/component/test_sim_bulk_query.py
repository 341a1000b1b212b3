"""Bulk 2.0 query jobs over HTTP."""

import asyncio
import csv
import io
from typing import Any

import httpx
import pytest

from crmlink_salesforce_sim.oauth.server import Server

KEYS = """
    id operation object createdById createdDate systemModstamp state concurrencyMode contentType
    apiVersion lineEnding columnDelimiter
"""
NUMBERS = "jobType numberRecordsProcessed retries totalProcessingTime"
CONTACTS = "SELECT Id, LastName FROM Contact ORDER BY LastName"


async def asked(api: httpx.AsyncClient, text: str, **more: str) -> Any:  # noqa: ANN401 - JSON
    body = {"operation": "query", "query": text, **more}
    answer = await api.post("jobs/query", json=body)
    assert answer.status_code == 200, answer.text
    path = f"jobs/query/{answer.json()['id']}"
    for _ in range(2000):
        job = (await api.get(path)).json()
        if job["state"] not in ("UploadComplete", "InProgress"):
            return job
        await asyncio.sleep(0.005)
    raise AssertionError(job)


async def test_a_query_job_begins_complete_and_ends_with_its_records(
    api: httpx.AsyncClient,
) -> None:
    """Facts §7: query jobs start UploadComplete; the fields of the job."""
    body = {"operation": "query", "query": CONTACTS}
    answer = await api.post("jobs/query", json=body)
    assert sorted(answer.json()) == sorted(KEYS.split())
    assert answer.json()["state"] == "UploadComplete"
    job = await asked(api, CONTACTS)
    assert sorted(job) == sorted((KEYS + NUMBERS).split())
    assert (job["object"], job["state"]) == ("Contact", "JobComplete")
    count = await api.get("limits/recordCount?sObjects=Contact")
    assert job["numberRecordsProcessed"] == count.json()["sObjects"][0]["count"]


async def test_results_come_in_pages_by_locator(api: httpx.AsyncClient) -> None:
    """Facts §7: Sforce-Locator, "null" at the end, Sforce-NumberOfRecords; maxRecords."""
    job = await asked(api, CONTACTS)
    path, locator, rows, pages = f"jobs/query/{job['id']}/results", "", [], []
    while locator != "null":
        params = {"maxRecords": "12"} | ({"locator": locator} if locator else {})
        answer = await api.get(path, params=params)
        assert answer.headers["content-type"].startswith("text/csv")
        locator = answer.headers["sforce-locator"]
        pages.append(int(answer.headers["sforce-numberofrecords"]))
        rows += list(csv.DictReader(io.StringIO(answer.text)))
    total = job["numberRecordsProcessed"]
    assert (sum(pages), pages[0], len(rows)) == (total, 12, total)
    names = [one["LastName"].lower() for one in rows]
    assert names == sorted(names)
    assert len({one["Id"] for one in rows}) == total
    wrong = await api.get(path, params={"locator": "!"})
    assert wrong.json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


async def test_cells_are_text_parents_are_columns_with_a_dot(api: httpx.AsyncClient) -> None:
    """Facts §7: CSV; unverified: datetimes end in Z, booleans are words, null is empty."""
    parent = await api.post("sobjects/Account", json={"Name": 'A "quoted", name'})
    row = {"LastName": "Zzz", "AccountId": parent.json()["id"], "DoNotCall": True}
    await api.post("sobjects/Contact", json=row)
    text = (
        "SELECT LastName, Account.Name, DoNotCall, Title, CreatedDate FROM Contact"
        " WHERE LastName = 'Zzz'"
    )
    job = await asked(api, text, columnDelimiter="PIPE", lineEnding="CRLF")
    answer = await api.get(f"jobs/query/{job['id']}/results")
    head = '"LastName"|"Account.Name"|"DoNotCall"|"Title"|"CreatedDate"\r\n'
    cells = '"Zzz"|"A ""quoted"", name"|"true"|""|"2026-05-01T07:25:37.000Z"\r\n'
    assert answer.text == head + cells
    assert (await api.get(f"jobs/query/{job['id']}/results")).headers["sforce-locator"] == "null"


async def test_query_all_sees_the_recycle_bin(api: httpx.AsyncClient) -> None:
    """Facts §7: queryAll."""
    made = await api.post("sobjects/Contact", json={"LastName": "Binned"})
    await api.delete(f"sobjects/Contact/{made.json()['id']}")
    text = "SELECT Id FROM Contact WHERE LastName = 'Binned'"
    assert (await asked(api, text))["numberRecordsProcessed"] == 0
    job = await asked(api, text, operation="queryAll")
    assert (job["operation"], job["numberRecordsProcessed"]) == ("queryAll", 1)


async def test_an_answer_without_records_has_its_header(api: httpx.AsyncClient) -> None:
    """Facts §7: numberOfRecords 0, locator null (the header alone: unverified)."""
    job = await asked(api, "SELECT Id FROM Contact WHERE LastName = 'Nobody at all'")
    answer = await api.get(f"jobs/query/{job['id']}/results")
    assert (answer.text, answer.headers["sforce-numberofrecords"]) == ('"Id"\n', "0")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT COUNT() FROM Contact", "API_ERROR"),
        ("SELECT COUNT(Id) FROM Contact", "API_ERROR"),
        ("SELECT LastName FROM Contact GROUP BY LastName", "API_ERROR"),
        ("SELECT Id FROM Contact LIMIT 5 OFFSET 5", "API_ERROR"),
        ("SELECT FIELDS(STANDARD) FROM Contact LIMIT 5", "API_ERROR"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "API_ERROR"),
        ("SELECT MailingAddress FROM Contact", "API_ERROR"),
        ("SELECT TYPEOF Owner WHEN User THEN Name END FROM Contact", "API_ERROR"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT Nope FROM Contact", "INVALID_FIELD"),
        ("SELECT FROM Contact", "MALFORMED_QUERY"),
        (" ", "INVALIDJOB"),
    ],
)
async def test_what_a_bulk_query_cannot_be(api: httpx.AsyncClient, text: str, code: str) -> None:
    """Facts §7: not allowed: GROUP BY, OFFSET, TYPEOF, aggregates, compounds, FIELDS, children."""
    answer = await api.post("jobs/query", json={"operation": "query", "query": text})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code), answer.text


async def test_words_inside_text_are_no_clauses(api: httpx.AsyncClient) -> None:
    """Facts §3: a clause is never found inside a string."""
    text = "SELECT Id FROM Contact WHERE LastName = 'it\\'s GROUP BY OFFSET 5 FIELDS('"
    assert (await asked(api, text))["state"] == "JobComplete"


async def test_results_need_the_version_of_the_job(api: httpx.AsyncClient) -> None:
    """Facts §7: same API version required, else 409."""
    job = await asked(api, CONTACTS)
    for path in ("results", "resultPages"):
        other = f"http://org.test/services/data/v60.0/jobs/query/{job['id']}/{path}"
        assert (await api.get(other)).status_code == 409, path


async def test_result_pages_are_links_for_parallel_reading(api: httpx.AsyncClient) -> None:
    """Facts §7: resultPages; available since v58."""
    job = await asked(api, CONTACTS)
    answer = (await api.get(f"jobs/query/{job['id']}/resultPages")).json()
    assert (answer["done"], answer["nextRecordsUrl"], len(answer["resultPages"])) == (True, None, 1)
    link = answer["resultPages"][0]["resultUrl"]
    page = await api.get(f"http://org.test{link}")
    assert int(page.headers["sforce-numberofrecords"]) == job["numberRecordsProcessed"]


async def test_a_query_job_can_be_aborted_deleted_and_is_listed(
    api: httpx.AsyncClient, server: Server
) -> None:
    """Facts §7: PATCH Aborted, DELETE, list with filters."""
    server.org.background.hold(held=True)
    body = {"operation": "query", "query": CONTACTS}
    job = (await api.post("jobs/query", json=body)).json()["id"]
    early = await api.get(f"jobs/query/{job}/results")
    assert early.json()[0]["errorCode"] == "INVALIDJOBSTATE"
    wrong = await api.patch(f"jobs/query/{job}", json={"state": "UploadComplete"})
    assert wrong.json()[0]["errorCode"] == "INVALIDJOB"
    gone = await api.patch(f"jobs/query/{job}", json={"state": "Aborted"})
    assert gone.json()["state"] == "Aborted"
    server.org.background.hold(held=False)
    listed = (await api.get("jobs/query?jobType=V2Query")).json()["records"]
    assert [(one["id"], one["jobType"], one["state"]) for one in listed] == [
        (job, "V2Query", "Aborted")
    ]
    assert (await api.delete(f"jobs/query/{job}")).status_code == 204
    assert (await api.get(f"jobs/query/{job}")).status_code == 404
    assert (await api.get(f"jobs/ingest/{job}")).status_code == 404
