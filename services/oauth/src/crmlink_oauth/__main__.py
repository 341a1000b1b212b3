"""Settings, application, server; nothing else."""

from __future__ import annotations

import asyncio
import sys

from crmlink_common.process import Process
from crmlink_common.settings import read_settings
from crmlink_common.telemetry.logs import configure_logging
from crmlink_oauth.app import SERVICE, create_app, migrate, reencrypt, republish
from crmlink_oauth.settings import Settings


def main(argv: list[str]) -> int:
    settings = read_settings(Settings)
    if settings is None:
        return 1
    if argv == ["reencrypt"]:
        return _reencrypt(settings)
    return Process(
        service=SERVICE,
        instance=settings.instance,
        host=settings.host,
        port=settings.port,
        app=lambda: create_app(settings),
        migrate=lambda: migrate(settings),
        republish=lambda: republish(settings),
    ).main(argv)


def _reencrypt(settings: Settings) -> int:
    """Say what remains sealed with older keys; 0 when nothing does."""
    configure_logging(SERVICE, settings.instance)
    resealed = asyncio.run(reencrypt(settings))
    sys.stdout.write(f"{resealed.done} texts are sealed anew with the first key.\n")
    for key_id, count in sorted(resealed.left.items()):
        sys.stdout.write(f"{key_id}: {count} remain\n")
    if resealed.left:
        sys.stdout.write("Keep these keys in OAUTH_ENCRYPTION_KEYS, and run this again.\n")
        return 1
    sys.stdout.write("No text needs an older key any more: they can be removed.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
