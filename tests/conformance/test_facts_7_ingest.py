"""Facts §7: Bulk 2.0 loads."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from typing import Any

import pytest

from .asking import Asking

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
Names = Callable[[], str]
CSV = {"Content-Type": "text/csv"}
JOB = [
    "id",
    "operation",
    "object",
    "createdById",
    "createdDate",
    "systemModstamp",
    "state",
    "concurrencyMode",
    "contentType",
    "apiVersion",
    "jobType",
    "lineEnding",
    "columnDelimiter",
]
WORK = [
    "numberRecordsProcessed",
    "numberRecordsFailed",
    "retries",
    "totalProcessingTime",
    "apiActiveProcessingTime",
    "apexProcessingTime",
]
ENDED = {"JobComplete", "Failed", "Aborted"}
PATIENCE = 10  # seconds


def opened(ask: Asking, operation: str = "insert", **more: object) -> str:
    body = {"object": "Contact", "operation": operation, "contentType": "CSV", "lineEnding": "LF"}
    return str(ask.post("jobs/ingest", {**body, **more})["id"])


def ended(ask: Asking, job: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while True:
        told: dict[str, Any] = ask.get(f"jobs/ingest/{job}")
        if told["state"] in ENDED or time.monotonic() > deadline:
            return told
        time.sleep(0.05)


def loaded(ask: Asking, text: str, operation: str = "insert", **more: object) -> dict[str, Any]:
    job = opened(ask, operation, **more)
    put = ask.send("PUT", f"jobs/ingest/{job}/batches", content=text.encode(), headers=CSV)
    assert put.status_code == 201, put.text
    told = ask.send("PATCH", f"jobs/ingest/{job}", json={"state": "UploadComplete"})
    assert told.json()["state"] == "UploadComplete"
    return ended(ask, job)


def results(ask: Asking, job: str, kind: str, delimiter: str = ",") -> list[dict[str, str]]:
    answer = ask.send("GET", f"jobs/ingest/{job}/{kind}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(answer.text.splitlines(), delimiter=delimiter))


@fact("F7.8", "F7.9", "F7.11", "F7.27")
def test_what_a_job_is(ask: Asking) -> None:
    body = {"object": "Contact", "operation": "insert", "contentType": "CSV"}
    told = ask.post("jobs/ingest", body)
    assert {*JOB} - {"jobType"} <= set(told)
    assert (told["state"], told["concurrencyMode"], told["contentType"]) == (
        "Open",
        "Parallel",
        "CSV",
    )
    assert told["apiVersion"] == 59.0
    assert told["id"].startswith("750")
    assert told["contentUrl"].endswith(f"jobs/ingest/{told['id']}/batches")
    read = ask.get(f"jobs/ingest/{told['id']}")
    assert set(JOB) <= set(read)
    assert read["jobType"] == "V2Ingest"


@fact("F7.1", "F7.3", "F7.4", "F7.5", "F7.10")
def test_what_became_of_each_record(ask: Asking, name: Names) -> None:
    good, bad = name(), name()
    told = loaded(ask, f"LastName,Email\n{good},{good}@example.com\n{bad},nobody\n")
    assert told["state"] == "JobComplete"
    assert set(WORK) <= set(told)
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (2, 1)
    [success] = results(ask, told["id"], "successfulResults")
    assert list(success) == ["sf__Id", "sf__Created", "LastName", "Email"]
    assert (success["sf__Created"], success["LastName"]) == ("true", good)
    [failure] = results(ask, told["id"], "failedResults")
    assert list(failure) == ["sf__Id", "sf__Error", "LastName", "Email"]
    assert failure["sf__Error"].startswith("INVALID_EMAIL_ADDRESS")
    assert results(ask, told["id"], "unprocessedrecords") == []


@fact("F7.1")
def test_every_operation(ask: Asking, name: Names) -> None:
    key = name()
    by_key = {"externalIdFieldName": "Member_Id__c"}
    made = loaded(ask, f"Member_Id__c,LastName\n{key},x\n", "upsert", **by_key)
    [row] = results(ask, made["id"], "successfulResults")
    record = row["sf__Id"]
    changed = loaded(ask, f"Member_Id__c,LastName\n{key},y\n", "upsert", **by_key)
    [row] = results(ask, changed["id"], "successfulResults")
    assert (row["sf__Id"], row["sf__Created"]) == (record, "false")
    loaded(ask, f"Id,FirstName\n{record},Ada\n", "update")
    assert ask.get(f"sobjects/Contact/{record}")["FirstName"] == "Ada"
    loaded(ask, f"Id\n{record}\n", "delete")
    assert ask.send("GET", f"sobjects/Contact/{record}").status_code == 404
    other = ask.create("Contact", LastName="x")
    gone = loaded(ask, f"Id\n{other}\n", "hardDelete")
    assert gone["numberRecordsFailed"] == 0
    soql = f"SELECT COUNT() FROM Contact WHERE Id = '{other}'"  # noqa: S608 - SOQL
    assert ask.get("queryAll", params={"q": soql})["totalSize"] == 0


@fact("F7.1")
@pytest.mark.parametrize(
    ("delimiter", "letter"),
    [
        ("COMMA", ","),
        ("TAB", "\t"),
        ("PIPE", "|"),
        ("SEMICOLON", ";"),
        ("CARET", "^"),
        ("BACKQUOTE", "`"),
    ],
)
def test_delimiters_and_line_endings(ask: Asking, name: Names, delimiter: str, letter: str) -> None:
    last = name()
    text = f'LastName{letter}Title\r\n{last}{letter}"a{letter}""b"""\r\n'
    told = loaded(ask, text, lineEnding="CRLF", columnDelimiter=delimiter)
    assert told["numberRecordsFailed"] == 0
    [row] = results(ask, told["id"], "successfulResults", letter)
    assert ask.get(f"sobjects/Contact/{row['sf__Id']}")["Title"] == f'a{letter}"b"'


@fact("F7.4", "F7.6", "F7.8")
def test_a_job_can_be_aborted_and_deleted(ask: Asking) -> None:
    job = opened(ask)
    aborted = ask.send("PATCH", f"jobs/ingest/{job}", json={"state": "Aborted"})
    assert aborted.json()["state"] == "Aborted"
    late = ask.send("PUT", f"jobs/ingest/{job}/batches", content=b"LastName\nx\n", headers=CSV)
    assert late.status_code == 400
    assert ask.send("DELETE", f"jobs/ingest/{job}").status_code == 204
    assert ask.send("GET", f"jobs/ingest/{job}").status_code == 404


@fact("F7.8", "F7.27")
def test_a_job_with_a_wrong_header_fails(ask: Asking) -> None:
    told = loaded(ask, "Nothing__c\nx\n")
    assert told["state"] == "Failed"
    assert "Nothing__c" in told["errorMessage"]
    assert len(results(ask, told["id"], "unprocessedrecords")) == 1


@fact("F7.7")
def test_job_and_data_in_one_call(ask: Asking, name: Names) -> None:
    last = name()
    job = '{"object":"Contact","operation":"insert","contentType":"CSV","lineEnding":"LF"}'
    lines = ["--X", "Content-Type: application/json", 'Content-Disposition: form-data; name="job"']
    lines += ["", job, "--X", "Content-Type: text/csv"]
    lines += ['Content-Disposition: form-data; name="content"; filename="content"', ""]
    body = "\r\n".join([*lines, f"LastName\n{last}\n", "--X--", ""]).encode()
    told = {"Content-Type": "multipart/form-data; boundary=X"}
    answer = ask.send("POST", "jobs/ingest", content=body, headers=told)
    assert answer.status_code == 200, answer.text
    done = ended(ask, answer.json()["id"])
    assert (done["state"], done["numberRecordsProcessed"]) == ("JobComplete", 1)


@fact("F7.16")
def test_empty_values_and_nulls(ask: Asking, name: Names) -> None:
    made = ask.create("Contact", LastName=name(), Title="Nurse", Department="East")
    told = loaded(ask, f"Id,Title,Department\n{made},,#N/A\n", "update")
    assert told["numberRecordsFailed"] == 0
    row = ask.get(f"sobjects/Contact/{made}")
    assert (row["Title"], row["Department"]) == ("Nurse", None)


@fact("F7.24")
def test_each_call_counts(ask: Asking, name: Names) -> None:
    before = ask.used()
    job = opened(ask)
    content = f"LastName\n{name()}\n".encode()
    ask.send("PUT", f"jobs/ingest/{job}/batches", content=content, headers=CSV)
    ask.send("PATCH", f"jobs/ingest/{job}", json={"state": "UploadComplete"})
    assert ask.used() == before + 4
    ended(ask, job)
