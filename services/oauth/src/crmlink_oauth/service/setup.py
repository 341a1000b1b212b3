"""Configure, disconnect, enable, disable, delete: local, and at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from crmlink_common.contracts.connections import ConnectionStatus
from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.hosts import checked_origin
from crmlink_common.salesforce.versions import DEFAULT_VERSION, checked_version
from crmlink_oauth.domain.connection import (
    DEFAULT_LOGIN_URL,
    Connection,
    Entered,
    NoOrgToConfirmError,
    configured,
    deleted,
    disconnected,
    edited,
    org_confirmed,
    org_rejected,
    same_org,
    step,
)
from crmlink_oauth.domain.states import Step
from crmlink_oauth.service.desk import Desk
from crmlink_oauth.service.overview import Overview, overview
from crmlink_oauth.service.ports import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The configuration dialog, as it was sent. An empty secret keeps the stored one."""

    client_id: str
    client_secret: str = field(default="", repr=False)
    login_url: str = ""
    api_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    desk: Desk
    allowed_origins: Collection[str]
    product_name: str

    async def show(self, workspace_id: str) -> Overview:
        async with self.desk.work() as tx:
            return await self.overview_of(tx, await tx.connections.find(workspace_id))

    async def overview_of(self, tx: Transaction, connection: Connection) -> Overview:
        workspace_id = connection.workspace_id
        return overview(
            connection,
            await tx.usage.latest(workspace_id),
            callback_url=self.desk.callback_url(workspace_id),
            product_name=self.product_name,
            found=await tx.checks.find(workspace_id),
            revoke_failed_at=await tx.revocations.last_failed(workspace_id),
        )

    async def configure(self, workspace_id: str, form: Form, *, actor: str) -> Overview:
        login_url = checked_origin(
            form.login_url or DEFAULT_LOGIN_URL, self.allowed_origins, field="login_url"
        )
        async with self.desk.work() as tx:
            before = await tx.connections.lock(workspace_id)
            entered = self._entered(before, form, login_url)
            after = configured(before, entered)
            if after != before:
                first = before.status is ConnectionStatus.NOT_CONNECTED
                action = "connection.configured" if first else "connection.edited"
                fields = ", ".join(edited(before, after))
                await self._store(tx, before, after, action, actor, fields=fields)
            return await self.overview_of(tx, after)

    def _entered(self, before: Connection, form: Form, login_url: str) -> Entered:
        version = checked_version(form.api_version or before.wanted_version or DEFAULT_VERSION)
        client_id, secret = form.client_id.strip(), form.client_secret.strip()
        if not client_id:
            raise InvalidInputError("the Client ID is empty", field="client_id")
        if not (client_id.isascii() and client_id.isprintable()):
            raise InvalidInputError(
                "this is no Client ID", field="client_id", cure="Copy it from the Salesforce app."
            )
        if not secret and not before.client_secret:
            raise InvalidInputError("the Client Secret is empty", field="client_secret")
        if secret and secret == self.desk.opened_if_possible(before, "client_secret"):
            secret = ""  # typed again: nothing new
        return Entered(
            client_id=client_id,
            client_secret=self.desk.sealed(before.workspace_id, "client_secret", secret),
            login_url=login_url,
            wanted_version=version,
        )

    async def disconnect(self, workspace_id: str, *, actor: str) -> Overview:
        """Forget the tokens; revoking them at Salesforce is left to a worker."""
        async with self.desk.work() as tx:
            before = await tx.connections.lock(workspace_id)
            after = disconnected(before)
            await self._store(tx, before, after, "connection.disconnected", actor)
            return await self.overview_of(tx, after)

    async def confirm_org(
        self, workspace_id: str, *, actor: str, org_id: str | None = None
    ) -> Overview:
        """Use the org that was signed in to; links of the earlier one are kept and lie dormant.

        ``org_id`` is the one that whoever decides has seen.

        Raises:
            NoOrgToConfirmError: none waits, or not this one.
        """
        async with self.desk.work() as tx:
            before = await tx.connections.lock(workspace_id)
            after = org_confirmed(before)
            if org_id is not None and not same_org(after.org_id, org_id):
                raise NoOrgToConfirmError("another Salesforce org than this waits to be confirmed")
            orgs = {"org_id": after.org_id, "earlier_org_id": before.org_id}
            await tx.usage.forget(workspace_id)  # it was the earlier org's
            await self._store(tx, before, after, "connection.org_confirmed", actor, **orgs)
            return await self.overview_of(tx, after)

    async def reject_org(self, workspace_id: str, *, actor: str) -> Overview:
        """Go back: forget the new authorization, and keep all that belongs to the earlier org."""
        async with self.desk.work() as tx:
            before = await tx.connections.lock(workspace_id)
            after = org_rejected(before)
            orgs = {"org_id": after.org_id, "rejected_org_id": before.pending_org_id}
            await self._store(tx, before, after, "connection.org_rejected", actor, **orgs)
            return await self.overview_of(tx, after)

    async def switch(self, workspace_id: str, *, on: bool, actor: str) -> Overview:
        what = Step.ENABLED if on else Step.DISABLED
        async with self.desk.work() as tx:
            before = await tx.connections.lock(workspace_id)
            after = step(before, what, enabled=on)
            if before.enabled != on:
                await self.desk.save(tx, after, f"connection.{what}", actor=actor)
                before = after
            return await self.overview_of(tx, before)

    async def delete(self, workspace_id: str, *, actor: str) -> Overview:
        """Leave nothing but the counters; to delete what is not there is no error."""
        async with self.desk.work() as tx:
            before = await tx.connections.find(workspace_id)
            if before.revision:
                before = await tx.connections.lock(workspace_id)
            after = before
            if before.status is not ConnectionStatus.NOT_CONNECTED:
                after = deleted(before)
                await tx.usage.forget(workspace_id)
                await tx.budgets.forget(workspace_id)
                await self._store(tx, before, after, "connection.deleted", actor)
            return await self.overview_of(tx, after)

    async def _store(
        self,
        tx: Transaction,
        before: Connection,
        after: Connection,
        action: str,
        actor: str,
        **details: str,
    ) -> None:
        if before.access_token and not after.access_token:
            await self.desk.revoke_later(tx, before)
            await tx.checks.forget(before.workspace_id)
        await self.desk.save(tx, after, action, actor=actor, details=details)
