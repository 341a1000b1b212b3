"""What every org has from its first day: users, a queue, record types, stages, itself."""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice

from crmlink_salesforce_sim.generate.people import QUEUE, Made, fixed_stamps, users
from crmlink_salesforce_sim.ids import make_id, number_of
from crmlink_salesforce_sim.oauth.app import Identity
from crmlink_salesforce_sim.saving import calculated, numbered
from crmlink_salesforce_sim.schema import Schema, SObject
from crmlink_salesforce_sim.standard import STAGES
from crmlink_salesforce_sim.store import Store, quoted

CHUNK = 5000


def insert(connection: sqlite3.Connection, sobject: SObject, rows: Iterable[Made]) -> list[str]:
    """Insert rows that all have the same columns; return their ids."""
    ids: list[str] = []
    waiting = iter(rows)
    while chunk := list(islice(waiting, CHUNK)):
        if sobject.formulas or sobject.auto_numbers:
            chunk = [_finished(sobject, row) for row in chunk]
        columns = list(chunk[0])
        marks = ", ".join("?" * len(columns))
        names = ", ".join(map(quoted, columns))
        statement = " ".join(["INSERT INTO", quoted(sobject.name), f"({names}) VALUES ({marks})"])
        connection.executemany(statement, ([row[one] for one in columns] for row in chunk))
        ids += [str(row["Id"]) for row in chunk]
    return ids


def _finished(sobject: SObject, row: Made) -> Made:
    """Return a row with its auto numbers and formulas."""
    row = row | numbered(sobject, number_of(str(row["Id"])))
    return row | calculated(sobject, row)


def basics(connection: sqlite3.Connection, schema: Schema, identity: Identity) -> None:
    """Put in what an org cannot be without."""
    stamps = fixed_stamps()
    insert(connection, schema.objects["User"], users(identity.username))
    queue = {"Id": QUEUE, "Name": "Lead Queue", "DeveloperName": "Lead_Queue", "Type": "Queue"}
    insert(connection, schema.objects["Group"], [{**queue, **stamps}])
    org: Made = {"Id": identity.org_id, "Name": "Practice org", "InstanceName": "SIM1"}
    org |= {"OrganizationType": "Enterprise Edition", "IsSandbox": 0}
    insert(connection, schema.objects["Organization"], [{**org, **stamps}])


def complete(store: Store) -> None:
    """Add record types and stages that the schema has and the store lacks."""
    with store.writing() as connection:
        there = {
            (str(sobject), str(name))
            for sobject, name in connection.execute(
                "SELECT SobjectType, DeveloperName FROM RecordType"
            )
        }
        missing = _record_types(store.schema, there, len(there) + 1)
        insert(connection, store.schema.objects["RecordType"], missing)
        (count,) = connection.execute('SELECT count(*) FROM "OpportunityStage"').fetchone()
        if not count:
            insert(connection, store.schema.objects["OpportunityStage"], _stages())


def _record_types(schema: Schema, there: set[tuple[str, str]], number: int) -> Iterator[Made]:
    for sobject in schema.objects.values():
        for kind in sobject.record_types:
            if (sobject.name, kind.developer_name) in there:
                continue
            yield {
                "Id": kind.record_type_id or make_id("012", number),
                "Name": kind.name,
                "DeveloperName": kind.developer_name,
                "SobjectType": sobject.name,
                "IsActive": int(kind.active),
                **fixed_stamps(),
            }
            number += 1


def _stages() -> Iterator[Made]:
    for n, (name, (probability, category)) in enumerate(STAGES.items(), 1):
        yield {
            "Id": make_id("01J", n),
            "MasterLabel": name,
            "ApiName": name,
            "IsActive": 1,
            "SortOrder": n,
            "IsClosed": int(name.startswith("Closed")),
            "IsWon": int(name == "Closed Won"),
            "ForecastCategoryName": category,
            "DefaultProbability": float(probability),
            **fixed_stamps(),
        }
