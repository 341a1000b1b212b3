"""Facts §7: Bulk 2.0 queries."""

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
PATIENCE = 10  # seconds


def asked(ask: Asking, soql: str, operation: str = "query", **more: str) -> dict[str, Any]:
    told = ask.post("jobs/query", {"operation": operation, "query": soql, **more})
    assert told["state"] == "UploadComplete"
    deadline = time.monotonic() + PATIENCE
    while told["state"] in {"UploadComplete", "InProgress"} and time.monotonic() < deadline:
        time.sleep(0.05)
        told = ask.get(f"jobs/query/{told['id']}")
    found: dict[str, Any] = told
    return found


@fact("F7.8", "F7.9", "F7.17", "F7.18")
def test_results_come_in_parts(ask: Asking, name: Names) -> None:
    mark = name()
    rows = [{"attributes": {"type": "Contact"}, "LastName": mark, "Title": 'a "b", c'}] * 25
    ask.create_all(rows)
    soql = f"SELECT Id, Title, Account.Name FROM Contact WHERE LastName = '{mark}'"  # noqa: S608 - SOQL
    job = asked(ask, soql)
    assert (job["state"], job["jobType"], job["numberRecordsProcessed"]) == (
        "JobComplete",
        "V2Query",
        25,
    )
    path, locator, seen = f"jobs/query/{job['id']}/results", "", []
    for count in (10, 10, 5):
        params = {"maxRecords": "10"} | ({"locator": locator} if locator else {})
        answer = ask.send("GET", path, params=params)
        assert answer.headers["sforce-numberofrecords"] == str(count)
        locator = answer.headers["sforce-locator"]
        seen += list(csv.DictReader(answer.text.splitlines()))
    assert locator == "null"
    assert len({row["Id"] for row in seen}) == 25
    assert set(seen[0]) == {"Id", "Title", "Account.Name"}
    assert seen[0]["Title"] == 'a "b", c'


@fact("F7.17")
def test_query_all_and_other_delimiters(ask: Asking, name: Names) -> None:
    last = name()
    gone = ask.create("Contact", LastName=last)
    ask.send("DELETE", f"sobjects/Contact/{gone}")
    soql = f"SELECT Id, IsDeleted FROM Contact WHERE LastName = '{last}'"  # noqa: S608 - SOQL
    form = {"columnDelimiter": "PIPE", "lineEnding": "CRLF"}
    job = asked(ask, soql, "queryAll", **form)
    text = ask.send("GET", f"jobs/query/{job['id']}/results").text
    assert "\r\n" in text
    [row] = csv.DictReader(text.splitlines(), delimiter="|")
    assert (row["Id"], row["IsDeleted"]) == (gone, "true")


@fact("F7.20")
def test_another_version_is_a_conflict(ask: Asking) -> None:
    job = asked(ask, "SELECT Id FROM Contact LIMIT 1")
    assert ask.at("58.0").send("GET", f"jobs/query/{job['id']}/results").status_code == 409


@fact("F7.21", "F7.25")
@pytest.mark.parametrize(
    ("soql", "text"),
    [
        ("SELECT Title, COUNT(Id) FROM Contact GROUP BY Title", ""),
        ("SELECT COUNT() FROM Contact", ""),
        ("SELECT MAX(CreatedDate) FROM Contact", ""),
        ("SELECT Id FROM Contact ORDER BY Id LIMIT 5 OFFSET 1", ""),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", ""),
        ("SELECT FIELDS(ALL) FROM Contact LIMIT 1", ""),
        ("SELECT TYPEOF Who WHEN Contact THEN LastName END FROM Task", ""),
        (
            "SELECT MailingAddress FROM Contact",
            "Selecting compound data not supported in Bulk Query",
        ),
        ("SELECT CALENDAR_YEAR(CreatedDate) FROM Contact GROUP BY CALENDAR_YEAR(CreatedDate)", ""),
    ],
)
def test_what_a_bulk_query_cannot_ask(ask: Asking, soql: str, text: str) -> None:
    body = {"operation": "query", "query": soql}
    told = ask.refused("POST", "jobs/query", json=body)
    assert told.status == 400
    assert told.code in {"API_ERROR", "INVALIDENTITY", "MALFORMED_QUERY", "INVALID_FIELD"}
    assert text in told.message
