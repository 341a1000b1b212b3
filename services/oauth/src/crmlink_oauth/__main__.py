"""Settings, application, server; nothing else."""

from __future__ import annotations

import sys

from crmlink_common.process import Process
from crmlink_common.settings import read_settings
from crmlink_oauth.app import SERVICE, create_app, migrate, republish
from crmlink_oauth.settings import Settings


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
        migrate=lambda: migrate(settings),
        republish=lambda: republish(settings),
    ).main(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
