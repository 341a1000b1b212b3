"""How every service's process begins and ends: ``serve``, ``migrate``, ``republish``."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from crmlink_common.telemetry.logs import configure_logging
from crmlink_common.telemetry.redaction import describe

log = logging.getLogger(__name__)
USAGE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What one service can be told to do."""

    service: str
    instance: str
    host: str
    port: int
    app: Callable[[], FastAPI]
    migrate: Callable[[], None]
    republish: Callable[[], Awaitable[int]]

    def main(self, argv: Sequence[str]) -> int:
        """Run one command; return the exit code."""
        configure_logging(self.service, self.instance)
        match list(argv):
            case ["serve"]:
                self._serve()
            case ["migrate"]:
                return self._migrate()
            case ["republish"]:
                log.info("republished", extra={"messages": asyncio.run(self._republish())})
            case _:
                sys.stderr.write(f"usage: {self.service} serve | migrate | republish\n")
                return USAGE
        return 0

    def _serve(self) -> None:
        uvicorn.run(
            self.app(),
            host=self.host,
            port=self.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=20,
        )

    def _migrate(self) -> int:
        try:
            self.migrate()
        except Exception as exc:  # noqa: BLE001 - told in one sentence, by type alone
            log.error("migration failed", extra=describe(exc))  # noqa: TRY400 - no traceback
            return 1
        return 0

    async def _republish(self) -> int:
        return await self.republish()
