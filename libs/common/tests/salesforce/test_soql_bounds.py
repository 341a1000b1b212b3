from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlink_common.salesforce.soql import SoqlError, bounded

MOST = 100


@pytest.mark.parametrize(
    ("query", "safe"),
    [
        ("SELECT Id FROM A", "SELECT Id FROM A LIMIT 100"),
        ("SELECT Id FROM A LIMIT 7", "SELECT Id FROM A LIMIT 7"),
        ("SELECT Id FROM A LIMIT 0", "SELECT Id FROM A LIMIT 0"),
        ("select id from a limit 101", "select id from a limit 100"),
        ("SELECT Id FROM A OFFSET 5", "SELECT Id FROM A LIMIT 100 OFFSET 5"),
        ("SELECT Id FROM A ORDER BY B DESC", "SELECT Id FROM A ORDER BY B DESC LIMIT 100"),
        ("SELECT Id FROM A // LIMIT 5", "SELECT Id FROM A LIMIT 100"),
        ("SELECT/**/Id FROM A/* ' */LIMIT/*1*/900", "SELECT Id FROM A LIMIT 100"),
        (
            "SELECT Id FROM A WHERE N = 'LIMIT 1' AND M = '\\' LIMIT 2'",
            "SELECT Id FROM A WHERE N = 'LIMIT 1' AND M = '\\' LIMIT 2' LIMIT 100",
        ),
        (
            "SELECT Id FROM A WHERE N = '/*' AND M = '*/'",
            "SELECT Id FROM A WHERE N = '/*' AND M = '*/' LIMIT 100",
        ),
        (
            "SELECT Id, (SELECT Id FROM Bs LIMIT 1) FROM A",
            "SELECT Id, (SELECT Id FROM Bs LIMIT 1) FROM A LIMIT 100",
        ),
        (
            (
                "SELECT (SELECT I FROM B ORDER BY I LIMIT 500 OFFSET 1), (SELECT I FROM C) "
                "FROM A LIMIT 1"
            ),
            (
                "SELECT (SELECT I FROM B ORDER BY I LIMIT 100 OFFSET 1), "
                "(SELECT I FROM C LIMIT 100) FROM A LIMIT 1"
            ),
        ),
        (
            "SELECT (SELECT (SELECT Id FROM Cs) FROM Bs) FROM A",
            "SELECT (SELECT (SELECT Id FROM Cs LIMIT 100) FROM Bs LIMIT 100) FROM A LIMIT 100",
        ),
        (
            "SELECT Id FROM A WHERE Id IN (SELECT AId FROM B)",
            "SELECT Id FROM A WHERE Id IN (SELECT AId FROM B) LIMIT 100",
        ),
        ("SELECT COUNT() FROM A", "SELECT COUNT() FROM A"),
        ("SELECT COUNT() FROM A LIMIT 900", "SELECT COUNT() FROM A LIMIT 900"),
        ("SELECT MAX(X), min(Y) FROM A", "SELECT MAX(X), min(Y) FROM A"),
        ("SELECT FORMAT(SUM(X)) s FROM A", "SELECT FORMAT(SUM(X)) s FROM A"),
        (
            "SELECT N, COUNT(Id) FROM A GROUP BY N",
            "SELECT N, COUNT(Id) FROM A GROUP BY N LIMIT 100",
        ),
        ("SELECT Count, Max FROM A", "SELECT Count, Max FROM A LIMIT 100"),
        ("SELECT FIELDS(STANDARD) FROM A", "SELECT FIELDS(STANDARD) FROM A LIMIT 100"),
        ("SELECT toLabel(Status) FROM Group", "SELECT toLabel(Status) FROM Group LIMIT 100"),
        ("SELECT Id FROM Order ORDER BY Id", "SELECT Id FROM Order ORDER BY Id LIMIT 100"),
    ],
)
def test_the_rows_of_every_level_are_capped(query: str, safe: str) -> None:
    assert bounded(query, MOST).query == safe
    assert bounded(safe, MOST).query == safe


@pytest.mark.parametrize(
    ("query", "max_rows", "rows"),
    [
        ("SELECT Id FROM A", 5000, 5000),
        ("SELECT Id FROM A LIMIT 3", 5000, 3),
        ("SELECT N, COUNT(Id) FROM A GROUP BY ROLLUP(N, M) HAVING COUNT(Id) > 1", 5000, 2000),
        ("SELECT FIELDS(ALL) FROM A", 5000, 200),
        ("SELECT fields( all ) FROM A LIMIT 500", 150, 150),
        ("SELECT AVG(X) FROM A", 5000, 1),
    ],
)
def test_it_tells_how_many_rows_can_come(query: str, max_rows: int, rows: int) -> None:
    assert bounded(query, max_rows).max_rows == rows


@pytest.mark.parametrize(
    ("query", "code", "column"),
    [
        ("SELECT Id FROM A FOR VIEW", "refused_for_view", 18),
        ("SELECT Id FROM A FOR REFERENCE", "refused_for_reference", 18),
        ("SELECT Id FROM A for/**/update", "refused_for_update", 18),
        ("SELECT Id FROM A UPDATE TRACKING", "refused_update_tracking", 18),
        ("SELECT Id FROM A UPDATE viewstat", "refused_update_viewstat", 18),
        ("SELECT Id FROM A ALL ROWS", "refused_all_rows", 18),
        ("SELECT (SELECT Id FROM Bs FOR VIEW) FROM A", "refused_for_view", 27),
        ("SELECT Id FROM A WHERE I IN (SELECT I FROM B FOR UPDATE)", "refused_for_update", 46),
        ("SELECT Id FROM A LIMIT 1 OFFSET 2001", "refused_offset", 33),
        ("SELECT FIELDS(ALL) FROM A LIMIT 201", "refused_fields_all", 8),
        ("SELECT Fields(Custom) FROM A LIMIT 999", "refused_fields_all", 8),
        ("SELECT Id FROM A WHERE N = 'x" + "x" * 100_000 + "'", "refused_too_long", 1),
        ("SELECT Id FROM A WHERE N = '" + "x" * 4001 + "'", "refused_long_text", 28),
        ("SELECT Id FROM A WHERE N IN ('b', '" + "x" * 4001 + "')", "refused_long_text", 35),
        ("SELECT Id FROM A FOR VIEW, REFERENCE", "refused_for_view", 18),
        ("SELECT Id FROM A FOR VIEW UPDATE TRACKING, VIEWSTAT", "refused_for_view", 18),
        ("SELECT MAX(X) FROM A LIMIT 1", "refused_aggregate_limit", 22),
        ("SELECT COUNT() FROM A ORDER BY B", "refused_count_order", 23),
        ("SELECT Id, (SELECT Id FROM Bs OFFSET 1) FROM A LIMIT 2", "refused_offset", 31),
        ("SELECT Id FROM A WHERE B IN (SELECT C FROM D LIMIT 5)", "refused_semi_join", 46),
        ("SELECT Id FROM A WHERE B IN (SELECT C FROM D ORDER BY C)", "refused_semi_join", 46),
    ],
)
def test_what_reading_must_not_do_is_refused(query: str, code: str, column: int) -> None:
    with pytest.raises(SoqlError) as caught:
        bounded(query, 1000)
    assert (caught.value.code, caught.value.line, caught.value.column) == (code, 1, column)
    assert caught.value.cure


@pytest.mark.parametrize(
    ("query", "line", "column"),
    [
        ("", 1, 1),
        ("SELECT", 1, 7),
        ("SELECT Id FROM", 1, 15),
        ("SELECT Id\nFROM A\nWHERE = 1", 3, 7),
        ("SELECT Id FROM A LIMIT -1", 1, 24),
        ("SELECT Id FROM A LIMIT :n", 1, 24),
        ("SELECT Id FROM A LIMIT 1 LIMIT 2", 1, 26),
        ("SELECT Id FROM A; DELETE", 1, 17),
        ("SELECT Id FROM A WHERE N = 'x", 1, 28),
        ("SELECT Id FROM A WHERE N = 'a\\x'", 1, 28),
        ('SELECT Id FROM A WHERE N = "x"', 1, 28),
        ("SELECT Id FROM A /* x", 1, 18),
        ("SELECT Id FROM A WHERE B = 1 AND", 1, 33),
        ("SELECT Id FROM A OFFSET 1 LIMIT 1", 1, 27),
        ("UPDATE A SET B = 1", 1, 1),
    ],
)
def test_a_fault_is_told_by_its_place(query: str, line: int, column: int) -> None:
    with pytest.raises(SoqlError) as caught:
        bounded(query, MOST)
    error = caught.value
    assert (error.code, error.line, error.column) == ("syntax_error", line, column)
    assert str(error) == f"syntax_error at line {line}, column {column}"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT TYPEOF Owner WHEN User THEN Id, Name WHEN Group THEN Id ELSE Name END FROM Case",
        "SELECT Id FROM A USING SCOPE mine WHERE B = LAST_N_DAYS:5 AND C < TODAY AND D = null",
        "SELECT Id FROM A WHERE B = 2026-01-01 OR (NOT C > 2026-01-01T00:00:00.000+02:00)",
        "SELECT Id FROM A WHERE B INCLUDES ('a;b', 'c') AND C EXCLUDES ('d') AND D LIKE 'x\\_%'",
        "SELECT Id FROM A WHERE B NOT IN (1, -2.5, 3e4) AND C IN (SELECT D FROM E WHERE F = TRUE)",
        "SELECT Id FROM A WHERE CALENDAR_YEAR(convertTimezone(CreatedDate)) = 2026",
        "SELECT Id FROM A WHERE DISTANCE(L__c, GEOLOCATION(37.7, -122.1), 'mi') < 20",
        "SELECT Id FROM A WHERE Amount > USD5000.5 AND T = 09:00:00Z",
        "SELECT Id FROM A WITH SECURITY_ENFORCED",
        "SELECT Id FROM A WITH USER_MODE",
        "SELECT Id FROM A WITH DATA CATEGORY G__c AT (x__c, y__c) AND P__c ABOVE_OR_BELOW z__c",
        "SELECT c.Id, c.Account.Owner.Name FROM Contact AS c, c.Account a WHERE a.Name = 'x'",
        "SELECT N, GROUPING(M) g, SUM(X) FROM A GROUP BY CUBE(N, M) ORDER BY g NULLS LAST, N ASC",
        "SELECT N n, COUNT_DISTINCT(X) FROM A GROUP BY N HAVING SUM(Y) > 5 AND N LIKE 'a%'",
        "sElEcT iD fRoM A wHeRe nOt B = 1 oRdEr bY C dEsC nUlLs fIrSt",
    ],
)
def test_the_language_is_known(query: str) -> None:
    assert bounded(query, MOST).query == f"{query} LIMIT 100"


@pytest.mark.parametrize(
    ("query", "countable"),
    [
        (
            (
                "SELECT Id, (SELECT Id FROM Bs) FROM A a USING SCOPE mine /* x */ "
                "WHERE a.B = 'LIMIT' WITH USER_MODE ORDER BY B LIMIT 5 OFFSET 5"
            ),
            "SELECT COUNT() FROM A a USING SCOPE mine WHERE a.B = 'LIMIT' WITH USER_MODE",
        ),
        ("SELECT Id FROM A", "SELECT COUNT() FROM A"),
        ("SELECT COUNT() FROM A", None),
        ("SELECT MAX(B) FROM A", None),
        ("SELECT B FROM A GROUP BY B", None),
    ],
)
def test_the_whole_can_be_counted_where_it_makes_sense(query: str, countable: str | None) -> None:
    assert bounded(query, MOST).countable == countable
    if countable:
        assert bounded(countable, MOST).query == countable


def test_deep_nesting_does_no_harm() -> None:
    query = "SELECT Id FROM A WHERE " + "(" * 5000 + "B = 1" + ")" * 5000
    assert bounded(query, MOST).query == f"{query} LIMIT 100"


@pytest.mark.parametrize("gap", ["/*x*/", " // LIMIT 5\n", "\n", " "])
def test_no_comment_is_sent_whatever_it_parts(gap: str) -> None:
    query = f"SELECT{gap}B FROM{gap}A group{gap}by{gap}B ORDER{gap}BY{gap}B{gap}LIMIT{gap}5"
    told = bounded(query, MOST).query
    assert " ".join(told.split()) == "SELECT B FROM A group by B ORDER BY B LIMIT 5"


def test_a_query_that_its_cap_makes_too_long_is_refused() -> None:
    """Facts §3: 100,000 characters."""
    query = "SELECT Id FROM A" + " " * 99_975 + "a"
    assert len(bounded(f"{query} LIMIT 5", 5000).query) > 99_990
    with pytest.raises(SoqlError) as caught:
        bounded(query, MOST)
    assert caught.value.code == "refused_too_long"


@pytest.mark.parametrize("character", ["\\'", "\\u0041", "x"])
def test_a_text_is_as_long_as_what_it_means(character: str) -> None:
    """Facts §3: 4,000 characters."""
    query = "SELECT Id FROM A WHERE B = '{}'"
    assert bounded(query.format(character * 4000), MOST).query.endswith(f"LIMIT {MOST}")
    with pytest.raises(SoqlError) as caught:
        bounded(query.format(character * 4001), MOST)
    assert caught.value.code == "refused_long_text"


def test_a_mass_of_nested_queries_is_refused_at_once() -> None:
    query = "SELECT (" * 2000 + "SELECT Id FROM A" + ") FROM A" * 2000
    with pytest.raises(SoqlError) as caught:
        bounded(query, MOST)
    assert caught.value.code == "refused_subqueries"


def test_at_least_one_row_must_be_allowed() -> None:
    with pytest.raises(ValueError, match="positive"):
        bounded("SELECT Id FROM A", 0)


@settings(deadline=None)
@given(st.text(max_size=80) | st.text(alphabet="SELECTFROMWH '\\/*()=,:\n", max_size=60))
def test_any_text_is_bounded_or_refused_by_place(text: str) -> None:
    lines_left, columns_left = place_of_fault(text)
    assert lines_left >= 0
    assert columns_left >= 0


def place_of_fault(text: str) -> tuple[int, int]:
    try:
        bounded(text, MOST)
    except SoqlError as exc:
        lines = text.split("\n")
        return (len(lines) - exc.line, len(lines[exc.line - 1]) + 1 - exc.column)
    return (0, 0)
