"""Looks at idle connections, and keeps refresh tokens from expiring: nobody else calls for them."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from crmlink_common.crypto.keyring import SealedTextError
from crmlink_common.errors import NotConnectedError, TransientError
from crmlink_oauth.domain.watching import (
    WATCHED_FOR,
    Deed,
    Watch,
    done,
    learnt,
    needed,
    put_off,
)
from crmlink_oauth.service.authority import Granted, TokenAuthority
from crmlink_oauth.service.desk import Desk
from crmlink_oauth.service.ports import Salesforce, TokenRefusedError

log = logging.getLogger(__name__)
TAKEN_FOR = timedelta(minutes=3)  # longer than a turn of ``AT_ONCE`` calls can take
CLAIMED, AT_ONCE = 16, 8
FIRST_LOOKS_WITHIN = timedelta(minutes=15)


class Watches(Protocol):
    """Each method is one short transaction of its own."""

    async def enrol(self, now: datetime, within: timedelta) -> int: ...
    async def claim(self, now: datetime, lease: timedelta, size: int) -> Sequence[Watch]: ...
    async def settle(self, watch: Watch) -> None: ...
    async def watch(self, workspace_id: str, now: datetime, until: datetime) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """``refresh_after``: an idle refresh token is used when it is so old."""

    desk: Desk
    authority: TokenAuthority
    salesforce: Salesforce
    watches: Watches
    refresh_after: timedelta = timedelta(days=7)
    jitter: Callable[[], float] = random.random

    async def enrol(self) -> bool:
        """Begin to watch what was connected, and stop for what no longer is."""
        await self.watches.enrol(self.desk.now(), FIRST_LOOKS_WITHIN)
        return False

    async def seen(self, workspace_id: str) -> None:
        """Somebody has the connection's page open: look at it more often for a while."""
        now = self.desk.now()
        await self.watches.watch(workspace_id, now, now + WATCHED_FOR)

    async def look_after_some(self) -> bool:
        """See to the connections that are due, a few at a time; say whether there was any."""
        due = await self.watches.claim(self.desk.now(), TAKEN_FOR, CLAIMED)
        turns = asyncio.Semaphore(AT_ONCE)

        async def in_turn(watch: Watch) -> None:
            async with turns:
                await self.watches.settle(await self._look_after(watch))

        # all to their end, whatever one raises: a refresh that is cut off loses its answer
        ended = await asyncio.gather(*map(in_turn, due), return_exceptions=True)
        for trouble in ended:
            if trouble is not None:
                raise trouble
        return bool(due)

    async def _look_after(self, watch: Watch) -> Watch:
        """Return the watch with its next time; no transaction is open during a call."""
        try:
            watch, deed = await self._deed(watch)
            if deed is not Deed.REST:
                watch = await self._do(deed, watch)
        except (TransientError, TokenRefusedError) as exc:
            log.info("a connection was not looked at", extra={"code": exc.code})
            return put_off(watch, self.desk.now(), self.jitter())
        except SealedTextError:
            log.exception("a token does not open")
            return put_off(watch, self.desk.now(), self.jitter())
        return done(watch, self.desk.now(), self.jitter())

    async def _deed(self, watch: Watch) -> tuple[Watch, Deed]:
        now = self.desk.now()
        async with self.desk.work() as tx:
            connection = await tx.connections.find(watch.workspace_id)
            usage = await tx.usage.latest(watch.workspace_id)
        used_at = usage.at if usage else None
        watch = learnt(watch, connection.token_serial, used_at, now)
        deed = needed(watch, now, self.refresh_after)
        # what a lost answer may have taken is not asked for while the access token works
        if deed is Deed.REFRESH and connection.ever_rotated and connection.refreshes_unanswered:
            deed = Deed.LOOK
        return watch, deed

    async def _do(self, deed: Deed, watch: Watch) -> Watch:
        """Look with userinfo, which is not counted; what it refuses, a refresh decides about."""
        workspace_id = watch.workspace_id
        try:
            held = await self.authority.grant(workspace_id, None)
            if deed is Deed.REFRESH or not await self._taken(held):
                await self.authority.grant(workspace_id, held.fingerprint)
        except NotConnectedError as exc:  # it is off, or it has just become an Error: told
            log.info("a connection is not usable", extra={"code": exc.code})
        return replace(watch, alive_at=self.desk.now())

    async def _taken(self, held: Granted) -> bool:
        try:
            await self.salesforce.identity(held.instance_url, held.token)
        except TokenRefusedError:
            return False
        return True
