"""Access and refresh tokens: kept as digests, so that they outlive a restart."""

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from crmlink_salesforce_sim.oauth.app import Identity
from crmlink_salesforce_sim.oauth.settings import App
from crmlink_salesforce_sim.store import Store

MOST_APPROVALS = 5
MOST_REMEMBERED = 100  # approvals without a refresh token
MOST_USED = 100  # refresh tokens of one approval that are known to be used
REFRESHING = ("refresh_token", "offline_access")
USED_TABLE = """CREATE TABLE IF NOT EXISTS sim_used_refresh
    (id INTEGER PRIMARY KEY, token TEXT UNIQUE, approval INTEGER)"""
_SESSION = """SELECT t.user, t.client, t.scope, t.issued_at, t.used_at FROM sim_tokens t
    LEFT JOIN User u ON u.Id = t.user WHERE t.token = ? AND coalesce(u.IsActive, 1)"""


@dataclass(frozen=True)
class Issued:
    """What a token answer tells."""

    access: str
    refresh: str | None
    scope: str
    user: str
    issued_at: float


@dataclass(frozen=True)
class Session:
    """What is known of an access token."""

    user: str
    client: str
    scope: str
    issued_at: float
    used_at: float


@dataclass(frozen=True)
class Tokens:
    """Issues, checks and ends tokens."""

    store: Store
    identity: Identity
    now: Callable[[], datetime]
    app: App

    def __post_init__(self) -> None:
        with self.store.writing() as connection:
            connection.execute(USED_TABLE)

    @property
    def session_seconds(self) -> float:
        """Return how long a session lives without being used."""
        return self.app.settings.session_seconds

    def approve(self, user: str, scope: str) -> Issued:
        """Issue the tokens of a new approval; a user's sixth ends the oldest."""
        refresh = _opaque("5Aep861") if set(scope.split()) & set(REFRESHING) else None
        kept = digest(refresh) if refresh else None
        with self.store.writing() as connection:
            made = connection.execute(
                "INSERT INTO sim_approvals (user, client, scope, refresh, used_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (user, self.identity.client_id, scope, kept, self._seconds()),
            )
            approval = made.lastrowid
            self._end_oldest(connection, user)
            return self._issue(connection, approval, user, scope, refresh)

    def session_of(self, user: str, scope: str) -> Issued:
        """Issue an access token by itself, without an approval."""
        with self.store.writing() as connection:
            return self._issue(connection, None, user, scope, None)

    def refresh(self, token: str) -> Issued | None:
        """Issue a new access token, or None when the refresh token is no good.

        With rotation it takes the token's place; using a replaced one ends the approval whole.
        """
        settings, now = self.app.settings, self._seconds()
        with self.store.writing() as connection:
            row = connection.execute(
                "SELECT id, user, scope, used_at FROM sim_approvals WHERE refresh = ?",
                (digest(token),),
            ).fetchone()
            if row is None:
                _punish(connection, token)
                return None
            approval, user, scope, used_at = row
            if settings.refresh_idle_seconds and now - used_at > settings.refresh_idle_seconds:
                _end(connection, approval)
                return None
            connection.execute("UPDATE sim_approvals SET used_at = ? WHERE id = ?", (now, approval))
            new = self._rotated(connection, approval, token) if settings.rotate else None
            return self._issue(connection, approval, user, scope, new)

    def _rotated(self, connection: sqlite3.Connection, approval: int, token: str) -> str:
        new = _opaque("5Aep861")
        change = "UPDATE sim_approvals SET refresh = ? WHERE id = ?"
        connection.execute(change, (digest(new), approval))
        used = "INSERT INTO sim_used_refresh (token, approval) VALUES (?, ?)"
        connection.execute(used, (digest(token), approval))
        connection.execute(
            "DELETE FROM sim_used_refresh WHERE approval = ? AND id NOT IN (SELECT id FROM"
            " sim_used_refresh WHERE approval = ? ORDER BY id DESC LIMIT ?)",
            (approval, approval, MOST_USED),
        )
        return new

    def session(self, token: str) -> Session | None:
        """Return a live session; using it keeps it alive."""
        with self.store.reading() as connection:
            row = connection.execute(_SESSION, (digest(token),)).fetchone()
        if row is None:
            return None
        found, now = Session(*row), self._seconds()
        if now - found.used_at > self.session_seconds:
            return None
        if now - found.used_at > self.session_seconds / 10:
            with self.store.writing() as connection:
                change = "UPDATE sim_tokens SET used_at = ? WHERE token = ?"
                connection.execute(change, (now, digest(token)))
        return found

    def user_of(self, token: str) -> str | None:
        """Return whose session it is."""
        found = self.session(token)
        return found.user if found else None

    def revoke(self, token: str) -> bool:
        """End an access token, or an approval with all its access tokens."""
        with self.store.writing() as connection:
            row = connection.execute(
                "SELECT id FROM sim_approvals WHERE refresh = ?", (digest(token),)
            ).fetchone()
            if row is not None:
                _end(connection, row[0])
                return True
            gone = connection.execute("DELETE FROM sim_tokens WHERE token = ?", (digest(token),))
            return gone.rowcount > 0

    def revoke_all(
        self, user: str | None = None, *, access: bool = True, refresh: bool = True
    ) -> None:
        """End sessions, approvals, or both, of one user or of everybody."""
        tables = [("sim_tokens", access), ("sim_approvals", refresh)]
        with self.store.writing() as connection:
            for table in [name for name, wanted in tables if wanted]:
                words = ["DELETE FROM", table, "WHERE ? IS NULL OR user = ?"]
                connection.execute(" ".join(words), (user, user))

    def counted(self) -> tuple[int, int]:
        """Return how many sessions are kept, and how many refresh tokens."""
        with self.store.reading() as connection:
            [sessions] = connection.execute("SELECT COUNT(*) FROM sim_tokens").fetchone()
            [approvals] = connection.execute(
                "SELECT COUNT(*) FROM sim_approvals WHERE refresh IS NOT NULL"
            ).fetchone()
        return sessions, approvals

    def approved(self, user: str, scope: str) -> bool:
        """Tell whether the user has allowed the app these scopes before."""
        with self.store.reading() as connection:
            rows = connection.execute("SELECT scope FROM sim_approvals WHERE user = ?", (user,))
            return any(set(scope.split()) <= set(kept.split()) for (kept,) in rows)

    def approval_of(self, refresh: str) -> tuple[str, str, float] | None:
        """Return user, scopes and last use of a refresh token that still works."""
        with self.store.reading() as connection:
            row = connection.execute(
                "SELECT user, scope, used_at FROM sim_approvals WHERE refresh = ?",
                (digest(refresh),),
            ).fetchone()
        return (row[0], row[1], row[2]) if row else None

    def _issue(
        self,
        connection: sqlite3.Connection,
        approval: int | None,
        user: str,
        scope: str,
        refresh: str | None,
    ) -> Issued:
        now = self._seconds()
        access = f"{self.identity.org_id[:15]}!{_opaque('AQ')}"
        stale = now - self.session_seconds
        connection.execute("DELETE FROM sim_tokens WHERE used_at < ?", (stale,))
        row = (digest(access), approval, user, self.identity.client_id, scope, now, now)
        connection.execute("INSERT INTO sim_tokens VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return Issued(access, refresh, scope, user, now)

    def _end_oldest(self, connection: sqlite3.Connection, user: str) -> None:
        rows = connection.execute(
            "SELECT id FROM sim_approvals WHERE user = ? AND refresh IS NOT NULL"
            " ORDER BY id DESC LIMIT -1 OFFSET ?",
            (user, MOST_APPROVALS),
        ).fetchall()
        for (approval,) in rows:
            _end(connection, approval)
        connection.execute(
            "DELETE FROM sim_approvals WHERE refresh IS NULL AND id NOT IN (SELECT id FROM"
            " sim_approvals WHERE refresh IS NULL ORDER BY id DESC LIMIT ?)",
            (MOST_REMEMBERED,),
        )

    def _seconds(self) -> float:
        return self.now().timestamp()


def _punish(connection: sqlite3.Connection, token: str) -> None:
    """End the approval of a refresh token that was used and replaced before."""
    row = connection.execute(
        "SELECT approval FROM sim_used_refresh WHERE token = ?", (digest(token),)
    ).fetchone()
    if row is not None:
        _end(connection, row[0])


def _end(connection: sqlite3.Connection, approval: int) -> None:
    connection.execute("DELETE FROM sim_used_refresh WHERE approval = ?", (approval,))
    connection.execute("DELETE FROM sim_tokens WHERE approval = ?", (approval,))
    connection.execute("DELETE FROM sim_approvals WHERE id = ?", (approval,))


def digest(token: str) -> str:
    """Return what is kept of a token."""
    return sha256(token.encode()).hexdigest()


def _opaque(start: str) -> str:
    return start + secrets.token_urlsafe(60).replace("-", ".")
