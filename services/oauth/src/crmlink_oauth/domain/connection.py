"""A workspace's connection: its states, its transitions, and what each step does to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from crmlink_common.contracts.connections import ConnectionStatus as Status
from crmlink_common.errors import ConflictError
from crmlink_common.salesforce.versions import DEFAULT_VERSION, NEWEST
from crmlink_oauth.domain.states import CHANGES_AUTHORITY, Stage, Step, arrow

DEFAULT_LOGIN_URL = "https://login.salesforce.com"


class NotConfiguredError(ConflictError):
    """There is no connection to do this with."""

    code = "not_configured"


class NoOrgToConfirmError(ConflictError):
    """No authorization waits for somebody to say whether its org is the right one."""

    code = "no_org_to_confirm"


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
    refresh_hash: str = ""  # of the refresh token: says whether two are the same
    fingerprint: str = ""
    token_serial: int = 0
    ever_rotated: bool = False
    org_id: str = ""
    org_name: str = field(default="", repr=False)
    pending_org_id: str = ""  # of another org that was signed in to; all data is bound to org_id
    pending_org_name: str = field(default="", repr=False)
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
    refreshes_failed: int = 0  # in a row, for this token: those that never arrived among them

    @property
    def stage(self) -> Stage:
        """Where it stands in the table of states."""
        if self.status is Status.CONNECTED and self.pending_org_id:
            return Stage.ORG_UNCONFIRMED
        return Stage(self.status.value)

    @property
    def authorized_org_id(self) -> str:
        """The org that the tokens belong to."""
        return self.pending_org_id or self.org_id


NO_INTENT: dict[str, Any] = {
    "refresh_holder": "",
    "refresh_until": None,
    "refresh_fingerprint": "",
    "refresh_epoch": 0,
    "refreshes_unanswered": 0,
    "refreshes_failed": 0,
}
NO_PENDING_ORG: dict[str, Any] = {"pending_org_id": "", "pending_org_name": ""}
NO_TOKENS: dict[str, Any] = {
    "access_token": "",
    "refresh_token": "",
    "refresh_hash": "",
    "fingerprint": "",
    "ever_rotated": False,
    **NO_INTENT,
    **NO_PENDING_ORG,
}


def step(connection: Connection, what: Step, **changes: Any) -> Connection:  # noqa: ANN401 - fields
    """Return what it becomes.

    Raises:
        NotConfiguredError: nothing is configured, so nothing else can happen.
        NoOrgToConfirmError: nothing waits to be confirmed.
    """
    stage = arrow(connection.stage, what)
    if stage is None and connection.status is Status.NOT_CONNECTED:
        raise NotConfiguredError("Salesforce is not configured in this workspace")
    if stage is None:
        raise NoOrgToConfirmError("no other Salesforce org waits to be confirmed")
    return replace(
        connection,
        status=stage.status,
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


def edited(before: Connection, after: Connection) -> list[str]:
    """Name the fields of the dialog that an edit changed; never what they held or hold."""
    shown = {"wanted_version": "api_version"}
    fields = ("client_id", "client_secret", "login_url", "wanted_version")
    return [
        shown.get(name, name) for name in fields if getattr(before, name) != getattr(after, name)
    ]


def _version_now(connection: Connection, wanted: str) -> str:
    return connection.api_version if wanted == NEWEST else wanted


def disconnected(connection: Connection) -> Connection:
    """Forget the tokens at once; credentials and the org's id stay."""
    return step(connection, Step.DISCONNECTED, error_code="", connected_at=None, **NO_TOKENS)


def same_org(one: str, other: str) -> bool:
    """Compare org ids of 15 or 18 characters; a sandbox copy's differs from its origin's."""
    return one[:15] == other[:15]


def connected(connection: Connection, org_id: str, org_name: str, **tokens: Any) -> Connection:  # noqa: ANN401 - fields
    """Take a finished sign-in; another org than the data is bound to waits to be confirmed."""
    if not connection.org_id or same_org(connection.org_id, org_id):
        named = {"org_id": org_id, "org_name": org_name or connection.org_name, **NO_PENDING_ORG}
        return step(connection, Step.CONNECTED, **{**named, **tokens})
    pending = {"pending_org_id": org_id, "pending_org_name": org_name}
    return step(connection, Step.CONNECTED_ELSEWHERE, **{**pending, **tokens})


def org_confirmed(connection: Connection) -> Connection:
    """Bind the data to the new org from now on; what belongs to the old one goes dormant."""
    return step(
        connection,
        Step.ORG_CONFIRMED,
        org_id=connection.pending_org_id,
        org_name=connection.pending_org_name,
        **NO_PENDING_ORG,
    )


def org_rejected(connection: Connection) -> Connection:
    """Forget the new authorization; a sign-in to the earlier org is awaited."""
    forgotten = {"instance_url": "", "user_id": "", "user_name": "", "connected_at": None}
    return step(connection, Step.ORG_REJECTED, error_code="", **forgotten, **NO_TOKENS)


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
        forgotten = {**NO_INTENT, **NO_PENDING_ORG}
        return step(connection, Step.TOKEN_REFUSED, error_code=code, **forgotten)
    return replace(connection, error_code=code, revision=connection.revision + 1)
