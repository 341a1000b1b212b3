"""An active workspace in a database, its org, and what was published of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from crmlink_common.contracts.activity import ACTIVITY_V1
from crmlink_common.contracts.cloudevents import (
    DataT,
    Deleted,
    Event,
    Record,
    Topic,
    decode,
    encode,
)
from crmlink_common.contracts.connections import CONNECTIONS_V1, Connection, ConnectionStatus
from crmlink_common.contracts.member_links import MEMBER_LINKS_V1, LinkState, MemberLink
from crmlink_common.contracts.salesforce_changes import SALESFORCE_CHANGES_V1, SalesforceChange
from crmlink_common.contracts.sync_configs import SYNC_CONFIGS_V1, EntityConfig, Rule, SyncConfig
from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace
from crmlink_common.errors import TransientError
from crmlink_common.messaging.tables import outbox
from crmlink_common.salesforce.budgets import Budgets
from crmlink_sync_inbound.capture import Capture
from crmlink_sync_inbound.fakes.org import NOON, ORG, FakeOrg, an_id
from crmlink_sync_inbound.service import State
from crmlink_sync_inbound.storage.capture import CaptureRepository
from crmlink_sync_inbound.storage.projections import Projections
from crmlink_sync_inbound.storage.tables import CaptureRow, Row, table
from crmlink_sync_inbound.telling import Teller
from crmlink_sync_inbound.view import OrgMemory

MINUTE = timedelta(minutes=1)


def a_connection(revision: int = 1, org_id: str = ORG) -> Event[Connection]:
    connected = ConnectionStatus.CONNECTED
    told = Connection(workspace_id="w1", revision=revision, status=connected, org_id=org_id)
    return an_event(CONNECTIONS_V1, told)


def a_workspace(revision: int = 1, *, on: bool = True) -> Event[Workspace]:
    told = Workspace(workspace_id="w1", revision=revision, crm_salesforce=on)
    return an_event(WORKSPACES_V1, told)


def an_event(topic: Topic[DataT], data: DataT) -> Event[DataT]:
    """Build what a message of some other part of the system is read as."""
    time = datetime.now(UTC)
    r = encode(topic, data, event_id=str(uuid4()), source="/test", time=time)
    return decode(topic, r.key, r.value, r.headers)


def a_link(number: int, revision: int = 1, **told: object) -> Event[Any]:
    link = {
        "workspace_id": "w1",
        "member_id": f"m{number}",
        "revision": revision,
        "state": LinkState.LINKED,
        "record_id": an_id(number),
        "object": "Contact",
        "org_id": ORG,
    }
    return an_event(MEMBER_LINKS_V1, MemberLink.model_validate(link | told))


def a_config(revision: int, *fields: str, **told: object) -> Event[Any]:
    rules = [Rule(id=name, member_field="email", remote_field=name) for name in fields]
    config = EntityConfig.model_validate({"inbound_enabled": True, "rules": rules, **told})
    saved = SyncConfig(workspace_id="w1", entity="member", revision=revision, config=config)
    return an_event(SYNC_CONFIGS_V1, saved)


@dataclass
class World:
    """A database with an active workspace, its org, and what was published."""

    engine: AsyncEngine
    org: FakeOrg = field(default_factory=FakeOrg)
    published: list[SalesforceChange] = field(default_factory=list)
    bus_down: bool = False
    since_start: float = 0.0

    def __post_init__(self) -> None:
        self.sessions = async_sessionmaker(self.engine)
        self.memory = OrgMemory(monotonic=lambda: self.since_start)
        self.budgets = Budgets(now=lambda: NOON + timedelta(seconds=self.since_start))
        self.capture = self.a_poller("one")

    def a_poller(self, holder: str) -> Capture:
        return Capture(
            sessions=self.sessions,
            open_org=self.org.opened,
            teller=Teller(sessions=self.sessions, publish=self.publish),
            holder=holder,
            memory=self.memory,
            budgets=self.budgets,
        )

    async def publish(self, records: Sequence[Record]) -> None:
        if self.bus_down:
            raise TransientError("no")
        for r in records:
            data = decode(SALESFORCE_CHANGES_V1, r.key, r.value, r.headers).data
            if not isinstance(data, Deleted):
                self.published.append(data)

    async def learn(self, **events: Sequence[Event[Any]] | Event[Any]) -> None:
        async with self.sessions.begin() as session:
            for name, told in events.items():
                some = [told] if isinstance(told, Event) else told
                await getattr(State(keeps=Projections(session)), name)(some)

    def pass_time(self, time: timedelta) -> None:
        self.org.clock += time
        self.since_start += time.total_seconds()

    async def turn(self, time: timedelta = MINUTE) -> list[SalesforceChange]:
        """Let time pass, make the workspace due, take a turn; give what it published."""
        self.pass_time(time)
        async with self.sessions.begin() as session:
            due = table(CaptureRow)
            await session.execute(due.update().values(due_at=datetime.now(UTC)))
        before = len(self.published)
        if not await self.capture.take_turn():
            raise LookupError("no workspace was due")
        return self.published[before:]

    async def row(self, model: type[Row]) -> Any:  # noqa: ANN401 - a row, or none
        async with self.sessions() as session:
            return (await session.execute(select(table(model)))).first()

    async def traces(self) -> list[tuple[str, str, str]]:
        """Give what people are to hear: workspace, action, code."""
        async with self.sessions() as session:
            rows = (await session.execute(select(outbox).order_by(outbox.c.id))).all()
        found = [
            decode(ACTIVITY_V1, r.key, r.value, [(n, text.encode()) for n, text in r.headers]).data
            for r in rows
        ]
        told = [one for one in found if not isinstance(one, Deleted)]
        return [(one.workspace_id, one.action, one.code) for one in told]

    async def shown(self) -> dict[str, Any]:
        async with self.sessions() as session:
            return await CaptureRepository(session, "w1").shown()
