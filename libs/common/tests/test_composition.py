from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.composition import Foundation
from crmlink_common.contracts.activity import ACTIVITY_V1
from crmlink_common.contracts.cloudevents import Event
from crmlink_common.contracts.connections import CONNECTIONS_V1
from crmlink_common.internal.auth import new_key_pair
from crmlink_common.messaging.consume import route
from crmlink_common.settings import ServiceSettings


async def test_whoever_hears_a_topic_hears_it_after_its_handler_and_nothing_else() -> None:
    seen: list[str] = []

    async def handle(_: AsyncSession, events: Sequence[Event[Any]]) -> None:
        seen.append(f"handled {len(events)}")

    settings = ServiceSettings(
        kafka_bootstrap="127.0.0.1:1",
        database_dsn=SecretStr("postgresql://nobody@127.0.0.1:1/none"),
        internal_key=SecretStr(new_key_pair()[0]),
    )
    routes = [route(CONNECTIONS_V1, handle), route(ACTIVITY_V1, handle)]
    base = Foundation(settings, service="tools", schema="tools", routes=routes)
    base.hears(CONNECTIONS_V1, lambda events: seen.append(f"heard {len(events)}"))
    events = cast("Sequence[Event[Any]]", ["one", "two"])
    for one in base.bus.routes:
        await one.handler(cast("AsyncSession", None), events)
    assert seen == ["handled 2", "heard 2", "handled 2"]
