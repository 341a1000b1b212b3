"""Composite graphs: groups of calls, each group done whole or not at all (facts §6)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from crmlink_salesforce_sim.api.call import Answer, Call, as_rows, split_url
from crmlink_salesforce_sim.api.parts import (
    FAILED,
    RollbackError,
    answered,
    check_parts,
    entry,
    failed,
    halted,
)
from crmlink_salesforce_sim.api.references import names_in
from crmlink_salesforce_sim.api.router import Router
from crmlink_salesforce_sim.errors import ApiError, Row, not_found
from crmlink_salesforce_sim.org import Org

MOST_GRAPHS = 75
MOST_NODES = 500
MOST_DEPTH = 15
MOST_KINDS = 15
MOST_FAILED = 14
SINCE = 50
_NAME = re.compile(r"[A-Za-z0-9][^.]{0,39}\Z")
_METHODS = {  # by the length of the path: an object, a row, a row by an external id
    2: ("POST",),
    3: ("GET", "PATCH", "DELETE"),
    4: ("GET", "PATCH", "DELETE", "POST"),
}


@dataclass(frozen=True)
class Graph:
    """One graph: its nodes by reference id, and which others each refers to."""

    name: str
    nodes: Mapping[str, Row]
    needs: Mapping[str, set[str]] = field(default_factory=dict)

    def order(self) -> list[str]:
        """Return the nodes so that each follows what it refers to; INVALID_INPUT in a circle."""
        return sorted(self.nodes, key=self._depths().__getitem__)

    @property
    def depth(self) -> int:
        """Return how many nodes the longest chain of references has."""
        return max(self._depths().values(), default=0)

    def _depths(self) -> dict[str, int]:
        found: dict[str, int] = {}
        while len(found) < len(self.nodes):
            ready = [n for n in self.nodes if n not in found and self.needs[n] <= found.keys()]
            if not ready:
                message = f"The references of graph {self.name} go in a circle"
                raise ApiError("INVALID_INPUT", message)
            for one in ready:
                found[one] = 1 + max((found[need] for need in self.needs[one]), default=0)
        return found


@dataclass(frozen=True)
class Graphs:
    """Answers graphs through the same router."""

    router: Router

    def answer(self, org: Org, call: Call) -> Answer:
        """Do each graph; after 14 that failed the rest is not tried."""
        if int(call.version.partition(".")[0]) < SINCE:
            raise not_found()
        graphs = read_graphs(call)
        answers: list[Row] = []
        lost = 0
        for graph in graphs:
            parts = self._graph(org, call, graph) if lost < MOST_FAILED else _halted(graph)
            good = not any(failed(one) for one in parts)
            lost += not good
            response: Row = {"compositeResponse": parts}
            told: Row = {"graphId": graph.name, "graphResponse": response, "isSuccessful": good}
            answers.append(told)
        return Answer({"graphs": answers})

    def _graph(self, org: Org, call: Call, graph: Graph) -> list[Row]:
        answers: dict[str, Row] = {}
        try:
            with org.transactions.running(org.now()), org.store.writing():
                self._nodes(org, call, graph, answers)
        except RollbackError:
            answers = {name: one for name, one in answers.items() if failed(one)}
        return [answers.get(name) or halted(name) for name in graph.nodes]

    def _nodes(self, org: Org, call: Call, graph: Graph, answers: dict[str, Row]) -> None:
        bodies: dict[str, object] = {}
        for name in graph.order():
            answer = answered(self.router, org, call, graph.nodes[name], bodies)
            answers[name] = entry(answer, name)
            if answer.status >= FAILED:
                raise RollbackError
            bodies[name] = answer.body


def _halted(graph: Graph) -> list[Row]:
    return [halted(name) for name in graph.nodes]


def read_graphs(call: Call) -> list[Graph]:
    """Return the graphs of a call, or refuse what is more than an org takes."""
    rows = as_rows(call.row().get("graphs"))
    if len(rows) > MOST_GRAPHS:
        raise _limit(f"{MOST_GRAPHS} graphs")
    graphs = [_graph(row) for row in rows]
    names = [one.name for one in graphs]
    if len(set(names)) < len(names):
        raise ApiError("INVALID_INPUT", "graphId has to be unique in a request")
    if sum(len(one.nodes) for one in graphs) > MOST_NODES:
        raise _limit(f"{MOST_NODES} nodes")
    if any(graph.depth > MOST_DEPTH for graph in graphs):
        raise _limit(f"a depth of {MOST_DEPTH}")
    if len({_kind(part) for one in graphs for part in one.nodes.values()}) > MOST_KINDS:
        raise _limit(f"{MOST_KINDS} different nodes")
    return graphs


def _graph(row: Row) -> Graph:
    name = row.get("graphId")
    if not isinstance(name, str) or not _NAME.match(name):
        message = "A graphId of up to 40 letters and digits is needed, without periods"
        raise ApiError("INVALID_INPUT", message)
    parts = as_rows(row.get("compositeRequest"))
    check_parts(parts, MOST_NODES)
    nodes = {str(part["referenceId"]): part for part in parts}
    needs = {
        one: names_in([part["url"], part.get("body")]) & nodes.keys() for one, part in nodes.items()
    }
    return Graph(name, nodes, needs)


def _kind(part: Row) -> tuple[str, ...]:
    """Return what sort of node it is: version, method and object; rows of objects alone."""
    version, path, _ = split_url(str(part["url"]))
    method = str(part["method"]).upper()
    if path[:1] != ("sobjects",) or method not in _METHODS.get(len(path), ()):
        message = f"This cannot be in a graph: {method} {part['url']}"
        raise ApiError("INVALID_INPUT", message)
    return version, method, path[1].lower()


def _limit(what: str) -> ApiError:
    return ApiError("LIMIT_EXCEEDED", f"A composite graph request takes at most {what}")
