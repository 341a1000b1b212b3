"""A worker's turn: one workspace, at most a thousand members, every one settled or given back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
from uuid import uuid4

from crmlink_common.errors import (
    CrmLinkError,
    LimitError,
    NotConnectedError,
    PermanentError,
    TransientError,
)
from crmlink_common.salesforce.limits import ApiBudget, ApiUsage, WorkClass
from crmlink_common.telemetry.redaction import describe
from crmlink_sync_outbound.domain.outcomes import failed
from crmlink_sync_outbound.domain.views import Terms
from crmlink_sync_outbound.domain.work import Settlement, Turn, Work
from crmlink_sync_outbound.service.holding import held
from crmlink_sync_outbound.service.linked import Linked
from crmlink_sync_outbound.service.ports import Org, Orgs, UsageReports
from crmlink_sync_outbound.service.unlinked import Unlinked

log = logging.getLogger(__name__)
INACTIVE = timedelta(minutes=5)
PROBE = timedelta(minutes=1)
LONGEST = timedelta(minutes=15)
LIMIT = "REQUEST_LIMIT_EXCEEDED"
CLASSES = {"event": WorkClass.EVENT, "batch": WorkClass.BATCH}


class Turns(Protocol):
    """The queue; each call is a transaction of its own."""

    async def claim(self, holder: str) -> Turn | None: ...
    async def renew(self, turn: Turn) -> None: ...
    async def take(self, turn: Turn, classes: Sequence[str]) -> list[Work]: ...
    async def terms(self, workspace_id: str, entity: str) -> Terms | None: ...
    async def settle(self, turn: Turn, settlements: Sequence[Settlement]) -> None: ...
    async def end(self, turn: Turn, usage: ApiUsage | None) -> None: ...
    async def defer(self, turn: Turn, code: str, wait: timedelta) -> None: ...
    async def park(self, turn: Turn, code: str, wait: timedelta) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Takes one turn after another."""

    turns: Turns
    orgs: Orgs
    linked: Linked
    unlinked: Unlinked
    usage: UsageReports
    instance: str
    lease: timedelta = timedelta(seconds=60)
    budget: ApiBudget = field(default_factory=ApiBudget)
    new_id: Callable[[], str] = lambda: uuid4().hex

    async def take_turn(self) -> bool:
        """Work for the workspace that has waited longest; False when none is due."""
        turn = await self.turns.claim(f"{self.instance}:{self.new_id()}")
        if turn is None:
            return False
        if not turn.active:
            await self.turns.park(turn, "not_connected", INACTIVE)
            return True
        try:
            async with held(self.turns, turn, self.lease):
                await self._work(turn)
        except CrmLinkError as exc:
            log.warning(
                "workspace parked", extra={"workspace_id": turn.workspace_id, **describe(exc)}
            )
            await self.turns.park(turn, exc.code, _wait(exc, turn.parkings))
        except Exception as exc:  # noqa: BLE001 - one workspace's trouble holds up no other
            log.error(  # noqa: TRY400 - a traceback may show values
                "turn failed", extra={"workspace_id": turn.workspace_id, **describe(exc)}
            )
            await self.turns.park(turn, "turn_failed", _pause(turn.parkings))
        return True

    async def _work(self, turn: Turn) -> None:
        classes = [name for name, kind in CLASSES.items() if self.budget.allows(kind, turn.usage)]
        if not classes:
            await self.turns.defer(turn, "budget_used_up", PROBE)
            return
        work = await self.turns.take(turn, classes)
        if not work:
            await self._nothing(turn, classes)
            return
        org = await self.orgs.open(turn.workspace_id)
        limited = False
        for entity in sorted({one.pair.entity for one in work}):
            some = [one for one in work if one.pair.entity == entity]
            limited = await self._entity(turn, org, entity, some) or limited
        if limited:
            await self.turns.park(turn, LIMIT, _wait(LimitError(LIMIT), turn.parkings))
        else:
            await self.turns.end(turn, org.usage or turn.usage)
        await self.usage.report(turn.workspace_id, org.usage)

    async def _nothing(self, turn: Turn, classes: Sequence[str]) -> None:
        if len(classes) < len(CLASSES):
            await self.turns.defer(turn, "budget_used_up", PROBE)
        else:
            await self.turns.end(turn, turn.usage)

    async def _entity(self, turn: Turn, org: Org, entity: str, work: Sequence[Work]) -> bool:
        """Settle one entity type's; say whether the org's limit was met."""
        terms = await self.turns.terms(turn.workspace_id, entity)
        if terms is None:
            gone = [Settlement(work=one, outcome=failed("not_configured")) for one in work]
            await self.turns.settle(turn, gone)
            return False
        settled: list[Settlement] = []
        parts: list[tuple[Linked | Unlinked, list[Work]]] = [
            (self.linked, [one for one in work if one.pair.linked]),
            (self.unlinked, [one for one in work if not one.pair.linked]),
        ]
        for part, some in parts:
            if some:
                done = await _settled(part, turn, org, terms, some)
                await self.turns.settle(turn, done)
                settled += done
        return any(one.outcome.code == LIMIT for one in settled)


async def _settled(
    part: Linked | Unlinked, turn: Turn, org: Org, terms: Terms, work: list[Work]
) -> list[Settlement]:
    """What Salesforce refuses for good is the members' outcome, not the workspace's."""
    try:
        return await part.settle(turn, org, terms, work)
    except PermanentError as exc:
        log.warning("refused", extra={"workspace_id": turn.workspace_id, **describe(exc)})
        return [Settlement(work=one, outcome=failed(exc.code)) for one in work]


def _pause(parkings: int) -> timedelta:
    """Give back at once what failed; what goes on failing comes less and less often."""
    return min(timedelta(seconds=2 ** min(parkings, 10) - 1), LONGEST)


def _wait(error: CrmLinkError, parkings: int) -> timedelta:
    """Wait as told, else longer each time; a limit and a lost connection are probed gently."""
    if isinstance(error, TransientError) and error.retry_after is not None:
        return min(error.retry_after, LONGEST)
    base = 30 if isinstance(error, LimitError | NotConnectedError) else 5
    return min(timedelta(seconds=base * 2 ** min(parkings, 8)), LONGEST)
