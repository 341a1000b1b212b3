"""The org's records in SQLite: one table for each object, one writer, many readers."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue

from crmlink_salesforce_sim.folding import compared, install
from crmlink_salesforce_sim.ids import number_of
from crmlink_salesforce_sim.schema import Field, Schema, SObject

BUSY_SECONDS = 30.0
CACHED_STATEMENTS = 512
OWN_TABLES = """
CREATE TABLE IF NOT EXISTS sim_facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sim_writes
    (sobject TEXT, client TEXT, kind TEXT, n INTEGER, PRIMARY KEY (sobject, client, kind));
CREATE TABLE IF NOT EXISTS sim_removed (id TEXT PRIMARY KEY, sobject TEXT, deleted_at TEXT);
CREATE TABLE IF NOT EXISTS sim_cleared (parent TEXT, sobject TEXT, id TEXT, field TEXT,
    PRIMARY KEY (parent, id, field));
CREATE TABLE IF NOT EXISTS sim_touches
    (due TEXT, sobject TEXT, id TEXT, PRIMARY KEY (due, id));
CREATE TABLE IF NOT EXISTS sim_approvals
    (id INTEGER PRIMARY KEY, user TEXT, client TEXT, scope TEXT, refresh TEXT UNIQUE, used_at REAL);
CREATE TABLE IF NOT EXISTS sim_tokens
    (token TEXT PRIMARY KEY, approval INTEGER, user TEXT, client TEXT, scope TEXT,
    issued_at REAL, used_at REAL);
CREATE INDEX IF NOT EXISTS sim_tokens_approval ON sim_tokens (approval)
"""


class Store:
    """SQLite behind two doors: `reading` and `writing`."""

    def __init__(self, schema: Schema, path: Path | None = None) -> None:
        self.schema = schema
        self._path = path
        self._lock = threading.RLock()
        self._owner: int | None = None
        self._depth = 0
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._writer = self._connect()
        self._next: dict[str, int] = {}
        self._create()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path or ":memory:",
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=CACHED_STATEMENTS,
        )
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536"):
            connection.execute("PRAGMA " + pragma)
        install(connection)
        return connection

    def _create(self) -> None:
        with self.writing() as connection:
            for statement in OWN_TABLES.split(";"):
                connection.execute(statement)
            for sobject in self.schema.objects.values():
                connection.execute(table_statement(sobject))
                _widen(connection, sobject)

    def add(self, sobject: SObject) -> None:
        """Make the table, columns and indexes that an object new to the schema lacks."""
        with self.writing() as connection:
            connection.execute(table_statement(sobject))
            _widen(connection, sobject)
            _index(connection, sobject)
            if sobject.name not in self._next:
                self._next[sobject.name] = self._highest(sobject) + 1

    def settle(self) -> None:
        """Make the indexes, and go on numbering after the records there are."""
        with self.writing() as connection:
            for sobject in self.schema.objects.values():
                _index(connection, sobject)
        for sobject in self.schema.objects.values():
            self._next[sobject.name] = self._highest(sobject) + 1

    def _highest(self, sobject: SObject) -> int:
        made = "".join(("SELECT max(Id) FROM ", quoted(sobject.name)))
        (highest,) = self._writer.execute(made).fetchone()
        return number_of(highest) if highest else 0

    def next_number(self, sobject: SObject) -> int:
        """Return the number of the next record; one of a rolled back write is not used again."""
        with self._lock:
            number = self._next[sobject.name]
            self._next[sobject.name] = number + 1
            return number

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the only writer; an exception undoes this block, and this block alone."""
        with self._lock:
            outermost = self._depth == 0
            mark = f"level{self._depth}"
            begin = "BEGIN IMMEDIATE" if outermost else "SAVEPOINT " + mark
            self._writer.execute(begin)
            self._depth += 1
            self._owner = threading.get_ident()
            try:
                yield self._writer
            except BaseException:
                if outermost:
                    self._writer.execute("ROLLBACK")
                else:
                    self._writer.execute("ROLLBACK TO " + mark)
                    self._writer.execute("RELEASE " + mark)
                raise
            else:
                self._writer.execute("COMMIT" if outermost else "RELEASE " + mark)
            finally:
                self._depth -= 1
                if outermost:
                    self._owner = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """See one state of the org throughout; inside `writing`, one's own writes too."""
        if self._path is None or self._owner == threading.get_ident():
            with self._lock:
                yield self._writer
            return
        try:
            connection = self._idle.get_nowait()
        except Empty:
            connection = self._connect()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")
            self._idle.put(connection)

    def close(self) -> None:
        """Close every connection; the file is whole afterwards."""
        while not self._idle.empty():
            self._idle.get_nowait().close()
        self._writer.close()

    def fact(self, name: str) -> str | None:
        """Return a fact about the org itself, such as its client id."""
        with self.reading() as connection:
            found = connection.execute("SELECT value FROM sim_facts WHERE name = ?", (name,))
            row = found.fetchone()
        return None if row is None else str(row[0])

    def set_fact(self, name: str, value: str) -> None:
        """Keep a fact about the org itself."""
        with self.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO sim_facts VALUES (?, ?)", (name, value))


def quoted(name: str) -> str:
    """Return a name of the schema as SQL takes it."""
    return f'"{name}"'


def table_statement(sobject: SObject) -> str:
    """Return what creates the table of an object."""
    columns = ", ".join(_column(one) for one in sobject.columns)
    return f"CREATE TABLE IF NOT EXISTS {quoted(sobject.name)} ({columns})"


def index_statements(sobject: SObject) -> dict[str, str]:
    """Return what creates each index of an object: those a real org has."""
    table = quoted(sobject.name)
    found = {
        f"{sobject.name}.{one.name}": f"({compared(one, quoted(one.name))}, Id)"
        for one in sobject.columns
        if one.name != "Id" and (one.indexed or one.lookup or one.unique or one.referenceTo)
    }
    found[f"{sobject.name}.bin"] = "(SystemModstamp) WHERE IsDeleted = 1"
    return {
        name: f"CREATE INDEX IF NOT EXISTS {quoted(name)} ON {table} {columns}"
        for name, columns in found.items()
    }


def _index(connection: sqlite3.Connection, sobject: SObject) -> None:
    """Make the indexes; those of an older simulator, which sorted otherwise, go."""
    wanted = index_statements(sobject)
    made = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
        (sobject.name,),
    ).fetchall()
    for (name,) in made:
        if name not in wanted:
            connection.execute("DROP INDEX " + quoted(name))
    for statement in wanted.values():
        connection.execute(statement)


def _widen(connection: sqlite3.Connection, sobject: SObject) -> None:
    """Give a table that an older schema made the columns it lacks."""
    rows = connection.execute(f"PRAGMA table_xinfo({quoted(sobject.name)})")
    there = {str(row[1]) for row in rows}
    for field in sobject.columns:
        if field.name not in there:
            words = ["ALTER TABLE", quoted(sobject.name), "ADD COLUMN", _column(field)]
            connection.execute(" ".join(words))


def _column(field: Field) -> str:
    key = " PRIMARY KEY" if field.name == "Id" else ""
    return f"{quoted(field.name)} {field.column}{key}"
