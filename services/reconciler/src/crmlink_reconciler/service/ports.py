"""What the use cases need of the world."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

from crmlink_common.contracts.cloudevents import DataT, Event, Record, Topic
from crmlink_reconciler.domain.directory import Key, Known
from crmlink_reconciler.domain.linking import Link, Target
from crmlink_reconciler.domain.matching import Match

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class WorkspaceState:
    """How a workspace stands with us; by default it is inactive."""

    active: bool = False
    region: str = "US"
    org_id: str = ""
    org_confirmed: bool = True
    target_object: str = "Contact"


@dataclass(frozen=True, slots=True)
class FoundMatch:
    """A match as kept: its state, the proposed record, and all candidates by record id."""

    state: str
    first: str
    targets: dict[str, Target] = field(default_factory=dict)


class Directory(Protocol):
    async def lock(self, keys: Collection[Key]) -> dict[Key, Known]: ...
    async def peek(self, keys: Collection[Key]) -> dict[Key, Known]: ...
    async def save(self, known: Mapping[Key, Known], now: datetime) -> None: ...
    async def unlinked(self, workspace_id: str, after: str, limit: int) -> list[tuple[str, Known]]:
        """Page through the members that may be matched."""
        ...

    async def count_unlinked(self, workspace_id: str) -> int: ...


class Links(Protocol):
    async def lock(self, keys: Collection[Key]) -> dict[Key, Link]: ...
    async def lock_by_record(self, records: Collection[tuple[str, str, str]]) -> list[Link]: ...
    async def holders(
        self, records: Collection[tuple[str, str, str]]
    ) -> dict[tuple[str, str, str], Key]: ...
    async def save(self, changed: Mapping[Key, tuple[Link, str]]) -> None: ...
    async def remember(self, decisions: Sequence[tuple[Link, str]]) -> None: ...
    async def causes(
        self, keys: Collection[Key], wanted: Collection[str]
    ) -> dict[Key, set[str]]: ...


class Reservations(Protocol):
    async def lock(self, keys: Collection[Key]) -> dict[Key, str]: ...
    async def overdue(self, keys: Collection[Key], since: datetime) -> set[Key]:
        """Give those of these members that have been held since before then."""
        ...

    async def save(self, intents: Mapping[Key, str]) -> None: ...
    async def drop(self, keys: Collection[Key]) -> None: ...


class Matches(Protocol):
    async def of(self, keys: Collection[Key]) -> dict[Key, FoundMatch]: ...
    async def proposed(self, workspace_id: str, after: str, limit: int) -> list[str]: ...
    async def claimed(
        self, workspace_id: str, record_ids: Collection[str], but: Collection[str]
    ) -> dict[str, int]: ...
    async def save(
        self, workspace_id: str, run_id: str, org_id: str, decided: Sequence[Match]
    ) -> None: ...
    async def mark_linked(self, keys: Collection[Key]) -> None: ...
    async def forget(self, keys: Collection[Key]) -> None: ...
    async def drop_others(self, workspace_id: str, run_id: str, limit: int) -> int:
        """Drop what other runs found, some at a time; return how many."""
        ...

    async def acquit(self, workspace_id: str, run_id: str) -> None:
        """Propose what was doubted for another member's sake whom nothing speaks for now."""
        ...

    async def tally(self, workspace_id: str, run_id: str) -> dict[tuple[str, str], int]:
        """Count what a run found, by state and by what it was found."""
        ...


class Projected(Protocol):
    async def save_workspaces(self, rows: Sequence[Values]) -> None: ...
    async def save_connections(self, rows: Sequence[Values]) -> None: ...
    async def save_configs(self, rows: Sequence[Values]) -> None: ...
    async def standing(self, workspace_id: str) -> WorkspaceState: ...


class Parked(Protocol):
    async def park(self, workspace_id: str, need: str, records: Sequence[Record]) -> None: ...
    async def release(
        self, workspace_id: str, needs: Collection[str], topic: Topic[DataT]
    ) -> list[Event[DataT]]: ...


class Outgoing(Protocol):
    async def add(self, records: Iterable[Record]) -> None: ...


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """All that one transaction works with.

    Locks are taken in this order everywhere: members, reservations, links.
    """

    directory: Directory
    links: Links
    reservations: Reservations
    matches: Matches
    projections: Projected
    parking: Parked
    outbox: Outgoing
    now: Callable[[], datetime] = _now
    new_id: Callable[[], UUID] = uuid4
