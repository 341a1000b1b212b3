"""Look at the org: who we are there, and whether all that our work needs is there too."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Protocol

from crmlink_common.contracts.connections import ConnectionStatus
from crmlink_common.errors import CrmLinkError, NotConnectedError, TransientError
from crmlink_common.salesforce.versions import choose_version
from crmlink_oauth.domain.checks import (
    NEEDED,
    Findings,
    ObjectAccess,
    SeenUsage,
    judge_object,
    problem_of,
)
from crmlink_oauth.domain.connection import Connection, NotConfiguredError
from crmlink_oauth.domain.refusals import REFUSALS
from crmlink_oauth.domain.tokens import Identity, Org
from crmlink_oauth.service.overview import Check, check_of
from crmlink_oauth.service.ports import Salesforce, SessionEndedError
from crmlink_oauth.service.setup import Setup

log = logging.getLogger(__name__)


class Access(Protocol):
    """A token, and where it leads."""

    @property
    def token(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def instance_url(self) -> str: ...


class Tokens(Protocol):
    async def grant(
        self, workspace_id: str, failed: str | None, *, checking: bool = False
    ) -> Access: ...


async def needed_objects(
    salesforce: Salesforce, instance_url: str, token: str, version: str
) -> tuple[ObjectAccess, ...]:
    """Ask for each object that our work needs what this user may do with it."""
    told = await asyncio.gather(
        *(salesforce.describe(instance_url, token, version, name) for name in NEEDED)
    )
    return tuple(judge_object(name, one) for name, one in zip(NEEDED, told, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """*Test connection*: also while the connection is disabled or its org is not confirmed."""

    setup: Setup
    salesforce: Salesforce
    tokens: Tokens
    seconds: float = 28
    _asking: set[asyncio.Future[Access]] = field(default_factory=set)

    async def test(self, workspace_id: str, *, actor: str) -> Check:
        """Look, keep what was found, and say it.

        Raises:
            NotConfiguredError: there is nothing to test.
        """
        desk = self.setup.desk
        async with desk.work() as tx:
            before = await tx.connections.find(workspace_id)
        if before.status is ConnectionStatus.NOT_CONNECTED:
            raise NotConfiguredError("Salesforce is not configured in this workspace")
        found = await self._bounded(before)
        async with desk.work() as tx:
            now = await tx.connections.find(workspace_id)
            if now.epoch == before.epoch and now.access_token:
                await tx.checks.save(workspace_id, found)
            missing = {"missing": sum(len(one.missing) for one in found.objects)}
            tested = desk.activity(
                workspace_id, "connection.tested", actor=actor, code=found.problem, details=missing
            )
            await tx.outbox.add([tested])
        return check_of(found)

    async def _bounded(self, connection: Connection) -> Findings:
        try:
            async with asyncio.timeout(self.seconds):
                return await self._look(connection)
        except TimeoutError:
            return self._nothing("not_answering")
        except NotConnectedError:
            return self._nothing(await self._why_unusable(connection.workspace_id))
        except CrmLinkError as exc:
            known = exc.code in REFUSALS
            passes = "not_answering" if isinstance(exc, TransientError) else "salesforce_refused"
            return self._nothing(exc.code if known else passes)

    async def _why_unusable(self, workspace_id: str) -> str:
        async with self.setup.desk.work() as tx:
            now = await tx.connections.find(workspace_id)
        waiting = now.status is ConnectionStatus.AWAITING_OAUTH
        return "not_authorized" if waiting else now.error_code or "salesforce_refused"

    async def _look(self, connection: Connection) -> Findings:
        """Use the token that is there; when the org does not take it, another one, once."""
        access = await self._token(connection, None)
        try:
            return await self._look_with(connection, access)
        except SessionEndedError:
            failed = access.fingerprint
        return await self._look_with(connection, await self._token(connection, failed))

    async def _token(self, connection: Connection, failed: str | None) -> Access:
        """Ask in a task of its own: our time-out must not lose the answer to a refresh."""
        asking = asyncio.ensure_future(
            self.tokens.grant(connection.workspace_id, failed, checking=True)
        )
        self._asking.add(asking)
        asking.add_done_callback(self._ended)
        return await asyncio.shield(asking)

    def _ended(self, asking: asyncio.Future[Access]) -> None:
        self._asking.discard(asking)
        if not asking.cancelled():
            asking.exception()  # read, also when nobody waits for it any more

    async def _look_with(self, connection: Connection, access: Access) -> Findings:
        url, token = access.instance_url, access.token
        identity = await self.salesforce.identity(url, token)
        version = choose_version(connection.wanted_version, await self.salesforce.versions(url))
        org = await self.salesforce.org(url, token, version)
        objects = await needed_objects(self.salesforce, url, token, version)
        return findings(self.setup, identity, org, version, objects)

    def _nothing(self, problem: str) -> Findings:
        return Findings(checked_at=self.setup.desk.now(), problem=problem)


def findings(
    setup: Setup,
    identity: Identity,
    org: Org,
    version: str,
    objects: tuple[ObjectAccess, ...],
    *,
    problem: str = "",
) -> Findings:
    """Put together what the calls said."""
    now, usage = setup.desk.now(), org.usage
    return Findings(
        checked_at=now,
        user_id=identity.user_id,
        user_name=identity.user_name,
        org_id=identity.org_id,
        org_name=org.name,
        api_version=version,
        objects=objects,
        usage=SeenUsage(used=usage.used, limit=usage.limit, at=now) if usage else None,
        problem=problem or problem_of(objects),
    )
