"""Snapshots of all records, and what changed since."""

import re
import sqlite3
from dataclasses import dataclass

from crmlink_salesforce_sim.asked import AskedError
from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.store import quoted

MOST_SNAPSHOTS = 5
MOST_TOLD = 1000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}\Z")


@dataclass(frozen=True)
class Snapshots:
    """Copies of every table under a name, kept in the store."""

    org: Org

    def names(self) -> list[str]:
        """Return the names of the snapshots."""
        with self.org.store.reading() as connection:
            return sorted({name for name, _ in _tables(connection)})

    def take(self, name: str) -> None:
        """Copy every record; a snapshot of the same name is replaced."""
        if not _NAME.match(name):
            raise AskedError("name", "has to be 1 to 40 letters, digits, _ or -")
        with self.org.store.writing() as connection:
            _drop(connection, name)
            if len({one for one, _ in _tables(connection)}) >= MOST_SNAPSHOTS:
                raise AskedError("name", f"there are {MOST_SNAPSHOTS} snapshots; forget one")
            for sobject in self.org.schema.objects.values():
                words = ["CREATE TABLE", _table(name, sobject.name), "AS SELECT * FROM"]
                connection.execute(" ".join([*words, quoted(sobject.name)]))
                words = ["CREATE UNIQUE INDEX", _table(f"{name}:id", sobject.name), "ON"]
                connection.execute(" ".join([*words, _table(name, sobject.name), "(Id)"]))

    def forget(self, name: str) -> None:
        """Drop a snapshot."""
        with self.org.store.writing() as connection:
            _drop(connection, name)

    def forget_all(self) -> None:
        """Drop every snapshot."""
        for name in self.names():
            self.forget(name)

    def compare(self, name: str, most: int = 100) -> Row | None:
        """Return what was created, changed and deleted since, by object; None without it.

        At most `most` (1,000) records are told for each; `total` counts all.
        """
        bound = min(most, MOST_TOLD)
        with self.org.store.reading() as connection:
            kept = [sobject for one, sobject in _tables(connection) if one == name]
            if not kept:
                return None
            found = {one: _compared(connection, name, one, bound) for one in sorted(kept)}
        return {"snapshot": name, "objects": {one: told for one, told in found.items() if told}}


def _compared(connection: sqlite3.Connection, name: str, sobject: str, most: int) -> Row:
    before, now = _table(name, sobject), quoted(sobject)
    old = _columns(connection, before)
    columns = [one for one in _columns(connection, now) if one in set(old)]
    new = f"FROM {now} n LEFT JOIN {before} b ON b.Id = n.Id WHERE b.Id IS NULL"
    same = f"FROM {now} n JOIN {before} b ON b.Id = n.Id WHERE "
    gone = f"FROM {before} b LEFT JOIN {now} n ON n.Id = b.Id WHERE n.Id IS NULL"
    binned = same + "n.IsDeleted = 1 AND b.IsDeleted = 0"
    differs = " OR ".join(f"n.{quoted(one)} IS NOT b.{quoted(one)}" for one in columns)
    changed = f"{same}({differs}) AND n.IsDeleted = b.IsDeleted"
    found = {
        "created": _ids(connection, f"n.Id {new}", most),
        "deleted": _ids(
            connection, f"Id FROM (SELECT b.Id AS Id {gone} UNION SELECT b.Id {binned})", most
        ),
        "changed": _changes(connection, changed, columns, most),
    }
    totals = {
        "created": _count(connection, new),
        "changed": _count(connection, changed),
        "deleted": _count(connection, gone) + _count(connection, binned),
    }
    return {**found, "total": totals} if any(totals.values()) else {}


def _ids(connection: sqlite3.Connection, what: str, most: int) -> list[str]:
    statement = f"SELECT {what} ORDER BY 1 LIMIT ?"
    return [str(one) for (one,) in connection.execute(statement, (most,))]


def _count(connection: sqlite3.Connection, source: str) -> int:
    statement = f"SELECT COUNT(*) {source}"
    return int(connection.execute(statement).fetchone()[0])


def _changes(
    connection: sqlite3.Connection, source: str, columns: list[str], most: int
) -> list[Row]:
    listed = ", ".join(f"b.{quoted(one)}, n.{quoted(one)}" for one in columns)
    statement = f"SELECT n.Id, {listed} {source} ORDER BY 1 LIMIT ?"
    return [
        {
            "id": row[0],
            "fields": {
                column: {"before": row[1 + 2 * n], "after": row[2 + 2 * n]}
                for n, column in enumerate(columns)
                if row[1 + 2 * n] != row[2 + 2 * n]
            },
        }
        for row in connection.execute(statement, (most,))
    ]


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")]


def _tables(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    rows = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'sim:%'"
    ).fetchall()
    parts = [str(name).split(":") for (name,) in rows]
    return [(one[1], one[2]) for one in parts]


def _drop(connection: sqlite3.Connection, name: str) -> None:
    for one, sobject in _tables(connection):
        if one == name:
            connection.execute("DROP TABLE " + _table(name, sobject))


def _table(name: str, sobject: str) -> str:
    return quoted(f"sim:{name}:{sobject}")
