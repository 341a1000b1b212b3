"""Says every workspace again, a page at a time: the relay of a running gateway sends them."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import async_sessionmaker

from crmlink_common.storage.engine import create_engine
from crmlink_gateway.service import FrontDoor
from crmlink_gateway.settings import Settings
from crmlink_gateway.storage.store import transactions

AT_ONCE = 500


async def republish(settings: Settings) -> int:
    engine = create_engine(settings.database_dsn, "gateway")
    door = FrontDoor(begin=transactions(async_sessionmaker(engine)))
    try:
        return await all_workspaces(door)
    finally:
        await engine.dispose()


async def all_workspaces(door: FrontDoor) -> int:
    """Put every workspace into the outbox; return how many there were."""
    said, last = 0, ""
    while True:
        async with door.begin() as store:
            page = await store.workspaces.page_after(last, AT_ONCE)
            await store.outbox.add([door.told(workspace) for workspace in page])
        said += len(page)
        if len(page) < AT_ONCE:
            return said
        last = page[-1].workspace_id
