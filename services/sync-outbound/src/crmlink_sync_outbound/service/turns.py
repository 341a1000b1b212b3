"""A worker's turn: one workspace, at most a thousand members, every one settled or given back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import uuid4

from crmlink_common.errors import (
    CrmLinkError,
    LimitError,
    NotConnectedError,
    PermanentError,
    TransientError,
)
from crmlink_common.salesforce.budget import BudgetError, Reason, Wait
from crmlink_common.salesforce.budgets import Budgets
from crmlink_common.salesforce.errors import SalesforceLimitError
from crmlink_common.salesforce.limits import ApiUsage, WorkClass
from crmlink_common.telemetry.redaction import describe
from crmlink_sync_outbound.domain.outcomes import failed
from crmlink_sync_outbound.domain.views import Terms
from crmlink_sync_outbound.domain.work import Settlement, Turn, Work
from crmlink_sync_outbound.service.holding import held
from crmlink_sync_outbound.service.linked import Linked
from crmlink_sync_outbound.service.ports import Org, Orgs
from crmlink_sync_outbound.service.unlinked import Unlinked

log = logging.getLogger(__name__)
INACTIVE = timedelta(minutes=5)
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
    async def due(self, turn: Turn) -> set[str]: ...
    async def end(self, turn: Turn, seen: tuple[ApiUsage, datetime] | None) -> None: ...
    async def defer(self, turn: Turn, code: str, wait: timedelta) -> None: ...
    async def park(self, turn: Turn, code: str, wait: timedelta) -> None: ...


@dataclass(slots=True)
class Door:
    """A turn's org, opened only when it is to be asked something."""

    turn: Turn
    orgs: Orgs
    org: Org | None = None

    @property
    def workspace_id(self) -> str:
        return self.turn.workspace_id

    @property
    def org_id(self) -> str:
        return self.turn.org_id

    @property
    def usage(self) -> ApiUsage | None:
        return self.org.usage if self.org else None

    async def opened(self) -> Org:
        if self.org is None:
            org = await self.orgs.open(self.turn.workspace_id)
            if org.org_id != self.turn.org_id:  # the news of it is still on its way
                raise NotConnectedError("the connection leads to another org")
            self.org = org
        return self.org

    async def limits(self) -> object:
        return await (await self.opened()).limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Takes one turn after another."""

    turns: Turns
    orgs: Orgs
    linked: Linked
    unlinked: Unlinked
    budgets: Budgets
    instance: str
    lease: timedelta = timedelta(seconds=60)
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
            await self.turns.park(turn, *self._pause(turn, exc))
        except Exception as exc:  # noqa: BLE001 - one workspace's trouble holds up no other
            log.error(  # noqa: TRY400 - a traceback may show values
                "turn failed", extra={"workspace_id": turn.workspace_id, **describe(exc)}
            )
            await self.turns.park(turn, "turn_failed", _backoff(turn.parkings))
        return True

    def _pause(self, turn: Turn, error: CrmLinkError) -> tuple[str, timedelta]:
        """Say why the workspace waits, and for how long."""
        self.budgets.refused(turn.workspace_id, turn.org_id, error)
        judged = self.budgets.judge(turn.workspace_id, turn.org_id, WorkClass.EVENT)
        if isinstance(error, LimitError) and isinstance(judged, Wait):
            return judged.reason.value, judged.until - self.budgets.now()
        return error.code, _wait(error, turn.parkings)

    async def _work(self, turn: Turn) -> None:
        door = Door(turn, self.orgs)
        classes, waits = await self._admitted(turn, door)
        work = await self.turns.take(turn, classes) if classes else []
        if not work:
            await self._nothing(turn, waits)
            return
        org = await door.opened()
        limited = False
        try:
            for entity in sorted({one.pair.entity for one in work}):
                some = [one for one in work if one.pair.entity == entity]
                limited = await self._entity(turn, org, entity, some) or limited
        finally:
            self.budgets.heard(turn.workspace_id, turn.org_id, org.usage)
        if limited:
            await self.turns.park(turn, *self._pause(turn, SalesforceLimitError(LIMIT)))
        else:
            await self.turns.end(turn, self.budgets.usage(turn.workspace_id))

    async def _admitted(self, turn: Turn, door: Door) -> tuple[list[str], BudgetError | None]:
        """Name the classes of work that may go on, and why others that are due wait."""
        place = turn.workspace_id, turn.org_id
        self.budgets.recall(*place, turn.usage, turn.usage_at)
        await self.budgets.learn_shares(turn.workspace_id)
        if self.budgets.all_free(*place, CLASSES.values()):
            return list(CLASSES), None
        due = await self.turns.due(turn)
        admitted: list[str] = []
        waits: BudgetError | None = None
        for name, kind in CLASSES.items():
            if name not in due:
                self.budgets.idle(turn.workspace_id, kind)
                continue
            try:
                await self.budgets.admit(door, kind)
                admitted.append(name)
            except BudgetError as exc:
                waits = exc
        return admitted, waits

    async def _nothing(self, turn: Turn, waits: BudgetError | None) -> None:
        if waits is None:
            await self.turns.end(turn, self.budgets.usage(turn.workspace_id))
            return
        wait = waits.until - self.budgets.now()
        if waits.code == Reason.BUDGET:
            await self.turns.defer(turn, waits.code, wait)
        else:  # whatever comes in waits too
            await self.turns.park(turn, waits.code, wait)

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


def _backoff(parkings: int) -> timedelta:
    """Give back at once what failed; what goes on failing comes less and less often."""
    return min(timedelta(seconds=2 ** min(parkings, 10) - 1), LONGEST)


def _wait(error: CrmLinkError, parkings: int) -> timedelta:
    """Wait as told, else longer each time; a limit and a lost connection are probed gently."""
    if isinstance(error, TransientError) and error.retry_after is not None:
        return min(error.retry_after, LONGEST)
    base = 30 if isinstance(error, LimitError | NotConnectedError) else 5
    return min(timedelta(seconds=base * 2 ** min(parkings, 8)), LONGEST)
