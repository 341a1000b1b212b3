"""What people look at: pages of links and matches, a link's history, the summary."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.contracts.member_links import LinkState
from crmlink_reconciler.storage.dormancy import dormant
from crmlink_reconciler.storage.tables import (
    HistoryRow,
    LinkRow,
    MatchRow,
    MemberRow,
    ReservationRow,
    table,
)

MOST_HISTORY = 100
DORMANT = "dormant"  # linked in an org that the workspace has left
members, links, matches = table(MemberRow), table(LinkRow), table(MatchRow)
history, reservations = table(HistoryRow), table(ReservationRow)
Shown = dict[str, Any]


class Reports:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def links(self, workspace_id: str, state: str, page: int, page_size: int) -> Shown:
        asleep = dormant(workspace_id)
        live = asleep if state == DORMANT else and_(links.c.state == state, ~asleep)
        wanted = and_(links.c.workspace_id == workspace_id, live)
        columns = [c for c in links.c if c.name not in ("workspace_id", "intent_id")]
        found = (
            select(*columns, members.c.name, members.c.email)
            .select_from(links.outerjoin(members, _same(links)))
            .where(wanted)
            .order_by(links.c.member_id)
        )
        total = select(func.count()).select_from(links).where(wanted)
        return await self._page(found, total, page, page_size)

    async def matches(self, workspace_id: str, state: str, page: int, page_size: int) -> Shown:
        wanted = and_(matches.c.workspace_id == workspace_id, matches.c.state == state)
        found = (
            select(matches, members.c.name, members.c.email, members.c.phone)
            .select_from(matches.outerjoin(members, _same(matches)))
            .where(wanted)
            .order_by(matches.c.member_id)
        )
        total = select(func.count()).select_from(matches).where(wanted)
        told = await self._page(found, total, page, page_size)
        return {**told, "items": [_match(row) for row in told["items"]]}

    async def history(self, workspace_id: str, member_id: str) -> list[Shown]:
        found = await self._session.execute(
            select(*[c for c in history.c if c.name not in ("workspace_id", "cause")])
            .where(history.c.workspace_id == workspace_id, history.c.member_id == member_id)
            .order_by(history.c.revision.desc())
            .limit(MOST_HISTORY)
        )
        return [dict(row) for row in found.mappings()]

    async def summary(self, workspace_id: str) -> Shown:
        """Count. A member that is neither linked nor excluded is unlinked."""
        bare = and_(members.c.email == "", members.c.phone == "")
        mine = and_(members.c.workspace_id == workspace_id, ~members.c.deleted)
        people = (
            await self._session.execute(
                select(
                    func.count().label("members"),
                    func.count().filter(bare).label("without_email_and_phone"),
                ).where(mine)
            )
        ).one()
        shown = case((dormant(workspace_id), DORMANT), else_=links.c.state).label("shown")
        by_state = await self._session.execute(
            select(shown, func.count().label("times"))
            .where(links.c.workspace_id == workspace_id)
            .group_by(shown)
        )
        states: dict[str, int] = {row.shown: row.times for row in by_state}
        open_ones = await self._session.scalar(
            select(func.count()).where(reservations.c.workspace_id == workspace_id)
        )
        linked, excluded = states.get(LinkState.LINKED, 0), states.get(LinkState.EXCLUDED, 0)
        return {
            "members": people.members,
            "linked": linked,
            "dormant": states.get(DORMANT, 0),
            "excluded": excluded,
            "unlinked": max(0, people.members - linked - excluded),
            "without_email_and_phone": people.without_email_and_phone,
            "reservations_open": open_ones or 0,
        }

    async def count_proposed(self, workspace_id: str) -> int:
        found = await self._session.scalar(
            select(func.count()).where(
                matches.c.workspace_id == workspace_id, matches.c.state == "proposed"
            )
        )
        return found or 0

    async def _page(
        self, rows: Select[Any], total: Select[int], page: int, page_size: int
    ) -> Shown:
        found = await self._session.execute(rows.limit(page_size).offset((page - 1) * page_size))
        return {
            "items": [dict(row) for row in found.mappings()],
            "total": await self._session.scalar(total) or 0,
            "page": page,
            "page_size": page_size,
        }


def _same(other: Any) -> ColumnElement[bool]:  # noqa: ANN401 - a table with both keys
    return and_(
        other.c.workspace_id == members.c.workspace_id, other.c.member_id == members.c.member_id
    )


def _match(row: Shown) -> Shown:
    first, *_ = row["candidates"]
    return {
        "member_id": row["member_id"],
        "member": {name: row[name] or "" for name in ("name", "email", "phone")},
        "match_type": row["match_type"],
        "object": row["object"],
        "record_id": row["record_id"],
        "record": _record(first),
        "state": row["state"],
        "reason": row["reason"],
        "candidates": len(row["candidates"]),
        "choices": [_record(one) for one in row["candidates"]],
    }


def _record(one: Shown) -> Shown:
    names = ("record_id", "object", "name", "email", "phone", "account_id", "owner_id")
    return {name: one[name] for name in names}
