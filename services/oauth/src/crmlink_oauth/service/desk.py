"""What all use cases share: how a change is stored and told, and how secrets are opened."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from crmlink_common.crypto.keyring import SealedTextError
from crmlink_oauth.domain.connection import Connection
from crmlink_oauth.domain.places import of_revocation, place
from crmlink_oauth.service.bulletin import Bulletin, Details
from crmlink_oauth.service.ports import App, PendingRevocation, Seals, Transaction, Work

log = logging.getLogger(__name__)
REVOKED_WITHIN = timedelta(hours=24)
CALLBACK = "/api/v2/w/{workspace}/app-connections/salesforce/oauth/callback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk(Bulletin):
    """Stores connections and tells the others, in one transaction that the caller owns."""

    work: Work
    seals: Seals
    public_url: str

    def callback_url(self, workspace_id: str) -> str:
        """Give the one callback URL: it is shown, registered and sent, character for character."""
        return self.public_url.rstrip("/") + CALLBACK.format(workspace=workspace_id)

    async def save(
        self,
        tx: Transaction,
        connection: Connection,
        action: str,
        *,
        actor: str = "service:oauth",
        code: str = "",
        details: Details | None = None,
    ) -> None:
        """Store a changed connection, publish it, and leave a trace of who did what."""
        await tx.connections.save(connection)
        done = self.activity(
            connection.workspace_id, action, actor=actor, code=code, details=details
        )
        await tx.outbox.add([await self.published(tx, connection), done])

    async def revoke_later(self, tx: Transaction, held: Connection) -> None:
        """Leave the tokens of a connection to be revoked; revoking one takes its kin along."""
        column = "refresh_token" if held.refresh_token else "access_token"
        if plain := self.opened_if_possible(held, column):
            await self.revoke_token_later(tx, held.workspace_id, held.login_url, plain)

    async def revoke_token_later(
        self, tx: Transaction, workspace_id: str, login_url: str, token: str
    ) -> None:
        now, new_id = self.now(), self.new_id()
        pending = PendingRevocation(
            workspace_id=workspace_id,
            id=new_id,
            login_url=login_url,
            token=self.seals.seal(token, workspace=workspace_id, column=of_revocation(new_id)),
            next_at=now,
            expires_at=now + REVOKED_WITHIN,
        )
        await tx.revocations.add(pending)

    def sealed(self, workspace_id: str, column: str, plain: str) -> str:
        """Seal a text for a column of the connection's row; nothing stays nothing."""
        where = place("connections", column)
        return self.seals.seal(plain, workspace=workspace_id, column=where) if plain else ""

    def opened(self, connection: Connection, column: str) -> str:
        """Open a sealed column of the connection's row."""
        return self.seals.open(
            getattr(connection, column),
            workspace=connection.workspace_id,
            column=place("connections", column),
        )

    def opened_if_possible(self, connection: Connection, column: str) -> str:
        """Open it, or give '': without its key one must still be able to begin anew."""
        if not getattr(connection, column):
            return ""
        try:
            return self.opened(connection, column)
        except SealedTextError:
            log.exception("a sealed text does not open", extra={"column": column})
            return ""

    def app(self, connection: Connection) -> App:
        return App(
            login_url=connection.login_url,
            client_id=connection.client_id,
            client_secret=self.opened(connection, "client_secret"),
        )
