"""SOSL over HTTP: which records words find, and what is refused."""

from typing import Any

import httpx
import pytest

BASE = "http://org.test/services/data/"


async def found(api: httpx.AsyncClient, sosl: str) -> list[dict[str, Any]]:
    answer = await api.get("search", params={"q": sosl})
    assert answer.status_code == 200, answer.text
    records: list[dict[str, Any]] = answer.json()["searchRecords"]
    return records


async def names(api: httpx.AsyncClient, term: str, group: str = "ALL") -> list[str]:
    returning = "Contact(LastName WHERE Department = 'Sosl' ORDER BY LastName)"
    rows = await found(api, f"FIND {{{term}}} IN {group} FIELDS RETURNING {returning}")
    return [one["LastName"] for one in rows]


@pytest.fixture
async def people(api: httpx.AsyncClient) -> list[str]:
    rows: list[dict[str, Any]] = [
        {"LastName": "Adler", "Phone": "(415) 555-1212", "Title": "Night nurse of the ward"},
        {"LastName": "Bähr-O'Hara", "MobilePhone": "+14155559999", "Title": "Nurse"},
        {
            "LastName": "Cole",
            "Email": "night.owl@firm.example",
            "Description": "ward nurse, retired",
        },
    ]
    kind = {"attributes": {"type": "Contact"}, "Department": "Sosl"}
    answer = await api.post("composite/sobjects", json={"records": [{**kind, **r} for r in rows]})
    return [one["id"] for one in answer.json()]


@pytest.mark.usefixtures("people")
async def test_words_phrases_wildcards_and_operators(api: httpx.AsyncClient) -> None:
    """Facts §4: tokens in any letter case, AND unless told, AND NOT, OR last, escapes."""
    for term, expected in {
        "NURSE": ["Adler", "Bähr-O'Hara", "Cole"],
        "nurse ward": ["Adler", "Cole"],
        '"ward nurse"': ["Cole"],
        '"nurse sosl"': [],
        "nurse AND NOT ward": ["Bähr-O'Hara"],
        "cole OR adler AND nurse": ["Adler", "Cole"],
        "(cole OR adler) AND night": ["Adler", "Cole"],
        "(cole OR adler) AND retired": ["Cole"],
        "nur*": ["Adler", "Bähr-O'Hara", "Cole"],
        "n*se ret?red": ["Cole"],
        "urse": [],
        "b\\u00e4hr": [],
        "bähr\\-o\\'hara": ["Bähr-O'Hara"],
        "BAHR": ["Bähr-O'Hara"],
        "night.owl@firm.example": ["Cole"],
    }.items():
        assert await names(api, term) == expected, term


@pytest.mark.usefixtures("people")
async def test_a_group_of_fields_narrows_the_search(api: httpx.AsyncClient) -> None:
    """Facts §4: IN NAME, EMAIL, PHONE, SIDEBAR FIELDS; phones by digits as people type them."""
    assert await names(api, "night", "NAME") == []
    assert await names(api, "night", "EMAIL") == ["Cole"]
    assert await names(api, "night", "SIDEBAR") == ["Adler", "Cole"]
    for term in ("4155551212", "(415) 555\\-1212", "415.555.1212", "555 1212", "1212"):
        assert await names(api, term, "PHONE") == ["Adler"], term
    for term in ("415-555-9999", "\\+1 415 555 9999", "14155559999"):
        assert await names(api, term, "PHONE") == ["Bähr-O'Hara"], term


async def test_the_index_follows_every_change(api: httpx.AsyncClient, people: list[str]) -> None:
    """Facts §4: what is written is found, what is deleted is not."""
    assert await names(api, "adler") == ["Adler"]
    await api.patch(f"sobjects/Contact/{people[0]}", json={"LastName": "Zander"})
    assert (await names(api, "adler"), await names(api, "zander")) == ([], ["Zander"])
    await api.delete(f"sobjects/Contact/{people[0]}")
    assert await names(api, "zander") == []
    body = {"LastName": "Young", "Department": "Sosl"}
    await api.post("sobjects/Contact", json=body)
    assert await names(api, "young") == ["Young"]


@pytest.mark.usefixtures("people")
async def test_what_is_returned(api: httpx.AsyncClient) -> None:
    """Facts §4: ids alone unless fields are named; object by object; METADATA; before v37."""
    [cole] = await found(api, "FIND {night.owl@firm.example}")
    assert list(cole) == ["attributes", "Id"]
    rows = await found(api, "FIND {nurse} RETURNING Lead, Contact(Name LIMIT 1), Account LIMIT 5")
    assert [list(one) for one in rows] == [["attributes", "Name"]]
    text = "FIND {cole} RETURNING Contact(toLabel(LeadSource), LastName) WITH METADATA = 'LABELS'"
    answer = (await api.get("search", params={"q": text})).json()
    assert answer["metadata"]["entityMetadata"][0]["entityName"] == "Contact"
    old = await api.get(f"{BASE}v36.0/search", params={"q": "FIND {adler}"})
    assert isinstance(old.json(), list)


async def test_rows_have_a_most(api: httpx.AsyncClient) -> None:
    """Facts §4: 250 of one object without WHERE or ORDER BY, shared among several."""
    kind = {"attributes": {"type": "Contact"}, "LastName": "Multitude"}
    for _ in range(2):
        await api.post("composite/sobjects", json={"records": [kind] * 200})
    assert len(await found(api, "FIND {multitude} RETURNING Contact")) == 250
    assert len(await found(api, "FIND {multitude} RETURNING Contact(Id ORDER BY Name)")) == 400
    assert len(await found(api, "FIND {multitude} RETURNING Contact(Id LIMIT 300)")) == 300
    assert len(await found(api, "FIND {multitude} RETURNING Contact LIMIT 7")) == 7
    some = "FIND {multitude} RETURNING Contact(Id LIMIT 300 OFFSET 390)"
    assert len(await found(api, some)) == 10
    assert await found(api, f"FIND {{multitude OR {'x' * 10_000}}}") == []


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("FIND 'x'", "MALFORMED_SEARCH", "No search term found. The search term must be enclosed"),
        ("FIND {}", "MALFORMED_SEARCH", "No search term found."),
        ("FIND {a}", "MALFORMED_SEARCH", "search term must be longer than one character"),
        ("FIND {a*}", "MALFORMED_SEARCH", "search term must be longer than one character"),
        ('FIND {"ab}', "MALFORMED_SEARCH", "unexpected token"),
        ("FIND {ab AND}", "MALFORMED_SEARCH", "unexpected token"),
        ("FIND {(ab}", "MALFORMED_SEARCH", "unexpected token"),
        ("FIND {ab} IN SOME FIELDS", "MALFORMED_SEARCH", "Column:13\nMalformed search token: SOME"),
        ("FIND {ab|cd}", "MALFORMED_SEARCH", "line 1:8 mismatched character '|' expecting '}'"),
        ("FIND {ab} RETURNING Contact(WHERE Id = null)", "MALFORMED_SEARCH", "'WHERE'"),
        ("FIND {ab} RETURNING Contact(Id OFFSET 1), Lead", "MALFORMED_SEARCH", "OFFSET"),
        ("FIND {ab} RETURNING Contact(Id OFFSET 2001)", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
        ("FIND {ab} RETURNING Contact(Nope)", "INVALID_FIELD", "No such column 'Nope'"),
        ("FIND {ab} RETURNING Contact(Name n)", "MALFORMED_SEARCH", "field aliasing"),
        ("FIND {ab} RETURNING Account(Id, (SELECT Id FROM Contacts))", "MALFORMED_SEARCH", "'('"),
        ("FIND {ab} RETURNING Nope", "INVALID_TYPE", "is not supported"),
        ("FIND {ab} RETURNING RecordType", "INVALID_TYPE", "does not support search"),
        ("FIND {ab} WITH DATA CATEGORY A__c AT b__c", "FUNCTIONALITY_NOT_ENABLED", "CATEGORY"),
        ("FIND {ab} WITH DIVISION = 'x'", "FUNCTIONALITY_NOT_ENABLED", "DIVISION"),
        ("FIND {ab} RETURNING Contact(Id USING ListView=All)", "FUNCTIONALITY_NOT_ENABLED", "List"),
    ],
)
async def test_what_is_wrong_is_said(
    api: httpx.AsyncClient, text: str, code: str, part: str
) -> None:
    """Facts §2 and §4: the codes and their messages."""
    answer = await api.get("search", params={"q": text})
    assert answer.status_code == 400
    [error] = answer.json()
    assert (error["errorCode"], part in error["message"]) == (code, True), error


@pytest.mark.usefixtures("people")
async def test_a_search_by_parameters(api: httpx.AsyncClient) -> None:
    """Facts §4: parameterizedSearch, by GET with repeated objects and by POST."""
    query = "q=nurse&sobject=Contact&sobject=Lead&Contact.fields=LastName&in=ALL"
    rest = "Contact.where=Department%20%3D%20'Sosl'&Contact.limit=2&Contact.orderBy=LastName"
    rows = (await api.get(f"parameterizedSearch?{query}&{rest}")).json()["searchRecords"]
    assert [one["LastName"] for one in rows] == ["Adler", "Bähr-O'Hara"]
    body = {
        "q": "4155551212",
        "in": "PHONE",
        "fields": ["id", "phone"],
        "sobjects": [{"name": "Contact"}, {"name": "Account", "fields": ["name"], "limit": 5}],
        "overallLimit": 1,
    }
    [row] = (await api.post("parameterizedSearch", json=body)).json()["searchRecords"]
    assert row["Phone"] == "(415) 555-1212"
    for wrong in (
        {},
        {"q": "a"},
        {"q": "ab", "sobjects": [{"name": "Contact", "where": "Name ="}]},
    ):
        refused = await api.post("parameterizedSearch", json=wrong)
        assert refused.json()[0]["errorCode"] == "MALFORMED_SEARCH"


async def test_a_statement_is_explained(api: httpx.AsyncClient) -> None:
    """An index where the first condition has one, the whole table otherwise; unverified."""
    text = "SELECT Id FROM Contact WHERE Email = 'x@example.com'"
    plans = (await api.get("query", params={"explain": text})).json()["plans"]
    assert [one["leadingOperationType"] for one in plans] == ["Index", "TableScan"]
    assert (plans[0]["fields"], plans[0]["cardinality"]) == (["Email"], 0)
    assert plans[0]["sobjectCardinality"] >= 30
