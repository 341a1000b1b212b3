"""The state of a workspace's connection to its org; never a secret."""

from __future__ import annotations

from enum import StrEnum

from crmlink_common.contracts.cloudevents import Data, Revision, Topic


class ConnectionStatus(StrEnum):
    NOT_CONNECTED = "not_connected"
    AWAITING_OAUTH = "awaiting_oauth"
    CONNECTED = "connected"
    ERROR = "error"


class Connection(Data):
    """``epoch`` fences authority (tokens, work in flight); data is bound to ``org_id``.

    ``org_confirmed`` is false while the authorization leads to another org than the data is bound
    to, until an admin says which one it shall be; ``org_id`` is that of the data meanwhile.
    """

    revision: Revision
    status: ConnectionStatus
    enabled: bool = True
    instance_url: str = ""
    api_version: str = ""
    org_id: str = ""
    org_confirmed: bool = True
    epoch: Revision = 0
    error_code: str = ""

    @property
    def usable(self) -> bool:
        """Say whether Salesforce may be called for this workspace at all."""
        connected = self.status is ConnectionStatus.CONNECTED
        return self.enabled and connected and self.org_confirmed


CONNECTIONS_V1 = Topic("connections.v1", Connection, writers=frozenset({"oauth"}))
