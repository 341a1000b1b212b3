"""Sign-ins under way, and tokens that wait to be revoked."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_oauth.service.ports import PendingRevocation, SignIn
from crmlink_oauth.storage.tables import revocations, states


class SignInRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def make_room(self, workspace_id: str, keep: int) -> None:
        """Forget all but the newest of a workspace, used ones too."""
        theirs = states.c.workspace_id == workspace_id
        newest = (
            select(states.c.state_hash)
            .where(theirs)
            .order_by(states.c.expires_at.desc(), states.c.state_hash)
            .limit(keep)
        )
        await self._session.execute(
            delete(states).where(theirs, states.c.state_hash.not_in(newest))
        )

    async def add(self, sign_in: SignIn) -> None:
        await self._session.execute(insert(states).values(**sign_in.as_row()))

    async def lock(self, workspace_id: str, state_hash: str) -> SignIn | None:
        rows = await self._session.execute(
            select(states)
            .where(states.c.workspace_id == workspace_id, states.c.state_hash == state_hash)
            .with_for_update()
        )
        row = rows.mappings().first()
        return SignIn(**row) if row else None

    async def use(self, sign_in: SignIn, now: datetime) -> None:
        """Use it up; its verifier is needed no longer."""
        await self._session.execute(
            update(states)
            .where(
                states.c.workspace_id == sign_in.workspace_id,
                states.c.state_hash == sign_in.state_hash,
            )
            .values(used_at=now, verifier="")
        )

    async def forget_before(self, moment: datetime) -> int:
        """Delete what expired long enough ago that nobody asks why."""
        gone = await self._session.execute(
            delete(states).where(states.c.expires_at < moment).returning(states.c.workspace_id)
        )
        return len(gone.all())


class RevocationRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, pending: PendingRevocation) -> None:
        await self._session.execute(insert(revocations).values(**pending.as_row()))

    async def claim(self, now: datetime, lease: timedelta) -> PendingRevocation | None:
        """Take one that is due; nobody else gets it before the lease ends."""
        rows = await self._session.execute(
            select(revocations)
            .where(revocations.c.failed_at.is_(None), revocations.c.next_at <= now)
            .order_by(revocations.c.next_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = rows.mappings().first()
        if row is None:
            return None
        pending = PendingRevocation(**row)
        await self._change(pending, next_at=now + lease, attempts=pending.attempts + 1)
        return pending

    async def retry(self, pending: PendingRevocation, at: datetime) -> None:
        await self._change(pending, next_at=at)

    async def give_up(self, pending: PendingRevocation, now: datetime) -> None:
        """Keep that it failed, not the token."""
        await self._change(pending, failed_at=now, token="")

    async def done(self, pending: PendingRevocation) -> None:
        await self._session.execute(delete(revocations).where(*_key(pending)))

    async def forget_before(self, moment: datetime) -> int:
        """Delete what was given up before ``moment``; the audit trail keeps that it was."""
        gone = await self._session.execute(
            delete(revocations).where(revocations.c.failed_at < moment).returning(revocations.c.id)
        )
        return len(gone.all())

    async def last_failed(self, workspace_id: str) -> datetime | None:
        """Say when a token was last given up, of those that are still remembered."""
        failed: datetime | None = await self._session.scalar(
            select(func.max(revocations.c.failed_at)).where(
                revocations.c.workspace_id == workspace_id
            )
        )
        return failed

    async def _change(self, pending: PendingRevocation, **values: object) -> None:
        await self._session.execute(update(revocations).where(*_key(pending)).values(**values))


def _key(pending: PendingRevocation) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return revocations.c.workspace_id == pending.workspace_id, revocations.c.id == pending.id
