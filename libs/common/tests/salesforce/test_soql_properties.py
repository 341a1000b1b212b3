"""Whatever the query, its bounded form is the same query with fewer rows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlink_common.salesforce.soql import SoqlError, bounded, parse, quote, render
from crmlink_common.salesforce.soql.tree import Node, nodes, part, subtree

Words = list[str]
SETTINGS = settings(deadline=None, max_examples=60)
CAP = st.integers(1, 300)
GAPS = st.sampled_from(
    [" ", " ", " ", "\n", "\t ", " /* LIMIT 1 ' */ ", " // FOR VIEW ' (\n", "/**/", "/*/ * /*/"]
)
TEXTS = st.text(alphabet="'\\ /*-LIMIT123()\nFOR VIEWé", max_size=14)
NAMES = st.sampled_from(
    ["Id", "Name", "Owner.Name", "a__r.b__c", "Order", "Group", "Offset", "View", "End", "All"]
)
OBJECTS = st.sampled_from(["Contact", "Order", "Group", "x__c", "a.Contacts", "Limit__c"])
FUNCTIONS = st.sampled_from(["toLabel", "FORMAT", "calendar_year", "DAY_ONLY"])
VALUES = st.one_of(
    TEXTS.map(quote),
    st.integers(-9, 9).map(str),
    st.sampled_from(
        [
            "null",
            "TRUE",
            "-1.5e3",
            "2026-02-28",
            "2026-02-28T01:02:03.004+02:00",
            "10:00:00Z",
            "usd5.5",
            "TODAY",
            "last_n_days:5",
            "N_FISCAL_QUARTERS_AGO:2",
        ]
    ),
)
COMPARISONS = st.sampled_from(["=", "!=", "<>", "<", "<=", ">", ">="])


def listed(items: list[Words]) -> Words:
    return [word for n, item in enumerate(items) for word in ([","] if n else []) + item]


@st.composite
def expressions(draw: st.DrawFn) -> Words:
    name = draw(NAMES)
    if draw(st.booleans()):
        return [name]
    return [draw(FUNCTIONS), "(", name, ")"]


@st.composite
def predicates(draw: st.DrawFn, depth: int) -> Words:
    left = draw(expressions())
    match draw(st.integers(0, 4 if depth else 3)):
        case 0:
            return [*left, draw(COMPARISONS), draw(VALUES)]
        case 1:
            return [*left, "LIKE", quote(draw(TEXTS))]
        case 2:
            some = [[value] for value in draw(st.lists(VALUES, min_size=1, max_size=3))]
            return [*left, *draw(st.sampled_from([["in"], ["NOT", "IN"]])), "(", *listed(some), ")"]
        case 3:
            return [*left, "includes", "(", quote(draw(TEXTS)), ")"]
        case _:
            where = draw(conditions(depth=depth - 1))
            return ["Id", "IN", "(", "SELECT", draw(NAMES), "FROM", "B", "WHERE", *where, ")"]


@st.composite
def conditions(draw: st.DrawFn, depth: int = 2) -> Words:
    joint = draw(st.sampled_from(["AND", "or"]))
    joined: Words = []
    for n in range(draw(st.integers(1, 3))):
        term = draw(predicates(depth))
        if depth and draw(st.booleans()):
            term = ["(", *draw(conditions(depth=depth - 1)), ")"]
        if draw(st.integers(0, 4)) == 0:
            term = ["NOT", *term]
        joined += ([joint] if n else []) + term
    return joined


@st.composite
def tails(draw: st.DrawFn, *, offset: bool) -> Words:
    found: Words = []
    if draw(st.booleans()):
        found += ["ORDER", "BY", *draw(expressions()), "desc", "NULLS", "last"]
    if draw(st.booleans()):
        found += ["limit", str(draw(st.integers(0, 5000)))]
    if offset and draw(st.booleans()):
        found += ["OFFSET", str(draw(st.integers(0, 2000)))]
    return found


@st.composite
def lines(draw: st.DrawFn, depth: int = 2, *, top: bool = True, effect: bool = False) -> Words:
    items = draw(st.lists(expressions(), min_size=1, max_size=3))
    if depth:
        children = draw(st.lists(lines(depth=depth - 1, top=False), max_size=2))
        if effect:
            children = [draw(lines(depth=depth - 1, top=False, effect=draw(st.booleans())))]
        items += [["(", *child, ")"] for child in children]
    if top and draw(st.integers(0, 5)) == 0:
        items += [["TYPEOF", "What", "WHEN", "A", "THEN", "B", ",", "C", "else", "D", "END"]]
    where = ["where", *draw(conditions())] if draw(st.booleans()) else []
    source = [draw(OBJECTS), *draw(st.sampled_from([[], ["a"], ["AS", "a"]]))]
    group = [[], ["GROUP", "BY", "Name"], ["group", "by", "ROLLUP", "(", "Name", ")"]]
    grouped = draw(st.sampled_from(group)) if top else []
    found = ["SELECT", *listed(items), "FROM", *source, *where, *grouped]
    found += draw(tails(offset=top))
    if effect:
        found += draw(
            st.sampled_from(
                [["FOR", "VIEW"], ["for", "update"], ["UPDATE", "viewstat"], ["ALL", "ROWS"]]
            )
        )
    return found


@st.composite
def queries(draw: st.DrawFn, *, effect: bool = False) -> str:
    found = draw(lines(effect=effect))
    return draw(GAPS) + "".join(word + draw(GAPS) for word in found).rstrip()


def levels(root: Node) -> list[Node]:
    return [root, *(subtree(n, "query") for n in nodes(root) if n.data == "child")]


@SETTINGS
@given(queries())
def test_what_is_rendered_is_the_same_query(query: str) -> None:
    tree = parse(query)
    written = render(tree)
    assert parse(written) == tree
    assert render(parse(written)) == written
    assert hash(parse(written)) == hash(tree)


def limit_of(query: Node) -> int | None:
    limit = part(query, "limit")
    return None if limit is None else int(render(limit).split()[1])


def capped(asked: int | None, cap: int) -> int:
    return cap if asked is None else min(asked, cap)


def without_limits(root: Node) -> Node:
    for one in levels(root):
        one.children = [c for c in one.children if not isinstance(c, Node) or c.data != "limit"]
    return root


@SETTINGS
@given(queries(), CAP)
def test_the_bounded_query_is_the_same_query_with_no_more_rows(query: str, cap: int) -> None:
    told = bounded(query, cap)
    before, after = parse(query), parse(told.query)
    limits = [limit_of(one) for one in levels(after)]
    assert limits == [capped(limit_of(one), cap) for one in levels(before)]
    assert told.max_rows == limits[0]
    assert bounded(told.query, cap).query == told.query
    assert without_limits(after) == without_limits(before)
    assert (told.countable is None) == (part(before, "group") is not None)
    if told.countable is not None:
        counting = parse(told.countable)
        clauses = ("from", "where")
        assert [part(counting, c) for c in clauses] == [part(before, c) for c in clauses]
        assert bounded(told.countable, cap).query == told.countable


@SETTINGS
@given(queries(effect=True), CAP)
def test_what_writes_or_locks_is_refused_wherever_it_stands(query: str, cap: int) -> None:
    with pytest.raises(SoqlError) as caught:
        bounded(query, cap)
    assert caught.value.code.startswith("refused_")
