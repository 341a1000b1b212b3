"""For tests: a workspace on a real PostgreSQL, with an org and a reconciler in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.contracts.cloudevents import Attributes, Data, Deleted, Event
from crmlink_common.contracts.connections import Connection, ConnectionStatus
from crmlink_common.contracts.member_links import LinkState, MemberLink
from crmlink_common.contracts.members import Member
from crmlink_common.contracts.record_matches import RecordMatch
from crmlink_common.contracts.salesforce_changes import SalesforceChange
from crmlink_common.contracts.sync_configs import Direction, EntityConfig, Rule
from crmlink_common.contracts.workspaces import Workspace
from crmlink_common.salesforce.budgets import Budgets
from crmlink_sync_outbound.app import make_worker, observing
from crmlink_sync_outbound.fakes import ORG, FakeOrg, FakeReservations
from crmlink_sync_outbound.service.configuring import Configuring
from crmlink_sync_outbound.service.desk import Desk
from crmlink_sync_outbound.service.runs import RunSync
from crmlink_sync_outbound.service.telling import Telling
from crmlink_sync_outbound.service.turns import Worker

W = "w1"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
RULES = [
    Rule(id="first", member_field="first_name", remote_field="FirstName"),
    Rule(id="last", member_field="last_name", remote_field="LastName"),
    Rule(id="email", member_field="email", remote_field="Email", preset="email"),
    Rule(id="phone", member_field="phone", remote_field="Phone", direction=Direction.BOTH),
]


def event(data: Any) -> Event[Any]:  # noqa: ANN401 - rows and fields of any kind
    key = data.key
    attributes = Attributes(
        id="e",
        source="test",
        type="t",
        subject=key,
        time=LONG_AGO,
        dataschema="d",
        workspaceid=W,
    )
    return Event(attributes, data)


@dataclass
class World:
    """What a test does and sees."""

    sessions: async_sessionmaker[AsyncSession]
    org: FakeOrg = field(default_factory=FakeOrg)
    reservations: FakeReservations = field(default_factory=FakeReservations)
    revision: int = 0
    telling: Telling = field(default_factory=Telling)
    ahead: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        self.budgets = Budgets(now=lambda: datetime.now(UTC) + self.ahead)

    def worker(self, name: str = "one", org: FakeOrg | None = None) -> Worker:
        return make_worker(
            self.sessions,
            orgs=org or self.org,
            reservations=self.reservations,
            budgets=self.budgets,
            instance=name,
        )

    @property
    def desk(self) -> Desk:
        return Desk(sessions=self.sessions, telling=self.telling)

    @property
    def configuring(self) -> Configuring:
        return Configuring(sessions=self.sessions, telling=self.telling)

    @property
    def run_sync(self) -> RunSync:
        return RunSync(sessions=self.sessions, telling=self.telling, holder="one")

    async def connect(
        self,
        *,
        status: ConnectionStatus = ConnectionStatus.CONNECTED,
        org_id: str = ORG,
        **told: Any,  # noqa: ANN401 - fields of a connection
    ) -> None:
        self.revision += 1
        workspace = Workspace(workspace_id=W, revision=self.revision, crm_salesforce=True)
        await self.observe("workspaces", workspace)
        await self.observe(
            "connections",
            Connection(
                workspace_id=W,
                revision=self.revision,
                status=status,
                org_id=org_id,
                epoch=self.revision,
                **told,
            ),
        )

    async def configure(self, **changed: Any) -> EntityConfig:  # noqa: ANN401 - rows and fields of any kind
        given = {"outbound_enabled": True, "inbound_enabled": True, "rules": RULES, **changed}
        config = EntityConfig(**given)
        await self.configuring.save(W, "member", config, "tester")
        return config

    async def observe(self, topic: str, *data: Data | Deleted) -> None:
        async with self.sessions.begin() as session:
            await getattr(observing(session), topic)([event(one) for one in data])

    async def member(self, member_id: str, version: int = 1, **fields: Any) -> None:  # noqa: ANN401 - rows and fields of any kind
        given = {"last_name": "Byron", "email": f"{member_id}@example.org", **fields}
        given.setdefault("updated_at", LONG_AGO)
        one = Member(workspace_id=W, member_id=member_id, version=version, **given)
        await self.observe("members", one)

    async def link(self, member_id: str, record_id: str, revision: int = 1) -> None:
        await self.links(member_id, revision, LinkState.LINKED, record_id=record_id)

    async def links(self, member_id: str, revision: int, state: LinkState, **fields: Any) -> None:  # noqa: ANN401 - rows and fields of any kind
        given = {"object": "Contact", "org_id": ORG, **fields}
        one = MemberLink(
            workspace_id=W, member_id=member_id, revision=revision, state=state, **given
        )
        await self.observe("links", one)

    async def seen(self, record_id: str, observed_at: datetime, **values: Any) -> None:  # noqa: ANN401 - rows and fields of any kind
        await self.observe("changes", self.change(record_id, observed_at, **values))

    def change(
        self,
        record_id: str,
        observed_at: datetime,
        org_id: str = ORG,
        **values: Any,  # noqa: ANN401 - rows and fields of any kind
    ) -> SalesforceChange:
        return SalesforceChange(
            workspace_id=W,
            record_id=record_id,
            object="Contact",
            org_id=org_id,
            kind="updated",
            values=values,
            last_modified_date=observed_at,
            observed_at=observed_at,
        )

    async def work(self, worker: Worker | None = None, at_most: int = 20) -> None:
        """Take turns until nothing is due."""
        one = worker or self.worker()
        for _ in range(at_most):
            if not await one.take_turn():
                return

    async def deliver_matches(self, org_id: str = ORG) -> list[RecordMatch]:
        """Be the reconciler: answer confirmed matches with links."""
        matches = [RecordMatch.model_validate_json(v) for v in await self.said("record-matches.v1")]
        for one in matches:
            if one.action == "confirm":
                await self.links(
                    one.member_id,
                    1,
                    LinkState.LINKED,
                    record_id=one.record_id,
                    object=one.object,
                    org_id=org_id,
                )
        return matches

    async def said(self, topic: str) -> list[bytes]:
        sql = "delete from outbox where topic = :topic returning id, value"
        return [row.value for row in sorted(await self.rows(sql, topic=topic))]

    async def rows(self, sql: str, **given: Any) -> list[Any]:  # noqa: ANN401 - rows and fields of any kind
        async with self.sessions.begin() as session:
            result: Any = await session.execute(text(sql), given)
            return list(result.all()) if result.returns_rows else []

    async def pair(self, member_id: str) -> Any:  # noqa: ANN401 - rows and fields of any kind
        [row] = await self.rows("select * from pairs where member_id = :m", m=member_id)
        return row

    async def pending(self) -> list[Any]:
        return await self.rows("select * from pending order by member_id")

    async def soon(self) -> None:
        """Let all waits be over."""
        self.ahead += timedelta(minutes=16)
        await self.rows("update pending set due_at = now() where lease_until is null")
        await self.rows("update workspace_queue set due_at = now(), parked_until = null")

    async def expire_leases(self) -> None:
        past = "now() - interval '1 second'"
        await self.rows(f"update pending set lease_until = {past} where lease_until > now()")  # noqa: S608 - a constant
        await self.rows(
            f"update workspace_queue set lease_until = {past} where lease_until > now()"  # noqa: S608 - a constant
        )

    async def follow(self, run_id: Any) -> Any:  # noqa: ANN401 - rows and fields of any kind
        """Work until a run has ended."""
        for _ in range(60):
            await self.run_sync.advance()
            await self.work()
            run = await self.desk.run(W, run_id)
            if not run.status.active:
                return run
            await self.rows("update runs set waits_until = null")
            await self.soon()
            await asyncio.sleep(0)
        raise AssertionError("the run did not end")
