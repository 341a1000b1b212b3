"""Settings, application, server; nothing else."""

from __future__ import annotations

import sys

from crmlink_common.process import Process
from crmlink_common.settings import read_settings
from crmlink_common.storage.migrations import migrate
from crmlink_sync_inbound.app import MIGRATIONS, SCHEMA, SERVICE, create_app
from crmlink_sync_inbound.settings import Settings


async def republish() -> int:
    """Capture owns no compacted topic: there is nothing to say again."""
    return 0


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
        republish=republish,
    ).main(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
