"""Facts §4: SOSL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .asking import Asking

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
Names = Callable[[], str]
People = dict[str, str]


@pytest.fixture(scope="module")
def people(ask: Asking) -> People:
    """Contacts with words nobody else has."""
    told = {
        "ann": {"FirstName": "Annqq", "LastName": "Zweiglein", "Email": "zweigmail@example.com"},
        "bob": {"FirstName": "Bobqq", "LastName": "Zweiglein-Quarz", "Phone": "(415) 555-7316"},
        "cy": {"FirstName": "Cyqq", "LastName": "O'Quarzel"},
    }
    return {key: ask.create("Contact", **fields) for key, fields in told.items()}


def found(ask: Asking, people: People, sosl: str) -> str:
    """Return which of the people were found, by their keys."""
    ids = [row["Id"] for row in ask.search(sosl)]
    return " ".join(key for key, value in people.items() if value in ids)


@fact("F4.1", "F4.4", "F4.5", "F4.14")
@pytest.mark.parametrize(
    ("term", "who"),
    [
        ("Zweiglein", "ann bob"),
        ("zweigLEIN", "ann bob"),
        ("Zweigl*", "ann bob"),
        ("Zwe?glein", "ann bob"),
        ("weiglein", ""),
        ("Annqq Zweiglein", "ann"),
        ("Zweiglein AND Bobqq", "bob"),
        ("Annqq OR Cyqq", "ann cy"),
        ("Zweiglein AND NOT Bobqq", "ann"),
        ('"Annqq Zweiglein"', "ann"),
        ('"Zweiglein Annqq"', ""),
    ],
)
def test_terms(ask: Asking, people: People, term: str, who: str) -> None:
    assert found(ask, people, f"FIND {{{term}}} IN ALL FIELDS RETURNING Contact(Id)") == who


@fact("F4.1")
@pytest.mark.parametrize(
    ("group", "term", "who"),
    [
        ("NAME", "Zweiglein", "ann bob"),
        ("NAME", "zweigmail@example.com", ""),
        ("EMAIL", "zweigmail@example.com", "ann"),
        ("PHONE", "4155557316", "bob"),
        ("ALL", "zweigmail@example.com", "ann"),
        ("SIDEBAR", "Zweiglein", "ann bob"),
    ],
)
def test_groups_of_fields(ask: Asking, people: People, group: str, term: str, who: str) -> None:
    escaped = term.replace("-", r"\-")
    sosl = f"FIND {{{escaped}}} IN {group} FIELDS RETURNING Contact(Id)"
    assert found(ask, people, sosl) == who


@fact("F4.1", "F4.12", "F4.16")
def test_what_is_returned(ask: Asking, people: People) -> None:
    [bare] = [row for row in ask.search("FIND {Annqq}") if row["attributes"]["type"] == "Contact"]
    assert set(bare) == {"attributes", "Id"}
    fields = "Contact(FirstName, LastName WHERE LastName LIKE 'Zweig%' ORDER BY FirstName DESC"
    rows = ask.search(f"FIND {{Zweiglein}} RETURNING {fields} LIMIT 1), Lead(Id)")
    assert [row["FirstName"] for row in rows] == ["Bobqq"]
    both = ask.search(f"FIND {{Zweiglein}} RETURNING {fields})")
    assert [row["FirstName"] for row in both] == ["Bobqq", "Annqq"]
    rest = ask.search(f"FIND {{Zweiglein}} RETURNING {fields} LIMIT 1 OFFSET 1)")
    assert [row["FirstName"] for row in rest] == ["Annqq"]
    assert len(ask.search("FIND {Zweiglein} RETURNING Contact(Id) LIMIT 1")) == 1
    wrong = "FIND {Zweiglein} RETURNING Contact(WHERE LastName = 'x')"
    assert ask.refused("GET", "search", params={"q": wrong}).status == 400
    assert people


@fact("F4.2")
@pytest.mark.parametrize(
    "end",
    ["WITH METADATA='LABELS'", "WITH HIGHLIGHT", "WITH SNIPPET", "WITH SPELL_CORRECTION = false"],
)
def test_what_may_follow(ask: Asking, people: People, end: str) -> None:
    del people
    answer = ask.send("GET", "search", params={"q": f"FIND {{Annqq}} RETURNING Contact(Id) {end}"})
    if answer.status_code != 200:
        assert answer.json()[0]["errorCode"] != "MALFORMED_SEARCH"


@fact("F4.3")
@pytest.mark.parametrize("letter", list("?&|!{}[]()^~*:\\\"'+-"))
def test_reserved_letters_are_escaped(ask: Asking, people: People, letter: str) -> None:
    assert ask.search(f"FIND {{nothing\\{letter}here}} RETURNING Contact(Id)") == []
    assert found(ask, people, r"FIND {O\'Quarzel} RETURNING Contact(Id)") == "cy"
    assert found(ask, people, r"FIND {Zweiglein\-Quarz} RETURNING Contact(Id)") == "bob"


@fact("F4.6")
def test_long_terms_find_nothing(ask: Asking, people: People) -> None:
    del people
    term = f"Annqq OR {'x' * 10_000}"
    assert ask.search(f"FIND {{{term}}} RETURNING Contact(Id)") == []


@fact("F4.8")
def test_rows_have_a_most(ask: Asking, name: Names) -> None:
    mark = name()
    for _ in range(11):
        record = {"attributes": {"type": "Lead"}, "LastName": mark, "Company": "Many"}
        ask.create_all([record] * 200)
    limited = f"FIND {{{mark}}} RETURNING Lead(Id WHERE Company = 'Many')"
    assert len(ask.search(limited)) <= 2000
    assert len(ask.search(f"FIND {{{mark}}} RETURNING Lead(Id) LIMIT 7")) == 7


@fact("F4.10", "F4.11", "F4.19")
@pytest.mark.parametrize(
    ("sosl", "text"),
    [
        ("FIND nothing", "No search term found. The search term must be enclosed in braces."),
        ("FIND {a}", "search term must be longer than one character"),
        ("FIND {Annqq} RETURNING Contact(Id OFFSET 2001)", ""),
        ("FIND {Annqq} RETURNING Contact(Id OFFSET 1), Lead(Id)", ""),
        ("FIND {Annqq} RETURNING Nothing(Id)", ""),
    ],
)
def test_what_cannot_be_searched(ask: Asking, sosl: str, text: str) -> None:
    told = ask.refused("GET", "search", params={"q": sosl})
    assert told.status == 400
    assert text in told.message
    if sosl == "FIND nothing":
        assert told.code == "MALFORMED_SEARCH"


@fact("F4.15")
def test_the_answer_s_form_depends_on_the_version(ask: Asking, people: People) -> None:
    asked = {"q": "FIND {Annqq} RETURNING Contact(Id)"}
    old: Any = ask.at("36.0").get("search", params=asked)
    new: Any = ask.at("37.0").get("search", params=asked)
    assert [row["Id"] for row in old] == [people["ann"]]
    [row] = new["searchRecords"]
    assert row["attributes"]["type"] == "Contact"
    assert row["attributes"]["url"].endswith(f"sobjects/Contact/{people['ann']}")


@fact("F4.17")
def test_a_search_by_parameters(ask: Asking, people: People) -> None:
    asked = {
        "q": "Zweiglein",
        "sobject": "Contact",
        "Contact.fields": "Id,FirstName",
        "Contact.where": "FirstName = 'Annqq'",
        "Contact.limit": "5",
        "in": "NAME",
        "overallLimit": "10",
        "defaultLimit": "10",
    }
    [row] = ask.get("parameterizedSearch", params=asked)["searchRecords"]
    assert (row["Id"], row["FirstName"]) == (people["ann"], "Annqq")


@fact("F4.18")
def test_a_search_by_a_body(ask: Asking, people: People) -> None:
    contact = {"name": "Contact", "fields": ["Id", "FirstName"], "limit": 5}
    contact |= {"where": "LastName LIKE 'Zweig%'", "orderBy": "FirstName DESC"}
    body = {"q": "Zweiglein", "in": "NAME", "sobjects": [contact], "overallLimit": 10}
    rows = ask.post("parameterizedSearch", body)["searchRecords"]
    assert [row["FirstName"] for row in rows] == ["Bobqq", "Annqq"]
    assert {row["Id"] for row in rows} == {people["ann"], people["bob"]}
    assert ask.post("parameterizedSearch", {"q": "nobodyqq"}) == {"searchRecords": []}
