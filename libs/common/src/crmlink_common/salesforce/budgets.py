"""What a process knows of the limits of all its orgs, and whether work may call one of them."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from crmlink_common.errors import CrmLinkError, LimitError
from crmlink_common.salesforce.budget import (
    Allow,
    BudgetError,
    Decision,
    Probe,
    Reason,
    Standing,
    Wait,
    decide,
    heard,
    probing,
    refused,
)
from crmlink_common.salesforce.limits import ApiBudget, ApiUsage, WorkClass

MOST_KEPT = 10_000  # orgs, and workspaces; one that is forgotten is learned of anew
SHARES_KEPT = timedelta(minutes=5)
SHARES_AGAIN = timedelta(seconds=30)  # after oauth did not answer
MOMENT = timedelta(seconds=1)
GIVEN_UP = timedelta(minutes=2)  # whoever waits asks again when the wait ends


def _now() -> datetime:
    return datetime.now(UTC)


class Probed(Protocol):
    """An org, as far as it is needed to learn how its limit stands."""

    @property
    def workspace_id(self) -> str: ...
    @property
    def org_id(self) -> str: ...
    @property
    def usage(self) -> ApiUsage | None: ...
    def limits(self) -> Awaitable[object]:
        """Make one cheap call that counts as any other."""
        ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """Work of one class that waits in this process."""

    work: WorkClass
    since: datetime
    until: datetime
    reason: Reason


@dataclass(slots=True)
class OfWorkspace:
    """What is known of one workspace: its shares, its org, and which work waits."""

    org_id: str = ""
    budget: ApiBudget = field(default_factory=ApiBudget)
    shares_at: datetime | None = None
    waiting: dict[WorkClass, Waiting] = field(default_factory=dict)


class Budgets:
    """One per process. Workspaces on one org share what is known of it, and its parking.

    Nothing is stored: after a restart the first answer tells. ``changed`` hears of each workspace
    whose usage or waiting became another; ``ask_shares`` gives a workspace's own shares, or None.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = _now,
        jitter: Callable[[], float] = random.random,
        most: int = MOST_KEPT,
    ) -> None:
        self.now = now
        self.changed: Callable[[str], None] = lambda _: None
        self.ask_shares: Callable[[str], Awaitable[Mapping[WorkClass, int] | None]] | None = None
        self._jitter = jitter
        self._most = most
        self._orgs: OrderedDict[str, Standing] = OrderedDict()
        self._workspaces: OrderedDict[str, OfWorkspace] = OrderedDict()

    def judge(self, workspace_id: str, org_id: str, work: WorkClass) -> Decision:
        """Decide, and keep what waits; sends nothing."""
        known = self._of(workspace_id, org_id)
        decision = decide(work, self._standing(org_id), known.budget, self.now())
        before = known.waiting.get(work)
        if isinstance(decision, Wait):
            since = self._since(org_id, before)
            after = Waiting(work, since, decision.until, decision.reason)
            known.waiting[work] = after
            if after != before:
                self.changed(workspace_id)
        elif isinstance(decision, Allow) and before is not None:
            del known.waiting[work]
            self.changed(workspace_id)
        return decision

    def all_free(self, workspace_id: str, org_id: str, works: Collection[WorkClass]) -> bool:
        """Say whether all of these may go on: then none of them waits."""
        known, standing = self._of(workspace_id, org_id), self._standing(org_id)
        now = self.now()
        if not all(isinstance(decide(one, standing, known.budget, now), Allow) for one in works):
            return False
        for one in works:
            self.idle(workspace_id, one)
        return True

    def idle(self, workspace_id: str, work: WorkClass) -> None:
        """Forget that a class waits: there is none of it left."""
        if self._of(workspace_id).waiting.pop(work, None) is not None:
            self.changed(workspace_id)

    def recall(
        self, workspace_id: str, org_id: str, usage: ApiUsage | None, seen_at: datetime | None
    ) -> None:
        """Take in what was kept of an earlier answer, unless a newer one is known."""
        self._of(workspace_id, org_id)
        known = self._standing(org_id)
        if usage is not None and seen_at is not None and known.seen_at is None:
            self._keep(org_id, replace(known, usage=usage, seen_at=seen_at))

    def require(self, workspace_id: str, org_id: str, work: WorkClass) -> None:
        """Judge between the calls of work under way; raise BudgetError when it must wait."""
        decision = self.judge(workspace_id, org_id, work)
        if isinstance(decision, Probe):  # whoever begins anew sends it
            decision = Wait(self.now() + MOMENT, Reason.BUDGET)
        if isinstance(decision, Wait):
            raise BudgetError(decision, self.now())

    async def admit(self, org: Probed, work: WorkClass) -> None:
        """Let work begin; at most one call is made for all who wait, and it tells.

        Raises:
            BudgetError: it must wait.
            TransientError: the org did not answer the probe.
        """
        await self.learn_shares(org.workspace_id)
        decision = self.judge(org.workspace_id, org.org_id, work)
        if isinstance(decision, Probe):
            await self._probe(org)
            decision = self.judge(org.workspace_id, org.org_id, work)
        if isinstance(decision, Probe):  # so late that the next one is due
            decision = Wait(self.now() + MOMENT, Reason.BUDGET)
        if isinstance(decision, Wait):
            raise BudgetError(decision, self.now())

    def heard(self, workspace_id: str, org_id: str, usage: ApiUsage | None) -> None:
        """Learn from an answer, though it may tell no usage."""
        known, before = self._of(workspace_id, org_id), self._standing(org_id)
        after = heard(before, usage, known.budget, self.now())
        if after != before:
            self._keep(org_id, after)
            self.changed(workspace_id)

    def refused(self, workspace_id: str, org_id: str, error: CrmLinkError) -> None:
        """Learn from an error: only one about the org's limit on calls counts."""
        if isinstance(error, LimitError) and not isinstance(error, BudgetError):
            before = self._standing(org_id)
            self._keep(org_id, refused(before, error, self.now(), self._jitter()))
            self.changed(workspace_id)

    @contextmanager
    def watching(self, workspace_id: str, org_id: str, work: WorkClass) -> Iterator[None]:
        """Learn from a limit that calls within meet; raise BudgetError where it parks them."""
        try:
            yield
        except BudgetError:
            raise
        except LimitError as exc:
            self.refused(workspace_id, org_id, exc)
            self.require(workspace_id, org_id, work)
            raise

    def usage(self, workspace_id: str) -> tuple[ApiUsage, datetime] | None:
        """Return what was last seen in the workspace's org, and when."""
        known = self._workspaces.get(workspace_id)
        standing = self._orgs.get(known.org_id) if known else None
        if standing is None or standing.usage is None or standing.seen_at is None:
            return None
        return standing.usage, standing.seen_at

    def org_of(self, workspace_id: str) -> str:
        """Name the org that is known for a workspace; '' when none is."""
        known = self._workspaces.get(workspace_id)
        return known.org_id if known else ""

    def waiting(self, workspace_id: str) -> Collection[Waiting]:
        """Return the work that waits, the most urgent first; not what has given up since."""
        known = self._workspaces.get(workspace_id)
        waits = [known.waiting[one] for one in WorkClass if one in known.waiting] if known else []
        return [one for one in waits if one.until > self.now() - GIVEN_UP]

    def remaining_share(self, workspace_id: str, org_id: str, work: WorkClass) -> float:
        """Say how much of the org's daily limit a class may still use; 1 while it is unknown."""
        usage = self._standing(org_id).usage
        if usage is None:
            return 1.0
        budget = self._of(workspace_id, org_id).budget
        return budget.remaining(work, usage) / max(1, usage.limit)

    def set_shares(self, workspace_id: str, shares: Mapping[WorkClass, int]) -> None:
        """Judge this workspace's work by its own shares from now on."""
        known = self._of(workspace_id)
        known.budget, known.shares_at = ApiBudget(shares), self.now()

    async def learn_shares(self, workspace_id: str) -> None:
        """Ask for the workspace's shares unless they were told lately."""
        known = self._of(workspace_id)
        at = known.shares_at
        lately = at is not None and timedelta(0) <= self.now() - at < SHARES_KEPT
        if self.ask_shares is None or lately:
            return
        if (shares := await self.ask_shares(workspace_id)) is not None:
            self.set_shares(workspace_id, shares)
        else:  # those known, or the defaults
            known.shares_at = self.now() - SHARES_KEPT + SHARES_AGAIN

    async def _probe(self, org: Probed) -> None:
        org_id = org.org_id
        self._keep(org_id, probing(self._standing(org_id), self.now(), self._jitter()))
        try:
            await org.limits()
        except LimitError as exc:
            self.heard(org.workspace_id, org_id, org.usage)  # a refusal tells it too
            self.refused(org.workspace_id, org_id, exc)
        else:
            self.heard(org.workspace_id, org_id, org.usage)
        finally:
            self._keep(org_id, replace(self._standing(org_id), probing=False))

    def _since(self, org_id: str, before: Waiting | None) -> datetime:
        refusal = self._standing(org_id).refusal
        if before is not None:
            return before.since
        return refusal.since if refusal else self.now()

    def _standing(self, org_id: str) -> Standing:
        return self._orgs.get(org_id) or Standing()

    def _keep(self, org_id: str, standing: Standing) -> None:
        self._orgs[org_id] = standing
        self._orgs.move_to_end(org_id)
        if len(self._orgs) > self._most:
            self._orgs.popitem(last=False)

    def _of(self, workspace_id: str, org_id: str = "") -> OfWorkspace:
        found = self._workspaces.setdefault(workspace_id, OfWorkspace())
        self._workspaces.move_to_end(workspace_id)
        if len(self._workspaces) > self._most:
            self._workspaces.popitem(last=False)
        if org_id and org_id != found.org_id:
            found.org_id = org_id
            found.waiting.clear()
        return found
