"""Rows of the org's tables as the writer reads and writes them, in one transaction."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.folding import compared, folded, folds
from crmlink_salesforce_sim.schema import Field, SObject
from crmlink_salesforce_sim.store import quoted
from crmlink_salesforce_sim.values import Stored

Current = dict[str, Stored]


class Tables:
    """The tables behind a writer."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection

    def find(self, sobject: SObject, record_id: str) -> Current | None:
        """Return a record's stored values, deleted or not."""
        words = ["SELECT", sobject.column_names, "FROM", quoted(sobject.name), "WHERE Id = ?"]
        row = self._sql.execute(" ".join(words), (record_id,)).fetchone()
        if row is None:
            return None
        return dict(zip(sobject.stored_names, row, strict=True))

    def current(self, sobject: SObject, record_id: str) -> Current:
        """Return a record's stored values, or say that it is gone or never was."""
        if (found := self.find(sobject, record_id)) is None:
            raise ApiError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", 404, [])
        if found["IsDeleted"]:
            raise ApiError("ENTITY_IS_DELETED", "entity is deleted", 404, [])
        return found

    def deleted(self, sobject: SObject, record_id: str) -> bool | None:
        """Tell whether a record is in the recycle bin; None when there is none."""
        words = ["SELECT IsDeleted FROM", quoted(sobject.name), "WHERE Id = ?"]
        row = self._sql.execute(" ".join(words), (record_id,)).fetchone()
        return None if row is None else bool(row[0])

    def matching(
        self, sobject: SObject, field: Field, value: Stored, *, binned: bool = False
    ) -> list[str]:
        """Return the ids of the records with that value, oldest first.

        `binned` asks for those in the recycle bin instead.
        """
        wanted = folded(value) if folds(field) else value
        statement = _with_value(sobject.name, compared(field, quoted(field.name)))
        rows = self._sql.execute(statement, (wanted, int(binned)))
        return [str(one) for (one,) in rows]

    def equal(self, sobject: SObject, values: Mapping[str, Stored], most: int) -> list[Current]:
        """Return records that have all these values and are not deleted."""
        fields = [sobject.fields[name] for name in values]
        tests = [f"{compared(one, quoted(one.name))} = ?" for one in fields]
        wanted = [
            folded(value) if folds(one) else value
            for one, value in zip(fields, values.values(), strict=True)
        ]
        test = " AND ".join([*tests, "IsDeleted = 0"])
        words = ["SELECT", sobject.column_names, "FROM", quoted(sobject.name), "WHERE", test]
        rows = self._sql.execute(" ".join([*words, f"ORDER BY Id LIMIT {most}"]), wanted)
        return [dict(zip(sobject.stored_names, row, strict=True)) for row in rows]

    def insert(self, sobject: SObject, row: Current) -> None:
        """Add a record."""
        columns = ", ".join(map(quoted, row))
        marks = ", ".join("?" * len(row))
        words = ["INSERT INTO", quoted(sobject.name), f"({columns})", "VALUES", f"({marks})"]
        self._sql.execute(" ".join(words), list(row.values()))

    def change(self, sobject: SObject, record_id: str, row: Current) -> None:
        """Set some values of a record."""
        changes = ", ".join(f"{quoted(name)} = ?" for name in row)
        words = ["UPDATE", quoted(sobject.name), "SET", changes, "WHERE Id = ?"]
        self._sql.execute(" ".join(words), [*row.values(), record_id])

    def remove(self, sobject: SObject, record_id: str, deleted_at: str) -> None:
        """Take a record out for ever; the log of deletions keeps its id."""
        words = ["DELETE FROM", quoted(sobject.name), "WHERE Id = ?"]
        self._sql.execute(" ".join(words), (record_id,))
        self._sql.execute("DELETE FROM sim_cleared WHERE parent = ?", (record_id,))
        row = (record_id, sobject.name, deleted_at)
        self._sql.execute("INSERT OR REPLACE INTO sim_removed VALUES (?, ?, ?)", row)

    def clear(self, sobject: SObject, field: Field, record_id: str) -> None:
        """Empty a lookup wherever it refers to a record, and remember where."""
        for one in self.matching(sobject, field, record_id):
            row = (record_id, sobject.name, one, field.name)
            self._sql.execute("INSERT OR REPLACE INTO sim_cleared VALUES (?, ?, ?, ?)", row)
            self.change(sobject, one, {field.name: None})

    def restore(self, objects: Mapping[str, SObject], record_id: str) -> None:
        """Fill the lookups again that were emptied and still are empty."""
        statement = "SELECT sobject, id, field FROM sim_cleared WHERE parent = ?"
        for name, one, field in self._sql.execute(statement, (record_id,)).fetchall():
            if name in objects and field in objects[name].fields:
                words = ["UPDATE", quoted(name), "SET", quoted(field), "= ?"]
                test = f"WHERE Id = ? AND {quoted(field)} IS NULL"
                self._sql.execute(" ".join([*words, test]), (record_id, one))
        self._sql.execute("DELETE FROM sim_cleared WHERE parent = ?", (record_id,))

    def expired(self, sobject: SObject, before: str) -> list[str]:
        """Return what has been in the recycle bin since before a time."""
        test = "WHERE IsDeleted = 1 AND SystemModstamp < ?"
        rows = self._sql.execute(
            " ".join(["SELECT Id FROM", quoted(sobject.name), test]), (before,)
        )
        return [str(one) for (one,) in rows]

    def touch_later(self, sobject: SObject, record_id: str, due: str) -> None:
        """Note that a record changes once more, at a moment to come."""
        row = (due, sobject.name, record_id)
        self._sql.execute("INSERT OR REPLACE INTO sim_touches VALUES (?, ?, ?)", row)

    def touch_due(self, objects: Mapping[str, SObject], now: str) -> None:
        """Let the records change whose moment has come; the stamp is that moment."""
        found = self._sql.execute("SELECT due, sobject, id FROM sim_touches WHERE due <= ?", (now,))
        for due, name, record_id in found.fetchall():
            if name in objects:
                words = ["UPDATE", quoted(name), "SET SystemModstamp = max(SystemModstamp, ?)"]
                test = "WHERE Id = ? AND IsDeleted = 0"
                self._sql.execute(" ".join([*words, test]), (due, record_id))
        self._sql.execute("DELETE FROM sim_touches WHERE due <= ?", (now,))

    def rows(self, statement: str, values: Sequence[Stored] = ()) -> Iterable[Sequence[Stored]]:
        """Return the rows of a statement of our own."""
        return self._sql.execute(statement, values)


@lru_cache(maxsize=1024)
def _with_value(table: str, column: str) -> str:
    test = f"WHERE {column} = ? AND IsDeleted = ? ORDER BY Id"
    return " ".join(["SELECT Id FROM", quoted(table), test])
