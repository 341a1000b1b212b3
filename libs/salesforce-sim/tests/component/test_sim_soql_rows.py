"""What SOQL finds and how it nests: parents of several kinds, sums, pages with children."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from crmlink_salesforce_sim.cursors import LIFE
from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.queries import Queries

Records = list[dict[str, Any]]


async def ask(api: httpx.AsyncClient, text: str, **headers: str) -> Any:  # noqa: ANN401 - JSON
    answer = await api.get("query", params={"q": text}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def rows(api: httpx.AsyncClient, text: str) -> list[list[Any]]:
    """Return the values of each record, without its attributes."""
    found = (await ask(api, text))["records"]
    return [[value for name, value in one.items() if name != "attributes"] for one in found]


async def make(api: httpx.AsyncClient, sobject: str, *records: dict[str, Any]) -> list[str]:
    kind = {"attributes": {"type": sobject}}
    ids = []
    for start in range(0, len(records), 200):
        part = [{**kind, **one} for one in records[start : start + 200]]
        answers = (await api.post("composite/sobjects", json={"records": part})).json()
        assert all(one["success"] for one in answers), answers[:3]
        ids += [one["id"] for one in answers]
    return ids


async def test_a_parent_of_several_kinds_says_which_it_is(api: httpx.AsyncClient) -> None:
    """Facts §3: TYPEOF selects by kind; without it the Name fields are there, and Type."""
    [account] = await make(api, "Account", {"Name": "Acme", "Phone": "5550100"})
    [case] = await make(api, "Case", {"Subject": "Broken"})
    [who] = await make(api, "Contact", {"LastName": "Ray", "Email": "ray@example.com"})
    tasks: Records = [
        {"Subject": "a", "WhatId": account, "WhoId": who},
        {"Subject": "b", "WhatId": case},
        {"Subject": "c"},
    ]
    await make(api, "Task", *tasks)
    mine = "FROM Task WHERE Subject IN ('a', 'b', 'c') ORDER BY Subject"
    found = await ask(
        api,
        f"SELECT TYPEOF What WHEN Account THEN Phone WHEN Case THEN Subject, Status END {mine}",
    )
    first, second, third = (one["What"] for one in found["records"])
    assert first["attributes"]["type"] == "Account"
    assert first["Phone"] == "5550100"
    assert list(second) == ["attributes", "Subject", "Status"]
    assert third is None
    found = await ask(api, f"SELECT TYPEOF What WHEN Case THEN Subject ELSE Name END {mine}")
    assert found["records"][0]["What"]["Name"] == "Acme"
    number = (await rows(api, f"SELECT CaseNumber FROM Case WHERE Id = '{case}'"))[0][0]  # noqa: S608 - SOQL
    assert [
        [
            one["What"] and (one["What"]["Type"], one["What"]["Name"]),
            one["Who"] and one["Who"]["Email"],
        ]
        for one in (await ask(api, f"SELECT What.Type, What.Name, Who.Email {mine}"))["records"]
    ] == [[("Account", "Acme"), "ray@example.com"], [("Case", number), None], [None, None]]
    only = "SELECT Subject FROM Task WHERE What.Type = 'case' AND Subject = 'b'"
    assert await rows(api, only) == [["b"]]


async def test_groups_have_subtotals_and_a_total(api: httpx.AsyncClient) -> None:
    """Facts §3: GROUP BY ROLLUP, GROUPING(), HAVING."""
    people: Records = [
        {"LastName": "x", "Department": "Roll", "Title": "A", "LeadSource": "Web"},
        {"LastName": "x", "Department": "Roll", "Title": "A", "LeadSource": "Other"},
        {"LastName": "x", "Department": "Roll", "Title": "B", "LeadSource": "Web"},
    ]
    await make(api, "Contact", *people)
    start = "FROM Contact WHERE Department = 'Roll' GROUP BY ROLLUP(Title, LeadSource)"
    names = "Title, LeadSource, COUNT(Id) n, GROUPING(Title) t, GROUPING(LeadSource) s"
    order = "ORDER BY GROUPING(Title), Title, GROUPING(LeadSource), LeadSource"
    assert await rows(api, f"SELECT {names} {start} {order}") == [
        ["A", "Web", 1, 0, 0],
        ["A", "Other", 1, 0, 0],
        ["A", None, 2, 0, 1],
        ["B", "Web", 1, 0, 0],
        ["B", None, 1, 0, 1],
        [None, None, 3, 1, 1],
    ]
    several = f"SELECT Title, COUNT(Id) {start} HAVING COUNT(Id) > 2"
    assert await rows(api, several) == [[None, 3]]


async def test_a_picklist_sorts_by_the_order_of_its_values(api: httpx.AsyncClient) -> None:
    """Facts §3: ORDER BY; a picklist goes by its set-up, no value first."""
    sources = ("Other", None, "Web", "Phone Inquiry")
    people: Records = [{"LastName": "x", "Department": "Sort", "LeadSource": s} for s in sources]
    await make(api, "Contact", *people)
    text = "SELECT LeadSource FROM Contact WHERE Department = 'Sort' ORDER BY LeadSource"
    assert await rows(api, text) == [[None], ["Web"], ["Phone Inquiry"], ["Other"]]
    text = f"{text} DESC NULLS LAST"
    assert await rows(api, text) == [["Other"], ["Phone Inquiry"], ["Web"], [None]]


async def test_parts_of_dates_are_counted_as_documented(api: httpx.AsyncClient) -> None:
    """Facts §3: date functions; a week is seven days from the first of month or year."""
    await make(api, "Contact", {"LastName": "x", "Title": "Day", "Birthdate": "2026-03-08"})
    for name, expected in {
        "CALENDAR_YEAR": 2026,
        "CALENDAR_QUARTER": 1,
        "FISCAL_MONTH": 3,
        "DAY_IN_MONTH": 8,
        "DAY_IN_WEEK": 1,
        "DAY_IN_YEAR": 67,
        "WEEK_IN_MONTH": 2,
        "WEEK_IN_YEAR": 10,
    }.items():
        part = f"{name}(Birthdate)"
        text = f"SELECT {part} FROM Contact WHERE Title = 'Day' GROUP BY {part}"  # noqa: S608 - SOQL
        assert await rows(api, text) == [[expected]], name


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("Title LIKE 'äpfel%'", ["1"]),
        ("Title = 'äPFEL 100%'", ["1"]),
        ("Title LIKE '%100\\%'", ["1"]),
        ("Title IN ('ÄPFEL 100%', 'birne')", ["1", "2"]),
        ("Title = ''", ["3"]),
        ("Title != ''", ["1", "2"]),
        ("Title != 'birne'", ["1", "3"]),
        ("(NOT Title LIKE 'b%')", ["1", "3"]),
        ("Title < 'c'", ["2"]),
        ("Title NOT IN ('birne', '')", ["1"]),
    ],
)
async def test_text_compares_in_any_letter_case(
    api: httpx.AsyncClient, test: str, expected: list[str]
) -> None:
    """Facts §3: comparison of strings, empty ones and null; LIKE and its escapes."""
    people: Records = [{"Title": "Äpfel 100%"}, {"Title": "Birne"}, {}]
    people = [{**one, "LastName": str(n), "Department": "Txt"} for n, one in enumerate(people, 1)]
    await make(api, "Contact", *people)
    text = f"SELECT LastName FROM Contact WHERE Department = 'Txt' AND {test} ORDER BY LastName"  # noqa: S608 - SOQL
    assert [one for [one] in await rows(api, text)] == expected


async def test_a_field_may_tell_letter_case_apart(api: httpx.AsyncClient) -> None:
    """Facts §3: strings compare in any letter case except in case-sensitive fields."""
    codes = ("AbC[1]", "abc[1]")
    await make(api, "Account", *({"Name": "Case", "Clinic_Code__c": code} for code in codes))
    start = "SELECT Clinic_Code__c FROM Account WHERE Name = 'CASE' AND Clinic_Code__c"
    assert await rows(api, f"{start} = 'abc[1]'") == [["abc[1]"]]
    assert await rows(api, f"{start} LIKE 'A_C[%'") == [["AbC[1]"]]


async def test_several_choices_are_all_there_or_any_of_them(api: httpx.AsyncClient) -> None:
    """Facts §3: INCLUDES and EXCLUDES; a semicolon is and, a comma is or."""
    document = (await api.get("sobjects/Care_Plan__c/describe")).json()
    [field] = [one for one in document["fields"] if one["name"] == "Goals__c"]
    a, b, c = (one["value"] for one in field["picklistValues"][:3])
    for n, goals in enumerate((f"{a};{b}", b, None)):
        body = {"Plan_Key__c": f"plan{n}", "Goals__c": goals}
        contact = await make(api, "Contact", {"LastName": "x"})
        await make(api, "Care_Plan__c", {**body, "Contact__c": contact[0], **await required(api)})
    start = "SELECT Plan_Key__c FROM Care_Plan__c WHERE Plan_Key__c LIKE 'plan_' AND Goals__c"
    for test, expected in {
        f"INCLUDES ('{a};{b}')": ["plan0"],
        f"INCLUDES ('{a};{b}', '{b}')": ["plan0", "plan1"],
        f"INCLUDES ('{c}')": [],
        f"EXCLUDES ('{a}')": ["plan1", "plan2"],
        f"= '{a};{b}'": ["plan0"],
    }.items():
        found = await rows(api, f"{start} {test} ORDER BY Plan_Key__c")
        assert [one for [one] in found] == expected, test


async def required(api: httpx.AsyncClient) -> dict[str, Any]:
    """Return values for whatever else the object requires."""
    document = (await api.get("sobjects/Care_Plan__c/describe")).json()
    given = ("Contact__c", "Plan_Key__c", "Goals__c")
    values: dict[str, Any] = {"string": "x", "date": "2026-05-01", "double": 1, "currency": 1}
    return {
        one["name"]: values.get(one["type"])
        or (one["picklistValues"][0]["value"] if one["picklistValues"] else None)
        for one in document["fields"]
        if one["createable"] and not one["nillable"] and not one["defaultedOnCreate"]
        if one["name"] not in given
    }


async def test_children_of_children_nest(api: httpx.AsyncClient) -> None:
    """Facts §3: since v58 down to five levels; each level with its own count."""
    [account] = await make(api, "Account", {"Name": "Nest"})
    [contact] = await make(api, "Contact", {"LastName": "Egg", "AccountId": account})
    await make(api, "Task", {"Subject": "Hatch", "WhoId": contact})
    inner = "(SELECT LastName, (SELECT Subject FROM Tasks) FROM Contacts)"
    text = f"SELECT Name, {inner}, Phone FROM Account WHERE Id = '{account}'"  # noqa: S608 - SOQL
    [found] = (await ask(api, text))["records"]
    assert list(found) == ["attributes", "Name", "Contacts", "Phone"]
    [egg] = found["Contacts"]["records"]
    assert egg["Tasks"]["totalSize"] == 1
    assert egg["Tasks"]["records"][0]["Subject"] == "Hatch"


async def test_rows_of_children_count_toward_the_page(api: httpx.AsyncClient) -> None:
    """Facts §3: child rows count; what does not fit follows by a locator of its own."""
    accounts = await make(api, "Account", *({"Name": f"Page {n}"} for n in range(3)))
    many: Records = [
        {"LastName": f"c{n:03d}", "AccountId": accounts[0] if n < 250 else accounts[1]}
        for n in range(260)
    ]
    await make(api, "Contact", *many)
    text = (
        "SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName) FROM Account"
        " WHERE Name LIKE 'Page %' ORDER BY Name"
    )
    page = await ask(api, text, **{"Sforce-Query-Options": "batchSize=200"})
    assert (page["totalSize"], page["done"], len(page["records"])) == (3, False, 1)
    children = page["records"][0]["Contacts"]
    assert (children["totalSize"], children["done"], len(children["records"])) == (250, False, 199)
    rest = (await api.get("http://org.test" + children["nextRecordsUrl"])).json()
    assert (rest["totalSize"], rest["done"]) == (250, True)
    assert [one["LastName"] for one in rest["records"]] == [f"c{n}" for n in range(199, 250)]
    last = (await api.get("http://org.test" + page["nextRecordsUrl"])).json()
    assert [one["Name"] for one in last["records"]] == ["Page 1", "Page 2"]
    assert last["records"][0]["Contacts"]["done"] is True
    assert last["records"][1]["Contacts"] is None


async def test_a_locator_lives_two_days(
    api: httpx.AsyncClient, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Facts §3: locators live about two days."""
    await make(api, "Contact", *([{"LastName": "x"}] * 201))
    headers = {"Sforce-Query-Options": "batchSize=200"}
    page = await ask(api, "SELECT Id FROM Contact", **headers)
    now = server.org.now()
    monkeypatch.setattr(server.org, "now", lambda: now + LIFE - timedelta(minutes=1))
    queries = Queries(server.org, server.identity.user_id, "59.0")
    locator = page["nextRecordsUrl"].rpartition("/")[2]
    assert queries.more(locator)["records"]
    monkeypatch.setattr(server.org, "now", lambda: now + LIFE + timedelta(minutes=1))
    with pytest.raises(Exception, match="INVALID_QUERY_LOCATOR"):
        queries.more(locator)


async def test_scopes_are_mine_and_those_i_saw_last(api: httpx.AsyncClient) -> None:
    """Facts §3: USING SCOPE; FOR VIEW puts a record among the recently seen."""
    [mine] = await make(api, "Account", {"Name": "Scope"})
    start = "SELECT Name FROM Account USING SCOPE"
    assert ["Scope"] in await rows(api, f"{start} mine")
    assert await rows(api, f"{start} mru") == []
    await ask(api, f"SELECT Id FROM Account WHERE Id = '{mine}' FOR VIEW")  # noqa: S608 - SOQL
    assert await rows(api, f"{start} MRU") == [["Scope"]]


async def test_more_groups_than_a_page_are_refused(api: httpx.AsyncClient) -> None:
    """Facts §3: a grouped query has no second page."""
    people = [{"LastName": f"group {n}"} for n in range(2001)]
    await make(api, "Contact", *people)
    text = "SELECT LastName FROM Contact GROUP BY LastName"
    answer = await api.get("query", params={"q": text})
    assert answer.json()[0]["errorCode"] == "EXCEEDED_ID_LIMIT"
    assert len((await ask(api, f"{text} LIMIT 2000"))["records"]) == 2000


async def test_values_are_written_for_people_when_asked(api: httpx.AsyncClient) -> None:
    """Facts §3: FORMAT(), with an alias beside the value itself."""
    body = {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-05-09", "Amount": 1234.5}
    await make(api, "Opportunity", body)
    names = "Amount, FORMAT(Amount) a, FORMAT(CloseDate) d, FORMAT(CreatedDate) t"
    text = f"SELECT {names} FROM Opportunity WHERE Name = 'Deal'"  # noqa: S608 - SOQL
    [found] = await rows(api, text)
    assert found == [1234.5, "$1,234.50", "5/9/2026", "5/1/2026, 7:25 AM"]
    text = "SELECT FORMAT(MAX(Amount)) m FROM Opportunity WHERE Name = 'Deal'"
    assert await rows(api, text) == [["$1,234.50"]]


async def test_distances_are_in_miles_or_kilometres(api: httpx.AsyncClient) -> None:
    """Facts §3: DISTANCE to a given place; a record without a place is never near."""
    contact = (await make(api, "Contact", {"LastName": "x"}))[0]
    body = {"Contact__c": contact, **await required(api)}
    place = {"Place__Latitude__s": 51.5074, "Place__Longitude__s": -0.1278}
    await make(api, "Care_Plan__c", {**body, **place, "Plan_Key__c": "london"})
    distance = "DISTANCE(Place__c, GEOLOCATION(48.8566, 2.3522), '{}')"
    km, mi = distance.format("km"), distance.format("mi")
    text = f"SELECT {km} k, {mi} m FROM Care_Plan__c WHERE {km} < 400 AND Plan_Key__c = 'london'"  # noqa: S608 - SOQL
    [[kilometres, miles]] = await rows(api, text)
    assert kilometres == pytest.approx(343.6, abs=1)
    assert miles == pytest.approx(213.5, abs=1)
