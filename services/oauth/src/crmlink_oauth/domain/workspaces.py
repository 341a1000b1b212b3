"""What we keep of a workspace, and when a message about it is news."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from crmlink_common.contracts.cloudevents import Deleted
from crmlink_common.contracts.workspaces import Workspace


@dataclass(frozen=True, slots=True)
class KnownWorkspace:
    """Of a removed one the revision stays, so that an older message does not revive it."""

    workspace_id: str
    revision: int
    crm_salesforce: bool = False
    deleted_at: datetime | None = None

    def as_row(self) -> dict[str, Any]:
        return asdict(self)


def learn(
    known: KnownWorkspace | None, seen: Workspace | Deleted, now: datetime
) -> KnownWorkspace | None:
    """Return what is known now, or None when the message is old news."""
    revision = seen.version if isinstance(seen, Deleted) else seen.revision
    if known is not None and revision <= known.revision:
        return None
    if isinstance(seen, Deleted):
        return KnownWorkspace(seen.key, revision, deleted_at=now)
    return KnownWorkspace(seen.workspace_id, revision, seen.crm_salesforce)
