"""A workspace's connection: its states, its transitions, and what each step does to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from crmlink_common.contracts.connections import ConnectionStatus as Status
from crmlink_common.errors import ConflictError
from crmlink_common.salesforce.versions import DEFAULT_VERSION, NEWEST

DEFAULT_LOGIN_URL = "https://login.salesforce.com"


class Step(StrEnum):
    """What can happen to a connection."""

    CONFIGURED = "configured"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - a name
    ENABLED = "enabled"
    DISABLED = "disabled"
    DELETED = "deleted"


_NONE, _AWAITING, _UP, _ERROR = (
    Status.NOT_CONNECTED,
    Status.AWAITING_OAUTH,
    Status.CONNECTED,
    Status.ERROR,
)
ARROWS: dict[tuple[Status, Step], Status] = {
    (_NONE, Step.CONFIGURED): _AWAITING,
    (_AWAITING, Step.CONFIGURED): _AWAITING,
    (_UP, Step.CONFIGURED): _AWAITING,
    (_ERROR, Step.CONFIGURED): _AWAITING,
    (_AWAITING, Step.CONNECTED): _UP,
    (_UP, Step.CONNECTED): _UP,
    (_ERROR, Step.CONNECTED): _UP,
    (_AWAITING, Step.DISCONNECTED): _AWAITING,
    (_UP, Step.DISCONNECTED): _AWAITING,
    (_ERROR, Step.DISCONNECTED): _AWAITING,
    (_AWAITING, Step.TOKEN_REFUSED): _ERROR,
    (_UP, Step.TOKEN_REFUSED): _ERROR,
    (_ERROR, Step.TOKEN_REFUSED): _ERROR,
    (_AWAITING, Step.ENABLED): _AWAITING,
    (_UP, Step.ENABLED): _UP,
    (_ERROR, Step.ENABLED): _ERROR,
    (_AWAITING, Step.DISABLED): _AWAITING,
    (_UP, Step.DISABLED): _UP,
    (_ERROR, Step.DISABLED): _ERROR,
    (_AWAITING, Step.DELETED): _NONE,
    (_UP, Step.DELETED): _NONE,
    (_ERROR, Step.DELETED): _NONE,
}
CHANGES_AUTHORITY = frozenset({Step.CONFIGURED, Step.CONNECTED, Step.DISCONNECTED, Step.DELETED})


class NotConfiguredError(ConflictError):
    """There is no connection to do this with."""

    code = "not_configured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One row. Secrets are sealed texts here; ``token_serial`` grows with each stored token."""

    workspace_id: str
    revision: int = 0
    status: Status = Status.NOT_CONNECTED
    enabled: bool = True
    login_url: str = ""
    instance_url: str = ""
    wanted_version: str = DEFAULT_VERSION
    api_version: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    fingerprint: str = ""
    token_serial: int = 0
    ever_rotated: bool = False
    org_id: str = ""
    org_name: str = field(default="", repr=False)
    user_id: str = ""
    user_name: str = field(default="", repr=False)
    epoch: int = 0
    error_code: str = ""
    connected_at: datetime | None = None
    refresh_holder: str = ""  # of the intent: who calls Salesforce now
    refresh_until: datetime | None = None
    refresh_fingerprint: str = ""
    refresh_epoch: int = 0
    refreshes_unanswered: int = 0  # calls begun for this token whose outcome nobody learnt


NO_INTENT: dict[str, Any] = {
    "refresh_holder": "",
    "refresh_until": None,
    "refresh_fingerprint": "",
    "refresh_epoch": 0,
    "refreshes_unanswered": 0,
}
NO_TOKENS: dict[str, Any] = {
    "access_token": "",
    "refresh_token": "",
    "fingerprint": "",
    "ever_rotated": False,
    **NO_INTENT,
}


def step(connection: Connection, what: Step, **changes: Any) -> Connection:  # noqa: ANN401 - fields
    """Return what it becomes.

    Raises:
        NotConfiguredError: there is no such arrow.
    """
    status = ARROWS.get((connection.status, what))
    if status is None:
        raise NotConfiguredError("Salesforce is not configured in this workspace")
    return replace(
        connection,
        status=status,
        revision=connection.revision + 1,
        epoch=connection.epoch + (what in CHANGES_AUTHORITY),
        **changes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What a person entered; ``client_secret`` is sealed, and empty when the stored one stays."""

    client_id: str
    client_secret: str = field(repr=False)
    login_url: str
    wanted_version: str


def configured(connection: Connection, entered: Entered) -> Connection:
    """Take new settings; only new credentials cost the tokens, and nothing new does nothing."""
    secret = entered.client_secret or connection.client_secret
    same_app = (connection.client_id, connection.login_url) == (
        entered.client_id,
        entered.login_url,
    )
    if connection.status is not Status.NOT_CONNECTED and same_app and not entered.client_secret:
        if connection.wanted_version == entered.wanted_version:
            return connection
        return replace(
            connection,
            revision=connection.revision + 1,
            wanted_version=entered.wanted_version,
            api_version=_version_now(connection, entered.wanted_version),
        )
    return step(
        connection,
        Step.CONFIGURED,
        client_id=entered.client_id,
        client_secret=secret,
        login_url=entered.login_url,
        wanted_version=entered.wanted_version,
        error_code="",
        connected_at=None,
        **NO_TOKENS,
    )


def _version_now(connection: Connection, wanted: str) -> str:
    return connection.api_version if wanted == NEWEST else wanted


def disconnected(connection: Connection) -> Connection:
    """Forget the tokens at once; credentials and the org's id stay."""
    return step(connection, Step.DISCONNECTED, error_code="", connected_at=None, **NO_TOKENS)


def deleted(connection: Connection) -> Connection:
    """Forget everything but the counters: the next connection goes on from them."""
    gone = step(connection, Step.DELETED)
    return Connection(
        workspace_id=gone.workspace_id,
        revision=gone.revision,
        epoch=gone.epoch,
        token_serial=gone.token_serial,
    )


def refused(connection: Connection, code: str, *, lasting: bool) -> Connection:
    """Note why a token was not given; only what lasts ends in Error."""
    if lasting:
        return step(connection, Step.TOKEN_REFUSED, error_code=code, **NO_INTENT)
    return replace(connection, error_code=code, revision=connection.revision + 1)
