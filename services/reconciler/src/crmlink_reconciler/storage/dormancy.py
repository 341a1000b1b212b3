"""Links in orgs that a workspace has left: set aside, and taken up when the org returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, delete, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.contracts.member_links import LinkState
from crmlink_reconciler.domain.directory import Key
from crmlink_reconciler.domain.linking import Link, Target
from crmlink_reconciler.storage.tables import ConnectionRow, DormantRow, LinkRow, table

links, asleep, connections = table(LinkRow), table(DormantRow), table(ConnectionRow)
KEPT = [c.name for c in asleep.c]
FORGETS = ("member_deleted", "connection_deleted")


def dormant(workspace_id: str) -> ColumnElement[bool]:
    """Select links of another org than the workspace's data is bound to now."""
    now = (
        select(connections.c.org_id)
        .where(connections.c.workspace_id == workspace_id)
        .scalar_subquery()
    )
    other = and_(links.c.org_id != "", links.c.org_id != now, now != "")
    return and_(links.c.state == LinkState.LINKED, func.coalesce(other, literal(value=False)))


class DormantRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def set_aside(self, changed: Sequence[Link]) -> None:
        """Before these are written: keep the links of other orgs that they take the place of."""
        joined = [link for link in changed if link.linked]
        if joined:
            parts = _parts(("workspace_id", "member_id", "org_id"), joined)
            same = and_(
                links.c.workspace_id == parts.c.workspace_id,
                links.c.member_id == parts.c.member_id,
            )
            replaced = (
                select(*(links.c[name] for name in KEPT))
                .join(parts, same)
                .where(
                    links.c.state == LinkState.LINKED,
                    links.c.org_id != "",
                    links.c.org_id != parts.c.org_id,
                )
            )
            statement = insert(asleep).from_select(KEPT, replaced)
            new = {c.name: statement.excluded[c.name] for c in asleep.c if not c.primary_key}
            await self._session.execute(
                statement.on_conflict_do_update(index_elements=[*asleep.primary_key], set_=new)
            )
            await self._drop(("workspace_id", "member_id", "org_id"), joined)
        gone = [link for link in changed if link.reason in FORGETS and not link.linked]
        if gone:
            await self._drop(("workspace_id", "member_id"), gone)

    async def returned(self, limit: int) -> dict[Key, Target]:
        """Give dormant links whose org is the workspace's again."""
        found = await self._session.execute(
            select(asleep)
            .join(connections, connections.c.workspace_id == asleep.c.workspace_id)
            .where(connections.c.usable, connections.c.org_id == asleep.c.org_id)
            .order_by(asleep.c.workspace_id, asleep.c.member_id)
            .limit(limit)
        )
        return {(row.workspace_id, row.member_id): _target(row) for row in found}

    async def drop(self, of: dict[Key, Target]) -> None:
        keys = [(workspace, target.org_id, member) for (workspace, member), target in of.items()]
        await self._session.execute(delete(asleep).where(tuple_(*asleep.primary_key).in_(keys)))

    async def drop_ended(self) -> None:
        """Forget what stood on connections that were deleted."""
        older = or_(asleep.c.linked_at.is_(None), asleep.c.linked_at <= connections.c.ended_at)
        ended = and_(
            connections.c.workspace_id == asleep.c.workspace_id,
            connections.c.ended_at.is_not(None),
            or_(connections.c.deleted_at.is_not(None), older),
        )
        await self._session.execute(delete(asleep).where(select(1).where(ended).exists()))

    async def _drop(self, names: tuple[str, ...], of: Sequence[Link]) -> None:
        parts = _parts(names, of)
        key = tuple_(*(asleep.c[name] for name in names))
        await self._session.execute(delete(asleep).where(key.in_(select(parts))))


def _parts(names: tuple[str, ...], of: Sequence[Link]) -> Any:  # noqa: ANN401 - a table value
    columns = [literal([getattr(link, name) for link in of], ARRAY(Text)) for name in names]
    return func.unnest(*columns).table_valued(*names).render_derived()


def _target(row: Any) -> Target:  # noqa: ANN401 - a row of `dormant_links`
    return Target(row.record_id, row.object, row.org_id, row.account_id, row.owner_id)
