"""What goes on by itself: revoking at Salesforce, forgetting, following the workspaces."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from crmlink_common.contracts.cloudevents import Event
from crmlink_common.contracts.connections import ConnectionStatus
from crmlink_common.contracts.workspaces import Workspace
from crmlink_common.crypto.keyring import SealedTextError
from crmlink_oauth.domain.places import of_revocation
from crmlink_oauth.domain.tokens import name_of
from crmlink_oauth.domain.workspaces import KnownWorkspace, learn
from crmlink_oauth.service.bulletin import Bulletin
from crmlink_oauth.service.desk import Desk
from crmlink_oauth.service.ports import (
    NotAnsweredError,
    PendingRevocation,
    Salesforce,
    TokenRefusedError,
    Transaction,
)
from crmlink_oauth.service.setup import Setup

log = logging.getLogger(__name__)
CLAIMED_FOR = timedelta(minutes=2)  # longer than a call can take
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=30)
PURGED_AFTER = timedelta(days=7)
TOMBSTONES_KEPT = timedelta(days=45)
STATES_KEPT = timedelta(days=1)
SAMPLES_KEPT = timedelta(days=2)
FAILURES_KEPT = timedelta(days=30)
PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoking:
    desk: Desk
    salesforce: Salesforce
    jitter: Callable[[], float] = random.random

    async def revoke_one(self) -> bool:
        """Revoke the next token that is due; say whether there was one."""
        async with self.desk.work() as tx:
            pending = await tx.revocations.claim(self.desk.now(), CLAIMED_FOR)
        if pending is None:
            return False
        try:
            token = self.desk.seals.open(
                pending.token,
                workspace=pending.workspace_id,
                column=of_revocation(pending.id),
            )
            async with self.desk.work() as tx:
                held = await tx.connections.holds(name_of(token))
            if not held:  # another workspace may have been given the same one
                await self.salesforce.revoke(pending.login_url, token)
        except (SealedTextError, TokenRefusedError, NotAnsweredError):
            await self._not_now(pending)
            return True
        async with self.desk.work() as tx:
            await tx.revocations.done(pending)
        return True

    async def _not_now(self, pending: PendingRevocation) -> None:
        now = self.desk.now()
        pause = min(FIRST_PAUSE * 2 ** min(pending.attempts, 12), LONGEST_PAUSE)
        again = now + pause * (0.5 + self.jitter() / 2)
        async with self.desk.work() as tx:
            if again < pending.expires_at:
                await tx.revocations.retry(pending, again)
                return
            log.warning("a token was not revoked in time", extra={"attempts": pending.attempts})
            await tx.revocations.give_up(pending, now)
            told = self.desk.activity(
                pending.workspace_id,
                "connection.revoke_failed",
                actor="service:oauth",
                code="not_answering",
            )
            await tx.outbox.add([told])


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidying:
    setup: Setup

    async def tidy(self) -> bool:
        """Forget old sign-ins, and everything of workspaces that were removed."""
        desk = self.setup.desk
        now = desk.now()
        async with desk.work() as tx:
            await tx.sign_ins.forget_before(now - STATES_KEPT)
            await tx.revocations.forget_before(now - FAILURES_KEPT)
            await tx.budgets.forget_before(now - SAMPLES_KEPT)
            gone = await tx.workspaces.removed_before(
                now - PURGED_AFTER, ConnectionStatus.NOT_CONNECTED.value, PAGE
            )
        for workspace_id in gone:
            await self.setup.delete(workspace_id, actor="service:oauth")
        if not gone:
            async with desk.work() as tx:
                await tx.workspaces.forget_before(now - TOMBSTONES_KEPT)
        return bool(gone)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowWorkspaces:
    """The feature flag decides whether a connection may be used: tell it with the connection."""

    bulletin: Bulletin

    async def follow(self, tx: Transaction, events: Sequence[Event[Workspace]]) -> None:
        known = await tx.workspaces.lock({event.data.key for event in events})
        changed: dict[str, KnownWorkspace] = {}
        for event in events:
            key = event.data.key
            before = changed.get(key) or known.get(key)
            if (after := learn(before, event.data, self.bulletin.now())) is not None:
                changed[key] = after
        await tx.workspaces.save(list(changed.values()))
        turned = [
            key
            for key, after in changed.items()
            if after.crm_salesforce != (known[key].crm_salesforce if key in known else False)
        ]
        await self._tell(tx, turned)

    async def _tell(self, tx: Transaction, workspace_ids: Sequence[str]) -> None:
        # all of them: a row that is being made at this moment has not seen the flag
        found = await tx.connections.lock_all(workspace_ids)
        for connection in found.values():
            if connection.status is not ConnectionStatus.NOT_CONNECTED:
                told = replace(connection, revision=connection.revision + 1)
                await tx.connections.save(told)
                await tx.outbox.add([await self.bulletin.published(tx, told)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Republishing:
    desk: Desk

    async def republish(self) -> int:
        """Write every connection's present state to the outbox again, page by page."""
        after, count = "", 0
        while True:
            async with self.desk.work() as tx:
                page = await tx.connections.page_after(after, PAGE)
                found = await tx.connections.lock_some(page)
                told = [
                    await self.desk.published(tx, connection)
                    for connection in found.values()
                    if connection.revision
                ]
                await tx.outbox.add(told)
            if not page:
                return count
            after, count = page[-1], count + len(told)
