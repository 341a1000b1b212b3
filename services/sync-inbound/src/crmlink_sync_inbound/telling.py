"""What is said of records on the bus: of the linked ones alone, at least once, in order."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.contracts.activity import ACTIVITY_V1, Activity
from crmlink_common.contracts.cloudevents import Record as Message
from crmlink_common.contracts.cloudevents import encode
from crmlink_common.contracts.salesforce_changes import SALESFORCE_CHANGES_V1, SalesforceChange
from crmlink_common.errors import ContractError
from crmlink_sync_inbound.domain import News, kind_of, plain_values, read_time, successor_of
from crmlink_sync_inbound.storage.capture import CaptureRepository
from crmlink_sync_inbound.storage.turns import Turn, Turns

log = logging.getLogger(__name__)
SOURCE = "/sync-inbound"
Origin = Literal["poll", "safety", "reread"]
Records = Sequence[Mapping[str, Any]]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of one object, and the org's clock before it was read."""

    sobject: str
    fields: Sequence[str]
    records: Records
    at: datetime
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    sessions: async_sessionmaker[AsyncSession]
    publish: Callable[[Sequence[Message]], Awaitable[None]]
    now: Callable[[], datetime] = _now
    new_id: Callable[[], UUID] = uuid4

    async def tell(self, turn: Turn, org_id: str, seen: Seen) -> int:
        """Publish what is linked; a crash after it repeats harmlessly. Return how many.

        Raises:
            LeaseLostError: another poller may have told something newer.
            TransientError: the bus did not take all of it.
        """
        if not seen.records:
            return 0
        async with self.sessions.begin() as session:
            await Turns(session).hold(turn)
            repository = CaptureRepository(session, turn.workspace_id)
            linked = await repository.linked(org_id, [str(one["Id"]) for one in seen.records])
        stamps: dict[str, datetime] = {}
        messages: list[Message] = []
        for record in seen.records:
            key, stamp = str(record["Id"]), read_time(record.get("SystemModstamp"))
            if key in linked and (message := self._message(turn, org_id, seen, record)):
                messages.append(message)
                if stamp is not None:
                    stamps[key] = stamp
        if messages:
            await self.publish(messages)
            async with self.sessions.begin() as session:
                repository = CaptureRepository(session, turn.workspace_id)
                await repository.mark_published(org_id, stamps)
        return len(messages)

    def trace(self, turn: Turn, news: News) -> Message:
        """Say that capture has stopped, or goes on, to whom it may concern."""
        told = Activity(
            workspace_id=turn.workspace_id,
            action=news.action,
            actor="service:sync-inbound",
            code=news.code,
        )
        event_id = str(self.new_id())
        return encode(ACTIVITY_V1, told, event_id=event_id, source=SOURCE, time=self.now())

    def _message(
        self, turn: Turn, org_id: str, seen: Seen, record: Mapping[str, Any]
    ) -> Message | None:
        kind = kind_of(record)
        change = SalesforceChange(
            workspace_id=turn.workspace_id,
            record_id=str(record["Id"]),
            object=seen.sobject,
            org_id=org_id,
            kind="reread" if seen.origin == "reread" and kind == "updated" else kind,
            values=plain_values(record, seen.fields),
            last_modified_date=read_time(record.get("LastModifiedDate")),
            system_modstamp=read_time(record.get("SystemModstamp")),
            observed_at=seen.at,
            successor_id=successor_of(record),
            origin=seen.origin,
        )
        try:
            return encode(
                SALESFORCE_CHANGES_V1,
                change,
                event_id=str(self.new_id()),
                source=SOURCE,
                time=self.now(),
            )
        except ContractError:  # one record too large for the bus must not hold up the others
            log.error("record not told", extra={"error_code": "record_too_large"})  # noqa: TRY400 - its text may quote data
            return None
