"""For tests: an org in memory that answers what capture asks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from crmlink_common.salesforce.client import ApiUsage, Org, QueryResult, SalesforceError
from crmlink_common.salesforce.ids import to_18
from crmlink_sync_inbound.domain import read_time

ORG = "00D000000000001EAA"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIELDS = {
    "Contact": ["Id", "SystemModstamp", "IsDeleted", "MasterRecordId", "Email", "Phone"],
    "Lead": ["Id", "SystemModstamp", "IsDeleted", "IsConverted", "ConvertedContactId", "Email"],
}

Row = dict[str, Any]


def an_id(number: int, prefix: str = "003") -> str:
    return to_18(f"{prefix}{number:012d}")


@dataclass
class FakeOrg:
    """Its clock is ``server_time``; ``before_answer`` happens while it works on a call."""

    workspace_id: str = "w1"
    org_id: str = ORG
    server_time: datetime | None = None
    clock: datetime = NOON
    usage: ApiUsage | None = None
    objects: dict[str, list[str]] = field(default_factory=lambda: dict(FIELDS))
    rows: dict[str, dict[str, Row]] = field(default_factory=lambda: {"Contact": {}, "Lead": {}})
    asked: list[str] = field(default_factory=list)
    failing: dict[str, SalesforceError] = field(default_factory=dict)
    before_answer: Callable[[], None] = lambda: None

    def put(self, number: int, stamp: datetime | None = None, **values: object) -> str:
        """Write a contact, or a lead where ``Lead=True``; it shows ``stamp``."""
        sobject = "Lead" if values.pop("Lead", False) else "Contact"
        key = an_id(number, "00Q" if sobject == "Lead" else "003")
        written = (stamp or self.clock).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        row = dict.fromkeys(self.objects[sobject]) | {"Id": key, "IsDeleted": False}
        kept = self.rows[sobject].get(key, row)
        self.rows[sobject][key] = {**kept, **values, "SystemModstamp": written}
        return key

    async def opened(self, _: str) -> Org:
        """Give itself, as a session of its own."""
        self.server_time = None
        return cast("Org", self)

    async def describe(self, sobject: str) -> Row:
        self._answer(f"describe {sobject}")
        if sobject in self.failing:
            raise self.failing[sobject]
        return {"fields": [{"name": name, "type": "string"} for name in self.objects[sobject]]}

    async def limits(self) -> Row:
        self._answer("limits")
        return {}

    async def query_many(
        self, soqls: Sequence[str], *, include_deleted: bool = False
    ) -> list[QueryResult | SalesforceError]:
        answers = [self._result(soql, include_deleted=include_deleted) for soql in soqls]
        self._answer("query_many")
        return answers

    async def retrieve(
        self, sobject: str, ids: Sequence[str], fields: Sequence[str]
    ) -> dict[str, Row]:
        found = {key: self.rows[sobject][key] for key in ids if key in self.rows[sobject]}
        self._answer(f"retrieve {sobject}")
        if sobject in self.failing:
            raise self.failing[sobject]
        return {
            key: {name: row.get(name) for name in fields}
            for key, row in found.items()
            if not row["IsDeleted"]
        }

    async def query_pages(
        self, soql: str, *, include_deleted: bool = False, max_records: int
    ) -> AsyncIterator[list[Row]]:
        result = self._result(soql, include_deleted=include_deleted)
        self._answer("query_pages")
        if isinstance(result, SalesforceError):
            raise result
        yield result.records[:max_records]

    def _answer(self, asked: str) -> None:
        self.asked.append(asked)
        self.before_answer()
        self.server_time = self.clock

    def _result(self, soql: str, *, include_deleted: bool) -> QueryResult | SalesforceError:
        [sobject] = re.findall(r"FROM (\w+)", soql)
        if sobject in self.failing:
            return self.failing[sobject]
        fields = soql.removeprefix("SELECT ").partition(" FROM ")[0].split(", ")
        rows = [row for row in self.rows[sobject].values() if _matches(row, soql)]
        rows.sort(key=lambda row: (row["SystemModstamp"], row["Id"]))
        told = [
            {name: row.get(name) for name in fields}
            for row in rows
            if include_deleted or not row["IsDeleted"]
        ]
        [limit] = re.findall(r"LIMIT (\d+)", soql) or [len(told)]
        told = told[: int(limit)]
        return QueryResult(told, len(told), done=True)


def _matches(row: Row, soql: str) -> bool:
    if ids := re.findall(r"Id IN \((.*?)\)", soql):
        return f"'{row['Id']}'" in ids[0].split(",")
    stamp = read_time(row["SystemModstamp"])
    [since] = re.findall(r"SystemModstamp > ([^\s)]+)", soql)
    [until] = re.findall(r"SystemModstamp <= (\S+)", soql)
    after = re.findall(r"Id > '(\w+)'", soql)
    begin, end = datetime.fromisoformat(since), datetime.fromisoformat(until)
    if stamp is None or stamp > end:
        return False
    return stamp > begin or (bool(after) and stamp == begin and row["Id"] > after[0])
