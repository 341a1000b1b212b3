"""Messages that came before the state they need: kept beside, never in the way of others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import any_, delete, func, insert, literal
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.contracts.cloudevents import DataT, Event, Record, Topic, decode
from crmlink_common.contracts.topics import dead_letters
from crmlink_common.messaging.outbox import Outbox, as_row
from crmlink_common.messaging.tables import parked

PATIENCE = timedelta(minutes=10)  # then the wait ends in a coded refusal: nothing waits in a circle


class Parking:
    """The caller owns the transaction. ``need`` names what is missing, such as a member's key.

    Who answers expired messages itself gives more patience than it has: then `expire` is the net.
    """

    def __init__(self, session: AsyncSession, service: str, patience: timedelta = PATIENCE) -> None:
        self._session = session
        self._service = service
        self._patience = patience

    async def park(self, workspace_id: str, need: str, records: Sequence[Record]) -> None:
        """Keep messages until ``need`` is met, or patience ends."""
        rows = [
            {
                **as_row(record),
                "workspace_id": workspace_id,
                "need": need,
                "expires_at": func.now() + self._patience,
            }
            for record in records
        ]
        for row in rows:
            await self._session.execute(insert(parked).values(row))

    async def release(
        self, workspace_id: str, needs: Collection[str], topic: Topic[DataT]
    ) -> list[Event[DataT]]:
        """Take back, in their order, what waited for any of ``needs``."""
        wanted = any_(literal(list(needs), ARRAY(TEXT)))
        taken = await self._session.execute(
            delete(parked)
            .where(
                parked.c.workspace_id == workspace_id,
                parked.c.need == wanted,
                parked.c.topic == topic.name,
            )
            .returning(parked)
        )
        rows = sorted(taken, key=lambda row: row.id)
        return [decode(topic, row.key, row.value, _headers(row)) for row in rows]

    async def expire(self, now: datetime, limit: int = 500) -> int:
        """Bury what has waited too long, with the code ``wait_expired``; return how many."""
        late = (
            parked.select()
            .with_only_columns(parked.c.id)
            .where(parked.c.expires_at < now)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        gone = await self._session.execute(
            delete(parked).where(parked.c.id.in_(late)).returning(parked)
        )
        told = ("crmlink_error_code", b"wait_expired")
        records = [
            Record(dead_letters(self._service), row.key, row.value, [*_headers(row), told])
            for row in sorted(gone, key=lambda row: row.id)
        ]
        await Outbox(self._session).add(records)
        return len(records)


def _headers(row: Any) -> list[tuple[str, bytes]]:  # noqa: ANN401 - a row of `parked`
    return [(name, text.encode()) for name, text in row.headers]
