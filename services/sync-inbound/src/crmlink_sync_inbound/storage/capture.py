"""Plans, cursors and linked records; the caller owns the transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import any_, bindparam, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, insert
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_sync_inbound.domain import PAGE, Cursor, capture_state
from crmlink_sync_inbound.storage.tables import (
    CaptureRow,
    ConfigRow,
    ConnectionRow,
    CursorRow,
    LinkRow,
    WorkspaceRow,
    table,
)

UNCONFIGURED = ("Contact", 60, 300)  # links are followed, slowly, before there is a configuration


@dataclass(frozen=True, slots=True)
class Plan:
    """What to watch for a workspace, as its projections say."""

    active: bool
    org_id: str
    target: str
    fields: list[str]
    interval_min: int
    interval_max: int
    has_links: bool

    @property
    def objects(self) -> list[str]:
        return list(dict.fromkeys(["Contact", "Lead", self.target]))


@dataclass(frozen=True, slots=True)
class Where:
    """How far one object is read, and when to look back at it."""

    cursor: Cursor
    reread_after: str | None = None
    verified_at: datetime | None = None
    look_back_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A linked record to read again, for the link as it was when we began."""

    member_id: str
    record_id: str
    revision: int
    marked: bool = False


class CaptureRepository:
    """What is kept of one workspace's capture."""

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        self._session, self._workspace = session, workspace_id

    async def plan(self) -> Plan:
        """Read what to watch."""
        workspace = await self._session.get(WorkspaceRow, self._workspace)
        connection = await self._session.get(ConnectionRow, self._workspace)
        config = await self._session.get(ConfigRow, (self._workspace, "member"))
        known = config if config is not None and config.deleted_at is None else None
        target, interval_min, interval_max = UNCONFIGURED
        org_id = connection.org_id if connection else ""
        links = table(LinkRow)  # those of an org that was left lie dormant
        some = select(links.c.member_id).where(*self._in(links, org_id), links.c.linked).limit(1)
        return Plan(
            active=bool(
                workspace and workspace.crm_salesforce and connection and connection.usable
            ),
            org_id=org_id,
            target=known.target_object if known else target,
            fields=list(known.fields) if known else [],
            interval_min=known.interval_min if known else interval_min,
            interval_max=known.interval_max if known else interval_max,
            has_links=(await self._session.execute(some)).first() is not None,
        )

    async def watch(
        self, org_id: str, watched: Mapping[str, Sequence[str]], start: Cursor
    ) -> dict[str, Where]:
        """Give each object's cursor; a field that is new to it has all links read again."""
        rows = table(CursorRow)
        found = await self._session.execute(select(rows).where(*self._in(rows, org_id)))
        known = {row.object: row for row in found}
        changed: dict[str, dict[str, Any]] = {}
        for sobject, fields in watched.items():
            row = known.get(sobject)
            before = set(row.watched) if row else set()
            if row is None or before != set(fields):
                cursor = Cursor(row.modstamp, row.record_id) if row else start
                after = row.reread_after if row else None  # the links of a new one are marked
                if row and set(fields) - before:
                    after = ""
                changed[sobject] = self._cursor_row(org_id, sobject, cursor) | {
                    "watched": list(fields),
                    "reread_after": after,
                }
        await self._upsert(list(changed.values()), ["watched", "reread_after"])
        return {name: _where(known.get(name), changed.get(name)) for name in watched}

    async def save_cursor(self, org_id: str, sobject: str, cursor: Cursor) -> None:
        await self._upsert([self._cursor_row(org_id, sobject, cursor)], ["modstamp", "record_id"])

    async def save_sweep(self, org_id: str, sobject: str, after: str | None) -> None:
        """Remember how far the links are read again; None when all are."""
        rows = table(CursorRow)
        await self._session.execute(
            update(rows)
            .where(*self._in(rows, org_id), rows.c.object == sobject)
            .values(reread_after=after)
        )

    async def looked_back(
        self, org_id: str, objects: Collection[str], verified_at: datetime, look_back_at: datetime
    ) -> None:
        """Remember until when everything that appeared has been seen."""
        rows = table(CursorRow)
        await self._session.execute(
            update(rows)
            .where(*self._in(rows, org_id), rows.c.object.in_(objects))
            .values(verified_at=verified_at, look_back_at=look_back_at)
        )

    async def forget_cursors(self, org_id: str) -> None:
        """Begin anew with the next link, in place of reading all that nobody waited for."""
        rows = table(CursorRow)
        await self._session.execute(delete(rows).where(*self._in(rows, org_id)))

    async def linked(self, org_id: str, ids: Collection[str]) -> dict[str, datetime | None]:
        """Of these records, give the linked ones with their newest published stamp."""
        links = table(LinkRow)
        rows = await self._session.execute(
            select(links.c.record_id, links.c.published).where(
                *self._in(links, org_id),
                links.c.record_id == any_(literal(list(ids), ARRAY(TEXT))),
                links.c.linked,
            )
        )
        return {row.record_id: row.published for row in rows}

    async def mark_published(self, org_id: str, stamps: Mapping[str, datetime]) -> None:
        """Remember the newest stamp of each record that went out."""
        links = table(LinkRow)
        if not stamps:
            return
        statement = (
            update(links)
            .where(*self._in(links, org_id), links.c.record_id == bindparam("b_record_id"))
            .values(published=func.greatest(links.c.published, bindparam("b_stamp")))
        )
        rows = [{"b_record_id": key, "b_stamp": stamps[key]} for key in sorted(stamps)]
        connection = await self._session.connection()
        await connection.execute(statement, rows)

    async def to_reread(self, org_id: str, sobject: str, after: str | None) -> list[Due]:
        """List linked records to read again, at most a page: new links first, then one by one."""
        links = table(LinkRow)
        columns = (links.c.member_id, links.c.record_id, links.c.revision)
        ours = (*self._in(links, org_id), links.c.object == sobject, links.c.linked)
        marked = await self._session.execute(
            select(*columns, links.c.reread_due).where(*ours, links.c.reread_due).limit(PAGE)
        )
        due = [Due(row.member_id, row.record_id, row.revision, marked=True) for row in marked]
        if after is None or len(due) == PAGE:
            return due
        others = await self._session.execute(
            select(*columns)
            .where(*ours, ~links.c.reread_due, links.c.member_id > after)
            .order_by(links.c.member_id)
            .limit(PAGE - len(due))
        )
        return due + [Due(row.member_id, row.record_id, row.revision) for row in others]

    async def reread_done(self, done: Sequence[Due]) -> None:
        """Clear the marks, but not of a link that has changed since."""
        links = table(LinkRow)
        statement = (
            update(links)
            .where(
                links.c.workspace_id == self._workspace,
                links.c.member_id == bindparam("b_member_id"),
                links.c.revision == bindparam("b_revision"),
            )
            .values(reread_due=False)
        )
        rows = [
            {"b_member_id": one.member_id, "b_revision": one.revision}
            for one in sorted(done, key=lambda one: one.member_id)
            if one.marked
        ]
        if rows:
            connection = await self._session.connection()
            await connection.execute(statement, rows)

    async def shown(self) -> dict[str, Any]:
        """Tell a person how capture stands."""
        due = await self._session.get(CaptureRow, self._workspace)
        plan = await self.plan()
        rows = table(CursorRow)
        found = await self._session.execute(select(rows).where(*self._in(rows, plan.org_id)))
        cursors = found.all()
        looked = [row.verified_at for row in cursors if row.verified_at is not None]
        return {
            "state": capture_state(
                active=plan.active,
                has_links=plan.has_links,
                parked=due is not None and due.parked,
                failed=due is not None and bool(due.error_code),
            ),
            "cursor": {
                row.object: {"modstamp": row.modstamp, "id": row.record_id} for row in cursors
            },
            "last_poll_at": due.last_poll_at if due else None,
            "next_poll_at": due.due_at if due and due.lease_until is None else None,
            "verified_at": min(looked) if looked and len(looked) == len(cursors) else None,
            "error": (due.error_code or None) if due else None,
        }

    async def _upsert(self, rows: Sequence[Mapping[str, Any]], changed: Sequence[str]) -> None:
        cursors = table(CursorRow)
        statement = insert(cursors)
        statement = statement.on_conflict_do_update(
            index_elements=["workspace_id", "org_id", "object"],
            set_={name: statement.excluded[name] for name in changed},
        )
        if rows:
            await self._session.execute(statement, [dict(row) for row in rows])

    def _cursor_row(self, org_id: str, sobject: str, cursor: Cursor) -> dict[str, Any]:
        return {
            "workspace_id": self._workspace,
            "org_id": org_id,
            "object": sobject,
            "modstamp": cursor.modstamp,
            "record_id": cursor.record_id,
            "watched": [],
            "reread_after": "",
        }

    def _in(self, rows: Any, org_id: str) -> tuple[Any, ...]:  # noqa: ANN401 - a table
        return rows.c.workspace_id == self._workspace, rows.c.org_id == org_id


def _where(row: Any, changed: Mapping[str, Any] | None) -> Where:  # noqa: ANN401 - a row or None
    told = changed or row._mapping  # noqa: SLF001 - SQLAlchemy's name
    return Where(
        Cursor(told["modstamp"], told["record_id"]),
        told["reread_after"],
        row.verified_at if row else None,
        row.look_back_at if row else None,
    )
