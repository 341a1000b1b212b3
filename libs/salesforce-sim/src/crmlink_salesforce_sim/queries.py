"""Running queries: pages of records, counts and sums."""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from crmlink_salesforce_sim.cursors import Cursor
from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.schema import SObject
from crmlink_salesforce_sim.soql.compile import ChildPlan, Compiler, Plan
from crmlink_salesforce_sim.soql.shape import Cells, as_json
from crmlink_salesforce_sim.soql.written import written_for_people
from crmlink_salesforce_sim.store import quoted
from crmlink_salesforce_sim.times import written

BATCH = 2000
LEAST_BATCH = 200
LONG_TEXT_BATCH = 1000
MOST_GROUPS = 2000
UNLIMITED = -1
TOO_MUCH = re.compile(r"too (large|many|big)|stack overflow|at most \d+ tables")  # for SQLite
SEEN = {"VIEW": "LastViewedDate", "REFERENCE": "LastReferencedDate"}


@dataclass
class Room:
    """How many rows a page still takes; rows of children count too."""

    left: int


@dataclass(frozen=True)
class Queries:
    """Runs queries for one caller, in one version of the API."""

    org: Org
    user: str
    version: str
    batch: int | None = None

    def run(self, text: str, *, deleted: bool = False) -> Row:
        """Return the first page of a statement's records."""
        try:
            plan = self.compiler(text, deleted=deleted).plan()
            found = self._run(plan)
        except (RecursionError, sqlite3.OperationalError) as exc:
            if isinstance(exc, sqlite3.OperationalError) and not TOO_MUCH.search(str(exc)):
                raise
            message = "Your query is either selecting too many fields or its filters are too long"
            raise ApiError("QUERY_TOO_COMPLICATED", message) from None
        self._mark_seen(plan, found)
        return found

    def compiler(self, text: str, *, deleted: bool = False) -> Compiler:
        """Return what compiles a statement for this caller."""
        major = int(self.version.partition(".")[0])
        recent, now = self.org.recent.of, self.org.now()
        return Compiler(text, self.org.schema, now, deleted, self.user, major, recent)

    def _run(self, plan: Plan) -> Row:
        with self.org.store.reading() as connection:
            reading = Reading(self, connection)
            if plan.counts_only:
                return reading.count(plan)
            if plan.aggregate:
                return reading.sums(plan)
            return reading.first_page(plan)

    def more(self, text: str) -> Row:
        """Return the page a locator stands for."""
        locator, cursor, start = self.org.cursors.find(self.user, text, self.org.now())
        with self.org.store.reading() as connection:
            return Reading(self, connection).page(cursor, start, locator)

    def link(self, sobject: SObject, record_id: str) -> str:
        """Return the path of a record."""
        return f"/services/data/v{self.version}/sobjects/{sobject.name}/{record_id}"

    def size(self, plan: Plan) -> int:
        """Return how many rows a page takes: what is asked for is a hint."""
        most = LONG_TEXT_BATCH if plan.long_text else BATCH
        return most if self.batch is None else max(LEAST_BATCH, min(self.batch, most))

    def records(
        self, connection: sqlite3.Connection, plan: Plan, found: Sequence[Cells]
    ) -> list[Row]:
        """Return the records of rows, whatever their number."""
        return Reading(self, connection).records(plan, found, Room(len(found)))

    def _mark_seen(self, plan: Plan, page: Row) -> None:
        """Note what FOR VIEW and FOR REFERENCE leave behind, in the records that keep it too."""
        if not any(one in SEEN for one in plan.purposes):
            return
        names = [SEEN[one] for one in plan.purposes if one in SEEN]
        names = [name for name in names if name in plan.root.fields]
        records = page["records"]
        if plan.aggregate or not isinstance(records, list):
            return
        for record in records:
            self.org.recent.use(self.user, plan.root.name, _id_of(record))
        if not names:
            return
        now = written(self.org.now())
        changes = ", ".join(f"{quoted(name)} = ?" for name in names)
        words = ["UPDATE", quoted(plan.root.name), "SET", changes, "WHERE Id = ?"]
        rows = [[*([now] * len(names)), _id_of(record)] for record in records]
        with self.org.store.writing() as connection:
            connection.executemany(" ".join(words), rows)


@dataclass(frozen=True)
class Reading:
    """Reads pages over one connection."""

    queries: Queries
    connection: sqlite3.Connection

    def count(self, plan: Plan) -> Row:
        """Return the number of records, and none of them."""
        if plan.limit is None and not plan.offset:
            [row] = self._rows(plan, ["COUNT(*)"], UNLIMITED)
            return _page(int(row[0] or 0), [])
        return _page(len(self._rows(plan, ["1"], _limit(plan))), [])

    def sums(self, plan: Plan) -> Row:
        """Return one record for each group."""
        most = MOST_GROUPS + 1 if plan.limit is None else min(plan.limit, MOST_GROUPS + 1)
        found = self._rows(plan, plan.columns, most)
        if len(found) > MOST_GROUPS:
            message = (
                "Aggregate query does not support queryMore(), use LIMIT to restrict the results"
                " to a single batch"
            )
            raise ApiError("EXCEEDED_ID_LIMIT", message)
        records: list[Row] = []
        for cells in found:
            record: Row = {"attributes": {"type": "AggregateResult"}}
            for (alias, field), cell in zip(plan.aliases, cells, strict=True):
                to_text = written_for_people if alias in plan.formatted else as_json
                record[alias] = to_text(field, cell)
            records.append(record)
        return _page(len(records), records)

    def first_page(self, plan: Plan) -> Row:
        """Return the first records; the ids of the rest stay behind a locator."""
        batch = self.queries.size(plan)
        limit = batch + 1 if plan.limit is None else min(plan.limit, batch + 1)
        found = self._rows(plan, plan.columns, limit)
        records = self.records(plan, found, Room(batch))
        if len(records) == len(found) <= batch:
            return _page(len(found), records)
        ids = [str(cells[0]) for cells in self._rows(plan, ["t.Id"], _limit(plan))]
        cursor = Cursor(plan, ids, batch, self.queries.org.now())
        return self._cut(cursor, records, len(records), None)

    def page(self, cursor: Cursor, start: int, locator: str) -> Row:
        """Return the page that starts at a record."""
        wanted = cursor.ids[start : start + cursor.batch]
        rows = self.connection.execute(cursor.plan.by_ids(len(wanted)), wanted)
        by_id = {str(cells[0]): cells for cells in rows}
        found = [by_id[one] for one in wanted if one in by_id]
        records = self.records(cursor.plan, found, Room(cursor.batch))
        whole = len(records) == len(found)
        read = len(wanted) if whole else wanted.index(str(found[len(records)][0]))
        return self._cut(cursor, records, start + read, locator)

    def _cut(self, cursor: Cursor, records: list[Row], end: int, locator: str | None) -> Row:
        page: Row = {"totalSize": len(cursor.ids), "done": end >= len(cursor.ids)}
        if not page["done"]:
            locator = locator or self.queries.org.cursors.open(self.queries.user, cursor)
            version = self.queries.version
            page["nextRecordsUrl"] = f"/services/data/v{version}/query/{locator}-{end}"
        return {**page, "records": records}

    def records(self, plan: Plan, found: Sequence[Cells], room: Room) -> list[Row]:
        """Return records until there is no room; one in any case."""
        queries, records = self.queries, list[Row]()
        for cells in found:
            if room.left <= 0 and records:
                break
            room.left -= 1
            record = plan.shape.record(cells, queries.link, queries.org.schema)
            for child in plan.children:
                record[child.name] = self._children(child, str(cells[0]), room)
            records.append(record)
        return records

    def _children(self, child: ChildPlan, parent: str, room: Room) -> Row | None:
        plan = child.plan
        statement = plan.statement(plan.columns, _limit(plan))
        rows = self.connection.execute(statement, [parent, *plan.bound]).fetchall()
        if not rows:
            return None
        records = self.records(plan, rows, room)
        if len(records) == len(rows):
            return _page(len(rows), records)
        ids = [str(cells[0]) for cells in rows]
        cursor = Cursor(plan, ids, self.queries.size(plan), self.queries.org.now())
        return self._cut(cursor, records, len(records), None)

    def _rows(self, plan: Plan, columns: list[str], limit: int) -> list[Cells]:
        return self.connection.execute(plan.statement(columns, limit), plan.bound).fetchall()


def _id_of(record: Row) -> str:
    attributes = record["attributes"]
    url = attributes["url"] if isinstance(attributes, dict) else ""
    return str(url).rpartition("/")[2]


def _limit(plan: Plan) -> int:
    return UNLIMITED if plan.limit is None else plan.limit


def _page(total: int, records: list[Row]) -> Row:
    return {"totalSize": total, "done": True, "records": records}
