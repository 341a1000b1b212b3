"""Facts §3: what a query may say, and what it may not."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from .asking import Asking

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact


def case(number: str, soql: str, code: str = "MALFORMED_QUERY") -> object:
    return pytest.param(soql, code, marks=fact(number), id=f"{number} {soql[:40]}")


REFUSED = [
    case("F2.17", "SELECT Id FORM Contact"),
    case("F2.21", "SELECT Id FROM Contact WHERE LastName > 5", "INVALID_FIELD"),
    case("F2.21", "SELECT Id FROM Contact WHERE Id LIKE '003%'", "INVALID_QUERY_FILTER_OPERATOR"),
    case("F3.4", "SELECT Account.Parent.Parent.Parent.Parent.Parent.Name FROM Contact"),
    case("F3.5", f"SELECT Id{', (SELECT Id FROM Contacts)' * 21} FROM Account"),  # noqa: S608 - SOQL
    case("F3.17", "SELECT MAX(CreatedDate) FROM Contact LIMIT 1"),
    case("F3.18", "SELECT Id FROM Contact WHERE AccountId IN (SELECT Id FROM Account LIMIT 5)"),
    case("F3.18", "SELECT Id FROM Contact LIMIT -1"),
    case("F3.19", "SELECT Id FROM Contact OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
    case("F3.20", "SELECT Id, (SELECT Id FROM Contacts OFFSET 1) FROM Account LIMIT 2"),
    case("F3.27", "SELECT FIELDS(ALL) FROM Contact"),
    case("F3.27", "SELECT FIELDS(ALL) FROM Contact LIMIT 201"),
    case("F3.27", "SELECT FIELDS(CUSTOM) FROM Contact"),
    case("F3.33", "SELECT Id FROM Contact ALL ROWS"),
    case("F3.34", "SELECT Id FROM Contact LIMIT 1 WHERE LastName = 'x'"),
    case("F3.34", "SELECT Id FROM Contact OFFSET 1 LIMIT 1"),
    case("F3.36", r"SELECT Id FROM Contact WHERE LastName = 'a\qb'"),
    case("F3.36", r"SELECT Id FROM Contact WHERE LastName = 'a\_b'"),
    case("F3.37", 'SELECT Id FROM Contact WHERE LastName = "x"'),
    case(
        "F3.39",
        "SELECT Id FROM Contact WHERE CreatedDate > '2026-01-01T00:00:00Z'",
        "INVALID_FIELD",
    ),
]

TAKEN = [
    case("F3.4", "SELECT Account.Parent.Parent.Parent.Parent.Name FROM Contact LIMIT 1"),
    case("F3.19", "SELECT Id FROM Contact ORDER BY Id LIMIT 1 OFFSET 2000"),
    case("F3.20", "SELECT Id, (SELECT Id FROM Contacts LIMIT 1 OFFSET 1) FROM Account LIMIT 1"),
    case(
        "F3.24", "SELECT AccountId, COUNT(Id) FROM Contact GROUP BY AccountId HAVING COUNT(Id) > 1"
    ),
    case("F3.27", "SELECT FIELDS(ALL) FROM Contact LIMIT 200"),
    case("F3.27", "SELECT FIELDS(CUSTOM) FROM Contact LIMIT 1"),
    case("F3.28", "SELECT FIELDS(STANDARD) FROM Contact"),
    case("F3.31", "SELECT Id FROM Contact WITH SECURITY_ENFORCED LIMIT 1"),
    case("F3.31", "SELECT Id FROM Contact WITH USER_MODE LIMIT 1"),
    case("F3.31", "SELECT Id FROM Contact WITH SYSTEM_MODE LIMIT 1"),
    case("F3.36", r"SELECT Id FROM Contact WHERE LastName = '\n\N\r\R\t\T\b\B\f\F\"\'\\\u00e9'"),
    case("F3.36", r"SELECT Id FROM Contact WHERE LastName LIKE 'a\_b\%'"),
    case("F3.39", "SELECT Id FROM Contact WHERE CreatedDate > 2026-01-01T00:00:00+01:00"),
    case("F3.39", "SELECT Id FROM Contact WHERE CreatedDate > 2026-01-01T00:00:00.123Z"),
    case("F3.46", "SELECT Id FROM Contact WHERE Email = null AND Phone != null"),
    *(
        case("F3.30", f"SELECT Id FROM Contact USING SCOPE {scope} LIMIT 1")  # noqa: S608 - SOQL
        for scope in ("everything", "mine")
    ),
    *(
        case("F3.40", f"SELECT Id FROM Contact WHERE CreatedDate = {literal} LIMIT 1")  # noqa: S608 - SOQL
        for literal in (
            *("YESTERDAY", "TODAY", "TOMORROW", "LAST_90_DAYS", "NEXT_90_DAYS"),
            *(
                f"{when}_{unit}"
                for when in ("LAST", "THIS", "NEXT")
                for unit in ("WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR")
            ),
        )
    ),
    *(
        case("F3.41", f"SELECT Id FROM Contact WHERE CreatedDate < {literal} LIMIT 1")  # noqa: S608 - SOQL
        for literal in (
            *(
                f"{when}_N_{unit}S:3"
                for when in ("LAST", "NEXT")
                for unit in ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_YEAR")
            ),
            *(f"N_{unit}S_AGO:3" for unit in ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")),
        )
    ),
]


@pytest.mark.parametrize(("soql", "code"), REFUSED)
def test_what_no_query_may_say(ask: Asking, soql: str, code: str) -> None:
    answer = ask.send("POST", "composite", json=in_composite(ask, soql)).json()
    told = answer["compositeResponse"][0]
    assert (told["httpStatusCode"], told["body"][0]["errorCode"]) == (400, code)


@fact("F3.3")
@pytest.mark.parametrize(("soql", "code"), TAKEN)
def test_what_a_query_may_say(ask: Asking, soql: str, code: str) -> None:
    del code
    answer = ask.send("POST", "composite", json=in_composite(ask, soql)).json()
    told = answer["compositeResponse"][0]
    assert told["httpStatusCode"] == 200, told["body"]
    assert "records" in told["body"]


def in_composite(ask: Asking, soql: str) -> dict[str, object]:
    """Put the query in a body: some are too long for an address."""
    path = f"{ask.url('query')}?q={quote(soql, safe='')}"
    return {"compositeRequest": [{"method": "GET", "url": path, "referenceId": "q"}]}


@fact("F2.18")
def test_a_field_nobody_has_is_pointed_at(ask: Asking) -> None:
    told = ask.no_query("SELECT Id, FullName FROM Contact")
    assert (told.status, told.code) == (400, "INVALID_FIELD")
    first, line, caret, place, *_ = told.message.split("\n")
    assert (first, line) == ("", "SELECT Id, FullName FROM Contact")
    assert caret.strip() == "^"
    assert place.startswith("ERROR at Row:1:Column:")
    assert "No such column 'FullName' on entity 'Contact'." in told.message
    assert "__c" in told.message


@fact("F2.20")
def test_an_object_nobody_has_is_pointed_at(ask: Asking) -> None:
    told = ask.no_query("select count() from XYZZY")
    assert (told.status, told.code) == (400, "INVALID_TYPE")
    assert "ERROR at Row:1:Column:" in told.message
    assert "sObject type 'XYZZY' is not supported." in told.message


@fact("F2.17")
def test_a_word_out_of_place_is_named(ask: Asking) -> None:
    assert "unexpected token" in ask.no_query("SELECT Id FROM Contact WHERE").message


@fact("F3.27")
def test_all_fields_need_a_small_limit(ask: Asking) -> None:
    told = ask.no_query("SELECT FIELDS(ALL) FROM Contact LIMIT 500")
    assert "The SOQL FIELDS function must have a LIMIT of at most 200" in told.message


@fact("F3.26")
def test_a_cube_is_read_and_answered_with_one_error(ask: Asking) -> None:
    told = ask.no_query("SELECT LeadSource, COUNT(Id) FROM Lead GROUP BY CUBE(LeadSource)")
    wrong = ask.no_query("SELECT LeadSource, COUNT(Id) FROM Lead GROUP BY CUBE LeadSource")
    assert told.status == 400
    assert told.message != wrong.message
    assert "CUBE" in told.message


@fact("F3.31")
def test_data_categories_are_read_and_answered_with_one_error(ask: Asking) -> None:
    soql = "SELECT Id FROM Contact WITH DATA CATEGORY Place__c ABOVE_OR_BELOW Town__c"
    told = ask.no_query(soql)
    assert told.status == 400
    assert "unexpected token" not in told.message


@fact("F3.30")
@pytest.mark.parametrize(
    "scope",
    [
        "delegated",
        "mine_and_my_groups",
        "my_territory",
        "my_team_territory",
        "team",
        "scopingRule",
        "mru",
        "allPrivate",
    ],
)
def test_scopes_are_known_even_where_they_are_not_executed(ask: Asking, scope: str) -> None:
    soql = f"SELECT Id FROM Contact USING SCOPE {scope} LIMIT 1"  # noqa: S608 - SOQL
    answer = ask.send("GET", "query", params={"q": soql})
    if answer.status_code != 200:
        assert answer.json()[0]["errorCode"] != "MALFORMED_QUERY"
    assert ask.no_query(soql.replace(scope, "nowhere")).code == "MALFORMED_QUERY"


@fact("F3.1")
def test_a_statement_has_an_end(ask: Asking) -> None:
    start = "SELECT Id FROM Contact WHERE Id = null"
    shorter, longer = (start + " " * (n - len(start)) for n in (100_000, 100_001))
    for soql, status in ((shorter, 200), (longer, 400)):
        answer = ask.send("POST", "composite", json=in_composite(ask, soql)).json()
        assert answer["compositeResponse"][0]["httpStatusCode"] == status


@fact("F3.2")
def test_a_text_has_an_end(ask: Asking) -> None:
    for letters, status in ((4000, 200), (4001, 400)):
        soql = f"SELECT Id FROM Contact WHERE Title = '{'x' * letters}'"  # noqa: S608 - SOQL
        answer = ask.send("POST", "composite", json=in_composite(ask, soql)).json()
        assert answer["compositeResponse"][0]["httpStatusCode"] == status


@fact("F3.6")
def test_how_deep_children_go_depends_on_the_version(ask: Asking) -> None:
    soql = "SELECT Id, (SELECT Id, (SELECT Id FROM Cases) FROM Contacts) FROM Account LIMIT 1"
    assert ask.at("57.0").no_query(soql).code == "MALFORMED_QUERY"
    assert ask.at("58.0").query(soql)["totalSize"] == 1
