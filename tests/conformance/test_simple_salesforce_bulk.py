"""simple-salesforce, unmodified: Bulk 2.0."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

import pytest
from simple_salesforce.format import format_soql

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
Names = Callable[[], str]
Client = Any  # its attributes are whatever objects an org has


def ids_of(salesforce: Client, sobject: str, job: str) -> list[str]:
    told = getattr(salesforce.bulk2, sobject).get_successful_records(job)
    return [row["sf__Id"] for row in csv.DictReader(told.splitlines())]


def test_bulk_2_inserts_updates_upserts_and_deletes(salesforce: Client, name: Names) -> None:
    mark = name()
    bulk = salesforce.bulk2.Contact
    rows = [{"LastName": mark, "Member_Id__c": f"{mark}{n}"} for n in range(30)]
    [inserted] = bulk.insert(records=rows, wait=0.1)
    told = (inserted["numberRecordsProcessed"], inserted["numberRecordsFailed"])
    assert told == (30, 0)
    ids = ids_of(salesforce, "Contact", inserted["job_id"])
    [updated] = bulk.update(records=[{"Id": one, "FirstName": "Ada"} for one in ids], wait=0.1)
    assert updated["numberRecordsFailed"] == 0
    changed = [{"Member_Id__c": f"{mark}{n}", "LastName": f"{mark}x"} for n in range(25, 35)]
    [upserted] = bulk.upsert(records=changed, external_id_field="Member_Id__c", wait=0.1)
    results = bulk.get_all_ingest_records(upserted["job_id"])
    assert sorted(row["sf__Created"] for row in results["successfulRecords"]) == [
        *["false"] * 5,
        *["true"] * 5,
    ]
    [deleted] = bulk.delete(records=[{"Id": one} for one in ids], wait=0.1)
    assert deleted["numberRecordsProcessed"] == 30
    soql = format_soql("SELECT Id FROM Contact WHERE LastName IN {}", [mark, f"{mark}x"])
    assert salesforce.query(soql)["totalSize"] == 5


def test_bulk_2_tells_what_failed(salesforce: Client, name: Names) -> None:
    bulk = salesforce.bulk2.Contact
    good, bad = name(), name()
    rows = [
        {"LastName": good, "Email": f"{good}@example.com"},
        {"LastName": bad, "Email": "nobody"},
    ]
    [job] = bulk.insert(records=rows, wait=0.1)
    results = bulk.get_all_ingest_records(job["job_id"])
    assert [row["LastName"] for row in results["successfulRecords"]] == [good]
    [failed] = results["failedRecords"]
    assert (failed["LastName"], failed["sf__Id"]) == (bad, "")
    assert failed["sf__Error"].startswith("INVALID_EMAIL_ADDRESS")
    assert results["unprocessedRecords"] == []


def test_bulk_2_queries_page_by_page(
    salesforce: Client, name: Names, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mark = name()
    salesforce.bulk2.Contact.insert(records=[{"LastName": mark}] * 25, wait=0.1)
    soql = format_soql("SELECT Id, LastName FROM Contact WHERE LastName = {}", mark)
    pages = list(salesforce.bulk2.Contact.query(soql, max_records=10, wait=0.1))
    rows = [row for page in pages for row in csv.DictReader(page.splitlines())]
    assert (len(pages), len({row["Id"] for row in rows})) == (3, 25)
    folder = tmp_path_factory.mktemp("bulk")
    [told] = salesforce.bulk2.Contact.download(soql, path=str(folder), wait=0.1)
    assert told["number_of_records"] == 25
    with open(told["file"], encoding="utf-8") as file:  # noqa: PTH123 - the client names it as text
        assert len(list(csv.DictReader(file))) == 25
