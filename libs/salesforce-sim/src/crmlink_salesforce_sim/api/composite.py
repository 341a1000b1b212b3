"""Composite: calls in order, later ones referring to what earlier ones answered."""

from dataclasses import dataclass

from crmlink_salesforce_sim.api.batch import Batch
from crmlink_salesforce_sim.api.call import Answer, Call, as_rows
from crmlink_salesforce_sim.api.graph import Graphs
from crmlink_salesforce_sim.api.parts import (
    FAILED,
    RollbackError,
    answered,
    check_parts,
    entry,
    failed,
    halted,
)
from crmlink_salesforce_sim.api.router import Router
from crmlink_salesforce_sim.api.tree import plant
from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.org import Org

MOST_PARTS = 25
MOST_HEAVY = 5


@dataclass(frozen=True)
class Composite:
    """Answers calls that carry calls, through the same router."""

    router: Router

    def answer(self, org: Org, call: Call) -> Answer:
        """Answer each part in order; later parts may refer to earlier answers."""
        body = call.row()
        parts = as_rows(body.get("compositeRequest"))
        check_parts(parts, MOST_PARTS)
        _check_heavy(parts)
        if body.get("allOrNone") is not True:
            return Answer({"compositeResponse": self._parts(org, call, parts, halt=False)})
        answers: list[Row] = []
        try:
            with org.transactions.running(org.now()), org.store.writing():
                answers = self._parts(org, call, parts, halt=True)
                if any(_lost(one) for one in answers):
                    raise RollbackError
        except RollbackError:
            answers = [one if _lost(one) else halted(one["referenceId"]) for one in answers]
        return Answer({"compositeResponse": answers})

    def _parts(self, org: Org, call: Call, parts: list[Row], *, halt: bool) -> list[Row]:
        bodies: dict[str, object] = {}
        answers: list[Row] = []
        stopped = False
        for part in parts:
            reference = str(part["referenceId"])
            if stopped:
                answers.append(halted(reference))
                continue
            answer = answered(self.router, org, call, _whole(part) if halt else part, bodies)
            if answer.status < FAILED:
                bodies[reference] = answer.body
            answers.append(entry(answer, reference))
            stopped = halt and _lost(answers[-1])
        return answers


def add_composite(router: Router) -> None:
    """Add composite, batch, graph and tree."""
    router.add("composite", POST=Composite(router).answer)
    router.add("composite/batch", POST=Batch(router).answer)
    router.add("composite/graph", POST=Graphs(router).answer)
    router.add("composite/tree/*", POST=plant)


def _whole(part: Row) -> Row:
    """Return a part of an all-or-none call: Collections in it are all-or-none themselves."""
    if not _collection(str(part["url"])):
        return part
    body = part.get("body")
    if isinstance(body, dict):
        return {**part, "body": {**body, "allOrNone": True}}
    url = str(part["url"])
    return {**part, "url": f"{url}{'&' if '?' in url else '?'}allOrNone=true"}


def _lost(answer: Row) -> bool:
    """Tell whether a part went wrong: its status says so, or a record in its 200 does."""
    body = answer["body"]
    records = body if isinstance(body, list) else []
    return failed(answer) or any(
        isinstance(one, dict) and one.get("success") is False for one in records
    )


def _collection(url: str) -> bool:
    names = url.partition("?")[0].strip("/").split("/")[3:]
    return names[:2] == ["composite", "sobjects"]


def _check_heavy(parts: list[Row]) -> None:
    if sum(_heavy(str(part["url"])) for part in parts) > MOST_HEAVY:
        message = f"At most {MOST_HEAVY} subrequests may be queries or sObject Collections"
        raise ApiError("LIMIT_EXCEEDED", message)


def _heavy(url: str) -> bool:
    path = url.partition("?")[0]
    names = path.strip("/").split("/")[3:]
    return names[:1] in (["query"], ["queryAll"]) or _collection(url)
