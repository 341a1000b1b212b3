"""Gives access tokens to the other services; one refresh per stale token over all replicas."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from crmlink_common.errors import NotConnectedError, TransientError
from crmlink_common.salesforce.hosts import HostRefusedError, checked_origin
from crmlink_common.telemetry.redaction import describe
from crmlink_oauth.domain.authority import (
    Give,
    Lost,
    Refresh,
    Refuse,
    Sealed,
    Verdict,
    Wait,
    begin,
    judge,
    refreshed,
    refusal_code,
    still_authorized,
    still_stands,
    unanswered,
)
from crmlink_oauth.domain.connection import Connection, refused
from crmlink_oauth.domain.tokens import TokenAnswer, fingerprint, name_of
from crmlink_oauth.service.ports import (
    App,
    NotAnsweredError,
    Salesforce,
    TokenRefusedError,
    Transaction,
)
from crmlink_oauth.service.setup import Setup

log = logging.getLogger(__name__)
PATIENCE = 8.0  # seconds a caller waits for somebody else's refresh
LOOK_EVERY = 0.1
SETTLE_AGAIN = (0.1, 0.2, 0.5, 1, 2, 4, 8)  # seconds
WHY = {
    "not_connected": "Salesforce is not connected in this workspace",
    "connection_error": "the connection to Salesforce is in error",
    "disabled": "Salesforce is switched off in this workspace",
    "org_not_confirmed": "the connection leads to another org, and nobody has confirmed it yet",
}


class UnusableError(NotConnectedError):
    """There is no token for anybody; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(WHY[code])
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a service needs to call Salesforce."""

    token: str = field(repr=False)
    fingerprint: str
    instance_url: str
    api_version: str
    org_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class _Begun:
    """An intent that is committed, and what its call needs."""

    intent: Connection
    app: App
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAuthority:
    setup: Setup
    salesforce: Salesforce
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random

    async def grant(
        self, workspace_id: str, failed: str | None, *, checking: bool = False
    ) -> Granted:
        """Return a token other than the one that failed.

        ``checking`` is for oauth's own look at the org, also while the connection is disabled or
        its org is not confirmed.

        Raises:
            UnusableError: there is none for this workspace.
            TransientError: a refresh is under way, or Salesforce does not answer.
        """
        waited, seen_serial = 0.0, -1
        while True:
            connection, verdict = await self._look(
                workspace_id, failed, seen_serial, checking=checking
            )
            seen_serial = connection.token_serial if seen_serial < 0 else seen_serial
            match verdict:
                case Give():
                    return self._granted(connection)
                case Refuse(code):
                    raise UnusableError(code)
                case Wait(until, busy=False):
                    raise _later(until - self.setup.desk.now())
                case Refresh() | Lost():
                    begun = await self._intend(workspace_id, failed, seen_serial, checking=checking)
                    if begun is not None:
                        await self._refresh(begun)
                        continue
                case Wait():
                    pass
            if waited >= PATIENCE:
                raise _later(timedelta(seconds=2))
            pause = LOOK_EVERY * (1 + self.jitter())
            await self.sleep(pause)
            waited += pause

    async def _look(
        self, workspace_id: str, failed: str | None, seen_serial: int, *, checking: bool
    ) -> tuple[Connection, Verdict]:
        async with self.setup.desk.work() as tx:
            connection = await tx.connections.find(workspace_id)
            verdict = await self._judge(tx, connection, failed, seen_serial, checking=checking)
            return connection, verdict

    async def _judge(
        self,
        tx: Transaction,
        connection: Connection,
        failed: str | None,
        seen_serial: int,
        *,
        checking: bool,
    ) -> Verdict:
        return judge(
            connection,
            allowed=await tx.workspaces.allows(connection.workspace_id),
            failed=failed,
            seen_serial=seen_serial if seen_serial >= 0 else connection.token_serial,
            now=self.setup.desk.now(),
            checking=checking,
        )

    def _granted(self, connection: Connection) -> Granted:
        return Granted(
            token=self.setup.desk.opened(connection, "access_token"),
            fingerprint=connection.fingerprint,
            instance_url=connection.instance_url,
            api_version=connection.api_version,
            org_id=connection.authorized_org_id,
            epoch=connection.epoch,
        )

    async def _intend(
        self, workspace_id: str, failed: str | None, seen_serial: int, *, checking: bool
    ) -> _Begun | None:
        """Commit the intent to refresh, unless somebody was faster."""
        desk = self.setup.desk
        async with desk.work() as tx:
            connection = await tx.connections.try_lock(workspace_id)
            if connection is None:  # whoever holds it is about to say what the others wait for
                return None
            verdict = await self._judge(tx, connection, failed, seen_serial, checking=checking)
            if isinstance(verdict, Refresh) and verdict.only_if_alone:
                verdict = Lost() if await tx.connections.has_sibling(connection) else Refresh()
            if isinstance(verdict, Lost):
                await self._fail(tx, connection, "rotated_token_lost")
            if not isinstance(verdict, Refresh):
                return None
            intent = begin(connection, desk.new_id(), desk.now())
            # opened before the intent stands: a key that is missing is no lost answer
            opened = _Begun(intent, desk.app(intent), desk.opened(intent, "refresh_token"))
            await tx.connections.save(intent)
            return opened

    async def _refresh(self, begun: _Begun) -> None:
        """Call Salesforce with no transaction open; store what it said, or that it said nothing."""
        intent = begun.intent
        try:
            answer = await self.salesforce.refresh(begun.app, begun.refresh_token)
        except TokenRefusedError as exc:
            await self._surely(partial(self._settle_refused, intent, exc.code))
        except NotAnsweredError as exc:
            log.warning("no token answer", extra={"code": exc.code, "consumed": exc.consumed})
            await self._surely(partial(self._settle_unanswered, intent, consumed=exc.consumed))
            raise
        else:
            await self._surely(partial(self._settle_answered, intent, answer))

    async def _surely(self, settle: Callable[[], Awaitable[None]]) -> None:
        """Outlast trouble with the database: a rotated token is nowhere else."""
        for delay in SETTLE_AGAIN:
            try:
                return await settle()
            except TransientError as exc:
                log.warning("settling put off", extra=describe(exc))
                await self.sleep(delay)
        return await settle()

    async def _settle_answered(self, intent: Connection, answer: TokenAnswer) -> None:
        desk, workspace_id = self.setup.desk, intent.workspace_id
        try:
            url = checked_origin(
                answer.instance_url, self.setup.allowed_origins, field="instance_url"
            )
        except HostRefusedError:
            await self._settle_refused(intent, "instance_url_refused")
            return
        sealed = Sealed(
            access_token=desk.sealed(workspace_id, "access_token", answer.access_token),
            refresh_token=desk.sealed(workspace_id, "refresh_token", answer.refresh_token),
            refresh_hash=name_of(answer.refresh_token),
            fingerprint=fingerprint(answer.access_token),
            instance_url=url,
        )
        async with desk.work() as tx:
            now = await tx.connections.lock(workspace_id)
            if not still_authorized(now, intent):  # disconnected meanwhile: nobody may use it
                token = answer.refresh_token or answer.access_token
                await desk.revoke_token_later(tx, workspace_id, intent.login_url, token)
                return
            if not still_stands(now, intent, rotated=bool(answer.refresh_token)):
                return  # another refresh was faster; Salesforce may have given both one token
            after = refreshed(now, sealed)
            if after.revision != now.revision:
                await desk.save(tx, after, "connection.moved")
            else:
                await tx.connections.save(after)

    async def _settle_refused(self, intent: Connection, code: str) -> None:
        async with self.setup.desk.work() as tx:
            now = await tx.connections.lock(intent.workspace_id)
            if still_stands(now, intent):
                await self._fail(tx, now, refusal_code(intent, code))

    async def _settle_unanswered(self, intent: Connection, *, consumed: bool) -> None:
        desk = self.setup.desk
        async with desk.work() as tx:
            now = await tx.connections.lock(intent.workspace_id)
            if still_stands(now, intent) and now.refresh_holder == intent.refresh_holder:
                await tx.connections.save(unanswered(now, consumed=consumed, now=desk.now()))

    async def _fail(self, tx: Transaction, connection: Connection, code: str) -> None:
        log.warning("token refused", extra={"code": code})
        after = refused(connection, code, lasting=True)
        await self.setup.desk.save(tx, after, "connection.token_refused", code=code)


def _later(wait: timedelta) -> TransientError:
    sane = min(max(wait, timedelta(seconds=1)), timedelta(seconds=30))
    return TransientError("a refresh is under way", retry_after=sane)
