"""For tests: an org in memory that answers as told, and a reconciler that says yes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from crmlink_common.salesforce.client import QueryResult, SalesforceError
from crmlink_common.salesforce.errors import (
    SalesforceNotFoundError,
    SalesforceUnknownOutcomeError,
)
from crmlink_common.salesforce.ids import to_18
from crmlink_common.salesforce.limits import ApiUsage
from crmlink_common.salesforce.records import Record
from crmlink_common.salesforce.writes import Outcome
from crmlink_sync_outbound.service.ports import Reservation

ORG = "00D000000000001EAA"
PREFIXES = {"Contact": "003", "Lead": "00Q"}
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass
class FakeOrg:
    """Contacts in a dictionary; ``before`` is called with each kind of call and may raise."""

    org_id: str = ORG
    usage: ApiUsage | None = None
    clock: datetime = NOON
    records: dict[str, Record] = field(default_factory=dict)
    calls: list[tuple[str, int]] = field(default_factory=list)
    objects: set[str] = field(default_factory=set)
    before: Callable[[str, Sequence[Any]], None] = lambda _kind, _input: None
    refuse: Callable[[Record], SalesforceError | None] = lambda _record: None
    lose_creates: bool = False  # they take effect, but their answer does not come
    lose_updates: bool = False
    automation: Callable[[Record], None] = lambda _record: None
    fields: Sequence[str] = ("Id", "FirstName", "LastName", "Email", "Phone", "Company")

    @property
    def server_time(self) -> datetime | None:
        return self.clock

    def put(self, name: str, sobject: str = "Contact", **values: Any) -> str:  # noqa: ANN401 - any JSON value
        """Hold a record; return its id."""
        record_id = to_18(f"{PREFIXES[sobject]}{name:0>12}")
        stamp = self.clock.isoformat()
        self.records[record_id] = {
            "Id": record_id,
            "CreatedDate": stamp,
            "LastModifiedDate": stamp,
            **values,
        }
        return record_id

    def edit(self, record_id: str, **values: Any) -> None:  # noqa: ANN401 - any JSON value
        """Change a record as a person in Salesforce does."""
        self.clock += timedelta(seconds=1)
        self.records[record_id] |= {**values, "LastModifiedDate": self.clock.isoformat()}

    async def open(self, workspace_id: str) -> FakeOrg:
        self._call("open", [workspace_id])
        return self

    async def query_many(self, soqls: Sequence[str]) -> list[QueryResult | SalesforceError]:
        self._call("query", soqls)
        return [self._answer(soql) for soql in soqls]

    async def retrieve(
        self, sobject: str, ids: Sequence[str], fields: Sequence[str]
    ) -> dict[str, Record]:
        self._call("retrieve", ids, sobject)
        return {
            one: {"Id": one, **{name: self.records[one].get(name) for name in fields}}
            for one in ids
            if one in self.records
        }

    async def create(self, sobject: str, records: Sequence[Record]) -> list[Outcome]:
        self._call("create", records, sobject)
        outcomes = [self._create(record) for record in records]
        if self.lose_creates:
            return [Outcome(ok=False, error=SalesforceUnknownOutcomeError("LOST"))] * len(records)
        return outcomes

    async def update(self, sobject: str, records: Sequence[Record]) -> list[Outcome]:
        self._call("update", records, sobject)
        outcomes = [self._update(record) for record in records]
        if self.lose_updates:
            return [Outcome(ok=False, error=SalesforceUnknownOutcomeError("LOST"))] * len(records)
        return outcomes

    async def describe(self, sobject: str) -> dict[str, Any]:
        self._call("describe", [sobject], sobject)
        return {"fields": [{"name": name} for name in self.fields]}

    async def limits(self) -> dict[str, Any]:
        self._call("limits", [])
        return {}

    def _call(self, kind: str, given: Sequence[Any], sobject: str = "") -> None:
        self.objects.add(sobject)
        self.clock += timedelta(seconds=1)
        self.calls.append((kind, len(given)))
        self.before(kind, given)

    def _answer(self, soql: str) -> QueryResult:
        found = re.search(r"FROM (\w+) WHERE (\w+) IN \(([^)]*)\)", soql)
        if found is None:
            raise ValueError("not a query that this org understands")
        sobject, name = found[1], found[2]
        values = {value.casefold() for value in re.findall(r"'([^']*)'", found[3])}
        hits = [
            record
            for record in self.records.values()
            if record["Id"].startswith(PREFIXES[sobject])
            and str(record.get(name) or "").casefold() in values
        ]
        return QueryResult([dict(hit) for hit in hits], len(hits), done=True)

    def _create(self, record: Record) -> Outcome:
        if (error := self.refuse(record)) is not None:
            return Outcome(ok=False, error=error)
        record_id = self.put(str(len(self.records) + 1), **record)
        return Outcome(ok=True, record_id=record_id, created=True)

    def _update(self, record: Record) -> Outcome:
        if (error := self.refuse(record)) is not None:
            return Outcome(ok=False, error=error)
        held = self.records.get(str(record["Id"]))
        if held is None:
            return Outcome(ok=False, error=SalesforceNotFoundError("ENTITY_IS_DELETED"))
        held |= {**record, "LastModifiedDate": self.clock.isoformat()}
        self.automation(held)
        return Outcome(ok=True, record_id=str(record["Id"]), created=False)


@dataclass
class FakeReservations:
    """Says ``reserved`` unless told otherwise for a member."""

    answers: dict[str, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)  # member -> intent
    asked: list[Mapping[str, str]] = field(default_factory=list)

    async def reserve(
        self, workspace_id: str, intents: Mapping[str, str]
    ) -> Mapping[str, Reservation]:
        self.asked.append({**intents, "": workspace_id})
        return {member: self._answer(member, intent) for member, intent in intents.items()}

    def _answer(self, member: str, intent: str) -> Reservation:
        if self.held.setdefault(member, intent) != intent:
            return Reservation(member, "reserved_by_other")
        return Reservation(member, self.answers.get(member, "reserved"))
