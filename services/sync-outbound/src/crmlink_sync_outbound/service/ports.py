"""What the workers need from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from crmlink_common.salesforce.client import QueryResult, SalesforceError
from crmlink_common.salesforce.limits import ApiUsage
from crmlink_common.salesforce.records import Record
from crmlink_common.salesforce.writes import Outcome


class Org(Protocol):
    """One workspace's org, as far as it is used here."""

    @property
    def org_id(self) -> str: ...
    @property
    def usage(self) -> ApiUsage | None: ...
    @property
    def server_time(self) -> datetime | None: ...
    async def query_many(self, soqls: Sequence[str]) -> list[QueryResult | SalesforceError]: ...
    async def retrieve(
        self, sobject: str, ids: Sequence[str], fields: Sequence[str]
    ) -> dict[str, Record]: ...
    async def create(self, sobject: str, records: Sequence[Record]) -> list[Outcome]: ...
    async def update(self, sobject: str, records: Sequence[Record]) -> list[Outcome]: ...
    async def limits(self) -> Any: ...  # noqa: ANN401 - JSON
    async def describe(self, sobject: str) -> dict[str, Any]: ...


class Orgs(Protocol):
    async def open(self, workspace_id: str) -> Org: ...


@dataclass(frozen=True, slots=True)
class Reservation:
    """The reconciler's answer for one member."""

    member_id: str
    result: str  # reserved | already_linked | excluded | unknown_member | reserved_by_other


class Reservations(Protocol):
    async def reserve(
        self, workspace_id: str, intents: Mapping[str, str]
    ) -> Mapping[str, Reservation]:
        """Ask for members (id -> intent id), at most 1,000; raise TransientError."""
        ...
