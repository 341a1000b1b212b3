"""Finding records in an org that answers as told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from crmlink_common.errors import LimitError
from crmlink_common.salesforce.budget import BudgetError
from crmlink_common.salesforce.budgets import Budgets
from crmlink_common.salesforce.fakes import FakeOrg, body_of
from crmlink_reconciler.clients import LIST_CHARS, SalesforceRecords, queries
from crmlink_reconciler.domain.matching import STAGES, Sought
from crmlink_reconciler.fakes import NOON

EMAIL_CONTACT, EMAIL_LEAD, PHONE_CONTACT, PHONE_LEAD = STAGES
RECORD = "003000000000001AAA"


def rows(*records: Mapping[str, object]) -> dict[str, object]:
    return {"totalSize": len(records), "done": True, "records": list(records)}


def composite(*bodies: object, status: int = 200) -> dict[str, object]:
    return {
        "compositeResponse": [
            {"body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": f"r{n}"}
            for n, body in enumerate(bodies)
        ]
    }


async def opened(org: FakeOrg, budgets: Budgets | None = None) -> tuple[SalesforceRecords, Budgets]:
    budgets = budgets or Budgets()
    return SalesforceRecords(await org.open(), budgets), budgets


def asked(request: httpx.Request) -> list[str]:
    urls = [urlsplit(one["url"]).query for one in body_of(request)["compositeRequest"]]
    return [parse_qs(url)["q"][0] for url in urls]


def test_a_stage_asks_for_the_values_of_its_kind_and_no_others() -> None:
    [soql] = queries(EMAIL_LEAD, [Sought("m1", "o'neil@example.com", "+12025550100")])
    assert soql == (
        "SELECT Id, Name, Email, Phone, MobilePhone, OwnerId, LastModifiedDate FROM Lead "
        "WHERE (Email IN ('o\\'neil@example.com')) AND IsConverted = false"
    )


def test_a_phone_is_asked_for_in_its_written_forms_in_each_field() -> None:
    [soql] = queries(PHONE_CONTACT, [Sought("m1", "", "+12025550100")])
    assert "'(202) 555-0100'" in soql
    assert "'+12025550100'" in soql
    assert " OR MobilePhone IN (" in soql


def test_long_lists_are_split() -> None:
    people = [Sought(f"m{n}", f"member-{n:05}@example.com") for n in range(500)]
    soqls = queries(EMAIL_CONTACT, people)
    assert len(soqls) > 1
    assert all(len(soql) < LIST_CHARS + 300 for soql in soqls)
    assert sum(soql.count("@example.com") for soql in soqls) == 500


async def test_records_are_found_five_queries_a_call() -> None:
    record = {
        "attributes": {"type": "Contact"},
        "Id": RECORD[:15],
        "Name": "Ada",
        "Email": "ada@example.com",
        "Phone": None,
        "MobilePhone": "12",
        "AccountId": None,
        "OwnerId": "005A",
        "LastModifiedDate": "2026-01-01T00:00:00.000+0000",
    }
    org = FakeOrg([composite(rows(record))])
    records, _ = await opened(org)
    [one] = await records.find(EMAIL_CONTACT, [Sought("m1", "ada@example.com")], "US")
    assert (one.record_id, one.phones, one.account_id) == (RECORD, ("12",), "")
    [request] = org.asked
    assert len(asked(request)) == 1


async def test_an_object_that_may_not_be_read_is_noted_and_not_asked_again() -> None:
    refusal = [{"errorCode": "INVALID_TYPE", "message": "sObject type 'Lead' is not supported."}]
    org = FakeOrg([composite(refusal, status=400)])
    records, _ = await opened(org)
    people = [Sought("m1", "ada@example.com", "+12025550100")]
    assert await records.find(EMAIL_LEAD, people, "US") == []
    assert await records.find(PHONE_LEAD, people, "US") == []
    assert records.unreadable == {"Lead"}
    assert len(org.asked) == 1


async def test_a_limit_is_not_taken_for_an_empty_answer() -> None:
    refusal = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests"}]
    records, _ = await opened(FakeOrg([composite(refusal, status=403)]))
    with pytest.raises(LimitError):
        await records.find(EMAIL_CONTACT, [Sought("m1", "ada@example.com")], "US")


async def test_more_rows_than_one_answer_holds_are_paged() -> None:
    record = {"Id": RECORD, "Email": "ada@example.com"}
    many = {"totalSize": 2_500, "done": False, "records": [record], "nextRecordsUrl": NEXT}
    org = FakeOrg([composite(many), many, rows(record)])
    records, _ = await opened(org)
    found = await records.find(EMAIL_CONTACT, [Sought("m1", "ada@example.com")], "US")
    assert len(found) == 2


NEXT = "/services/data/v59.0/query/01g-2000"


async def test_what_an_answer_tells_of_the_limit_decides_whether_the_next_page_is_asked() -> None:
    used = {"sforce-limit-info": "api-usage=10500/15000"}
    answer = httpx.Response(200, json=rows() | {"totalSize": 17}, headers=used)
    records, budgets = await opened(FakeOrg([answer]))
    await records.admitted()
    assert await records.count("Contact") == 17
    await records.close()
    with pytest.raises(BudgetError) as found:
        await records.admitted()
    assert found.value.code == "budget"
    assert budgets.usage("w1") is not None


async def test_a_limit_met_parks_the_org_and_one_probe_frees_it() -> None:
    time = [NOON]
    budgets = Budgets(now=lambda: time[0], jitter=lambda: 1.0)
    refusal = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests"}]
    org = FakeOrg([httpx.Response(403, json=refusal)])
    records, _ = await opened(org, budgets)
    with pytest.raises(BudgetError) as found:
        await records.count("Contact")
    assert (found.value.code, found.value.until) == ("limit", NOON + timedelta(minutes=1))
    for _ in range(3):
        with pytest.raises(BudgetError):
            await records.admitted()
    assert len(org.asked) == 1
    time[0] += timedelta(minutes=1)
    org.answers.append({})
    await records.admitted()
    assert [one.url.path.rpartition("/")[2] for one in org.asked[1:]] == ["limits"]
