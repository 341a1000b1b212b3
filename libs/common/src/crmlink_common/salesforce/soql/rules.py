"""What is no SOQL although the grammar would take it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping

from crmlink_common.salesforce.soql.errors import at_place
from crmlink_common.salesforce.soql.tree import Node, first_word, nodes
from crmlink_common.salesforce.soql.vocabulary import AGGREGATES
from crmlink_common.salesforce.soql.words import Word

# What is selected, not compared or sorted by; aggregates are compared in HAVING.
UNCOMPARED = AGGREGATES | {"CONVERTCURRENCY", "FIELDS", "GROUPING"}
UNGROUPED = frozenset({"CONVERTCURRENCY", "FIELDS", *AGGREGATES})
UNSORTED = frozenset({"CONVERTCURRENCY", "FIELDS"})


def check(text: str, found: Iterable[Node]) -> None:
    """Raise SoqlError at the first of a query's nodes that Salesforce would not take."""
    for node in found:
        look = LOOKS.get(node.data)
        wrong = look(node) if look is not None else None
        if wrong is not None:
            raise at_place(text, wrong.start_pos)


def _call_of(clause: Node, names: Container[str]) -> Word | None:
    for node in nodes(clause, within="semi_join"):
        if node.data == "call" and (name := first_word(node)).upper() in names:
            return name
    return None


def _grouped_call(group: Node) -> Word | None:
    calls = [c for c in group.children if isinstance(c, Node) and c.data == "call"]
    return next((found for c in calls if (found := _call_of(c, UNGROUPED))), None)


LOOKS: Mapping[str, Callable[[Node], Word | None]] = {
    "where": lambda node: _call_of(node, UNCOMPARED),
    "ordering": lambda node: _call_of(node, UNSORTED),
    "having": lambda node: next(
        (first_word(n) for n in nodes(node, within="semi_join") if n.data == "formula"), None
    ),
    "group": _grouped_call,
}
