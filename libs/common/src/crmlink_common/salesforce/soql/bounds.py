"""A query made safe to read with: no side effects, and no more rows than allowed."""

from __future__ import annotations

from dataclasses import dataclass

from crmlink_common.salesforce.soql.edits import Edit, comments, spliced
from crmlink_common.salesforce.soql.refusals import refuse, refused
from crmlink_common.salesforce.soql.shape import all_fields, is_aggregate
from crmlink_common.salesforce.soql.syntax import LONGEST_QUERY, parsed, too_long
from crmlink_common.salesforce.soql.tree import (
    Node,
    first_word,
    last_word,
    part,
    parts,
    subtree,
)

GROUPED_ROWS = 2000  # an answer with GROUP BY has one page
ALL_FIELDS_ROWS = 200
MOST_CHILDREN = 60  # Salesforce takes 20 per level; hundreds, nested, would cost us minutes


@dataclass(frozen=True, slots=True)
class Bounded:
    """A query that returns at most ``max_rows`` at its top level and in each child query.

    ``countable`` is a query whose total tells how many rows there are in all: to be asked once
    when the page is full. None where counting makes no sense: an aggregate or GROUP BY.
    """

    query: str
    max_rows: int
    countable: str | None


def bounded(query: str, max_rows: int) -> Bounded:
    """Cap the rows of the query and of each child query; raise SoqlError for what may not be.

    Raises ``syntax_error`` for what is no SOQL and ``refused_*`` for what writes, locks, or asks
    for more than can be bounded. Semi-joins and comments return no rows: the former are left as
    they are, the latter are left out.
    """
    root, edits, rows = _capped(query, max_rows)
    return Bounded(_written(query, root, edits), rows, _countable(query, root, edits))


def bounded_text(query: str, max_rows: int) -> str:
    """Return the query of ``bounded`` alone."""
    root, edits, _ = _capped(query, max_rows)
    return _written(query, root, edits)


def _written(text: str, root: Node, edits: list[Edit]) -> str:
    written = spliced(text, first_word(root).start_pos, last_word(root).end_pos, edits)
    if len(written) > LONGEST_QUERY:
        raise too_long()
    return written


def _capped(query: str, max_rows: int) -> tuple[Node, list[Edit], int]:
    if max_rows < 1:
        raise ValueError("max_rows must be positive")
    found = parsed(query)
    root = found[0]
    edits = comments(query, root)
    children = 0
    for node in found:
        refuse(query, node)
        if node.data == "child":
            if (children := children + 1) > MOST_CHILDREN:
                cure = "Ask in several queries."
                raise refused(query, "refused_subqueries", first_word(node), cure)
            _cap(query, subtree(node, "query"), max_rows, edits)
    return root, edits, _cap(query, root, max_rows, edits)


def _cap(text: str, query: Node, max_rows: int, edits: list[Edit]) -> int:
    """Return how many rows this query may return now."""
    grouped = part(query, "group") is not None
    if not grouped and is_aggregate(query):
        return 1  # a LIMIT would be an error, or change what COUNT() counts
    limit = part(query, "limit")
    most = min(max_rows, GROUPED_ROWS) if grouped else max_rows
    asked = int(last_word(limit)) if limit else None
    if (fields := all_fields(query)) is not None:
        if asked is not None and min(asked, most) > ALL_FIELDS_ROWS:
            cure = "Add LIMIT 200, or name the fields."
            raise refused(text, "refused_fields_all", fields, cure)
        most = min(most, ALL_FIELDS_ROWS)
    if asked is not None and asked <= most:
        return asked
    if limit is not None:
        number = last_word(limit)
        edits.append((number.start_pos, number.end_pos, str(most)))
    else:
        end = _end_before_offset(query)
        edits.append((end, end, f" LIMIT {most}"))
    return most


def _end_before_offset(query: Node) -> int:
    clauses = [c for c in query.children if isinstance(c, Node) and c.data != "offset"]
    return last_word(clauses[-1]).end_pos


def _countable(text: str, query: Node, edits: list[Edit]) -> str | None:
    """Return a query that counts all rows of the same FROM and WHERE."""
    if part(query, "group") is not None or is_aggregate(query):
        return None
    clauses = [c for rule in ("from", "scope", "where", "with") for c in parts(query, rule)]
    start, end = first_word(clauses[0]).start_pos, last_word(clauses[-1]).end_pos
    kept = [edit for edit in edits if edit[:2] != (end, end)]
    return f"SELECT COUNT() {spliced(text, start, end, kept)}"
