"""What the use cases need from outside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias

from crmlink_common.contracts.cloudevents import Record
from crmlink_common.errors import PermanentError, TransientError
from crmlink_common.salesforce.limits import WorkClass
from crmlink_oauth.domain.checks import Findings
from crmlink_oauth.domain.connection import Connection
from crmlink_oauth.domain.tokens import Identity, Org, TokenAnswer
from crmlink_oauth.domain.usage import Sample, Waiting
from crmlink_oauth.domain.workspaces import KnownWorkspace


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A sign-in that ``actor`` began. ``verifier`` is sealed."""

    workspace_id: str
    state_hash: str
    browser_hash: str
    verifier: str = field(repr=False)
    epoch: int
    actor: str
    expires_at: datetime
    used_at: datetime | None = None

    def as_row(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingRevocation:
    """A token that Salesforce has yet to forget. ``token`` is sealed."""

    workspace_id: str
    id: str
    login_url: str
    token: str = field(repr=False)
    attempts: int = 0
    next_at: datetime
    expires_at: datetime
    failed_at: datetime | None = None

    def as_row(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one service last saw of the org's daily limit."""

    client: str
    used: int
    limit: int
    at: datetime

    def as_row(self) -> dict[str, Any]:
        return asdict(self)


class Connections(Protocol):
    async def find(self, workspace_id: str) -> Connection: ...
    async def lock(self, workspace_id: str) -> Connection: ...
    async def try_lock(self, workspace_id: str) -> Connection | None: ...
    async def lock_some(self, workspace_ids: Collection[str]) -> dict[str, Connection]: ...
    async def lock_all(self, workspace_ids: Collection[str]) -> dict[str, Connection]: ...
    async def save(self, connection: Connection) -> None: ...
    async def has_sibling(self, connection: Connection) -> bool: ...
    async def holds(self, refresh_hash: str) -> bool: ...
    async def page_after(self, workspace_id: str, size: int) -> list[str]: ...


class SignIns(Protocol):
    async def make_room(self, workspace_id: str, keep: int) -> None: ...
    async def add(self, sign_in: SignIn) -> None: ...
    async def lock(self, workspace_id: str, state_hash: str) -> SignIn | None: ...
    async def use(self, sign_in: SignIn, now: datetime) -> None: ...
    async def forget_before(self, moment: datetime) -> int: ...


class Revocations(Protocol):
    async def add(self, pending: PendingRevocation) -> None: ...
    async def claim(self, now: datetime, lease: timedelta) -> PendingRevocation | None: ...
    async def retry(self, pending: PendingRevocation, at: datetime) -> None: ...
    async def give_up(self, pending: PendingRevocation, now: datetime) -> None: ...
    async def done(self, pending: PendingRevocation) -> None: ...
    async def forget_before(self, moment: datetime) -> int: ...
    async def last_failed(self, workspace_id: str) -> datetime | None: ...


class Workspaces(Protocol):
    async def allows(self, workspace_id: str) -> bool: ...
    async def lock(self, workspace_ids: Collection[str]) -> dict[str, KnownWorkspace]: ...
    async def save(self, known: Sequence[KnownWorkspace]) -> None: ...
    async def removed_before(self, moment: datetime, status: str, size: int) -> list[str]: ...
    async def forget_before(self, moment: datetime) -> int: ...


class UsageReports(Protocol):
    async def note(self, workspace_id: str, seen: Usage) -> None: ...
    async def latest(self, workspace_id: str) -> Usage | None: ...
    async def all(self, workspace_id: str) -> list[Usage]: ...
    async def forget(self, workspace_id: str) -> None: ...


class Checks(Protocol):
    async def find(self, workspace_id: str) -> Findings | None: ...
    async def save(self, workspace_id: str, found: Findings) -> None: ...
    async def forget(self, workspace_id: str) -> None: ...


class Budgets(Protocol):
    async def note(self, org_id: str, seen: Sample) -> None: ...
    async def history(self, org_id: str, since: datetime) -> list[Sample]: ...
    async def forget_before(self, moment: datetime) -> None: ...
    async def keep_waiting(
        self, workspace_id: str, client: str, waiting: Sequence[Waiting]
    ) -> None: ...
    async def waiting(self, workspace_id: str) -> dict[str, list[Waiting]]: ...
    async def shares(self, workspace_id: str) -> dict[str, int] | None: ...
    async def save_shares(self, workspace_id: str, shares: Mapping[WorkClass, int]) -> None: ...
    async def forget(self, workspace_id: str) -> None: ...


class Outbox(Protocol):
    async def add(self, records: Iterable[Record]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """Everything that one transaction can touch."""

    connections: Connections
    sign_ins: SignIns
    revocations: Revocations
    workspaces: Workspaces
    usage: UsageReports
    budgets: Budgets
    checks: Checks
    outbox: Outbox


Work: TypeAlias = Callable[[], AbstractAsyncContextManager[Transaction]]


class Seals(Protocol):
    """A key ring."""

    def seal(self, plain: str, *, workspace: str, column: str) -> str: ...
    def open(self, sealed: str, *, workspace: str, column: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The Salesforce app of one workspace, opened for one call."""

    login_url: str
    client_id: str
    client_secret: str = field(repr=False)


class TokenRefusedError(PermanentError):
    """Salesforce gives no token; ``code`` is one of the refusals."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class SessionEndedError(TokenRefusedError):
    """The org does not take this access token; another one might do."""

    def __init__(self) -> None:
        super().__init__("salesforce_refused")


class NotAnsweredError(TransientError):
    """No answer to believe. ``consumed``: Salesforce may have acted on the request."""

    def __init__(self, message: str, *, consumed: bool, code: str = "not_answering") -> None:
        super().__init__(message, retry_after=timedelta(seconds=5))
        self.consumed = consumed
        self.code = code


class Salesforce(Protocol):
    """Raises TokenRefusedError or NotAnsweredError, nothing else."""

    async def exchange(
        self, app: App, *, code: str, verifier: str, callback_url: str
    ) -> TokenAnswer: ...
    async def refresh(self, app: App, refresh_token: str) -> TokenAnswer: ...
    async def revoke(self, login_url: str, token: str) -> None: ...
    async def identity(self, instance_url: str, token: str) -> Identity: ...
    async def versions(self, instance_url: str) -> list[str]: ...
    async def org(self, instance_url: str, token: str, version: str) -> Org: ...
    async def describe(
        self, instance_url: str, token: str, version: str, name: str
    ) -> dict[str, Any] | None: ...
