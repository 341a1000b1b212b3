from __future__ import annotations

import re
from collections.abc import Callable
from datetime import time
from decimal import Decimal
from urllib.parse import quote as percent_encoded

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.soql import (
    Condition,
    Literal,
    Money,
    Relative,
    and_,
    bounded,
    compare,
    contains,
    excludes,
    in_query,
    includes,
    is_in,
    not_,
    not_in,
    or_,
    parse,
    quote,
    render,
    select,
    split_in,
    starts_with,
)
from crmlink_common.salesforce.soql.tree import nodes, part, words

TEXTS = st.text(max_size=20) | st.text(alphabet="'\\%_ )(n", max_size=12)
A = compare("A", "=", 1)
B = compare("B", "!=", None)
C = compare("C.D", ">", "x")


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (compare("toLabel(Status)", "=", "O'Neil"), "toLabel(Status) = 'O\\'Neil'"),
        (compare("Amount", ">", Money("usd", Decimal("5.50"))), "Amount > USD5.50"),
        (compare("Amount", "<", Money("EUR", -500)), "Amount < EUR-500"),
        (compare("D", "=", Relative("last_n_days", 5)), "D = LAST_N_DAYS:5"),
        (compare("D", "<", Relative("TODAY")), "D < TODAY"),
        (compare("T", "=", time(9, 30)), "T = 09:30:00.000Z"),
        (is_in("Id", ["a", "b", "a"]), "Id IN ('a', 'b')"),
        (not_in("N", [1, None]), "N NOT IN (1, null)"),
        (in_query("Id", "SELECT B FROM C"), "Id IN (SELECT B FROM C)"),
        (starts_with("N", "50%_\\"), "N LIKE '50\\%\\_\\\\%'"),
        (contains("N", "a'b"), "N LIKE '%a\\'b%'"),
        (includes("M", ["a", "b"], ["c"]), "M INCLUDES ('a;b', 'c')"),
        (excludes("M", ["a"]), "M EXCLUDES ('a')"),
        (and_(A, B), "A = 1 AND B != null"),
        (and_(A, or_(B, C)), "A = 1 AND (B != null OR C.D > 'x')"),
        (or_(and_(A, B), C, A), "(A = 1 AND B != null) OR C.D > 'x' OR A = 1"),
        (and_(and_(A, B), C), "A = 1 AND B != null AND C.D > 'x'"),
        (and_(A, not_(B)), "A = 1 AND (NOT B != null)"),
        (not_(or_(A, B)), "NOT (A = 1 OR B != null)"),
        (not_(not_(A)), "NOT (NOT A = 1)"),
        (or_(A), "A = 1"),
    ],
)
def test_conditions_are_rendered_and_parse(condition: Condition, text: str) -> None:
    assert str(condition) == text
    query = select(["Id"], "X__c", where=condition)
    assert render(parse(query)) == render(parse(select(["Id"], "X__c", where=text)))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: compare("A = 1 OR B", "=", 1),
        lambda: compare("A", "= 1 OR A =", 1),  # type: ignore[arg-type]
        lambda: compare("sleep(A)", "=", 1),
        lambda: is_in("A", []),
        and_,
        lambda: includes("A", []),
        lambda: includes("A", ["a;b"]),
        lambda: contains("A", "x" * 4000),
        lambda: quote(Money("US", 1)),
        lambda: quote(Relative("LAST_N_DAYS")),
        lambda: quote(Relative("TODAY", 5)),
        lambda: quote(Relative("TRUE")),
        lambda: select(["Id"], "A", order_by=["Id DESC LIMIT 5"]),
        lambda: select(["Id"], "A", group_by=["Id) x"]),
        lambda: select(["toLabel(A) b c"], "A"),
        lambda: select(["Id"], "A", where="B = 1 OR " * 20_000),
    ],
)
def test_what_would_not_keep_its_meaning_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(InvalidInputError):
        wrong()


def test_a_query_has_child_queries_groups_and_orders() -> None:
    child = select(["Id"], "Contacts", where=A, order_by=["CreatedDate DESC NULLS LAST"], limit=5)
    query = select(["Id", "toLabel(Status) label"], "Account", children=[child], limit=9, offset=2)
    assert bounded(query, 200).query == query
    assert query == (
        "SELECT Id, toLabel(Status) label, (SELECT Id FROM Contacts WHERE A = 1 "
        "ORDER BY CreatedDate DESC NULLS LAST LIMIT 5) FROM Account LIMIT 9 OFFSET 2"
    )
    grouped = select(["Name", "COUNT(Id) n"], "Lead", group_by=["Name"], order_by=["COUNT(Id)"])
    assert grouped == "SELECT Name, COUNT(Id) n FROM Lead GROUP BY Name ORDER BY COUNT(Id)"
    assert render(parse(grouped)) == grouped
    all_fields = select(["FIELDS(ALL)"], "Lead", limit=200)
    assert render(parse(all_fields)) == all_fields


PLAIN = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def matched(pattern: str) -> str:
    """Read the one text that a LIKE literal matches, but for the wildcards at its ends."""
    assert pattern[:2] + pattern[-2:] == "'%%'"
    inner = pattern[2:-2]
    assert re.fullmatch(r"(?:[^%_'\\]|\\(?:[nrtbf%_'\\]|u[0-9a-f]{4}))*", inner)

    def one(found: re.Match[str]) -> str:
        escape = found[1]
        return chr(int(escape[1:], 16)) if len(escape) > 1 else PLAIN.get(escape, escape)

    return re.sub(r"\\(u[0-9a-f]{4}|.)", one, inner)


@settings(deadline=None, max_examples=50)
@given(TEXTS)
def test_a_pattern_has_only_its_own_wildcards(text: str) -> None:
    where = part(parse(select(["Id"], "A", where=contains("Name", text))), "where")
    assert where is not None
    [*_, pattern] = words(where)
    assert (pattern.type, len(words(where))) == ("PATTERN", 4)
    assert matched(str(pattern)) == text


CONDITIONS = st.recursive(
    st.builds(compare, st.sampled_from(["A", "B.C"]), st.just("="), TEXTS | st.integers()),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda some: and_(*some)),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: or_(*some)),
        inner.map(not_),
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=50)
@given(st.lists(CONDITIONS, min_size=2, max_size=4))
def test_conditions_keep_their_meaning_wherever_they_are_put(some: list[Condition]) -> None:
    query = parse(select(["Id"], "A", where=or_(*map(not_, some))))
    negations = [node for node in nodes(query) if node.data == "negation"]
    texts = [render(node) for node in negations]
    for one in some:
        alone = parse(select(["Id"], "A", where=not_(one)))
        assert render(next(n for n in nodes(alone) if n.data == "negation")) in texts


@settings(deadline=None, max_examples=50)
@given(st.lists(TEXTS, min_size=1, max_size=40), st.integers(60, 400))
def test_lists_for_a_uri_are_counted_as_a_uri_holds_them(values: list[Literal], room: int) -> None:
    lists = split_in(values, room, percent_encode=True)
    literals = list(dict.fromkeys(map(quote, values)))
    alone = {f"({literal})" for literal in literals}
    assert all(len(percent_encoded(one, safe="")) <= room or one in alone for one in lists)
    found = [w for one in lists for w in words(parse(select(["Id"], "A", where=f"B IN {one}")))]
    assert [str(word) for word in found if word.type == "STRING"] == literals
