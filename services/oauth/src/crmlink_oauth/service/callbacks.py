"""A sign-in on its way: what was begun, what came back, and whether the two belong together."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest

from crmlink_oauth.domain.checks import Findings
from crmlink_oauth.domain.connection import Connection
from crmlink_oauth.domain.tokens import Identity, Org, TokenAnswer, hashed
from crmlink_oauth.service.overview import Overview
from crmlink_oauth.service.ports import SignIn


@dataclass(frozen=True, slots=True)
class Begun:
    authorize_url: str = field(repr=False)
    browser_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """What came back with the browser."""

    state: str = field(repr=False)
    browser_token: str = field(repr=False)
    code: str = field(default="", repr=False)
    error: str = ""
    error_description: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Finished:
    """``code`` is '' when the workspace is connected."""

    code: str
    overview: Overview


@dataclass(frozen=True, slots=True)
class Found:
    """All that Salesforce said, before any of it is stored."""

    answer: TokenAnswer
    instance_url: str
    identity: Identity
    version: str
    org: Org
    check: Findings


def wrong_with(
    sign_in: SignIn | None, connection: Connection, callback: Callback, now: datetime
) -> str:
    """Say why this callback ends nothing; '' when it does.

    A browser no longer has the cookie of a sign-in that was used or is too old: these come first.
    """
    if sign_in is None:
        return "state_unknown"
    if sign_in.used_at is not None:
        return "state_used"
    if sign_in.expires_at <= now:
        return "state_expired"
    if not compare_digest(sign_in.browser_hash, hashed(callback.browser_token)):
        return "other_browser"
    return "" if sign_in.epoch == connection.epoch else "connection_changed"
