"""What people see of a connection; never a secret."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from crmlink_common.contracts.connections import ConnectionStatus
from crmlink_common.salesforce.versions import DEFAULT_VERSION, NEWEST
from crmlink_oauth.domain.checks import Findings, ObjectAccess, SeenUsage
from crmlink_oauth.domain.connection import DEFAULT_LOGIN_URL, Connection
from crmlink_oauth.domain.refusals import REFUSALS
from crmlink_oauth.service.ports import Usage

FAILED_IS_TOLD = 3


class Trouble(BaseModel):
    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    cure: str


class Named(BaseModel):
    """An org or a user."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str = Field(repr=False)


class Check(BaseModel):
    """What the last look at the org found. ``org`` is the one that the tokens lead to."""

    model_config = ConfigDict(frozen=True)

    ok: bool
    checked_at: datetime
    user: Named | None
    org: Named | None
    api_version: str
    objects: tuple[ObjectAccess, ...]
    usage: SeenUsage | None
    problem: Trouble | None


class Unrevoked(BaseModel):
    """Salesforce was not told that an authorization has ended."""

    model_config = ConfigDict(frozen=True)

    failed_at: datetime
    message: str
    cure: str


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
    org: Named | None
    pending_org: Named | None
    user_id: str
    user_name: str
    error: Trouble | None
    callback_url: str
    epoch: int
    connected_at: datetime | None
    usage: SeenUsage | None
    product_name: str
    check: Check | None
    revocation: Unrevoked | None


def trouble(code: str) -> Trouble | None:
    """Give a code's cause and cure."""
    if not code:
        return None
    refusal = REFUSALS.get(code, REFUSALS["salesforce_refused"])
    return Trouble(code=code, message=refusal.message, cure=refusal.cure)


def named(one_id: str, name: str) -> Named | None:
    return Named(id=one_id, name=name) if one_id else None


def check_of(found: Findings) -> Check:
    """Say in words what was found."""
    return Check(
        ok=not found.problem,
        checked_at=found.checked_at,
        user=named(found.user_id, found.user_name),
        org=named(found.org_id, found.org_name),
        api_version=found.api_version,
        objects=found.objects,
        usage=found.usage,
        problem=trouble(found.problem),
    )


def unrevoked(failed_at: datetime | None) -> Unrevoked | None:
    """Say how to end at Salesforce what we could not end there."""
    if failed_at is None:
        return None
    told = REFUSALS["revoke_failed"]
    return Unrevoked(failed_at=failed_at, message=told.message, cure=told.cure)


def overview(
    connection: Connection,
    usage: Usage | None,
    *,
    callback_url: str,
    product_name: str,
    found: Findings | None = None,
    revoke_failed_at: datetime | None = None,
) -> Overview:
    code = connection.error_code
    if not code and connection.refreshes_failed >= FAILED_IS_TOLD:
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
        org=named(connection.org_id, connection.org_name),
        pending_org=named(connection.pending_org_id, connection.pending_org_name),
        user_id=connection.user_id,
        user_name=connection.user_name,
        error=trouble(code),
        callback_url=callback_url,
        epoch=connection.epoch,
        connected_at=connection.connected_at,
        usage=SeenUsage(used=usage.used, limit=usage.limit, at=usage.at) if usage else None,
        product_name=product_name,
        check=check_of(found) if found else None,
        revocation=unrevoked(revoke_failed_at),
    )
