"""A query made safe to read with: no side effects, and no more rows than allowed."""

from __future__ import annotations

from dataclasses import dataclass, field

from lark import Token

from crmlink_common.salesforce.soql_syntax import (
    Node,
    SoqlError,
    end_of,
    nodes,
    parse,
    part,
    parts,
    start_of,
    subtree,
    tokens,
)

GROUPED_ROWS = 2000  # an answer with GROUP BY has one page
ALL_FIELDS_ROWS = 200
LARGEST_OFFSET = 2000
MOST_CHILDREN = 60  # Salesforce takes 20 per level; hundreds, nested, would cost us minutes
AGGREGATES = frozenset({"avg", "count", "count_distinct", "max", "min", "sum"})


@dataclass(frozen=True, slots=True)
class Bounded:
    """A query that returns at most ``max_rows``; ``countable`` tells how many there are."""

    query: str
    max_rows: int
    countable: str | None


@dataclass(slots=True)
class _Edits:
    """Changes at token positions, by where the token begins or ends."""

    instead: dict[int, str] = field(default_factory=dict)
    after: dict[int, str] = field(default_factory=dict)

    def applied(self, text: str, part: list[Token]) -> str:
        """Render tokens; what is between them is kept but for comments."""
        rendered = ""
        for n, token in enumerate(part):
            gap = text[end_of(part[n - 1]) : start_of(token)] if n else ""
            rendered += " " if gap.strip() else gap
            rendered += self.instead.get(start_of(token), str(token))
            rendered += self.after.get(end_of(token), "")
        return rendered


def bounded(query: str, max_rows: int) -> Bounded:
    """Cap the rows of the query and of each child query; raise SoqlError for what may not be."""
    if max_rows < 1:
        raise ValueError("max_rows must be positive")
    root = parse(query)
    edits = _Edits()
    children = 0
    for node in nodes(root):
        _refuse_effects(node)
        if node.data == "child":
            if (children := children + 1) > MOST_CHILDREN:
                raise _refused("refused_subqueries", tokens(node)[0], "Ask in several queries.")
            _cap(subtree(node, "query"), max_rows, edits)
    rows = _cap(root, max_rows, edits)
    return Bounded(edits.applied(query, tokens(root)), rows, _countable(query, root))


def _cap(query: Node, max_rows: int, edits: _Edits) -> int:
    """Return how many rows this query may return now."""
    limit = part(query, "limit")
    if _is_aggregate(query) and part(query, "group") is None:
        return 1  # a LIMIT would be an error, or change what COUNT() counts
    most = max_rows if part(query, "group") is None else min(max_rows, GROUPED_ROWS)
    asked = int(tokens(limit)[1]) if limit else None
    if (fields := _all_fields(query)) is not None:
        if asked is not None and min(asked, most) > ALL_FIELDS_ROWS:
            raise _refused("refused_fields_all", fields, "Add LIMIT 200, or name the fields.")
        most = min(most, ALL_FIELDS_ROWS)
    if asked is not None and asked <= most:
        return asked
    if limit is not None:
        edits.instead[start_of(tokens(limit)[1])] = str(most)
    else:
        edits.after[end_of(_last_before_offset(query))] = f" LIMIT {most}"
    return most


def _last_before_offset(query: Node) -> Token:
    offset = part(query, "offset")
    written = tokens(query)
    if offset is None:
        return written[-1]
    first = start_of(tokens(offset)[0])
    return next(token for token in reversed(written) if end_of(token) <= first)


def _refuse_effects(node: Node) -> None:
    words = tokens(node) if node.data in {"for", "update", "all_rows", "offset"} else []
    if node.data == "for":
        raise _refused(f"refused_for_{words[1].lower()}", words[0], "Leave the FOR clause out.")
    if node.data == "update":
        raise _refused(f"refused_update_{words[1].lower()}", words[0], "Leave UPDATE out.")
    if node.data == "all_rows":
        raise _refused("refused_all_rows", words[0], "Ask to include deleted records.")
    if node.data == "offset" and int(words[1]) > LARGEST_OFFSET:
        raise _refused("refused_offset", words[1], "Page by a condition on Id beyond 2000.")


def _calls(query: Node) -> list[tuple[str, Node]]:
    """Return what the select list calls, by lower-case name; child queries have their own."""
    select = subtree(query, "select")
    inner = nodes(select, within="child")
    return [(tokens(node)[0].lower(), node) for node in inner if node.data == "call"]


def _is_aggregate(query: Node) -> bool:
    return any(name in AGGREGATES for name, _ in _calls(query))


def _all_fields(query: Node) -> Token | None:
    for name, call in _calls(query):
        words = tokens(call)
        if name == "fields" and words[2].lower() in {"all", "custom"}:
            return words[0]
    return None


def _countable(text: str, query: Node) -> str | None:
    """Return a query that counts all rows of the same FROM and WHERE."""
    if _is_aggregate(query) or part(query, "group") is not None:
        return None
    clauses = [c for rule in ("from", "scope", "where", "with") for c in parts(query, rule)]
    written = [token for clause in clauses for token in tokens(clause)]
    return "SELECT COUNT() " + _Edits().applied(text, written)


def _refused(code: str, at: Token, cure: str) -> SoqlError:
    return SoqlError(code, line=at.line or 1, column=at.column or 1, cure=cure)
