"""Running queries: pages of records, counts and sums."""

import sqlite3
from dataclasses import dataclass

from crmlink_salesforce_sim.cursors import Cursor
from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.schema import SObject
from crmlink_salesforce_sim.soql.compile import ChildPlan, Compiler, Plan
from crmlink_salesforce_sim.soql.shape import Cells, as_json

BATCH = 2000
LEAST_BATCH = 200
LONG_TEXT_BATCH = 1000
MOST_GROUPS = 2000
UNLIMITED = -1


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
            plan = Compiler(text, self.org.schema, self.org.now(), deleted).plan()
            return self._run(plan)
        except (RecursionError, sqlite3.OperationalError):  # deeper or longer than SQLite takes
            message = "Your query is either selecting too many fields or its filters are too long"
            raise ApiError("QUERY_TOO_COMPLICATED", message) from None

    def _run(self, plan: Plan) -> Row:
        with self.org.store.reading() as connection:
            if plan.counts_only:
                return self._count(connection, plan)
            if plan.aggregate:
                return self._sums(connection, plan)
            return self._first_page(connection, plan)

    def more(self, text: str) -> Row:
        """Return the page a locator stands for."""
        locator, cursor, start = self.org.cursors.find(self.user, text)
        with self.org.store.reading() as connection:
            return self._page(connection, cursor, start, locator)

    def link(self, sobject: SObject, record_id: str) -> str:
        """Return the path of a record."""
        return f"/services/data/v{self.version}/sobjects/{sobject.name}/{record_id}"

    def _count(self, connection: sqlite3.Connection, plan: Plan) -> Row:
        if plan.limit is None and not plan.offset:
            [row] = _rows(connection, plan, ["COUNT(*)"], UNLIMITED)
            return _page(int(row[0] or 0), [])
        found = _rows(connection, plan, ["1"], _limit(plan))
        return _page(len(found), [])

    def _sums(self, connection: sqlite3.Connection, plan: Plan) -> Row:
        most = MOST_GROUPS + 1 if plan.limit is None else min(plan.limit, MOST_GROUPS + 1)
        found = _rows(connection, plan, plan.columns, most)
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
                record[alias] = as_json(field, cell)
            records.append(record)
        return _page(len(records), records)

    def _first_page(self, connection: sqlite3.Connection, plan: Plan) -> Row:
        batch = self._size(plan)
        limit = batch + 1 if plan.limit is None else min(plan.limit, batch + 1)
        found = _rows(connection, plan, plan.columns, limit)
        if len(found) <= batch:
            return _page(len(found), self._records(connection, plan, found))
        ids = [str(cells[0]) for cells in _rows(connection, plan, ["t.Id"], _limit(plan))]
        cursor = Cursor(plan, ids, batch)
        locator = self.org.cursors.open(self.user, cursor)
        return self._page(connection, cursor, 0, locator)

    def _size(self, plan: Plan) -> int:
        most = LONG_TEXT_BATCH if plan.long_text else BATCH
        return most if self.batch is None else max(LEAST_BATCH, min(self.batch, most))

    def _page(
        self, connection: sqlite3.Connection, cursor: Cursor, start: int, locator: str
    ) -> Row:
        end = start + cursor.batch
        wanted = cursor.ids[start:end]
        rows = connection.execute(cursor.plan.by_ids(len(wanted)), wanted)
        by_id = {str(cells[0]): cells for cells in rows}
        found = [by_id[one] for one in wanted if one in by_id]
        page = _page(len(cursor.ids), self._records(connection, cursor.plan, found))
        if end < len(cursor.ids):
            page["done"] = False
            page["nextRecordsUrl"] = f"/services/data/v{self.version}/query/{locator}-{end}"
        page["records"] = page.pop("records")
        return page

    def _records(self, connection: sqlite3.Connection, plan: Plan, found: list[Cells]) -> list[Row]:
        schema = self.org.schema
        records = [plan.shape.record(cells, self.link, schema) for cells in found]
        for child in plan.children:
            for record, cells in zip(records, found, strict=True):
                record[child.name] = self._children(connection, child, str(cells[0]))
        return records

    def _children(
        self, connection: sqlite3.Connection, child: ChildPlan, parent: str
    ) -> Row | None:
        plan = child.plan
        statement = plan.statement(plan.columns, _limit(plan))
        rows = connection.execute(statement, [parent, *plan.bound]).fetchall()
        if not rows:
            return None
        return _page(len(rows), self._records(connection, plan, rows))


def _limit(plan: Plan) -> int:
    return UNLIMITED if plan.limit is None else plan.limit


def _rows(
    connection: sqlite3.Connection, plan: Plan, columns: list[str], limit: int
) -> list[Cells]:
    return connection.execute(plan.statement(columns, limit), plan.bound).fetchall()


def _page(total: int, records: list[Row]) -> Row:
    return {"totalSize": total, "done": True, "records": records}
