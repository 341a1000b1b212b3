"""Facts §10: what changed, what was deleted, what was merged."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from .asking import Asking, typed
from .world import Control

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
Names = Callable[[], str]
HOUR = timedelta(hours=1)


@pytest.fixture
def faults(control: Control) -> Iterator[Control]:
    yield control
    control.reset()


def span(start: datetime, end: datetime) -> dict[str, str]:
    return {"start": start.isoformat(), "end": end.isoformat()}


def lately() -> dict[str, str]:
    now = datetime.now(UTC).replace(microsecond=0)
    return span(now - HOUR, now + timedelta(minutes=2))


def moment(text: str, form: str = "%Y-%m-%dT%H:%M:%S.%f%z") -> datetime:
    return datetime.strptime(text, form).replace(tzinfo=UTC)


@fact("F10.1", "F10.9")
def test_stamps_move_with_every_write_and_have_whole_seconds(ask: Asking, name: Names) -> None:
    made = ask.create("Contact", LastName=name())
    first = ask.get(f"sobjects/Contact/{made}")["SystemModstamp"]
    time.sleep(1.05)
    ask.send("PATCH", f"sobjects/Contact/{made}", json={"FirstName": "Ada"})
    second = ask.get(f"sobjects/Contact/{made}")["SystemModstamp"]
    assert moment(first) < moment(second)
    assert moment(first).microsecond == 0
    soql = f"SELECT Id FROM Contact WHERE SystemModstamp >= {moment(second).isoformat()}"  # noqa: S608 - SOQL
    assert made in [row["Id"] for row in ask.rows(soql)]


@fact("F10.3", "F10.7")
def test_what_was_updated(ask: Asking, name: Names) -> None:
    made = ask.create("Contact", LastName=name())
    asked = lately()
    told = ask.get("sobjects/Contact/updated/", params=asked)
    assert set(told) == {"ids", "latestDateCovered"}
    assert made in told["ids"]
    assert moment(told["latestDateCovered"]) <= datetime.fromisoformat(asked["end"])
    now = datetime.now(UTC)
    old = span(now - timedelta(days=40), now)
    assert ask.refused("GET", "sobjects/Contact/updated/", params=old).status == 400


@fact("F10.4")
@pytest.mark.parametrize("kind", ["updated", "deleted"])
def test_a_span_has_a_direction(ask: Asking, kind: str) -> None:
    now = datetime.now(UTC)
    for end in (now - HOUR, now):
        told = ask.refused("GET", f"sobjects/Contact/{kind}/", params=span(now, end))
        assert (told.status, told.code) == (400, "INVALID_REPLICATION_DATE")


@fact("F10.6", "F10.7")
def test_what_was_deleted(ask: Asking, name: Names) -> None:
    gone = ask.create("Contact", LastName=name())
    ask.send("DELETE", f"sobjects/Contact/{gone}")
    asked = lately()
    told = ask.get("sobjects/Contact/deleted/", params=asked)
    assert set(told) == {"deletedRecords", "earliestDateAvailable", "latestDateCovered"}
    [found] = [one for one in told["deletedRecords"] if one["id"] == gone]
    assert moment(found["deletedDate"]) <= moment(told["latestDateCovered"]) + HOUR
    assert moment(told["latestDateCovered"]) <= datetime.fromisoformat(asked["end"])


@fact("F10.7", "F10.8", "F12.3")
def test_a_late_commit_shows_with_an_old_stamp(ask: Asking, faults: Control, name: Names) -> None:
    last = name()
    faults.tell("late-commits", {"seconds": 1.5, "count": 1})
    soql = f"SELECT Id, SystemModstamp FROM Contact WHERE LastName = '{last}'"  # noqa: S608 - SOQL
    with ThreadPoolExecutor(1) as pool:
        created = pool.submit(ask.create, "Contact", LastName=last)
        time.sleep(0.5)
        during = ask.get("sobjects/Contact/updated/", params=lately())
        assert ask.rows(soql) == []
        made = created.result()
    [row] = ask.rows(soql)
    assert row["Id"] == made
    seen = moment(ask.send("GET", "limits").headers["date"], "%a, %d %b %Y %H:%M:%S %Z")
    assert moment(row["SystemModstamp"]) < seen
    assert moment(during["latestDateCovered"]) <= moment(row["SystemModstamp"])


@fact("F10.11", "F12.5")
def test_a_merge_leaves_a_trace(ask: Asking, name: Names, control: Control) -> None:
    winner, loser = (ask.create("Contact", LastName=name()) for _ in range(2))
    case = ask.create("Case", Subject="x", ContactId=loser)
    control.tell("records/merge", {"object": "Contact", "master": winner, "losers": [loser]})
    soql = f"SELECT Id, IsDeleted, MasterRecordId FROM Contact WHERE Id = '{loser}'"  # noqa: S608 - SOQL
    [row] = ask.get("queryAll", params={"q": soql})["records"]
    assert (row["IsDeleted"], row["MasterRecordId"]) == (True, winner)
    assert ask.get(f"sobjects/Case/{case}")["ContactId"] == winner


@fact("F12.5")
def test_a_converted_lead_names_its_contact(ask: Asking, name: Names, control: Control) -> None:
    lead = ask.create("Lead", LastName=name(), Company=name())
    control.tell("records/convert", {"lead": lead})
    row = ask.get(f"sobjects/Lead/{lead}")
    assert row["IsConverted"] is True
    assert ask.get(f"sobjects/Contact/{row['ConvertedContactId']}")["LastName"] == row["LastName"]


@fact("F10.12", "F10.15")
def test_phones_stay_as_typed_and_are_nobody_s_own(ask: Asking, name: Names) -> None:
    last = name()
    for phone in ("(415) 555-1212", "(415) 555-1212", "+14155551212"):
        ask.create("Contact", LastName=last, Phone=phone)
    where = f"FROM Contact WHERE LastName = '{last}'"
    assert ask.query(f"SELECT COUNT() {where} AND Phone = '+14155551212'")["totalSize"] == 1
    assert ask.query(f"SELECT COUNT() {where} AND Phone LIKE '%555%1212'")["totalSize"] == 3
    told = ask.no_create("Contact", LastName=last, Phone="1" * 41)
    assert told.code == "STRING_TOO_LONG"


@fact("F10.21")
def test_an_odd_address_is_stored(ask: Asking, name: Names) -> None:
    made = ask.create("Contact", LastName=name(), Email="b.levy@expressl&t.net")
    assert ask.get(f"sobjects/Contact/{made}")["Email"] == "b.levy@expressl&t.net"


@fact("F10.14", "F10.15")
def test_addresses_stay_as_typed_and_are_nobody_s_own(ask: Asking, name: Names) -> None:
    email = f"Chloe.{name()}@Example.com"
    records = [typed("Contact", LastName="x", Email=one) for one in (email, email.lower())]
    assert all(one["success"] for one in ask.create_all(records))
    rows = ask.rows(f"SELECT Email FROM Contact WHERE Email = '{email.upper()}'")  # noqa: S608 - SOQL
    assert sorted(row["Email"] for row in rows) == sorted([email, email.lower()])
