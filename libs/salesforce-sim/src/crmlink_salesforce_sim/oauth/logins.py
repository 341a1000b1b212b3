"""Whether somebody may log in now, from here, through this app."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from crmlink_salesforce_sim.oauth.app import Identity
from crmlink_salesforce_sim.oauth.errors import OAuthError, not_installed, not_permitted
from crmlink_salesforce_sim.oauth.settings import App
from crmlink_salesforce_sim.store import Store

HOUR = 3600.0
MOST_LOGINS = 10_000


@dataclass(frozen=True)
class Logins:
    """Checks a login against the org, the user and the app's settings; counts logins."""

    store: Store
    identity: Identity
    now: Callable[[], datetime]
    app: App
    _times: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_LOGINS))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, user: str, address: str) -> None:
        """Raise OAuthError unless this user may log in from this address now."""
        settings, now = self.app.settings, self.now()
        self.check_app()
        if not settings.org_active:
            raise OAuthError("inactive_org", "org is locked, closed, or suspended")
        if not self._is_active(user):
            raise OAuthError("inactive_user", "user is inactive")
        if not settings.lets_in(address, now.hour):
            raise OAuthError("invalid_grant", "IP restricted or invalid login hours")
        if not settings.permits(user, self.identity.username):
            raise not_permitted()

    def check_app(self) -> None:
        """Raise OAuthError where an admin has blocked the app, or not installed it."""
        if self.app.settings.state == "blocked":
            raise OAuthError("app_blocked", "this app is blocked by an admin")
        if self.app.settings.state == "not_installed":
            raise not_installed()

    def count(self) -> None:
        """Count a login; OAuthError when there were too many within the hour."""
        now, most = self.now().timestamp(), self.app.settings.logins_an_hour
        with self._lock:
            while self._times and self._times[0] <= now - HOUR:
                self._times.popleft()
            if most is not None and len(self._times) >= most:
                raise OAuthError("rate_limit_exceeded", "number of logins exceeded")
            self._times.append(now)

    def _is_active(self, user: str) -> bool:
        with self.store.reading() as connection:
            row = connection.execute("SELECT IsActive FROM User WHERE Id = ?", (user,)).fetchone()
        return row is None or bool(row[0])
