"""Who gets a token, who refreshes it, and what a lost answer means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from crmlink_common.contracts.connections import ConnectionStatus as Status
from crmlink_oauth.domain.connection import NO_INTENT, Connection

LEASE = timedelta(seconds=30)  # longer than a call to the token endpoint can take
LONGEST_PAUSE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Give:
    """The stored token is good as far as we know."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """There is nothing to give; ``code`` is what ``unusable`` says."""

    code: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody is calling Salesforce (``busy``), or it did not answer a moment ago."""

    until: datetime
    busy: bool


@dataclass(frozen=True, slots=True)
class Refresh:
    """Call Salesforce. ``only_if_alone``: replaying an old token may revoke its siblings too."""

    only_if_alone: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """The token was rotated and we never learnt the new one."""


Verdict: TypeAlias = Give | Refuse | Wait | Refresh | Lost


def judge(
    connection: Connection,
    *,
    allowed: bool,
    failed: str | None,
    seen_serial: int,
    now: datetime,
    checking: bool = False,
) -> Verdict:
    """Decide for a caller whose token ``failed``, or who has none.

    ``seen_serial`` is the token's number when the caller asked: a later one is fresh, even when
    Salesforce gave the same text again. ``checking`` is oauth's own look at the org: it needs
    neither an enabled connection nor a confirmed org.
    """
    if code := unusable(connection, allowed=allowed, checking=checking):
        return Refuse(code)
    if failed != connection.fingerprint or connection.token_serial > seen_serial:
        return Give()
    if connection.refresh_until is not None and connection.refresh_until > now:
        return Wait(connection.refresh_until, busy=bool(connection.refresh_holder))
    if connection.refreshes_unanswered and connection.ever_rotated:
        return Lost() if connection.refreshes_unanswered > 1 else Refresh(only_if_alone=True)
    return Refresh()


def unusable(connection: Connection, *, allowed: bool, checking: bool = False) -> str:
    """Say why there is no token for anybody; '' when there is."""
    if connection.status is Status.ERROR:
        return "connection_error"
    if connection.status is not Status.CONNECTED:
        return "not_connected"
    if checking:
        return ""
    if not (connection.enabled and allowed):
        return "disabled"
    return "org_not_confirmed" if connection.pending_org_id else ""


def begin(connection: Connection, holder: str, now: datetime) -> Connection:
    """Write down the intent, before the call: whoever comes after a crash must know of it."""
    return replace(
        connection,
        refresh_holder=holder,
        refresh_until=now + LEASE,
        refresh_fingerprint=connection.fingerprint,
        refresh_epoch=connection.epoch,
        refreshes_unanswered=connection.refreshes_unanswered + 1,
    )


def still_authorized(now: Connection, intent: Connection) -> bool:
    """Say whether the connection is the one that the call was made for."""
    return now.status is Status.CONNECTED and now.epoch == intent.refresh_epoch


def still_stands(now: Connection, intent: Connection, *, rotated: bool = False) -> bool:
    """Say whether the answer to this intent may be stored: same authority, same token.

    A rotated token is stored in any case: it ended the life of the one that is stored.
    """
    same = (now.token_serial, now.fingerprint) == (intent.token_serial, intent.refresh_fingerprint)
    return still_authorized(now, intent) and (same or rotated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A refresh's good answer; ``refresh_token`` and its hash are empty unless it was rotated."""

    access_token: str
    refresh_token: str
    refresh_hash: str
    fingerprint: str
    instance_url: str


def refreshed(connection: Connection, sealed: Sealed) -> Connection:
    """Store the new token; only a moved instance is news to others."""
    moved = sealed.instance_url != connection.instance_url
    return replace(
        connection,
        revision=connection.revision + moved,
        instance_url=sealed.instance_url,
        access_token=sealed.access_token,
        refresh_token=sealed.refresh_token or connection.refresh_token,
        refresh_hash=sealed.refresh_hash or connection.refresh_hash,
        ever_rotated=connection.ever_rotated or bool(sealed.refresh_token),
        fingerprint=sealed.fingerprint,
        token_serial=connection.token_serial + 1,
        **NO_INTENT,
    )


def unanswered(connection: Connection, *, consumed: bool, now: datetime) -> Connection:
    """Pause, longer each time. ``consumed``: Salesforce may have acted on it."""
    lost, failed = connection.refreshes_unanswered, connection.refreshes_failed + 1
    pause = min(timedelta(seconds=2 ** min(failed, 10)), LONGEST_PAUSE)
    return replace(
        connection,
        refresh_holder="",
        refresh_until=now + pause,
        refreshes_unanswered=lost if consumed else max(0, lost - 1),
        refreshes_failed=failed,
    )


def refusal_code(intent: Connection, code: str) -> str:
    """Name it: a token refused after an unanswered refresh was most likely rotated away."""
    again = intent.refreshes_unanswered > 1
    return "rotated_token_lost" if again and code == "token_revoked" else code
