"""SOSL rendered: a search for text that can never add syntax."""

from __future__ import annotations

import re
import typing
from collections.abc import Sequence
from dataclasses import dataclass

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.soql.building import ordered
from crmlink_common.salesforce.soql.conditions import NAME, Condition, expression

# Facts §4: limits of a search.
SHORTEST_TERM = 2
LONGEST_TERM = 4000  # beyond it Salesforce drops operators, beyond 10,000 it finds nothing
LONGEST_SEARCH = 100_000
MOST_ROWS = 2000
MOST_ROWS_OF_OBJECT = 250
LARGEST_OFFSET = 2000

Group = typing.Literal["ALL", "NAME", "EMAIL", "PHONE", "SIDEBAR"]
GROUPS = frozenset(typing.get_args(Group))
RESERVED = re.compile(r"""[?&|!{}\[\]()^~*:\\"'+\-]""")
OPERATOR = re.compile(r"(?<!\w)(?:AND|OR|NOT)(?!\w)", re.IGNORECASE)  # unverified: beside marks
# White space, control characters and halves of pairs only part words from each other.
GAPS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Returning:
    """An object to search, and what to return of the records found."""

    sobject: str
    fields: Sequence[str] = ("Id",)
    where: Condition | str | None = None
    order_by: Sequence[str] | str | None = None
    limit: int | None = None
    offset: int | None = None


def find(
    text: str,
    returning: Sequence[Returning],
    *,
    group: Group = "ALL",
    phrase: bool = False,
    prefix: bool = False,
    limit: int | None = None,
) -> str:
    """Render a search for all words of a text, or for the words side by side as a ``phrase``.

    With ``prefix`` the last word may go on. Each object returns at most 250 rows, all together at
    most 2,000: a larger limit is lowered. Raises InvalidInputError for a text of fewer than 2 or
    more than 4,000 characters, for what is no name, and for an OFFSET over 2,000 or with several
    objects.
    """
    if group not in GROUPS or not returning:
        raise InvalidInputError("a search needs a group of fields and an object")
    most = _lowered(limit, MOST_ROWS)
    objects = ", ".join(_object(one, len(returning)) for one in returning)
    term = search_term(text, phrase=phrase, prefix=prefix)
    search = f"FIND {{{term}}} IN {group} FIELDS RETURNING {objects} LIMIT {most}"
    if len(search) > LONGEST_SEARCH:
        raise InvalidInputError("a search longer than Salesforce takes")
    return search


def search_term(text: str, *, phrase: bool = False, prefix: bool = False) -> str:
    """Render text as search words that mean themselves, operators and wildcards included."""
    plain = GAPS.sub(" ", text).strip()
    if len(plain) < SHORTEST_TERM or not any(map(str.isalnum, plain)):
        raise InvalidInputError("a search for fewer than two characters")
    escaped = RESERVED.sub(r"\\\g<0>", plain)
    words = [f'"{word}"' if OPERATOR.search(word) else word for word in escaped.split(" ")]
    if phrase:
        term = f'"{escaped}"'
    else:
        term = " ".join(words) + ("*" if prefix and words[-1][-1].isalnum() else "")
    if len(term) > LONGEST_TERM:
        raise InvalidInputError("a search for too long a text")
    return term


def rows_of_object(objects: int, *, filtered: bool = False) -> int:
    """Return how many rows one of the objects can return at most.

    A single object with WHERE or ORDER BY is bounded by the whole search alone.
    """
    if objects == 1 and filtered:
        return MOST_ROWS
    return min(MOST_ROWS // objects, MOST_ROWS_OF_OBJECT)


def _lowered(limit: int | None, most: int) -> int:
    if limit is not None and limit < 0:
        raise InvalidInputError("no such LIMIT of a search")
    return most if limit is None else min(int(limit), most)


def _object(one: Returning, objects: int) -> str:
    if NAME.fullmatch(one.sobject) is None or not one.fields:
        raise InvalidInputError("not the name of a field or object")
    if one.offset is not None and (objects > 1 or not 0 <= one.offset <= LARGEST_OFFSET):
        raise InvalidInputError("no such OFFSET of a search")
    most = rows_of_object(objects, filtered=bool(one.where or one.order_by))
    clauses = [", ".join(map(expression, one.fields))]
    clauses += [f"WHERE {one.where}"] if one.where else []
    clauses += [f"ORDER BY {ordered(one.order_by)}"] if one.order_by else []
    clauses += [f"LIMIT {_lowered(one.limit, most)}"]
    clauses += [f"OFFSET {int(one.offset)}"] if one.offset else []
    return f"{one.sobject}({' '.join(clauses)})"
