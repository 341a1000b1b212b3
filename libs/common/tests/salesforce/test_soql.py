from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.soql import Literal, quote, select, split_in
from crmlink_common.salesforce.soql.syntax import parse
from crmlink_common.salesforce.soql.tree import words as tokens

TEXTS = st.text(max_size=60) | st.text(alphabet="'\\\"nu0 /*-\n%_", max_size=40)
UNESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "'": "'", "\\": "\\"}


def meant(literal: str) -> str:
    """Read a literal as Salesforce does."""

    def one(found: re.Match[str]) -> str:
        return UNESCAPED[found[1]] if found[1] in UNESCAPED else chr(int(found[1][1:], 16))

    return re.sub(r"\\(u[0-9a-f]{4}|.)", one, literal[1:-1])


@settings(deadline=None)
@given(TEXTS)
def test_no_text_ends_its_string(text: str) -> None:
    literal = quote(text)
    written = tokens(parse(select(["Id"], "A", where=f"Name = {literal}", limit=1)))
    assert [t.type for t in written][-3:] == ["STRING", "LIMIT", "WHOLE"]
    assert str(written[-3]) == literal
    assert meant(literal) == text
    assert literal.encode()


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (0.1, "0.1"),
        (1e22, "10000000000000000000000"),
        (Decimal("1E+3"), "1000"),
        ("O'Neil \\ Söhne", "'O\\'Neil \\\\ Söhne'"),
        ("a\x00b", "'a\\u0000b'"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), "2026-01-02T03:04:05.678Z"),
        (
            datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-01T22:00:00.000Z",
        ),
    ],
)
def test_each_kind_of_value_has_its_literal(value: Literal, literal: str) -> None:
    assert quote(value) == literal
    assert str(tokens(parse(select(["Id"], "A", where=f"X__c = {literal}")))[-1]) == literal


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), Decimal("NaN"), "x" * 4001, datetime(2026, 1, 1)],  # noqa: DTZ001 - the fault
)
def test_what_has_no_literal_is_refused(value: Literal) -> None:
    with pytest.raises(InvalidInputError):
        quote(value)


def test_a_query_is_rendered() -> None:
    soql = select(
        ["Id", "Owner.Name"], "Contact", where="Email != null", order_by="Id DESC", limit=5
    )
    assert soql == (
        "SELECT Id, Owner.Name FROM Contact WHERE Email != null ORDER BY Id DESC LIMIT 5"
    )
    assert select(["COUNT()"], "Contact") == "SELECT COUNT() FROM Contact"


@pytest.mark.parametrize("name", ["", "Id FROM Contact --", "a b", "x'", "Ünder", "1a", "a."])
def test_a_name_is_only_a_name(name: str) -> None:
    with pytest.raises(InvalidInputError):
        select([name], "Contact")
    with pytest.raises(InvalidInputError):
        select(["Id"], name)


def test_a_query_needs_fields() -> None:
    with pytest.raises(InvalidInputError):
        select([], "Contact")


@settings(deadline=None)
@given(st.lists(st.text(max_size=20), max_size=60), st.integers(30, 300))
def test_long_lists_are_split_and_lose_nothing(values: list[str], max_chars: int) -> None:
    lists = split_in(values, max_chars)
    queries = [select(["Id"], "A", where=f"X IN {one}") for one in lists]
    written = [token for query in queries for token in tokens(parse(query))]
    literals = [str(token) for token in written if token.type == "STRING"]
    assert literals == list(dict.fromkeys(map(quote, values)))
    alone = {f"({literal})" for literal in literals}
    assert all(len(one) <= max_chars or one in alone for one in lists)
