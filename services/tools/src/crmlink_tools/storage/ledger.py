"""The ledger: a request is written before it is worked on. The caller owns the transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_tools.storage.tables import ConnectionRow, RequestRow, WorkspaceRow, table

LEASE = timedelta(minutes=2)  # longer than an answer and its reply may take
KEPT = timedelta(days=7)
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that this worker, and until the lease ends no other, answers."""

    workspace_id: str
    conversation_id: str
    request_id: str
    tool: str
    arguments: Mapping[str, Any]
    reply_topic: str
    reply_refused: bool
    event_id: str
    traceparent: str
    deadline: datetime
    attempts: int
    fence: int


@dataclass(frozen=True, slots=True)
class Access:
    """Whether a workspace may use its tools now, and if not, the code that says why."""

    refusal: str = ""
    stranger: bool = False  # nobody has told us of this workspace


class Ledger:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def accept(self, rows: Sequence[Values]) -> None:
        """Write requests down. One under way stays so; an answered one is answered again."""
        requests = table(RequestRow)
        statement = insert(requests)
        new = statement.excluded
        again = {
            name: new[name]
            for name in (
                *("state", "tool", "arguments", "deadline", "event_id", "traceparent"),
                *("reply_topic", "reply_refused"),
            )
        } | {"attempts": 0, "accepted_at": func.now(), "answered_at": None}
        statement = statement.on_conflict_do_update(
            index_elements=["workspace_id", "conversation_id", "request_id"],
            set_=again,
            where=requests.c.state == "done",
        )
        await self._session.execute(statement, sorted(rows, key=_key))

    async def claim(
        self, holder: str, per_workspace: int, lease: timedelta = LEASE
    ) -> Accepted | None:
        """Lease the oldest open request of a workspace that is not at its limit."""
        requests = table(RequestRow)
        other = requests.alias()
        at_limit = (  # counted once, not for each of a flood's rows
            select(other.c.workspace_id)
            .where(other.c.state == "accepted", other.c.lease_until > func.now())
            .group_by(other.c.workspace_id)
            .having(func.count() >= per_workspace)
        )
        free = or_(requests.c.lease_until.is_(None), requests.c.lease_until < func.now())
        first = (
            select(requests.c.workspace_id, requests.c.conversation_id, requests.c.request_id)
            .where(requests.c.state == "accepted", free, requests.c.workspace_id.not_in(at_limit))
            .order_by(requests.c.accepted_at)
            .limit(1)
            .with_for_update(skip_locked=True, of=requests)
            .cte("first")
        )
        taken = (
            update(requests)
            .where(
                requests.c.workspace_id == first.c.workspace_id,
                requests.c.conversation_id == first.c.conversation_id,
                requests.c.request_id == first.c.request_id,
            )
            .values(
                lease_holder=holder,
                lease_until=func.now() + lease,
                fence=requests.c.fence + 1,
                attempts=requests.c.attempts + 1,
            )
            .returning(requests)
        )
        row = (await self._session.execute(taken)).first()
        if row is None:
            return None
        names = Accepted.__dataclass_fields__
        told = {name: row._mapping[name] for name in names}  # noqa: SLF001 - SQLAlchemy's name
        return Accepted(**{**told, "arguments": told["arguments"] or {}})

    async def answered(self, request: Accepted, code: str) -> bool:
        """Close a request after its reply went out; False when another worker has it."""
        requests = table(RequestRow)
        closed = await self._session.execute(
            update(requests)
            .where(*_same(requests, request), requests.c.fence == request.fence)
            .values(
                state="done",
                arguments=None,
                answered_at=func.now(),
                outcome_code=code,
                lease_until=None,
                lease_holder="",
            )
            .returning(requests.c.request_id)
        )
        return closed.first() is not None

    async def release(self, request: Accepted) -> None:
        """Give a request back; it is tried again at once by whoever comes."""
        requests = table(RequestRow)
        await self._session.execute(
            update(requests)
            .where(*_same(requests, request), requests.c.fence == request.fence)
            .values(lease_until=None, lease_holder="")
        )

    async def forget(self, limit: int = 1000) -> int:
        """Delete what was answered longer than a week ago; return how many."""
        requests = table(RequestRow)
        old = (
            select(requests.c.workspace_id, requests.c.conversation_id, requests.c.request_id)
            .where(requests.c.answered_at < func.now() - KEPT, requests.c.state == "done")
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("old")
        )
        gone = await self._session.execute(
            delete(requests)
            .where(
                requests.c.workspace_id == old.c.workspace_id,
                requests.c.conversation_id == old.c.conversation_id,
                requests.c.request_id == old.c.request_id,
            )
            .returning(requests.c.request_id)
        )
        return len(gone.all())

    async def access(self, workspace_id: str) -> Access:
        """Say whether this workspace may use its tools now."""
        workspace = await self._session.get(WorkspaceRow, workspace_id)
        connection = await self._session.get(ConnectionRow, workspace_id)
        if workspace is None:
            return Access("feature_disabled", stranger=True)
        if not workspace.crm_salesforce:
            return Access("feature_disabled")
        if connection is None or connection.deleted_at is not None:
            return Access("not_connected")
        if not connection.enabled:
            return Access("connection_disabled")
        return Access("" if connection.usable else connection.status or "not_connected")

    async def learn(self, model: type[WorkspaceRow | ConnectionRow], rows: list[Values]) -> None:
        """Keep projections; an older revision changes nothing."""
        target: Table = table(model)
        statement = insert(target)
        statement = statement.on_conflict_do_update(
            index_elements=["workspace_id"],
            set_={c.name: statement.excluded[c.name] for c in target.c if not c.primary_key},
            where=target.c.revision < statement.excluded.revision,
        )
        await self._session.execute(statement, sorted(rows, key=lambda row: row["workspace_id"]))


def _key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["workspace_id"], row["conversation_id"], row["request_id"]


def _same(requests: Table, request: Accepted) -> tuple[Any, ...]:
    return (
        requests.c.workspace_id == request.workspace_id,
        requests.c.conversation_id == request.conversation_id,
        requests.c.request_id == request.request_id,
    )
