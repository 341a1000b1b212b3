"""API keys, visits to the console and tickets; of each secret only its hash is here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_gateway.domain.access import ApiKey, Scope
from crmlink_gateway.storage.tables import ApiKeyRow, TicketRow, VisitRow, table

api_keys, visits, tickets = table(ApiKeyRow), table(VisitRow), table(TicketRow)


class AccessRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def keys(self, key_hash: str) -> list[ApiKey]:
        """Find a key in whichever workspaces know it, the oldest first."""
        found = select(api_keys).where(api_keys.c.hash == key_hash).order_by(api_keys.c.created_at)
        return [_key(row) for row in await self._session.execute(found.limit(100))]

    async def add_key(self, key: ApiKey, key_hash: str) -> None:
        """Add it unless its workspace has it: what was done to it since stays."""
        values = {
            "workspace_id": key.workspace_id,
            "id": key.id,
            "hash": key_hash,
            "name": key.name,
            "scope": str(key.scope),
            "expires_at": key.expires_at,
        }
        await self._session.execute(insert(api_keys).values(values).on_conflict_do_nothing())

    async def open_visit(self, key: ApiKey, visit_hash: str, until: datetime) -> None:
        values = {
            "workspace_id": key.workspace_id,
            "hash": visit_hash,
            "key_id": key.id,
            "expires_at": until,
        }
        await self._session.execute(insert(visits).values(values))

    async def visitor(self, visit_hash: str, now: datetime) -> ApiKey | None:
        theirs = and_(
            api_keys.c.workspace_id == visits.c.workspace_id, api_keys.c.id == visits.c.key_id
        )
        found = (
            select(api_keys)
            .join(visits, theirs)
            .where(visits.c.hash == visit_hash, visits.c.expires_at > now)
        )
        row = (await self._session.execute(found)).first()
        return None if row is None else _key(row)

    async def end_visit(self, visit_hash: str) -> None:
        await self._session.execute(delete(visits).where(visits.c.hash == visit_hash))

    async def add_ticket(
        self, workspace_id: str, ticket_hash: str, actor: str, until: datetime
    ) -> None:
        values = {
            "workspace_id": workspace_id,
            "hash": ticket_hash,
            "actor": actor,
            "expires_at": until,
        }
        await self._session.execute(insert(tickets).values(values))

    async def take_ticket(self, workspace_id: str, ticket_hash: str, now: datetime) -> str | None:
        """Use it up; return who asked for it, or nothing if it is used, late or unknown."""
        taken = (
            delete(tickets)
            .where(
                tickets.c.workspace_id == workspace_id,
                tickets.c.hash == ticket_hash,
                tickets.c.expires_at > now,
            )
            .returning(tickets.c.actor)
        )
        row = (await self._session.execute(taken)).first()
        return None if row is None else str(row.actor)

    async def forget_before(self, moment: datetime) -> int:
        """Remove visits and tickets that ended before ``moment``; return how many."""
        gone = 0
        for kept in (visits, tickets):
            ended = delete(kept).where(kept.c.expires_at < moment).returning(kept.c.hash)
            gone += len((await self._session.execute(ended)).all())
        return gone


def _key(row: Any) -> ApiKey:  # noqa: ANN401 - a row of `api_keys`
    return ApiKey(
        workspace_id=row.workspace_id,
        id=row.id,
        name=row.name,
        scope=Scope(row.scope),
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
