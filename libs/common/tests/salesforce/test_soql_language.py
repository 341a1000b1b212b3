"""Facts §3: what is SOQL and what is not."""

from __future__ import annotations

import pytest

from crmlink_common.salesforce.soql import SoqlError, parse, render
from crmlink_common.salesforce.soql.tree import nodes

ACCEPTED = [
    "SELECT a.Id, a.Owner.Name FROM Account a WHERE a.Name > 'b'",
    "SELECT Id FROM Contact c, c.Account AS a WHERE a.Name = 'x'",
    "SELECT COUNT() n FROM Lead LIMIT 5",
    "SELECT COUNT(Id)n, COUNT_DISTINCT(Company) companies FROM Lead",
    "SELECT Name n, MAX(Amount) max FROM Opportunity GROUP BY Name HAVING MAX(Amount) > 5",
    "SELECT LeadSource FROM Lead GROUP BY LeadSource ORDER BY COUNT(Id) DESC NULLS LAST",
    "SELECT GROUPING(A) g FROM B GROUP BY CUBE (A, FISCAL_YEAR(CreatedDate)) ORDER BY GROUPING(A)",
    "SELECT HOUR_IN_DAY(convertTimezone(A)) FROM B GROUP BY HOUR_IN_DAY(convertTimezone(A))",
    "SELECT FORMAT(convertCurrency(Amount)) a, FORMAT(MIN(CloseDate)) b FROM Opportunity",
    "SELECT toLabel(RecordType.Name), Format, Count, Max FROM Account",
    "SELECT FIELDS(CUSTOM), Id, (SELECT fields(standard) FROM Contacts) FROM Account",
    "SELECT TYPEOF What WHEN Account THEN Id, Owner.Name ELSE Name END, Id FROM Task",
    "SELECT DISTANCE(A__c, GEOLOCATION(-10.5, 20), 'MI') d FROM B ORDER BY DISTANCE(A, C, 'km')",
    "SELECT Id FROM A WHERE DISTANCE(B__c, GEOLOCATION(1, 2), ' km ') < 5",
    "SELECT (SELECT (SELECT (SELECT (SELECT Id FROM Es) FROM Ds) FROM Cs) x FROM Bs) FROM A",
    "SELECT Id FROM A USING SCOPE mine_and_my_groups WHERE B = 1",
    "SELECT Id FROM A WHERE B = 1 WITH USER_MODE ORDER BY C LIMIT 1 OFFSET 2",
    "SELECT Id FROM A__kav WITH DATA CATEGORY B__c AT (c__c, d__c) AND E__c ABOVE_OR_BELOW f__c",
    "SELECT Id FROM A__kav WITH DATA CATEGORY B__c BELOW c__c WITH SECURITY_ENFORCED",
    "SELECT Id FROM A WITH RecordVisibilityContext (maxDescriptorPerRecord=100,b=true)",
    "SELECT Id FROM UserProfileFeed WITH UserId = '005000000000001' LIMIT 20",
    "SELECT Id FROM A WHERE NOT (B = 1 OR NOT C = 2)",
    "SELECT Id FROM A WHERE (NOT B LIKE 'x%') AND (C = 1 OR D = 2) AND E = 3",
    "SELECT Id FROM A WHERE B NOT IN ('x', null, 1, TODAY) AND C INCLUDES ('a;b', 'c')",
    "SELECT Id FROM A WHERE Id IN (SELECT B FROM C WHERE D = 1) AND E NOT IN (SELECT F FROM G)",
    "SELECT Id FROM A WHERE B = -1.5 AND C > +2 AND D < .5 AND E != 1e3",
    "SELECT Id FROM A WHERE B > USD5000.01 AND C < eur-5",
    "SELECT Id FROM A WHERE B = 2024-02-29 AND C = 23:59:59.999Z",
    "SELECT Id FROM A WHERE B >= 2026-01-01T00:00:00+0000 AND C < 2026-01-01T00:00:00.123456-08:00",
    "SELECT Id FROM A WHERE B = N_FISCAL_YEARS_AGO:2 OR C = next_n_weeks : 3 OR D = THIS_MONTH",
    "SELECT Id FROM A WHERE B = '\\n\\N\\r\\t\\b\\f\\\"\\'\\\\\\u00e9\\u00E9' AND C LIKE '\\%\\_'",
    "SELECT Id FROM A WHERE B = 'zażółć 🎈' OR C = '\"' OR D = ''",
    "SELECT Id FROM A WHERE FORMULA('X + Y') > 10",
    "SELECT Group, Order, Limit__c FROM Group GROUP BY Group, Order, Limit__c",
    "SELECT Id FROM Order ORDER BY Order",
    "SELECT Name end, First when, MAX(Last) view FROM Data at GROUP BY Name, First",
    "SELECT Id FROM Account OFFSET",
    "SELECT Id FROM Case all WHERE all.End = TODAY ORDER BY all.First",
    "SELECT ns__A__r . ns__B__c FROM ns__C__c",
    "/* a */ SELECT Id -- b".replace("-- b", "// b\n") + "FROM A// c",
]
REFUSED = [
    ("SELECT * FROM A", 8),
    ("SELECT Id, FROM A", 12),
    ("SELECT Id FROM A, ", 19),
    ("SELECTId FROM A", 1),
    ("SELECT A..B FROM C", 9),
    ("SELECT Id FROM A;", 17),
    ("SELECT Id AS x FROM A", 14),
    ("SELECT COUNT(), Id FROM A", 15),
    ("SELECT Id, COUNT() FROM A", 18),
    ("SELECT sleep(5) FROM A", 13),
    ("SELECT FIELDS(Some) FROM A", 15),
    ("SELECT convertTimezone(A) FROM B", 8),
    ("SELECT GEOLOCATION(1, 2) FROM A", 8),
    ("SELECT DISTANCE(A, GEOLOCATION(1, 2), 'm') FROM B", 39),
    ("SELECT Id FROM A WHERE DISTANCE(A, GEOLOCATION(1), 'km') < 5", 49),
    ("SELECT Id FROM A WHERE GEOLOCATION(1, 2) < 5", 24),
    ("SELECT FORMAT(A FROM B", 17),
    ("SELECT calendar_year() FROM A", 22),
    ("SELECT Id FROM A USING SCOPE mine team", 35),
    ("SELECT Id FROM A WHERE B LIKE C", 31),
    ("SELECT TYPEOF A ELSE B END FROM C", 17),
    ("SELECT Id FROM A WHERE B = 1 AND C = 2 OR D = 3", 40),
    ("SELECT Id FROM A WHERE B = 1 OR C = 2 AND D = 3", 39),
    ("SELECT Id FROM A WHERE (B = 1", 30),
    ("SELECT Id FROM A WHERE B = 1)", 29),
    ("SELECT Id FROM A WHERE B = C", 28),
    ("SELECT Id FROM A WHERE 1 = B", 24),
    ("SELECT Id FROM A WHERE B = :c", 28),
    ("SELECT Id FROM A WHERE B IN :c", 29),
    ("SELECT Id FROM A WHERE B IN ()", 30),
    ("SELECT Id FROM A WHERE B IN (1,)", 32),
    ("SELECT Id FROM A WHERE B IN 1", 29),
    ("SELECT Id FROM A WHERE B LIKE 5x", 31),
    ("SELECT Id FROM A WHERE B == 1", 27),
    ("SELECT Id FROM A WHERE B BETWEEN 1 AND 2", 26),
    ("SELECT Id FROM A WHERE B = LAST_N_DAYS", 28),
    ("SELECT Id FROM A WHERE B = LAST_N_DAYS:", 28),
    ("SELECT Id FROM A WHERE B = LAST_N_DAYS:x", 28),
    ("SELECT Id FROM A WHERE B = TODAY:5", 28),
    ("SELECT Id FROM A WHERE B = SOMEDAY", 28),
    ("SELECT Id FROM A WHERE B = 2026-02-30", 28),
    ("SELECT Id FROM A WHERE B = 2026-01-01T00:00:00", 28),
    ("SELECT Id FROM A WHERE B = 2026-01-01T25:00:00Z", 28),
    ("SELECT Id FROM A WHERE B = 'x\\%'", 28),
    ("SELECT Id FROM A WHERE B LIKE 'x\\d'", 31),
    ("SELECT Id FROM A WHERE B = '\\u12'", 28),
    ("SELECT Id FROM A WHERE COUNT(B) > 1", 24),
    ("SELECT Id FROM A WHERE convertCurrency(B) > 1", 24),
    ("SELECT Id FROM A HAVING COUNT(Id) > 1", 18),
    ("SELECT A FROM B GROUP BY A HAVING FORMULA('1') = 1", 35),
    ("SELECT A FROM B GROUP BY ROLLUP(A), C", 35),
    ("SELECT Id FROM A ORDER BY B WHERE C = 1", 29),
    ("SELECT Id FROM A WHERE B = 1 USING SCOPE mine", 30),
    ("SELECT Id FROM A LIMIT 1 ORDER BY B", 26),
    ("SELECT Id FROM A LIMIT 1.5", 24),
    ("SELECT Id FROM A LIMIT +1", 24),
    ("SELECT Id FROM A OFFSET -1", 25),
    ("SELECT Id FROM A FOR", 21),
    ("SELECT Id FROM A FOR DELETE", 22),
    ("SELECT Id FROM A UPDATE", 24),
    ("SELECT Id FROM A a ALL", 20),
    ("SELECT Id FROM A WITH DATA CATEGORY B NEAR c", 39),
    ("SELECT Id FROM A WITH RecordVisibilityContext", 46),
    ("SELECT Id FROM A WITH SOME_MODE", 32),
    ("FIND {x}", 1),
]


@pytest.mark.parametrize("query", ACCEPTED)
def test_it_is_soql_in_any_case_of_letters(query: str) -> None:
    tree = parse(query)
    assert parse(render(tree)) == tree


@pytest.mark.parametrize(("query", "column"), REFUSED)
def test_it_is_no_soql_from_a_place_on(query: str, column: int) -> None:
    with pytest.raises(SoqlError) as caught:
        parse(query)
    assert (caught.value.code, caught.value.column) == ("syntax_error", column)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ("SELECT",)),
        ("SELECT Id FROM A LIMIT", ("a whole number",)),
        ("SELECT Id FROM A FOR x", ("REFERENCE", "UPDATE", "VIEW")),
        ("SELECT Id FROM A WHERE B = x", ("a text", "a value")),
        ("SELECT Id FROM A WHERE (B = 1 OR C = 2 AND", (")", "OR")),
    ],
)
def test_an_error_tells_what_was_expected(query: str, expected: tuple[str, ...]) -> None:
    with pytest.raises(SoqlError) as caught:
        parse(query)
    assert caught.value.expected == expected


def test_an_error_never_quotes_the_query() -> None:
    with pytest.raises(SoqlError) as caught:
        parse("SELECT Id FROM A WHERE Secret = 'secret' secret")
    told = " ".join([str(caught.value), *caught.value.expected])
    assert "secret" not in told.lower()


def test_trees_differ_when_a_word_does() -> None:
    tree = parse("select Id from A where B = 'x' limit 1")
    assert tree == parse("SELECT/**/Id FROM A\nWHERE B='x' LIMIT 1")
    for other in ("id", "C", "'X'", "2"):
        before = {"id": "Id", "C": "B", "'X'": "'x'", "2": "limit 1"}[other]
        after = f"limit {other}" if other == "2" else other
        assert tree != parse("select Id from A where B = 'x' limit 1".replace(before, after))


def test_nested_queries_take_no_time_worth_speaking_of() -> None:
    query = "SELECT a as, (" * 4000 + "SELECT a FROM b ORDER BY c DESC" + ") FROM b" * 4000
    assert sum(node.data == "child" for node in nodes(parse(query))) == 4000
