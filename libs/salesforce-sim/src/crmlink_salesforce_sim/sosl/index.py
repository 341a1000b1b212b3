"""The search index: the words of each searchable object, made when first searched.

Triggers note which records change afterwards; the next search takes them in. So loading an org
costs nothing, and a record is found as soon as it is committed.
"""

import sqlite3
from dataclasses import dataclass

from crmlink_salesforce_sim.schema import Field, SObject
from crmlink_salesforce_sim.store import Store, quoted

GROUPS = ("name", "email", "phone", "rest")
IN_GROUP = {"ALL": GROUPS, "SIDEBAR": GROUPS, "NAME": ("name",), "EMAIL": ("email",)}
IN_GROUP |= {"PHONE": ("phone",)}
TEXTS = ("string", "textarea", "url", "combobox")
PUNCTUATION = " ()+-./"
END_OF_FIELD = "\ue000"  # a word no text has: a phrase is never found across two fields
LOCAL_DIGITS = 10  # a number is also found without its country code


def searchable(sobject: SObject) -> bool:
    """Tell whether the object's records can be searched for."""
    if sobject.given is not None:
        return sobject.given.get("searchable") is True
    return sobject.writable or sobject.name == "User"


@dataclass(frozen=True)
class Index:
    """The index over a store."""

    store: Store

    def ready(self, sobject: SObject) -> None:
        """Make the index of an object, or take in what changed since."""
        signature = ",".join(one.name for one in _texts(sobject))
        if self.store.fact(_fact(sobject)) != signature:
            with self.store.writing() as connection:
                if self.store.fact(_fact(sobject)) != signature:  # nobody else made it meanwhile
                    _create(connection, sobject)
                    self.store.set_fact(_fact(sobject), signature)
        elif self._stale(sobject):
            with self.store.writing() as connection:
                _refresh(connection, sobject)

    def _stale(self, sobject: SObject) -> bool:
        statement = "SELECT 1 FROM sim_search_stale WHERE sobject = ? LIMIT 1"
        with self.store.reading() as connection:
            return connection.execute(statement, (sobject.name,)).fetchone() is not None

    def words(self, sobject: SObject, pattern: str) -> list[str]:
        """Return words of the index that fit a GLOB pattern."""
        start = pattern[: min(pattern.find(c) % (len(pattern) + 1) for c in "*?")]
        table = quoted(f"{table_name(sobject)}_words")
        test = "WHERE term >= ? AND term < ? AND term GLOB ? LIMIT 200"
        statement = f"SELECT term FROM {table} {test}"  # noqa: S608 - names of the schema
        with self.store.reading() as connection:
            rows = connection.execute(statement, (start, start + "\U0010ffff", pattern))
            return [str(term) for (term,) in rows]


def table_name(sobject: SObject) -> str:
    """Return the name of an object's index."""
    return f"sim_search_{sobject.name}"


def _fact(sobject: SObject) -> str:
    return f"searched:{sobject.name}"


def _texts(sobject: SObject) -> list[Field]:
    kinds = (*TEXTS, "email", "phone")
    return [one for one in sobject.columns if one.type in kinds and _group(sobject, one)]


def _group(sobject: SObject, field: Field) -> str:
    if field.nameField or field.name in sobject.name_parts:
        return "name"
    return field.type if field.type in ("email", "phone") else "rest"


def _create(connection: sqlite3.Connection, sobject: SObject) -> None:
    table = table_name(sobject)
    connection.execute("CREATE TABLE IF NOT EXISTS sim_search_stale (sobject TEXT, line INTEGER)")
    connection.execute(
        "CREATE UNIQUE INDEX IF NOT EXISTS sim_search_stale_line"
        " ON sim_search_stale (sobject, line)"
    )
    connection.execute(f"DROP TABLE IF EXISTS {quoted(table + '_words')}")
    connection.execute(f"DROP TABLE IF EXISTS {quoted(table)}")
    columns = ", ".join(GROUPS)
    connection.execute(
        f"CREATE VIRTUAL TABLE {quoted(table)} USING fts5({columns}, tokenize='unicode61')"
    )
    connection.execute(
        f"CREATE VIRTUAL TABLE {quoted(table + '_words')} USING fts5vocab({quoted(table)}, row)"
    )
    for event, line in (("INSERT", "new"), ("UPDATE", "new"), ("DELETE", "old")):
        connection.execute(
            f"CREATE TRIGGER IF NOT EXISTS {quoted(f'{table}_{event}')}"  # noqa: S608 - of the schema
            f" AFTER {event} ON {quoted(sobject.name)} BEGIN"
            f" INSERT OR IGNORE INTO sim_search_stale VALUES ('{sobject.name}', {line}.rowid); END"
        )
    connection.execute("DELETE FROM sim_search_stale WHERE sobject = ?", (sobject.name,))
    connection.execute(_fill(sobject))


def _refresh(connection: sqlite3.Connection, sobject: SObject) -> None:
    lines = "(SELECT line FROM sim_search_stale WHERE sobject = ?)"
    table = quoted(table_name(sobject))
    gone = f"DELETE FROM {table} WHERE rowid IN {lines}"  # noqa: S608 - names of the schema
    connection.execute(gone, (sobject.name,))
    connection.execute(f"{_fill(sobject)} WHERE rowid IN {lines}", (sobject.name,))
    connection.execute("DELETE FROM sim_search_stale WHERE sobject = ?", (sobject.name,))


def _fill(sobject: SObject) -> str:
    fields: dict[str, list[str]] = {group: [] for group in GROUPS}
    for one in _texts(sobject):
        column = quoted(one.name)
        group = _group(sobject, one)
        fields[group].append(f"ifnull({column}, '')")
        if group == "phone":
            fields[group] += [f"ifnull({digits}, '')" for digits in _digits(column)]
    between = f" || ' {END_OF_FIELD} ' || "
    texts = (between.join(fields[group]) or "''" for group in GROUPS)
    words = ["INSERT INTO", quoted(table_name(sobject)), f"(rowid, {', '.join(GROUPS)})"]
    return " ".join([*words, "SELECT rowid,", ", ".join(texts), "FROM", quoted(sobject.name)])


def _digits(column: str) -> list[str]:
    """Return the digits of a phone number as one word, and the last ten of them."""
    digits = column
    for mark in PUNCTUATION:
        digits = f"replace({digits}, '{mark}', '')"
    return [digits, f"substr({digits}, -{LOCAL_DIGITS})"]
