"""How long ``soql check`` takes for 10,000 typical queries, its start included.

Run it as ``python benchmarks/soql_check.py``; it makes its queries from a seed, asks the command
and prints one line of JSON with the figures and the machine's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from crmlink_common.salesforce.soql import (
    Condition,
    Relative,
    and_,
    compare,
    contains,
    in_query,
    is_in,
    not_,
    or_,
    select,
)

COMMAND = [sys.executable, "-m", "crmlink_common.salesforce.soql", "check", "--max-rows", "200"]
FIELDS = ["Id", "Name", "Email", "Owner.Name", "Account.Owner.Email", "CreatedDate", "Custom__c"]
OBJECTS = ["Account", "Contact", "Lead", "Opportunity", "Case", "Care_Plan__c"]


def condition(chance: random.Random, depth: int = 2) -> Condition:
    """Make a condition as people write them."""
    simple: list[Callable[[], Condition]] = [
        lambda: compare("Name", "=", f"O'Neil {chance.randrange(999)}"),
        lambda: compare("CreatedDate", "=", Relative("LAST_N_DAYS", chance.randrange(1, 90))),
        lambda: compare("Amount", ">", chance.randrange(5000)),
        lambda: is_in("Id", [f"003{n:015}" for n in range(chance.randrange(1, 9))]),
        lambda: contains("Email", f"{chance.randrange(99)}@example.com"),
        lambda: in_query("AccountId", select(["Id"], "Account", where="Industry != null")),
    ]
    nested: list[Callable[[], Condition]] = [
        lambda: not_(condition(chance, depth - 1)),
        lambda: or_(condition(chance, depth - 1), condition(chance, depth - 1)),
    ]
    return chance.choice(simple + nested if depth else simple)()


def query(chance: random.Random) -> str:
    """Make a query: one in six has children, one in eight is an aggregate."""
    where = and_(*[condition(chance) for _ in range(chance.randrange(1, 4))])
    sobject = chance.choice(OBJECTS)
    if chance.randrange(8) == 0:
        columns = ["StageName", "COUNT(Id) n", "SUM(Amount) total"]
        return select(columns, sobject, where=where, group_by=["StageName"])
    children = [select(["Id", "Name"], "Contacts", order_by=["Name"])]
    return select(
        chance.sample(FIELDS, chance.randrange(1, len(FIELDS))),
        sobject,
        children=children if chance.randrange(6) == 0 else [],
        where=where if chance.randrange(5) else None,
        order_by=["CreatedDate DESC NULLS LAST", "Id"] if chance.randrange(2) else [],
        limit=chance.randrange(1, 2000) if chance.randrange(2) else None,
    )


def measured(queries: list[str], repeats: int) -> Iterator[float]:
    """Run the command again and again; yield the seconds of each run."""
    given = "".join(json.dumps({"q": one}) + "\n" for one in queries).encode()
    for _ in range(repeats):
        start = time.perf_counter()
        told = subprocess.run(COMMAND, input=given, capture_output=True, check=True)  # noqa: S603 - our own module
        yield time.perf_counter() - start
        if told.stdout.count(b'"ok": true') != len(queries):
            raise RuntimeError("a typical query was refused")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)  # noqa: S311 - the same queries again
    queries = [query(chance) for _ in range(chosen.queries)]
    seconds = list(measured(queries, chosen.repeats))
    figures = {
        "queries": len(queries),
        "mean_chars": round(sum(map(len, queries)) / len(queries)),
        "seconds": [round(one, 2) for one in seconds],
        "queries_per_second": round(len(queries) / min(seconds)),
        "machine": {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)},
        "python": platform.python_version(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
