"""Running searches: records of several objects that match a text."""

import sqlite3
from dataclasses import dataclass, replace

from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.queries import Queries
from crmlink_salesforce_sim.schema import SObject
from crmlink_salesforce_sim.soql.nodes import FieldItem, Path, Query, Source
from crmlink_salesforce_sim.soql.place import complain, not_executed
from crmlink_salesforce_sim.soql.plan import Plan
from crmlink_salesforce_sim.soql.shape import Cells
from crmlink_salesforce_sim.sosl.index import IN_GROUP, Index, searchable, table_name
from crmlink_salesforce_sim.sosl.match import match_text
from crmlink_salesforce_sim.sosl.nodes import Returning, Search
from crmlink_salesforce_sim.sosl.terms import malformed, phone_digits, read_terms
from crmlink_salesforce_sim.store import quoted

MOST_ROWS = 2000
MOST_OF_ONE = 250  # without WHERE or ORDER BY
MOST_OFFSET = 2000


@dataclass(frozen=True)
class Searches:
    """Runs searches for one caller."""

    queries: Queries

    def run(self, search: Search) -> list[Row]:
        """Return the records found, object by object."""
        self._check(search)
        term = read_terms(search.term)
        returning = search.returning or self._everything()
        for one in returning:
            self._sobject(search, one)
        if term is None:
            return []
        most = MOST_ROWS if search.limit is None else min(search.limit, MOST_ROWS)
        found: list[Row] = []
        for one in returning:
            left = min(most - len(found), self._most(one, len(returning)))
            if left > 0:
                found += self._records(search, one, left)
        return found

    def _check(self, search: Search) -> None:
        if search.unexecuted:
            raise not_executed(search.unexecuted)
        for one in search.returning:
            if one.list_view:
                raise not_executed("USING ListView")
            if (offset := one.query.offset) is None:
                continue
            if offset > MOST_OFFSET:
                message = "Maximum SOSL offset allowed is 2000"
                raise ApiError("NUMBER_OUTSIDE_VALID_RANGE", message)
            if len(search.returning) > 1:
                raise malformed("OFFSET is only allowed when one object is returned")

    def _everything(self) -> tuple[Returning, ...]:
        schema = self.queries.org.schema
        names = [one.name for one in schema.objects.values() if searchable(one)]
        only_id = (FieldItem(Path(("Id",), 0)),)
        return tuple(Returning(Query(only_id, (Source(Path((one,), 0)),))) for one in names)

    def _sobject(self, search: Search, returning: Returning) -> SObject:
        path = returning.query.source
        found = self.queries.org.schema.find(path.text)
        if found is None:
            message = f"sObject type '{path.text}' is not supported."
            raise complain("INVALID_TYPE", search.text, path.at, message)
        if not searchable(found):
            message = f"entity type {found.name} does not support search"
            raise complain("INVALID_TYPE", search.text, path.at, message)
        return found

    def _most(self, returning: Returning, objects: int) -> int:
        query = returning.query
        if query.limit is not None:
            return query.limit
        if objects == 1 and (query.where is not None or query.order):
            return MOST_ROWS
        return min(MOST_ROWS // objects, MOST_OF_ONE)

    def _records(self, search: Search, returning: Returning, most: int) -> list[Row]:
        sobject = self._sobject(search, returning)
        Index(self.queries.org.store).ready(sobject)
        table = quoted(table_name(sobject))
        inside = f"SELECT rowid FROM {table} WHERE {table} MATCH ?"  # noqa: S608 - of the schema
        query = replace(returning.query, limit=most)
        plan = self._plan(search, query, f"t.rowid IN ({inside})")
        plan.bound.insert(0, self._match(search, sobject))
        with self.queries.org.store.reading() as connection:
            rows = self._rows(connection, plan, most)
            return self.queries.records(connection, plan, rows)

    def _plan(self, search: Search, query: Query, found: str) -> Plan:
        try:
            return self.queries.compiler(search.text).of(query, (found,))
        except ApiError as exc:
            if exc.code == "MALFORMED_QUERY":
                raise malformed(exc.message) from None
            raise

    def _rows(self, connection: sqlite3.Connection, plan: Plan, most: int) -> list[Cells]:
        statement = plan.statement(plan.columns, most)
        return connection.execute(statement, plan.bound).fetchall()

    def _match(self, search: Search, sobject: SObject) -> str:
        index = Index(self.queries.org.store)
        columns = " ".join(IN_GROUP[search.group])
        term = read_terms(search.term)
        found = "" if term is None else match_text(term, lambda one: index.words(sobject, one))
        if digits := phone_digits(search.term):
            found = f'({found} OR "{digits}")'
        return f"{{{columns}}} : ({found})"
