"""Settings, application, server; nothing else."""

from __future__ import annotations

import sys

from pydantic import ValidationError

from crmlink_common.process import Process
from crmlink_oauth.app import SERVICE, create_app, migrate, republish
from crmlink_oauth.settings import Settings


def main(argv: list[str]) -> int:
    try:
        settings = Settings()
    except ValidationError as exc:  # told without the input: it holds keys
        for error in exc.errors(include_input=False, include_url=False, include_context=False):
            name = "_".join(str(part) for part in error["loc"]).upper()
            sys.stderr.write(f"OAUTH_{name}: {error['msg']}\n")
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
