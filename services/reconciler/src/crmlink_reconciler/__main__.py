"""Settings, application, server; nothing else."""

from __future__ import annotations

import sys

from sqlalchemy.ext.asyncio import async_sessionmaker

from crmlink_common.process import Process
from crmlink_common.settings import read_settings
from crmlink_common.storage.engine import create_engine
from crmlink_common.storage.migrations import migrate
from crmlink_reconciler.app import MIGRATIONS, SCHEMA, create_app
from crmlink_reconciler.settings import Settings
from crmlink_reconciler.storage.work import SERVICE, republish


async def _republish(settings: Settings) -> int:
    engine = create_engine(settings.database_dsn, SCHEMA)
    try:
        return await republish(async_sessionmaker(engine))
    finally:
        await engine.dispose()


def main(argv: list[str]) -> int:
    settings = read_settings(Settings)
    if settings is None:
        return 1
    return Process(
        service=SERVICE,
        instance=settings.instance,
        host=settings.host,
        port=settings.port,
        app=lambda: create_app(settings),
        migrate=lambda: migrate(settings.database_dsn, SCHEMA, MIGRATIONS),
        republish=lambda: _republish(settings),
    ).main(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
