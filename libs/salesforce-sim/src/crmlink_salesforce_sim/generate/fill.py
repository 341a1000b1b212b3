"""Filling a new org in one transaction."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

from crmlink_salesforce_sim.generate.members import Member, of_members
from crmlink_salesforce_sim.generate.people import (
    QUEUE,
    Made,
    Maker,
    account,
    contact,
    fixed_stamps,
    lead,
    users,
)
from crmlink_salesforce_sim.generate.words import Words
from crmlink_salesforce_sim.ids import make_id
from crmlink_salesforce_sim.oauth.app import Identity
from crmlink_salesforce_sim.schema import Schema
from crmlink_salesforce_sim.store import Store, quoted

CHUNK = 5000
FILLED = "filled"
SHARED_EMAIL = 0.02


@dataclass(frozen=True)
class Amounts:
    """How many records to make."""

    accounts: int = 40
    contacts: int = 400
    leads: int = 150


def fill(
    store: Store, identity: Identity, seed: int, amounts: Amounts, members: list[Member]
) -> None:
    """Put generated records into an org that has none."""
    random = Random(seed)  # noqa: S311 - practice data, the same for the same seed
    taken = frozenset(member.email.lower() for member in members)
    maker = Maker(random, Words.of(seed), taken)
    with store.writing() as connection:
        _basics(connection, store.schema, identity)
        accounts = _insert(connection, "Account", (account(maker) for _ in range(amounts.accounts)))
        made = _contacts(maker, amounts.contacts, accounts)
        contacts = _insert(connection, "Contact", made)
        leads = (lead(maker, accounts, contacts) for _ in range(amounts.leads))
        _insert(connection, "Lead", leads)
        of_each: dict[str, list[Made]] = {"Contact": [], "Lead": []}
        for name, row in of_members(maker, members, seed, accounts):
            of_each[name].append(row)
        for name, rows in of_each.items():
            _insert(connection, name, rows)
        store.set_fact(FILLED, "yes")


def _basics(connection: sqlite3.Connection, schema: Schema, identity: Identity) -> None:
    stamps = fixed_stamps()
    _insert(connection, "User", users(identity.username))
    queue = {"Id": QUEUE, "Name": "Lead Queue", "DeveloperName": "Lead_Queue", "Type": "Queue"}
    _insert(connection, "Group", [{**queue, **stamps}])
    org: Made = {"Id": identity.org_id, "Name": "Practice org", "InstanceName": "SIM1"}
    org |= {"OrganizationType": "Enterprise Edition", "IsSandbox": 0}
    _insert(connection, "Organization", [{**org, **stamps}])
    kinds = [(one, kind) for one in schema.objects.values() for kind in one.record_types]
    rows: list[Made] = [
        {
            "Id": make_id("012", number),
            "Name": kind.name,
            "DeveloperName": kind.developer_name,
            "SobjectType": sobject.name,
            "IsActive": 1,
            **stamps,
        }
        for number, (sobject, kind) in enumerate(kinds, 1)
    ]
    _insert(connection, "RecordType", rows)


def _contacts(maker: Maker, count: int, accounts: list[str]) -> Iterator[Made]:
    last: Made = {}
    for _ in range(count):
        shared = str(last["Email"]) if last.get("Email") and maker.share(SHARED_EMAIL) else None
        last = contact(maker, accounts, shared)
        yield last


def _insert(connection: sqlite3.Connection, name: str, rows: Iterable[Made]) -> list[str]:
    """Insert rows that all have the same columns; return their ids."""
    ids: list[str] = []
    waiting = iter(rows)
    while chunk := list(islice(waiting, CHUNK)):
        columns = list(chunk[0])
        marks = ", ".join("?" * len(columns))
        names = ", ".join(map(quoted, columns))
        statement = " ".join(["INSERT INTO", quoted(name), f"({names}) VALUES ({marks})"])
        connection.executemany(statement, ([row[one] for one in columns] for row in chunk))
        ids += [str(row["Id"]) for row in chunk]
    return ids
