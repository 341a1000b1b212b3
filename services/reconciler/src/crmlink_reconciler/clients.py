"""Salesforce, as finding matches needs it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from crmlink_common.errors import PermanentError
from crmlink_common.members.normal import phone_forms
from crmlink_common.salesforce.budgets import Budgets
from crmlink_common.salesforce.client import Org, QueryResult, Record, SalesforceError
from crmlink_common.salesforce.ids import to_18
from crmlink_common.salesforce.limits import WorkClass
from crmlink_common.salesforce.soql import select, split_in
from crmlink_reconciler.domain.matching import Candidate, Sought, Stage

CLIENT = "crmlink-reconciler"
LIST_CHARS = 8_000  # an IN list; a query holds one list for each of a stage's fields
MOST_ROWS = 20_000  # of one query
NOT_READABLE = {"INVALID_TYPE", "INVALID_FIELD", "INSUFFICIENT_ACCESS"}
FIELDS = {
    "Contact": ("Id", "Name", "Email", "Phone", "MobilePhone", "AccountId", "OwnerId"),
    "Lead": ("Id", "Name", "Email", "Phone", "MobilePhone", "OwnerId"),
}


def queries(stage: Stage, sought: Sequence[Sought]) -> list[str]:
    """Render one stage's queries, their lists as long as a query may hold."""
    values = sorted({one.value(stage) for one in sought} - {""})
    written = [form for value in values for form in phone_forms(value)]
    lists = split_in(values if stage.by == "email" else written, LIST_CHARS)
    rendered = []
    for one in lists:
        where = " OR ".join(f"{name} IN {one}" for name in stage.fields)
        if stage.only:
            where = f"({where}) AND {stage.only}"
        fields = [*FIELDS[stage.object], "LastModifiedDate"]
        rendered.append(select(fields, stage.object, where=where))
    return rendered


def candidate(sobject: str, record: Record) -> Candidate:
    """Take from a record what a match shows and compares."""
    phones = (record.get("Phone"), record.get("MobilePhone"))
    return Candidate(
        to_18(record["Id"]),
        sobject,
        name=_text(record.get("Name")),
        email=_text(record.get("Email")),
        phones=tuple(str(phone) for phone in phones if phone),
        account_id=_text(record.get("AccountId")),
        owner_id=_text(record.get("OwnerId")),
        modified=_text(record.get("LastModifiedDate")),
    )


@dataclass(slots=True)
class SalesforceRecords:
    """One workspace's org for one page of a run; what it tells of its limit is learned."""

    org: Org
    budgets: Budgets
    unreadable: set[str] = field(default_factory=set)

    @property
    def org_id(self) -> str:
        return self.org.org_id

    async def find(self, stage: Stage, sought: Sequence[Sought], region: str) -> list[Candidate]:  # noqa: ARG002 - a port's signature
        """Ask five queries a call; an object that may not be read is noted, and finds nothing."""
        if stage.object in self.unreadable:
            return []
        with self._watching():
            return await self._found(stage, sought)

    async def _found(self, stage: Stage, sought: Sequence[Sought]) -> list[Candidate]:
        found: list[Candidate] = []
        for records in await self._asked(queries(stage, sought)):
            if isinstance(records, SalesforceError):
                if records.salesforce_code not in NOT_READABLE:
                    raise records
                self.unreadable.add(stage.object)
                continue
            found += [candidate(stage.object, one) for one in records]
        return found

    async def _asked(self, soqls: Sequence[str]) -> list[list[Record] | SalesforceError]:
        try:
            told = await self.org.query_many(soqls)
        except SalesforceError:
            raise
        except PermanentError:  # more rows than one answer holds: page through each
            return [await self._paged(soql) for soql in soqls]
        return [one.records if isinstance(one, QueryResult) else one for one in told]

    async def _paged(self, soql: str) -> list[Record] | SalesforceError:
        found: list[Record] = []
        try:
            async for page in self.org.query_pages(soql, max_records=MOST_ROWS):
                found += page
        except SalesforceError as exc:
            return exc
        return found

    async def count(self, sobject: str) -> int:
        """Say how many of them the connected user can see."""
        try:
            with self._watching():
                return (await self.org.query(select(["COUNT()"], sobject))).total_size
        except SalesforceError as exc:
            if exc.salesforce_code not in NOT_READABLE:
                raise
            self.unreadable.add(sobject)
            return 0

    async def admitted(self) -> SalesforceRecords:
        """Raise BudgetError unless finding matches may go on."""
        await self.budgets.admit(self.org, WorkClass.RECONCILE)
        return self

    async def close(self) -> None:
        self.budgets.heard(self.org.workspace_id, self.org.org_id, self.org.usage)

    def _watching(self) -> AbstractContextManager[None]:
        place = self.org.workspace_id, self.org.org_id
        return self.budgets.watching(*place, WorkClass.RECONCILE)


def _text(value: Any) -> str:  # noqa: ANN401 - a field of a record
    return "" if value is None else str(value)
