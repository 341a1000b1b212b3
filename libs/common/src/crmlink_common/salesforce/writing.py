"""Sending writes: every record gets an outcome, whatever becomes of its call."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from crmlink_common.errors import (
    CrmLinkError,
    TransientError,
    UnknownOutcomeError,
)
from crmlink_common.salesforce.backoff import Backoff
from crmlink_common.salesforce.calls import json_body
from crmlink_common.salesforce.composite import HEAVY_PER_CALL
from crmlink_common.salesforce.errors import (
    SalesforceError,
    SalesforceTransientError,
    of_the_call,
)
from crmlink_common.salesforce.opening import Timeouts
from crmlink_common.salesforce.records import Record
from crmlink_common.salesforce.session import Session
from crmlink_common.salesforce.write_calls import ask, read_answer, requests_of
from crmlink_common.salesforce.write_keys import find, is_usual
from crmlink_common.salesforce.write_plan import Bounds, PlannedCall, Way, plan_write
from crmlink_common.salesforce.write_verdict import (
    BETWEEN_REPEATS,
    LOCKED,
    MOST_HALVINGS,
    Verdict,
    after_failure,
    told_to_caller,
)
from crmlink_common.salesforce.writes import ID, Operation, Outcome, Write

BETWEEN_LOCKS = Backoff(base=0.5)  # Salesforce itself has waited ten seconds for the row
SMALLER_FOR_LOCKS = (50, 10)  # per collection: the two times that locked rows are tried again
MOST_CALLS_FOR_LOCKS = 10  # each time; what is left over may be tried later


@dataclass(slots=True)
class Writing:
    """One write under way. Positions are those of the records as they were given."""

    session: Session
    write: Write
    records: Sequence[Record]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    timeouts: Timeouts | None = None  # of each call; None: the session's
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    stopped: SalesforceError | None = None  # after it nothing more is sent
    _bounds: Bounds = field(default_factory=Bounds)
    _calls: deque[PlannedCall] = field(default_factory=deque)
    _in_doubt: set[int] = field(default_factory=set)  # an answer about them was lost
    _locked: list[int] = field(default_factory=list)
    _halvings: int = MOST_HALVINGS
    _failures: int = 0  # calls in a row

    async def send(self, positions: Sequence[int]) -> None:
        """Give each of these records an outcome; no key may be among them twice."""
        await self._send(positions)
        for number, most in enumerate(SMALLER_FOR_LOCKS, 1):
            if self.stopped or not self._locked:
                break
            per_call = most * HEAVY_PER_CALL
            again = sorted(self._locked)[: per_call * MOST_CALLS_FOR_LOCKS]
            self._locked.clear()
            await self.sleep(BETWEEN_LOCKS.wait(number, None, self.jitter()))
            before = self._bounds
            self._bounds = replace(before, per_collection=most, per_call=per_call)
            await self._send(again)
            self._bounds = before
        self._locked.clear()

    def plan(self, positions: Sequence[int]) -> list[PlannedCall]:
        """Part these records into calls."""
        planned = plan_write(
            [len(json_body(self.records[position])) for position in positions],
            self.write.operation,
            version=self.session.api_version,
            bounds=self._bounds,
            by_path=all(self._is_named_in_path(position) for position in positions[:1]),
            types=self._types(positions),
        )
        return [
            PlannedCall(one.way, tuple(tuple(positions[n] for n in chunk) for chunk in one.chunks))
            for one in planned
        ]

    def not_sent(self, positions: Sequence[int]) -> None:
        """Say of these that they were not sent, since another call failed."""
        error = self.stopped
        if not isinstance(error, TransientError):
            error = SalesforceTransientError("NOT_SENT")
        self._fail(error, positions)

    async def _send(self, positions: Sequence[int]) -> None:
        self._calls = deque(self.plan(positions))
        while self._calls:
            call = self._calls.popleft()
            if self.stopped:
                self.not_sent(call.positions)
                continue
            wait = await self._call(call)
            if wait and self._calls:
                await self.sleep(wait)

    async def _call(self, call: PlannedCall) -> float:
        """Return the seconds to wait before the next."""
        requests = requests_of(self.session, self.write, call, self.records)
        try:
            answers = await ask(self.session, self.write, requests, self.timeouts)
        except CrmLinkError as exc:
            return self._failed([(call, of_the_call(exc))], whole=True)
        failed: list[tuple[PlannedCall, SalesforceError]] = []
        for told, chunk in zip(answers, call.chunks, strict=True):
            records = [self.records[position] for position in chunk]
            read = read_answer(told, self.write, call, records)
            if isinstance(read, SalesforceError):
                failed.append((_part_of(call, chunk), read))
                continue
            for position, outcome in zip(chunk, read, strict=True):
                self._came_to(position, outcome)
        return self._failed(failed, whole=len(call.chunks) == 1)

    def _failed(
        self, failed: Sequence[tuple[PlannedCall, SalesforceError]], *, whole: bool
    ) -> float:
        """Settle what had no answer of its own; the first failed part is sent first again."""
        self._failures = self._failures + 1 if failed else 0
        waits = [self._after(call, error, whole=whole) for call, error in reversed(failed)]
        return max(waits, default=0.0)

    def _after(self, call: PlannedCall, error: SalesforceError, *, whole: bool) -> float:
        positions, repeatable = call.positions, self.write.repeatable
        if isinstance(error, UnknownOutcomeError):
            self._in_doubt.update(positions)
        verdict = after_failure(
            error,
            count=len(positions),
            repeatable=repeatable,
            partable=not self.write.options.all_or_none,
            failures=self._failures,
            halvings=self._halvings,
        )
        if verdict is Verdict.PART:
            self._halvings -= 1
            self._failures = 0
            half = len(positions) // 2
            self._calls.extendleft(
                reversed(self.plan(positions[:half]) + self.plan(positions[half:]))
            )
            return 0.0
        if verdict is Verdict.LESS:
            self._bounds = self._bounds.halved(len(positions))
            left = positions + [position for one in self._calls for position in one.positions]
            self._calls = deque(self.plan(left))
        elif verdict is Verdict.AGAIN:
            self._calls.appendleft(call)
        else:
            self._fail(told := told_to_caller(error, repeatable=repeatable), positions)
            if verdict is Verdict.STOP and whole:
                self.stopped = told
            return 0.0
        return BETWEEN_REPEATS.wait(self._failures, error.retry_after, self.jitter())

    def _came_to(self, position: int, outcome: Outcome) -> None:
        """Read an outcome in the light of an earlier answer that was lost."""
        if position in self._in_doubt:
            outcome = self._once_done(outcome)
        self.outcomes[position] = outcome
        locked = outcome.error is not None and outcome.error.salesforce_code == LOCKED
        if locked and not self.write.options.all_or_none:
            self._locked.append(position)

    def _once_done(self, outcome: Outcome) -> Outcome:
        if outcome.ok and not outcome.created:
            return replace(outcome, created=None)  # the lost call may have created it
        return outcome

    def _fail(self, error: SalesforceError, positions: Sequence[int]) -> None:
        self.outcomes |= dict.fromkeys(positions, Outcome(ok=False, error=error))

    def _types(self, positions: Sequence[int]) -> list[str]:
        """Tell the objects of what is deleted by the first three characters of its id."""
        if self.write.operation is not Operation.DELETE:
            return []
        return [str(find(self.records[position], ID))[:3] for position in positions]

    def _is_named_in_path(self, position: int) -> bool:
        write = self.write
        if write.operation is not Operation.UPSERT or write.options.update_only:
            return True
        return is_usual(find(self.records[position], write.key_field))


def _part_of(call: PlannedCall, chunk: tuple[int, ...]) -> PlannedCall:
    row = call.way in {Way.ROW, Way.ROWS}
    return PlannedCall(Way.ROW if row else Way.COLLECTION, (chunk,))
