"""What a worker holds while it works, and what it settles."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from crmlink_common.contracts.cloudevents import Record
from crmlink_common.salesforce.limits import ApiUsage
from crmlink_sync_outbound.domain.outcomes import Kind, Outcome
from crmlink_sync_outbound.domain.pair import Awaiting, Bases, Pair, Swings, Values
from crmlink_sync_outbound.domain.reconcile import Contest


@dataclass(frozen=True, slots=True)
class Turn:
    """A workspace's turn, leased to one worker."""

    workspace_id: str
    holder: str
    active: bool
    org_id: str
    usage: ApiUsage | None = None
    parkings: int = 0
    usage_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """One leased row of pending work with its pair."""

    pair: Pair
    generation: int
    attempts: int
    event: bool = True  # or batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of one leased row; of the pair only what is not None changes."""

    work: Work
    outcome: Outcome
    base: Bases | None = None
    awaiting: Awaiting | None = None
    swings: Swings | None = None
    seen: Values | None = None  # of the record: read, or written by us
    record_modified_at: datetime | None = None
    record_fate: str | None = None
    observed_at: datetime | None = None
    read: bool = False  # the record was read: what was in doubt is known
    wrote_at: datetime | None = None
    contests: list[Contest] = field(default_factory=list)
    messages: list[Record] = field(default_factory=list)

    @property
    def counts(self) -> bool:
        """Say whether a run that waits for this member need wait no longer."""
        kind = self.outcome.kind
        return kind is not Kind.RETRY
