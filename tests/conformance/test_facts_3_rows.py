"""Facts §3: what a query answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from .asking import Asking, typed

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
Names = Callable[[], str]
NAMED = "SELECT Id, LastName FROM Contact WHERE Department = '{0}'"


@pytest.fixture(scope="module")
def ten(ask: Asking) -> str:
    """Ten contacts of a department: five with a title, two of those with capitals."""
    mark = "Ten of them"
    titles = ["nurse", "Nurse", "NURSE", "doctor", "Doctor", None, None, None, None, None]
    told = ask.create_all(
        [
            typed("Contact", LastName=f"Ten{n}", Department=mark, Title=title)
            for n, title in enumerate(titles)
        ]
    )
    assert all(one["success"] for one in told)
    return mark


@fact("F3.8", "F3.10", "F3.11")
def test_pages_until_done(ask: Asking, name: Names) -> None:
    mark = name()
    for _ in range(11):
        ask.create_all([typed("Lead", LastName="x", Company=mark)] * 200)
    page = ask.query(f"SELECT Id FROM Lead WHERE Company = '{mark}'")  # noqa: S608 - SOQL
    assert (page["totalSize"], page["done"]) == (2200, False)
    seen = [row["Id"] for row in page["records"]]
    assert len(seen) <= 2000
    while not page["done"]:
        path, locator = page["nextRecordsUrl"].rsplit("/", 1)
        assert path == ask.url("query")
        assert locator.rsplit("-", 1)[1] == str(len(seen))
        page = ask.http.get(page["nextRecordsUrl"]).json()
        assert page["totalSize"] == 2200
        seen += [row["Id"] for row in page["records"]]
    assert "nextRecordsUrl" not in page
    assert len(set(seen)) == 2200


@fact("F3.12", "F2.21")
def test_only_some_cursors_stay_open(ask: Asking, name: Names) -> None:
    mark = name()
    for _ in range(2):
        ask.create_all([typed("Lead", LastName="x", Company=mark)] * 200)
    soql = f"SELECT Id FROM Lead WHERE Company = '{mark}'"  # noqa: S608 - SOQL
    small = {"Sforce-Query-Options": "batchSize=200"}
    pages = [ask.query(soql, **small) for _ in range(12)]
    assert ask.http.get(pages[-1]["nextRecordsUrl"]).status_code == 200
    ended = ask.http.get(pages[0]["nextRecordsUrl"])
    assert (ended.status_code, ended.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


@fact("F3.14", "F3.15")
def test_children_come_in_their_parent_s_row(ask: Asking, name: Names) -> None:
    parent, lonely = ask.create("Account", Name=name()), ask.create("Account", Name=name())
    for last in ("Ann", "Bob", "Cy"):
        ask.create("Contact", LastName=last, AccountId=parent)
    children = "(SELECT LastName FROM Contacts ORDER BY LastName LIMIT 2)"
    soql = f"SELECT Id, {children} FROM Account WHERE Id IN ('{parent}', '{lonely}')"  # noqa: S608 - SOQL
    rows = {row["Id"]: row["Contacts"] for row in ask.rows(soql)}
    assert rows[lonely] is None
    assert rows[parent]["done"] is True
    assert rows[parent]["totalSize"] == 2
    assert [row["LastName"] for row in rows[parent]["records"]] == ["Ann", "Bob"]


@fact("F3.15", "F3.16", "F3.21")
def test_counts_and_limits(ask: Asking, ten: str) -> None:
    where = f"FROM Contact WHERE Department = '{ten}'"
    told = ask.query(f"SELECT COUNT() {where}")
    assert told == {"totalSize": 10, "done": True, "records": []}
    assert ask.query(f"SELECT COUNT() {where} LIMIT 3")["totalSize"] == 3
    assert len(ask.rows(f"SELECT Id {where} LIMIT 3")) == 3


@fact("F3.22")
def test_aggregates_are_rows_of_their_own_kind(ask: Asking, ten: str) -> None:
    where = f"FROM Contact WHERE Department = '{ten}'"
    [row] = ask.rows(f"SELECT COUNT(Id), MAX(LastName), MIN(LastName) least {where}")
    assert row == {
        "attributes": {"type": "AggregateResult"},
        "expr0": 10,
        "expr1": "Ten9",
        "least": "Ten0",
    }


@fact("F3.23", "F3.51")
def test_groups_have_no_second_page(ask: Asking, name: Names) -> None:
    mark = name()
    for start in range(0, 2200, 200):
        rows = [
            typed("Lead", LastName=f"{n}", Company=f"{mark}{n}") for n in range(start, start + 200)
        ]
        ask.create_all(rows)
    soql = f"SELECT Company, COUNT(Id) FROM Lead WHERE Company LIKE '{mark}%' GROUP BY Company"  # noqa: S608 - SOQL
    told = ask.no_query(soql)
    assert (told.status, told.code) == (400, "EXCEEDED_ID_LIMIT")
    assert "Aggregate query does not support queryMore()" in told.message
    assert len(ask.rows(f"{soql} LIMIT 2000")) == 2000


@fact("F3.24")
def test_having_chooses_groups(ask: Asking, ten: str) -> None:
    rows = ask.rows(
        f"SELECT Title, COUNT(Id) n FROM Contact WHERE Department = '{ten}' AND Title != null"  # noqa: S608 - SOQL
        " GROUP BY Title HAVING COUNT(Id) > 2"
    )
    assert [(row["Title"].lower(), row["n"]) for row in rows] == [("nurse", 3)]


@fact("F3.25")
def test_rollup_adds_the_totals(ask: Asking, ten: str) -> None:
    rows = ask.rows(
        f"SELECT Title, GROUPING(Title) total, COUNT(Id) n FROM Contact"  # noqa: S608 - SOQL
        f" WHERE Department = '{ten}' AND Title != null GROUP BY ROLLUP(Title)"
    )
    told = sorted((row["total"], row["n"]) for row in rows)
    assert told == [(0, 2), (0, 3), (1, 5)]
    four = "SELECT COUNT(Id) FROM Contact GROUP BY ROLLUP(Title, Department, LastName, Email)"
    assert ask.no_query(four).code == "MALFORMED_QUERY"


@fact("F3.29")
def test_typeof_reads_what_a_reference_names(ask: Asking, name: Names) -> None:
    contact = ask.create("Contact", LastName=name())
    task = ask.create("Task", Subject="Call", WhoId=contact)
    typeof = "TYPEOF Who WHEN Contact THEN LastName WHEN Lead THEN Company ELSE Name END"
    [row] = ask.rows(f"SELECT Id, {typeof} FROM Task WHERE Id = '{task}'")  # noqa: S608 - SOQL
    assert row["Who"]["attributes"]["type"] == "Contact"
    assert "LastName" in row["Who"]


@fact("F3.38", "F10.14")
def test_texts_compare_without_case(ask: Asking, ten: str, name: Names) -> None:
    where = f"FROM Contact WHERE Department = '{ten}'"
    assert ask.query(f"SELECT COUNT() {where} AND Title = 'nUrSe'")["totalSize"] == 3
    assert ask.query(f"SELECT COUNT() {where} AND Title LIKE 'NUR%'")["totalSize"] == 3
    email = f"Chloe.{name()}@Example.com"
    ask.create("Contact", LastName="x", Email=email)
    [row] = ask.rows(f"SELECT Email FROM Contact WHERE Email = '{email.upper()}'")  # noqa: S608 - SOQL
    assert row["Email"].lower() == email.lower()


@fact("F3.42")
def test_n_days_take_today_in(ask: Asking, name: Names) -> None:
    mark, today = name(), datetime.now(UTC).date()
    for days in (-1, 0, 3, 4):
        born = (today - timedelta(days=days)).isoformat()
        ask.create("Contact", LastName=mark, Birthdate=born)
    for days in (90, 91):
        ask.create("Contact", LastName=mark, Birthdate=(today - timedelta(days=days)).isoformat())

    def count(literal: str) -> int:
        where = f"WHERE LastName = '{mark}' AND Birthdate = {literal}"
        return int(ask.query(f"SELECT COUNT() FROM Contact {where}")["totalSize"])  # noqa: S608 - SOQL

    assert count("TODAY") == 1
    assert count("LAST_N_DAYS:3") == 2
    assert count("LAST_90_DAYS") == 4
    assert count("N_DAYS_AGO:4") == 1
    assert count("TOMORROW") == 1


@fact("F3.44")
def test_nulls_come_first(ask: Asking, ten: str) -> None:
    where = f"FROM Contact WHERE Department = '{ten}'"
    titles = [row["Title"] for row in ask.rows(f"SELECT Title {where} ORDER BY Title")]
    assert titles[:5] == [None] * 5
    assert [one.lower() for one in titles[5:]] == ["doctor"] * 2 + ["nurse"] * 3
    last = ask.rows(f"SELECT Title {where} ORDER BY Title DESC NULLS LAST")
    assert last[0]["Title"].lower() == "nurse"
    assert last[-1]["Title"] is None


@fact("F3.45")
def test_long_texts_cannot_be_searched(ask: Asking) -> None:
    told = ask.no_query("SELECT Id FROM Contact WHERE Description = 'x'")
    assert (told.status, told.code) == (400, "INVALID_FIELD")


@fact("F3.46")
def test_a_null_differs_from_every_value(ask: Asking, ten: str) -> None:
    where = f"FROM Contact WHERE Department = '{ten}'"
    assert ask.query(f"SELECT COUNT() {where} AND Title = null")["totalSize"] == 5
    assert ask.query(f"SELECT COUNT() {where} AND Title != null")["totalSize"] == 5
    assert ask.query(f"SELECT COUNT() {where} AND Title != 'nurse'")["totalSize"] == 7


@fact("F3.33", "F10.10")
def test_query_all_shows_what_is_deleted(ask: Asking, name: Names) -> None:
    last = name()
    gone = ask.create("Contact", LastName=last)
    ask.send("DELETE", f"sobjects/Contact/{gone}")
    soql = f"SELECT Id, IsDeleted FROM Contact WHERE LastName = '{last}'"  # noqa: S608 - SOQL
    assert ask.rows(soql) == []
    [row] = ask.get("queryAll", params={"q": soql})["records"]
    assert (row["Id"], row["IsDeleted"]) == (gone, True)
