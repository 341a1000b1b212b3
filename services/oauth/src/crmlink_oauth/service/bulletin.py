"""What others learn of a connection: its state, and who did what to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import uuid4

from crmlink_common.contracts.activity import ACTIVITY_V1, Activity
from crmlink_common.contracts.cloudevents import Deleted, Record, encode
from crmlink_common.contracts.connections import CONNECTIONS_V1, ConnectionStatus
from crmlink_common.contracts.connections import Connection as Published
from crmlink_oauth.domain.connection import Connection
from crmlink_oauth.service.ports import Transaction

SOURCE = "crmlink/oauth"
Details: TypeAlias = Mapping[str, str | int | bool]


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_uuid() -> str:
    return str(uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulletin:
    """Writes messages; the caller puts them into the outbox of its transaction."""

    now: Callable[[], datetime] = utc_now
    new_id: Callable[[], str] = new_uuid

    async def published(self, tx: Transaction, connection: Connection) -> Record:
        """Give the message that says all there is to say; the row must be locked."""
        told: Published | Deleted
        if connection.status is ConnectionStatus.NOT_CONNECTED:
            told = Deleted(connection.workspace_id, connection.revision)
        else:
            allowed = await tx.workspaces.allows(connection.workspace_id)
            told = Published(
                workspace_id=connection.workspace_id,
                revision=connection.revision,
                status=connection.status,
                enabled=connection.enabled and allowed,
                instance_url=connection.instance_url,
                api_version=connection.api_version,
                org_id=connection.org_id,
                org_confirmed=not connection.pending_org_id,
                epoch=connection.epoch,
                error_code=connection.error_code,
            )
        return encode(CONNECTIONS_V1, told, event_id=self.new_id(), source=SOURCE, time=self.now())

    def activity(
        self,
        workspace_id: str,
        action: str,
        *,
        actor: str,
        code: str = "",
        details: Details | None = None,
    ) -> Record:
        """Give the message for the audit trail; ``details`` are ids, names of fields and counts."""
        told = Activity(
            workspace_id=workspace_id,
            action=action,
            actor=actor,
            code=code,
            details=dict(details or {}),
        )
        return encode(ACTIVITY_V1, told, event_id=self.new_id(), source=SOURCE, time=self.now())
