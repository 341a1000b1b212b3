"""SOQL over HTTP: what it selects and what it refuses."""

from typing import Any

import httpx
import pytest


async def ask(api: httpx.AsyncClient, text: str, resource: str = "query") -> Any:  # noqa: ANN401 - JSON
    return (await api.get(resource, params={"q": text})).json()


async def names(api: httpx.AsyncClient, rest: str) -> list[str]:
    start = "SELECT LastName FROM Contact WHERE Department = 'Test'"
    found = await ask(api, f"{start} {rest}")
    return [one["LastName"] for one in found["records"]]


@pytest.fixture
async def people(api: httpx.AsyncClient) -> None:
    rows: list[dict[str, Any]] = [
        {"LastName": "Anna", "Title": "Chief", "Email": "Mixed.Case@example.com"},
        {"LastName": "Bert", "Title": "50%_off", "Birthdate": "1980-05-17"},
        {"LastName": "Cleo", "DoNotCall": True},
        {"LastName": "D'Arc", "Title": "back\\slash"},
    ]
    kind = {"attributes": {"type": "Contact"}, "Department": "Test"}
    answer = await api.post("composite/sobjects", json={"records": [{**kind, **r} for r in rows]})
    assert all(one["success"] for one in answer.json())


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("AND Email = 'mixed.case@EXAMPLE.com'", ["Anna"]),
        ("AND Title != 'chief' ORDER BY LastName", ["Bert", "Cleo", "D'Arc"]),
        ("AND Title NOT IN ('chief', 'x') ORDER BY LastName", ["Bert", "Cleo", "D'Arc"]),
        ("AND NOT (Title = 'chief' OR Title LIKE 'b%') ORDER BY LastName", ["Bert", "Cleo"]),
        ("AND Title = null", ["Cleo"]),
        ("AND Title IN ('CHIEF', null) ORDER BY LastName", ["Anna", "Cleo"]),
        ("AND Title LIKE '50\\%\\_%'", ["Bert"]),
        ("AND Title LIKE '%k\\\\s%'", ["D'Arc"]),
        ("AND LastName = 'D\\'Arc'", ["D'Arc"]),
        ("AND LastName = '\\u0041nna'", ["Anna"]),
        ("AND DoNotCall = true", ["Cleo"]),
        ("AND Birthdate > 1980-05-16", ["Bert"]),
        ("AND CreatedDate = TODAY ORDER BY LastName DESC LIMIT 1 OFFSET 1", ["Cleo"]),
        ("AND CreatedDate > 2026-05-01T09:25:36+02:00 ORDER BY LastName LIMIT 1", ["Anna"]),
        ("AND CreatedDate > 2026-05-01T07:25:37.001Z", []),
        ("ORDER BY Title", ["Cleo", "Bert", "D'Arc", "Anna"]),
        ("ORDER BY Title ASC NULLS LAST", ["Bert", "D'Arc", "Anna", "Cleo"]),
        ("ORDER BY Title DESC", ["Cleo", "Anna", "D'Arc", "Bert"]),
    ],
)
async def test_a_condition_finds(api: httpx.AsyncClient, rest: str, expected: list[str]) -> None:
    """Facts §3: escapes, letter case, nulls, dates, order."""
    assert await names(api, rest) == expected


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("select count() from XYZZY", "INVALID_TYPE", "ERROR at Row:1:Column:21\nsObject type"),
        ("SELECT Id, FullName FROM Account", "INVALID_FIELD", "No such column 'FullName' on ent"),
        ("SELECT Id FRM Account", "MALFORMED_QUERY", "unexpected token: "),
        ("SELECT Id FROM Account LIMIT -1", "MALFORMED_QUERY", "unexpected token: '-1'"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
        ("SELECT MAX(Name) FROM Account LIMIT 1", "MALFORMED_QUERY", "LIMIT"),
        ("SELECT FIELDS(ALL) FROM Account LIMIT 201", "MALFORMED_QUERY", "LIMIT of at most 200"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD", "enclosed in quotes"),
        ("SELECT Id FROM Account WHERE CreatedDate > '2026'", "INVALID_FIELD", "dateTime"),
        ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered"),
        ("SELECT Id FROM Account WHERE Name = 'a\\q'", "MALFORMED_QUERY", "illegal character"),
        ("SELECT Id FROM Account WHERE Name = 'a\\_'", "MALFORMED_QUERY", "illegal character"),
        ("SELECT Id FROM Account WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID"),
        ("SELECT Nope.Name FROM Contact", "INVALID_FIELD", "Didn't understand relationship"),
        ("SELECT Id, Id FROM Contact", "MALFORMED_QUERY", "duplicate field selected"),
        ("", "MALFORMED_QUERY", "A query string has to be specified"),
    ],
)
async def test_what_is_wrong_is_said(
    api: httpx.AsyncClient, text: str, code: str, part: str
) -> None:
    """Facts §2 and §3: the codes, and the place as row and column."""
    answer = await api.get("query", params={"q": text})
    assert answer.status_code == 400
    [error] = answer.json()
    assert error["errorCode"] == code
    assert part in error["message"]


async def test_counts_and_sums_have_their_shapes(api: httpx.AsyncClient) -> None:
    """Facts §3: COUNT() answers no records, COUNT(Id) an AggregateResult without url."""
    assert await ask(api, "SELECT COUNT() FROM Lead") == {
        "totalSize": 20,
        "done": True,
        "records": [],
    }
    assert (await ask(api, "SELECT COUNT() FROM Lead LIMIT 7"))["totalSize"] == 7
    summed = await ask(api, "SELECT COUNT(Id), MAX(Name) top FROM Lead")
    [record] = summed["records"]
    assert record["attributes"] == {"type": "AggregateResult"}
    assert record["expr0"] == 20
    assert isinstance(record["top"], str)
    grouped = await ask(api, "SELECT Status, COUNT(Id) n FROM Lead GROUP BY Status")
    assert sum(one["n"] for one in grouped["records"]) == 20


async def test_parents_and_children_are_nested(api: httpx.AsyncClient) -> None:
    """Facts §3: parents nest with attributes, no parent is null, no children are null."""
    made = (await api.post("sobjects/Account", json={"Name": "Acme"})).json()["id"]
    selected = "Name, Owner.Name, (SELECT Id FROM Contacts)"
    text = f"SELECT {selected} FROM Account WHERE Id = '{made}'"  # noqa: S608 - SOQL
    [account] = (await ask(api, text))["records"]
    assert account["Owner"]["attributes"]["type"] == "User"
    assert account["Contacts"] is None
    body = {"LastName": "Kid", "AccountId": made}
    kid = (await api.post("sobjects/Contact", json=body)).json()["id"]
    [account] = (await ask(api, text))["records"]
    assert [one["Id"] for one in account["Contacts"]["records"]] == [kid]
    orphan = "SELECT Account.Name FROM Contact WHERE AccountId = null LIMIT 1"
    await api.post("sobjects/Contact", json={"LastName": "Orphan"})
    [contact] = (await ask(api, orphan))["records"]
    assert contact["Account"] is None


async def test_a_queue_may_own_a_lead(api: httpx.AsyncClient) -> None:
    """Facts §2: an owner is of either kind; its address says which."""
    text = "SELECT Owner.Name FROM Lead WHERE OwnerId IN (SELECT Id FROM Group) LIMIT 1"
    [lead] = (await ask(api, text))["records"]
    assert "/sobjects/Group/00G" in lead["Owner"]["attributes"]["url"]
    assert lead["Owner"]["Name"] == "Lead Queue"


async def test_pages_follow_by_locator_until_done(api: httpx.AsyncClient) -> None:
    """Facts §3: totalSize on each page, nextRecordsUrl a path, the last page has none."""
    kind = {"attributes": {"type": "Contact"}, "Department": "Pages"}
    for start in (0, 200):
        records = [{**kind, "LastName": f"L{start + n:03d}"} for n in range(200)]
        await api.post("composite/sobjects", json={"records": records})
    text = "SELECT LastName FROM Contact WHERE Department = 'Pages' ORDER BY LastName"
    headers = {"Sforce-Query-Options": "batchSize=250"}
    first = (await api.get("query", params={"q": text}, headers=headers)).json()
    assert list(first) == ["totalSize", "done", "nextRecordsUrl", "records"]
    assert (first["totalSize"], first["done"], len(first["records"])) == (400, False, 250)
    assert first["nextRecordsUrl"].startswith("/services/data/v59.0/query/0r8")
    assert first["nextRecordsUrl"].endswith("-250")
    last = (await api.get("http://org.test" + first["nextRecordsUrl"])).json()
    assert (last["totalSize"], last["done"], len(last["records"])) == (400, True, 150)
    assert "nextRecordsUrl" not in last
    both = [one["LastName"] for one in first["records"] + last["records"]]
    assert both == sorted(set(both))


async def test_a_user_has_ten_cursors_and_the_oldest_goes(api: httpx.AsyncClient) -> None:
    """Facts §3: up to 10 open cursors a user; INVALID_QUERY_LOCATOR."""
    kind = {"attributes": {"type": "Contact"}, "LastName": "x"}
    for _ in range(2):
        await api.post("composite/sobjects", json={"records": [kind] * 200})
    headers = {"Sforce-Query-Options": "batchSize=200"}
    pages = []
    for _ in range(11):
        page = await api.get("query", params={"q": "SELECT Id FROM Contact"}, headers=headers)
        pages.append(page.json()["nextRecordsUrl"])
    gone = await api.get("http://org.test" + pages[0])
    assert gone.status_code == 400
    assert gone.json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
    assert (await api.get("http://org.test" + pages[1])).status_code == 200


async def test_deleted_records_are_in_query_all_alone(api: httpx.AsyncClient) -> None:
    """Facts §10: queryAll shows IsDeleted rows."""
    made = (await api.post("sobjects/Contact", json={"LastName": "Gone"})).json()["id"]
    await api.delete(f"sobjects/Contact/{made}")
    text = f"SELECT Id, IsDeleted FROM Contact WHERE Id = '{made[:15]}'"  # noqa: S608 - SOQL
    assert (await ask(api, text))["totalSize"] == 0
    [record] = (await ask(api, text, "queryAll"))["records"]
    assert record["IsDeleted"] is True


async def test_a_statement_too_deep_or_too_long_is_too_complicated(api: httpx.AsyncClient) -> None:
    """Facts §3: QUERY_TOO_COMPLICATED; strings take 4,000 characters."""
    start = "SELECT Id FROM Lead WHERE"
    for condition in ("NOT (" * 900 + "Name = 'x'" + ")" * 900, "Name = '" + "x" * 4001 + "'"):
        answer = await api.get("query", params={"q": f"{start} {condition}"})
        assert answer.status_code == 400
        assert answer.json()[0]["errorCode"] == "QUERY_TOO_COMPLICATED"
    ors = " OR ".join(f"Name = 'n{n}'" for n in range(400))
    assert (await ask(api, f"{start} {ors}"))["totalSize"] == 0
