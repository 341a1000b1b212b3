from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.soql import compare
from crmlink_common.salesforce.sosl import (
    GAPS,
    MOST_ROWS,
    Returning,
    find,
    rows_of_object,
    search_term,
)

RESERVED = "?&|!{}[]()^~*:\\\"'+-"
TEXTS = st.text(max_size=30) | st.text(alphabet=f"{RESERVED}ab \n", max_size=20)
WORDS = st.lists(
    st.sampled_from(["AND", "or", "Not", "rock", "(", "OR}", '"or"', "*", "x,OR,y", "-and"]),
    max_size=6,
)
CONTACTS = [Returning("Contact")]


def read(search: str) -> tuple[str, str]:
    """Read a search as Salesforce does: the words meant and what follows the term.

    Strict: an operator, a wildcard or a brace that is not escaped is a failure.
    """
    assert search.startswith("FIND {")
    at, meant, bare, quoted = len("FIND {"), "", "", False
    while search[at] != "}":
        if search[at] == '"':
            quoted, at = not quoted, at + 1
        elif search[at] == "\\":
            assert search[at + 1] in RESERVED
            meant, bare, at = meant + search[at + 1], bare + (" " * (not quoted)), at + 2
        else:
            assert search[at] not in RESERVED
            meant, bare, at = meant + search[at], bare + (search[at] * (not quoted)), at + 1
    assert not quoted
    assert {"AND", "OR", "NOT"}.isdisjoint(re.split(r"\W", bare.upper()))
    return meant, search[at + 1 :]


@settings(deadline=None)
@given(TEXTS | WORDS.map(" ".join))
def test_a_search_term_never_adds_syntax(text: str) -> None:
    """Facts §4: reserved characters are escaped, operators are words."""
    plain = GAPS.sub(" ", text).strip()
    assume(len(plain) > 1 and any(map(str.isalnum, plain)))
    meant, rest = read(find(text, CONTACTS))
    assert meant == plain
    assert rest == " IN ALL FIELDS RETURNING Contact(Id LIMIT 250) LIMIT 2000"
    assert find(text, CONTACTS).encode()


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("O'Neil-Smith (a+b)", "O\\'Neil\\-Smith \\(a\\+b\\)"),
        ("rock and roll OR not", 'rock "and" roll "OR" "not"'),
        ("a@example.com", "a@example.com"),
        ("Korn, (OR)-x nor", 'Korn, "\\(OR\\)\\-x" nor'),
        ("  many\n\twords\x00here ", "many words here"),
    ],
)
def test_words_mean_themselves(text: str, term: str) -> None:
    assert search_term(text) == term


def test_a_phrase_and_a_prefix_are_asked_for() -> None:
    assert search_term('say "x" and', phrase=True) == '"say \\"x\\" and"'
    assert search_term("Ann Smi", prefix=True) == "Ann Smi*"
    assert search_term("this or", prefix=True) == 'this "or"'


def test_a_search_names_its_objects() -> None:
    search = find(
        "ann",
        [
            Returning("Contact", ["Id", "toLabel(Status__c)"], compare("Email", "!=", None)),
            Returning("Lead", ["Id"], order_by=["CreatedDate DESC"], limit=5),
        ],
        group="NAME",
        limit=20,
    )
    assert search == (
        "FIND {ann} IN NAME FIELDS RETURNING "
        "Contact(Id, toLabel(Status__c) WHERE Email != null LIMIT 250), "
        "Lead(Id ORDER BY CreatedDate DESC LIMIT 5) LIMIT 20"
    )


@pytest.mark.parametrize(
    ("objects", "filtered", "rows"),
    [(1, False, 250), (1, True, 2000), (8, True, 250), (20, False, 100)],
)
def test_objects_share_the_rows(objects: int, filtered: bool, rows: int) -> None:  # noqa: FBT001 - a case
    """Facts §4: 2,000 rows in all, 250 of one object."""
    assert rows_of_object(objects, filtered=filtered) == rows
    some = [Returning(f"O{n}__c", limit=9999) for n in range(objects)]
    if not filtered:
        assert f"(Id LIMIT {rows})" in find("ann", some, limit=9999)
        assert find("ann", some, limit=9999).endswith(f" LIMIT {MOST_ROWS}")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: find("a", CONTACTS),
        lambda: find(" \n ", CONTACTS),
        lambda: find("?*", CONTACTS),
        lambda: find("a" * 4001, CONTACTS),
        lambda: find("-" + "a-" * 2000, CONTACTS),
        lambda: find("ann", []),
        lambda: find("ann", CONTACTS, limit=-1),
        lambda: find("ann", [Returning("Contact", limit=-1)]),
        lambda: find("ann", CONTACTS, group="ALL FIELDS"),  # type: ignore[arg-type]
        lambda: find("ann", [Returning("Contact) x")]),
        lambda: find("ann", [Returning("Contact", [])]),
        lambda: find("ann", [Returning("Contact", ["Id) "])]),
        lambda: find("ann", [Returning("Contact", offset=2001)]),
        lambda: find("ann", [Returning("Contact", offset=1), Returning("Lead")]),
        lambda: find("ann", [Returning("Contact", where="A = 1 OR " * 12_000)]),
    ],
)
def test_what_cannot_be_searched_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(InvalidInputError):
        wrong()
