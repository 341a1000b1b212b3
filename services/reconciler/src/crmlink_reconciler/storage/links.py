"""Links and their history, and the reservations that keep others from making one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Text, any_, delete, func, insert, literal, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.contracts.member_links import LinkState
from crmlink_common.errors import TransientError
from crmlink_reconciler.domain.directory import Key
from crmlink_reconciler.domain.linking import Link
from crmlink_reconciler.storage.dormancy import DormantRepository
from crmlink_reconciler.storage.statements import in_key_order, locked, these, upsert
from crmlink_reconciler.storage.tables import HistoryRow, LinkRow, ReservationRow, table

RecordKey = tuple[str, str, str]  # workspace, org, record
links, history, reservations = table(LinkRow), table(HistoryRow), table(ReservationRow)
COLUMNS = [field.name for field in fields(Link)]
HISTORY_COLUMNS = (
    "workspace_id", "member_id", "revision", "state", "record_id", "object", "reason", "intent_id",
)  # fmt: skip


class LinkRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self, keys: Collection[Key]) -> dict[Key, Link]:
        if not keys:
            return {}
        found = [_link(row) for row in await self._session.execute(locked(links, keys))]
        return {link.key: link for link in found}

    async def lock_by_record(self, records: Collection[RecordKey]) -> list[Link]:
        """Lock the links of these records, in the order in which everybody locks links."""
        if not records:
            return []
        found = await self._session.execute(
            select(links)
            .where(_of_records(records))
            .order_by(links.c.workspace_id, links.c.member_id)
            .with_for_update()
        )
        return [_link(row) for row in found]

    async def lock_after(self, key: Key, limit: int) -> list[Link]:
        """Page through all links; locked, so that what is told of them is in their order."""
        found = await self._session.execute(
            select(links)
            .where(tuple_(links.c.workspace_id, links.c.member_id) > tuple_(*key))
            .order_by(links.c.workspace_id, links.c.member_id)
            .limit(limit)
            .with_for_update()
        )
        return [_link(row) for row in found]

    async def holders(self, records: Collection[RecordKey]) -> dict[RecordKey, Key]:
        """Say which member each of these records is linked to."""
        if not records:
            return {}
        found = [
            _link(row)
            for row in await self._session.execute(select(links).where(_of_records(records)))
        ]
        return {link.record: link.key for link in found}

    async def save(self, changed: Mapping[Key, tuple[Link, str]]) -> None:
        """Write links with what caused them, each one revision on.

        Raises:
            TransientError: another transaction was faster; the same decision must be made anew.
        """
        rows = [asdict(link) for link, _ in changed.values()]
        if not rows:
            return
        await DormantRepository(self._session).set_aside([link for link, _ in changed.values()])
        try:
            if len(rows) > 1:  # a record may go from one to another: first all let go
                await self._session.execute(
                    update(links)
                    .where(these(links, changed.keys()), links.c.state == LinkState.LINKED)
                    .values(state=LinkState.UNLINKED)
                )
            saved = await self._session.execute(
                upsert(links, newer="revision"),
                sorted(rows, key=in_key_order),
                execution_options={"preserve_rowcount": True},
            )
        except IntegrityError:
            raise TransientError("the record was linked at the same moment") from None
        if saved.rowcount != len(rows):  # type: ignore[attr-defined]
            raise TransientError("the link was changed at the same moment")

    async def remember(self, decisions: Sequence[tuple[Link, str]]) -> None:
        """Add every decision, also one that another of the same batch replaced."""
        rows = [
            {**{name: getattr(link, name) for name in HISTORY_COLUMNS}, "cause": cause}
            for link, cause in decisions
        ]
        if rows:
            await self._session.execute(insert(history), rows)

    async def causes(self, keys: Collection[Key], wanted: Collection[str]) -> dict[Key, set[str]]:
        """Of these messages and intents, give those that led to a decision of each member."""
        if not keys:
            return {}
        ids = literal(list(wanted), ARRAY(Text))
        found = await self._session.execute(
            select(
                history.c.workspace_id,
                history.c.member_id,
                history.c.cause,
                history.c.intent_id,
            ).where(
                these(history, keys),
                or_(history.c.cause == any_(ids), history.c.intent_id == any_(ids)),
            )
        )
        known: dict[Key, set[str]] = {}
        for row in found:
            known.setdefault((row.workspace_id, row.member_id), set()).update(
                {row.cause, row.intent_id} - {""}
            )
        return known


class ReservationRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self, keys: Collection[Key]) -> dict[Key, str]:
        """Give the intents that hold these members."""
        if not keys:
            return {}
        found = await self._session.execute(locked(reservations, keys))
        return {(row.workspace_id, row.member_id): row.intent_id for row in found}

    async def overdue(self, keys: Collection[Key], since: datetime) -> set[Key]:
        """Give those of these members that have been held since before then."""
        if not keys:
            return set()
        found = await self._session.execute(
            select(reservations.c.workspace_id, reservations.c.member_id).where(
                these(reservations, keys), reservations.c.reserved_at < since
            )
        )
        return {(row.workspace_id, row.member_id) for row in found}

    async def save(self, intents: Mapping[Key, str]) -> None:
        rows = [
            {"workspace_id": workspace_id, "member_id": member_id, "intent_id": intent_id}
            for (workspace_id, member_id), intent_id in sorted(intents.items())
        ]
        if rows:
            await self._session.execute(insert(reservations), rows)

    async def drop(self, keys: Collection[Key]) -> None:
        if keys:
            await self._session.execute(delete(reservations).where(these(reservations, keys)))


def _of_records(records: Collection[RecordKey]) -> Any:  # noqa: ANN401 - a condition
    columns = zip(*records, strict=True)
    parts = (
        func.unnest(*[literal(list(one), ARRAY(Text)) for one in columns])
        .table_valued("workspace_id", "org_id", "record_id")
        .render_derived()
    )
    wanted = select(parts.c.workspace_id, parts.c.org_id, parts.c.record_id)
    named = tuple_(links.c.workspace_id, links.c.org_id, links.c.record_id).in_(wanted)
    return named & (links.c.state == LinkState.LINKED)


def _link(row: Any) -> Link:  # noqa: ANN401 - a row of `links`
    values = {name: getattr(row, name) for name in COLUMNS}
    return Link(**{**values, "state": LinkState(row.state)})
