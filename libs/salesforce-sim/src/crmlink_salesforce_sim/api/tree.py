"""sObject Tree: records with their children, created together or not at all (facts §6)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from crmlink_salesforce_sim.api.call import Answer, Call, as_row, as_rows
from crmlink_salesforce_sim.api.parts import RollbackError
from crmlink_salesforce_sim.api.rows import saving
from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.records import Writer
from crmlink_salesforce_sim.schema import Child, Schema, SObject

MOST_RECORDS = 200
MOST_TYPES = 5
MOST_LEVELS = 5


@dataclass
class Node:
    """A record to create, with what hangs on it."""

    reference: str
    sobject: SObject
    body: Row
    children: list[tuple[str, "Node"]] = field(default_factory=list)

    def all(self) -> Iterator["Node"]:
        """Give this node and everything below it."""
        yield self
        for _, child in self.children:
            yield from child.all()

    @property
    def levels(self) -> int:
        """Return how deep the tree is, 1 for a record alone."""
        return 1 + max((child.levels for _, child in self.children), default=0)


def plant(org: Org, call: Call, name: str) -> Answer:
    """Create trees of records."""
    sobject = org.schema.required(name)
    roots = [read_node(org.schema, row, sobject) for row in as_rows(call.row().get("records"))]
    nodes = [node for root in roots for node in root.all()]
    if (refused := _too_much(roots, nodes)) is not None:
        return refused
    try:
        with saving(org, call) as writer:
            planting = _Planting(org, writer)
            for root in roots:
                planting.create(root, {})
            if planting.errors:
                raise RollbackError
    except RollbackError:
        return _refused(list(planting.errors.items()))
    results: list[Row] = [{"referenceId": one, "id": made} for one, made in planting.made.items()]
    return Answer({"hasErrors": False, "results": results}, 201)


def read_node(schema: Schema, row: Row, expected: SObject) -> Node:
    """Return a record and its children as they are written in a request."""
    attributes = as_row(row.get("attributes"))
    reference, kind = attributes.get("referenceId"), attributes.get("type")
    if not isinstance(reference, str) or not reference:
        raise ApiError("JSON_PARSER_ERROR", "Include a reference ID for each record")
    if not isinstance(kind, str) or schema.find(kind) is not expected:
        message = f"Include a type for each record, here {expected.name}"
        raise ApiError("INVALID_INPUT", message)
    node = Node(reference, expected, {})
    for name, value in row.items():
        child = _child(schema, expected, name) if isinstance(value, dict) else None
        if child is None:
            node.body[name] = value
            continue
        for one in as_rows(as_row(value).get("records")):
            node.children.append((child.field.name, read_node(schema, one, child.sobject)))
    return node


def _child(schema: Schema, parent: SObject, name: str) -> Child | None:
    for child in schema.children(parent):
        relationship = child.field.childRelationshipName
        if relationship and relationship.lower() == name.lower():
            return child
    return None


def _too_much(roots: list[Node], nodes: list[Node]) -> Answer | None:
    """Return the answer to trees that are too large, or call two records the same."""
    names = [one.reference for one in nodes]
    if len(nodes) > MOST_RECORDS:
        return _refused([(names[0], _limit(f"{MOST_RECORDS} records"))])
    if len({one.sobject.name for one in nodes}) > MOST_TYPES:
        return _refused([(names[0], _limit(f"{MOST_TYPES} types of records"))])
    if max((one.levels for one in roots), default=0) > MOST_LEVELS:
        return _refused([(names[0], _limit(f"{MOST_LEVELS} levels"))])
    twice = ApiError("INVALID_INPUT", "Duplicate ReferenceId provided in the request.")
    several = [(one, twice) for one in names if names.count(one) > 1]
    return _refused(several) if several else None


def _limit(what: str) -> ApiError:
    return ApiError("LIMIT_EXCEEDED", f"A tree takes at most {what}")


@dataclass
class _Planting:
    """Trees being created: the ids made, and what went wrong."""

    org: Org
    writer: Writer
    made: dict[str, str] = field(default_factory=dict)
    errors: dict[str, ApiError] = field(default_factory=dict)

    def create(self, node: Node, parent: Row) -> None:
        """Create a record, then its children; those of a failed one are not tried."""
        try:
            with self.org.store.writing():
                made = self.writer.create(node.sobject, {**node.body, **parent})
        except ApiError as exc:
            self.errors[node.reference] = exc
            return
        self.made[node.reference] = made
        for name, child in node.children:
            self.create(child, {name: made})


def _refused(errors: list[tuple[str, ApiError]]) -> Answer:
    results: list[Row] = [{"referenceId": one, "errors": error.items()} for one, error in errors]
    return Answer({"hasErrors": True, "results": results}, 400)
