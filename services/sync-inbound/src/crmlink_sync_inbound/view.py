"""An org as one turn of capture sees it, and what is remembered of it until the next."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from crmlink_common.errors import PermanentError, TransientError
from crmlink_common.salesforce.budgets import Budgets
from crmlink_common.salesforce.client import Org, SalesforceError
from crmlink_common.salesforce.limits import WorkClass
from crmlink_common.salesforce.soql import select, split_in
from crmlink_sync_inbound.domain import PAGE, watched_fields

log = logging.getLogger(__name__)
FRESH = timedelta(minutes=15).total_seconds()
MOST_ORGS = 10_000
CHARACTERS_OF_IDS = 9_000  # Salesforce takes 100,000 in a statement, proxies less in an address

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Watched:
    """The fields to select from an object, for these mapped ones; or why it cannot be read."""

    mapped: tuple[str, ...]
    fields: tuple[str, ...]
    fault: str
    since: float


@dataclass(slots=True)
class Remembered:
    """The org's clock, by when we last heard of it; the watched fields of each object."""

    server_time: datetime | None = None
    heard_at: float = 0.0
    watched: dict[str, Watched] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrgMemory:
    """Spares an idle poll all calls but one. Bounded; losing it costs a few calls."""

    monotonic: Callable[[], float] = time.monotonic
    most: int = MOST_ORGS
    _orgs: OrderedDict[tuple[str, str], Remembered] = field(default_factory=OrderedDict)

    def of(self, workspace_id: str, org_id: str) -> Remembered:
        key = (workspace_id, org_id)
        found = self._orgs.setdefault(key, Remembered())
        self._orgs.move_to_end(key)
        if len(self._orgs) > self.most:
            self._orgs.popitem(last=False)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgView:
    """Reads within the budget, and tells the org's time without asking for it."""

    org: Org
    memory: OrgMemory
    budgets: Budgets

    @property
    def remembered(self) -> Remembered:
        return self.memory.of(self.org.workspace_id, self.org.org_id)

    async def time(self) -> datetime:
        """Give the org's clock now, or a little less: never a time that it has not reached.

        Its last answer's Date, which was cut to the second and took time to come, is carried
        forward by our own clock's run; what is read from here on is at least as new.
        """
        known, now = self.remembered, self.memory.monotonic()
        if known.server_time is None or now - known.heard_at > FRESH:
            self._afford()
            await self.org.limits()
            self._heard()
            if known.server_time is None:
                raise TransientError("Salesforce does not tell its time")
        passed = max(0.0, self.memory.monotonic() - known.heard_at)
        return known.server_time + timedelta(seconds=passed)

    async def watched(
        self, objects: Sequence[str], mapped: Sequence[str]
    ) -> tuple[dict[str, list[str]], dict[str, str]]:
        """Give the fields of each readable object, and why the others cannot be read."""
        known, wanted = self.remembered.watched, tuple(mapped)
        for sobject in objects:
            found = known.get(sobject)
            age = self.memory.monotonic() - found.since if found else FRESH
            if found is None or age >= FRESH or found.mapped != wanted:
                known[sobject] = await self._look(sobject, wanted)
        for sobject in known.keys() - set(objects):
            del known[sobject]
        fields = {name: list(one.fields) for name, one in known.items() if not one.fault}
        return fields, {name: one.fault for name, one in known.items() if one.fault}

    async def ask(
        self, queries: Mapping[str, str]
    ) -> tuple[dict[str, Rows], dict[str, SalesforceError]]:
        """Ask a query for each object, deleted records too, in one call; give rows and errors."""
        self._afford()
        answers = await self.org.query_many(list(queries.values()), include_deleted=True)
        self._heard()
        rows: dict[str, Rows] = {}
        errors: dict[str, SalesforceError] = {}
        for sobject, answer in zip(queries, answers, strict=True):
            if isinstance(answer, SalesforceError):
                errors[sobject] = answer
                self.forget(sobject)
            else:
                rows[sobject] = answer.records
        return rows, errors

    async def read(self, sobject: str, fields: Sequence[str], ids: Sequence[str]) -> Rows:
        """Give these records as they are now, deleted ones too, as far as they can be seen."""
        self._afford()
        found = await self.org.retrieve(sobject, ids, fields)
        self._heard()
        records = list(found.values())
        for listed in split_in([one for one in ids if one not in found], CHARACTERS_OF_IDS):
            self._afford()
            soql = select(fields, sobject, where=f"Id IN {listed}")
            pages = self.org.query_pages(soql, include_deleted=True, max_records=PAGE)
            records += [record async for page in pages for record in page]
            self._heard()
        return records

    def forget(self, sobject: str) -> None:
        """Describe it anew next time: its fields may have changed."""
        self.remembered.watched.pop(sobject, None)

    def remaining_share(self) -> float:
        """Say how much of the org's daily limit events may still use; 1 while it is unknown."""
        return self.budgets.remaining_share(*self._place, WorkClass.EVENT)

    async def _look(self, sobject: str, mapped: tuple[str, ...]) -> Watched:
        self._afford()
        fields: tuple[str, ...] = ()
        fault = ""
        try:
            described = await self.org.describe(sobject)
            fields = tuple(watched_fields(described["fields"], mapped))
        except PermanentError as exc:  # not there, or not for this user: the others go on
            fault = exc.code
            log.info("object not watched", extra={"error_code": exc.code})
        self._heard()
        if not fault and "SystemModstamp" not in fields:
            fault = "object_without_modstamp"
        return Watched(mapped, fields, fault, self.memory.monotonic())

    def _heard(self) -> None:
        self.budgets.heard(*self._place, self.org.usage)
        known = self.remembered
        if self.org.server_time is not None and self.org.server_time != known.server_time:
            known.server_time, known.heard_at = self.org.server_time, self.memory.monotonic()

    @property
    def _place(self) -> tuple[str, str]:
        return self.org.workspace_id, self.org.org_id

    def _afford(self) -> None:
        self.budgets.require(*self._place, WorkClass.EVENT)
