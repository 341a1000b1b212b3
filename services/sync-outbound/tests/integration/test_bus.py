"""The whole service on real Kafka and PostgreSQL: doubled, reordered, cut off in the middle."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer
from pydantic import SecretStr

from crmlink_common.contracts.cloudevents import Data, Record
from crmlink_common.contracts.connections import CONNECTIONS_V1, Connection, ConnectionStatus
from crmlink_common.contracts.member_links import MEMBER_LINKS_V1, LinkState, MemberLink
from crmlink_common.contracts.members import MEMBERS_V1, Member
from crmlink_common.contracts.record_matches import RECORD_MATCHES_V1, RecordMatch
from crmlink_common.contracts.salesforce_changes import SALESFORCE_CHANGES_V1, SalesforceChange
from crmlink_common.contracts.sync_configs import SYNC_CONFIGS_V1
from crmlink_common.contracts.topics import dead_letters
from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace
from crmlink_common.internal.auth import new_key_pair
from crmlink_devstack.worlds import KafkaWorld, a_record, until
from crmlink_sync_outbound import app as composition
from crmlink_sync_outbound.fakes import ORG
from crmlink_sync_outbound.fakeworld import W, World
from crmlink_sync_outbound.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
READS = (WORKSPACES_V1, CONNECTIONS_V1, MEMBERS_V1, MEMBER_LINKS_V1, SALESFORCE_CHANGES_V1)
ON = a_record(WORKSPACES_V1, Workspace(workspace_id=W, revision=9, crm_salesforce=True))
CONNECTED = a_record(
    CONNECTIONS_V1,
    Connection(workspace_id=W, revision=9, status=ConnectionStatus.CONNECTED, org_id=ORG),
)


def a_member(version: int = 1, first_name: str = "Ada") -> Record:
    member = Member(
        workspace_id=W,
        member_id="m1",
        version=version,
        first_name=first_name,
        last_name="Byron",
        email="m1@example.org",
    )
    return a_record(MEMBERS_V1, member)


def a_link(match: RecordMatch) -> Record:
    link = MemberLink(
        workspace_id=W,
        member_id=match.member_id,
        revision=1,
        state=LinkState.LINKED,
        record_id=match.record_id,
        object=match.object,
        org_id=match.org_id,
    )
    return a_record(MEMBER_LINKS_V1, link)


@pytest.fixture
async def bus(kafka: str) -> KafkaWorld:
    found = KafkaWorld(kafka, "sync-outbound")
    await found.fresh_topics()
    return found


@pytest.fixture
def settings(kafka: str, database: str, world: World, monkeypatch: pytest.MonkeyPatch) -> Settings:
    class Orgs:
        open = world.org.open

        async def aclose(self) -> None: ...

    monkeypatch.setattr(composition, "SalesforceOrgs", lambda *_, **__: Orgs())
    monkeypatch.setattr(composition, "ReconcilerReservations", lambda _: world.reservations)
    private, public = new_key_pair()
    return Settings(
        kafka_bootstrap=kafka,
        database_dsn=SecretStr(database),
        internal_key=SecretStr(private),
        internal_trusted=json.dumps({"gateway": public}),
        oauth_url="http://127.0.0.1:1",
        reconciler_url="http://127.0.0.1:1",
        workers=2,
    )


async def test_a_member_becomes_a_record_and_the_link_closes_the_circle(
    world: World, bus: KafkaWorld, settings: Settings
) -> None:
    await world.configure()
    await bus.publish(ON, CONNECTED)

    async def matched() -> bool:
        return bool(await bus.read(RECORD_MATCHES_V1))

    async def outcome(name: str) -> bool:
        rows = await world.rows("select outcome, link_state from pairs")
        return [(row.outcome, row.link_state) for row in rows] == [(name, "linked")]

    async with bus.running(composition.create_app(settings)):
        await bus.publish(a_member(), a_member())
        await until(matched)
        [match] = await bus.read(RECORD_MATCHES_V1)
        assert isinstance(match.data, RecordMatch)
        link = a_link(match.data)
        await bus.publish(link, link)
        await until(lambda: outcome("unchanged"))
        await bus.publish(a_member(3, "Augusta"), a_member(2, "Old"), a_member())
        await bus.caught_up(*READS)
        await until(lambda: outcome("written"))
    [record] = world.org.records.values()
    assert record["FirstName"] == "Augusta"
    [config] = await bus.read(SYNC_CONFIGS_V1)
    assert config.data.key == f"{W}/member"
    assert await bus.read_raw(dead_letters("sync-outbound")) == []


async def test_a_crash_between_database_and_offsets_repeats_without_effect(
    world: World, bus: KafkaWorld, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object) -> None:
        raise asyncio.CancelledError

    await bus.publish(ON, CONNECTED, a_member())
    with monkeypatch.context() as crash:
        crash.setattr(AIOKafkaConsumer, "commit", die)
        async with bus.running(composition.create_app(settings)):
            await until(lambda: world.rows("select 1 from pairs"))
    assert await bus.lag(READS) == 3
    async with bus.running(composition.create_app(settings)):
        await bus.caught_up(*READS)
    assert (await world.pair("m1")).member_version == 1
    assert await world.pending() == []


async def test_poison_is_buried_alone(world: World, bus: KafkaWorld, settings: Settings) -> None:
    good = a_member()
    await bus.publish(Record("members.v1", b"w1/x", b"\xff", good.headers), good)
    async with bus.running(composition.create_app(settings)):
        await bus.caught_up(*READS)
        await until(lambda: world.rows("select 1 from pairs"))
    [buried] = await bus.read_raw(dead_letters("sync-outbound"))
    assert buried.key == b"w1/x"


SEEN = datetime(2026, 11, 24, 12, tzinfo=UTC)


def told(revision: int) -> dict[str, Data]:
    """Give one message of each topic, as its writer would have told it at that revision."""
    return {
        "workspaces": Workspace(
            workspace_id=W, revision=revision, crm_salesforce=True, default_region="GB"
        ),
        "connections": Connection(
            workspace_id=W,
            revision=revision,
            status=ConnectionStatus.CONNECTED,
            org_id=ORG,
            epoch=revision,
        ),
        "members": Member(
            workspace_id=W, member_id="m1", version=revision, last_name=f"Byron {revision}"
        ),
        "links": MemberLink(
            workspace_id=W,
            member_id="m1",
            revision=revision,
            state=LinkState.LINKED,
            record_id="003000000000001AAA",
            object="Contact",
            org_id=ORG,
        ),
        "changes": SalesforceChange(
            workspace_id=W,
            record_id="003000000000001AAA",
            object="Contact",
            org_id=ORG,
            kind="updated",
            values={"LastName": f"King {revision}"},
            observed_at=SEEN + timedelta(seconds=revision),
        ),
    }


async def state(world: World) -> list[object]:
    tables = "workspaces", "connections", "pairs", "pending"
    found: list[object] = []
    for name in tables:
        found += await world.rows(f"select * from {name}")  # noqa: S608 - names of tables
    return found


async def test_every_message_again_changes_nothing_in_any_order(world: World) -> None:
    await world.configure()
    for topic, data in told(20).items():
        await world.observe(topic, data)
    first = await state(world)
    assert len(first) == 4
    for topic, data in reversed(told(20).items()):
        await world.observe(topic, data, data)
    assert await state(world) == first


async def test_older_messages_change_nothing_but_make_a_doubtful_record_read_again(
    world: World,
) -> None:
    await world.configure()
    for topic, data in told(20).items():
        await world.observe(topic, data)
    before = await world.pair("m1")
    for topic, data in reversed(told(10).items()):
        await world.observe(topic, data)
    after = await world.pair("m1")
    same = "member", "member_version", "link_revision", "record", "observed_at", "base"
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
    assert (before.reread, after.reread) == (False, True)
    [one] = await world.rows("select w.revision, c.epoch from workspaces w, connections c")
    assert (one.revision, one.epoch) == (20, 20)
