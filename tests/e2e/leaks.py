"""What a run has left behind, searched for secrets, and for people where they do not belong."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import psycopg
from psycopg import sql
from pydantic import SecretStr

from crmlink_common.crypto.keyring import KeyRing
from crmlink_devstack.leaks import (
    Found,
    Place,
    Search,
    Secret,
    logs_of,
    people_of,
    secrets_of,
    tables_of,
    topics_of,
)
from crmlink_devstack.parts import Org, Simulator
from crmlink_devstack.stack import Stack
from crmlink_oauth.storage.tables import SEALED

ORGS = ("salesforce", "other-org", "sandbox")  # an org's own log is not ours
STARTED = "crmlink_common.messaging.offsets"  # a logger that every service uses at its start
DEAD = ".dead-letters.v1"


@dataclass(slots=True)
class Looked:
    """What was found, and how many bytes of what were read, so that nothing counts as searched."""

    found: set[Found] = field(default_factory=set)
    read: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)  # kinds of places where what is there was found

    def control(self, place: Place, search: Search) -> None:
        """Look for what must be there: who does not find it would find no secret either."""
        if search.find(place.data):
            self.seen.add(place.name.partition(" ")[0])

    def at(self, place: Place, search: Search, *, data: bytes | None = None) -> None:
        """Search one place."""
        kind = place.name.partition(" ")[0]
        self.read[kind] += len(place.data)
        self.read[f"{place.name} {place.part}"] += len(place.data)
        for one in search.find(place.data if data is None else data):
            self.found.add(Found(one.kind, one.form, str(place)))


async def look(
    stack: Stack, *, answers: Iterable[bytes] = (), more: Iterable[Secret] = ()
) -> Looked:
    """Search all logs, topics, tables and answers of a run."""
    orgs = [part.org for part in stack.parts.values() if isinstance(part, Simulator)]
    known = secrets_of(stack.wiring.keys, [one for one in orgs if one is not None], more)
    secrets = Search(known)
    reach, names = people_of(stack.options.members_file)
    people = Search(reach)
    named = Search([], names)
    there = Search([Secret("workspace", stack.wiring.keys.workspace), Secret("event", STARTED)])
    looked = Looked()
    for place in logs_of(stack.options.folder, but=ORGS):
        looked.at(place, secrets)
        looked.control(place, there)
        looked.at(place, people, data=place.data.lower())
        looked.at(place, named)
    async for place in topics_of(stack.wiring.bootstrap):
        looked.at(place, secrets)
        looked.control(place, there)
        if place.name.endswith(DEAD) and place.part == "headers":
            looked.at(place, people, data=place.data.lower())
            looked.at(place, named)
    for place in tables_of(stack.wiring.dsn):
        looked.at(place, secrets)
        looked.control(place, there)
    for answer in answers:
        place = Place("answers", "bodies", answer)
        looked.at(place, secrets)
        looked.control(place, there)
    looked.read["secrets"] = len(known)
    return looked


SEALED_TEXT = re.compile(r"[\w-]{1,32}:[A-Za-z0-9+/]{38,}={0,2}")


def sealed_in(stack: Stack, org: Org) -> dict[str, int]:
    """Count what lies in the sealed columns; all looks sealed, and the org's secret opens."""
    keys = json.dumps(dict(stack.wiring.keys.encryption_keys))
    ring = KeyRing.from_setting(SecretStr(keys))
    counts: dict[str, int] = {}
    with psycopg.connect(stack.wiring.dsn.replace("+psycopg", "")) as connection:
        for table, columns in SEALED.items():
            for column in columns:
                where = sql.Identifier(column)
                asked = sql.SQL("select workspace_id, {} from oauth.{} where {} <> ''").format(
                    where, sql.Identifier(table), where
                )
                rows = connection.execute(asked).fetchall()
                assert all(SEALED_TEXT.fullmatch(text) for _, text in rows)
                counts[f"{table}.{column}"] = len(rows)
                if column == "client_secret":
                    column_place = f"{table}.{column}"
                    opened = [ring.open(t, workspace=w, column=column_place) for w, t in rows]
                    assert org.client_secret in opened
    return counts
