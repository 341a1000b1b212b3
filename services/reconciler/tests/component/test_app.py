from __future__ import annotations

import httpx
from pydantic import SecretStr

from crmlink_common.contracts.cloudevents import DataT, Deleted, Event, Topic, decode, encode
from crmlink_common.contracts.connections import CONNECTIONS_V1, Connection, ConnectionStatus
from crmlink_common.contracts.sync_configs import SYNC_CONFIGS_V1, EntityConfig, SyncConfig
from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace
from crmlink_common.internal.auth import new_key_pair
from crmlink_reconciler.app import create_app
from crmlink_reconciler.fakes import NOON, World
from crmlink_reconciler.service.projected import WorkspaceStates
from crmlink_reconciler.settings import Settings


def an_event(topic: Topic[DataT], data: DataT | Deleted) -> Event[DataT]:
    r = encode(topic, data, event_id="e1", source="/test", time=NOON)
    return decode(topic, r.key, r.value, r.headers)


async def test_without_kafka_and_postgres_it_lives_but_is_not_ready() -> None:
    dsn = SecretStr("postgresql://nobody:hunter2@127.0.0.1:1/none")
    settings = Settings(
        kafka_bootstrap="127.0.0.1:1",
        database_dsn=dsn,
        internal_key=SecretStr(new_key_pair()[0]),
        oauth_url="http://127.0.0.1:1",
    )
    transport = httpx.ASGITransport(create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as http:
        assert (await http.get("/health/live")).status_code == 200
        ready = await http.get("/health/ready")
    assert ready.status_code == 503
    assert "hunter2" not in repr(settings)


async def test_projections_keep_what_is_used_and_a_row_of_what_was_deleted() -> None:
    world = World()
    states = WorkspaceStates(world.work)
    workspace = Workspace(workspace_id="w1", revision=3, crm_salesforce=True, default_region="GB")
    connection = Connection(
        workspace_id="w1", revision=2, status=ConnectionStatus.CONNECTED, org_id="00D"
    )
    config = SyncConfig(workspace_id="w1", entity="member", revision=1, config=EntityConfig())
    await states.workspaces([an_event(WORKSPACES_V1, workspace)])
    await states.connections([an_event(CONNECTIONS_V1, connection)])
    await states.configs([an_event(SYNC_CONFIGS_V1, config)])
    await states.workspaces([an_event(WORKSPACES_V1, Deleted("w1", 4))])
    assert world.projections.saved == [
        {
            "workspace_id": "w1",
            "revision": 3,
            "deleted_at": None,
            "crm_salesforce": True,
            "default_region": "GB",
        },
        {
            "workspace_id": "w1",
            "revision": 2,
            "deleted_at": None,
            "usable": True,
            "org_confirmed": True,
            "org_id": "00D",
        },
        {
            "workspace_id": "w1",
            "revision": 1,
            "deleted_at": None,
            "target_object": "Contact",
            "entity": "member",
        },
        {
            "workspace_id": "w1",
            "revision": 4,
            "deleted_at": NOON,
            "crm_salesforce": False,
            "default_region": "US",
        },
    ]
