"""The `explain` parameter: how the org would find the records of a statement."""

from dataclasses import replace

from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.queries import Queries
from crmlink_salesforce_sim.schema import Field, SObject
from crmlink_salesforce_sim.soql.nodes import (
    Compared,
    FieldItem,
    Function,
    Listed,
    Logic,
    Path,
    Query,
    Source,
)
from crmlink_salesforce_sim.soql.parse import parse
from crmlink_salesforce_sim.soql.plan import Plan

LEADING = ("=", "IN", "<", "<=", ">", ">=", "LIKE")
COST_OF_SCAN = 1.1


def explain(queries: Queries, text: str) -> Row:
    """Return the plans considered, the cheapest first: an index where one fits, and the scan."""
    plan, query = queries.compiler(text).plan(), parse(text)
    whole = replace(_counted(query), where=None)
    everything = _count(queries, text, whole)
    found = _count(queries, text, _counted(query))
    plans = [_plan(plan, "TableScan", [], found, everything)]
    if fields := _leading(query, plan.root):
        plans.insert(0, _plan(plan, "Index", fields, found, everything))
    return {"plans": plans, "sourceQuery": text}


def _counted(query: Query) -> Query:
    count = (FieldItem(Function("COUNT", (), query.at)),)
    return Query(count, (Source(query.source, query.alias),), query.at, where=query.where)


def _count(queries: Queries, text: str, query: Query) -> int:
    plan: Plan = queries.compiler(text).of(query)
    with queries.org.store.reading() as connection:
        statement = plan.statement(["COUNT(*)"], 1)
        return int(connection.execute(statement, plan.bound).fetchone()[0])


def _leading(query: Query, root: SObject) -> list[str]:
    terms = [query.where]
    if isinstance(query.where, Logic):
        terms = list(query.where.terms) if query.where.word == "AND" else []
    found = []
    for term in terms:
        match term:
            case Compared(Path((name,), _), operator, _) | Listed(Path((name,), _), operator, _):
                field = root.find(name)
                if field is not None and operator in LEADING and _indexed(field):
                    found.append(field.name)
            case _:
                continue
    return found


def _indexed(field: Field) -> bool:
    return field.indexed or field.lookup or field.unique or field.type in ("id", "reference")


def _plan(plan: Plan, kind: str, fields: list[str], found: int, everything: int) -> Row:
    cost = COST_OF_SCAN if kind == "TableScan" else found / max(everything, 1)
    note = {
        "description": "Not considering filter for optimization because unindexed",
        "fields": ["IsDeleted"],
        "tableEnumOrId": plan.root.name,
    }
    return {
        "cardinality": found,
        "fields": fields,
        "leadingOperationType": kind,
        "notes": [note],
        "relativeCost": round(cost, 6),
        "sobjectCardinality": everything,
        "sobjectType": plan.root.name,
    }
