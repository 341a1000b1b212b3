"""Settings, application, server; nothing else."""

from __future__ import annotations

import sys
from functools import partial

from crmlink_common.process import Process
from crmlink_common.settings import read_settings
from crmlink_common.storage.migrations import migrate
from crmlink_sync_outbound.app import MIGRATIONS, SCHEMA, SERVICE, create_app, republish
from crmlink_sync_outbound.settings import Settings


def main(argv: list[str]) -> int:
    settings = read_settings(Settings)
    if settings is None:
        return 1
    return Process(
        service=SERVICE,
        instance=settings.instance,
        host=settings.host,
        port=settings.port,
        app=partial(create_app, settings),
        migrate=partial(migrate, settings.database_dsn, SCHEMA, MIGRATIONS),
        republish=partial(republish, settings),
    ).main(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
