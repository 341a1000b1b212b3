"""What people see of a connection; never a secret."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from crmlink_common.contracts.connections import ConnectionStatus
from crmlink_common.salesforce.versions import DEFAULT_VERSION, NEWEST
from crmlink_oauth.domain.connection import DEFAULT_LOGIN_URL, Connection
from crmlink_oauth.domain.refusals import REFUSALS
from crmlink_oauth.service.ports import Usage

UNANSWERED_IS_TOLD = 3


class Trouble(BaseModel):
    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    cure: str


class SeenUsage(BaseModel):
    model_config = ConfigDict(frozen=True)

    used: int
    limit: int
    at: datetime


class Overview(BaseModel):
    model_config = ConfigDict(frozen=True)

    status: ConnectionStatus
    enabled: bool
    login_url: str
    instance_url: str
    api_version: str
    client_id: str
    has_secret: bool
    org_id: str
    org_name: str
    user_name: str
    error: Trouble | None
    callback_url: str
    epoch: int
    connected_at: datetime | None
    usage: SeenUsage | None
    product_name: str


def trouble(code: str) -> Trouble | None:
    """Give a code's cause and cure."""
    if not code:
        return None
    refusal = REFUSALS.get(code, REFUSALS["salesforce_refused"])
    return Trouble(code=code, message=refusal.message, cure=refusal.cure)


def overview(
    connection: Connection, usage: Usage | None, *, callback_url: str, product_name: str
) -> Overview:
    code = connection.error_code
    if not code and connection.refreshes_unanswered >= UNANSWERED_IS_TOLD:
        code = "not_answering"
    wanted = connection.wanted_version
    return Overview(
        status=connection.status,
        enabled=connection.enabled,
        login_url=connection.login_url or DEFAULT_LOGIN_URL,
        instance_url=connection.instance_url,
        api_version=connection.api_version or (DEFAULT_VERSION if wanted == NEWEST else wanted),
        client_id=connection.client_id,
        has_secret=bool(connection.client_secret),
        org_id=connection.org_id,
        org_name=connection.org_name,
        user_name=connection.user_name,
        error=trouble(code),
        callback_url=callback_url,
        epoch=connection.epoch,
        connected_at=connection.connected_at,
        usage=SeenUsage(used=usage.used, limit=usage.limit, at=usage.at) if usage else None,
        product_name=product_name,
    )
