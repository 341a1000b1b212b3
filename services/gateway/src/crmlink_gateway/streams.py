"""Live progress: one reader for each thing that is watched, shared by all who watch it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from crmlink_common.errors import CrmLinkError
from crmlink_common.internal.problems import RemoteError
from crmlink_common.messaging.workers import delays
from crmlink_common.telemetry.redaction import describe
from crmlink_gateway.errors import TooManyStreamsError

log = logging.getLogger(__name__)

State: TypeAlias = dict[str, Any]  # it has at least a `revision`
Read: TypeAlias = Callable[[], Awaitable[State]]
TWICE_A_SECOND = 0.5
LONGEST = 900.0  # seconds that a stream lasts: keys are revoked, features switched off
SLOWEST = 5.0  # between two reads while the owner does not answer
GONE = 404
ENDED = frozenset({"completed", "completed_with_errors", "failed", "cancelled"})


def ended(state: State) -> bool:
    """Say whether nothing more will happen to a run."""
    return state.get("status") in ENDED


@dataclass(slots=True)
class Watched:
    """The newest state of one thing, and everybody who waits for a newer one."""

    state: State | None = None
    error: CrmLinkError | None = None  # of the first read, or that it is gone
    viewers: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)  # of now; the next has its own
    reader: asyncio.Task[None] | None = None

    def tell(self, *, state: State | None = None, error: CrmLinkError | None = None) -> None:
        """Wake the viewers, unless this is what they know."""
        known = self.state
        if known and state and state["revision"] == known["revision"]:
            return
        self.state, self.error = state or known, error
        told, self.changed = self.changed, asyncio.Event()
        told.set()

    async def newer_than(self, revision: int | None) -> State:
        """Wait for a state that the viewer has not seen.

        Raises:
            CrmLinkError: there was never one, or it is gone.
        """
        while True:
            if self.error is not None:
                raise self.error
            if self.state is not None and self.state["revision"] != revision:
                return self.state
            await self.changed.wait()


@dataclass(slots=True, kw_only=True)
class Streams:
    """As many viewers as ``most``, and ``most_each`` of one workspace.

    Each thing is read at most twice a second for all who watch it.
    """

    most: int
    most_each: int
    longest: float = LONGEST
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    viewers: Counter[str] = field(default_factory=Counter)  # of each workspace
    watched: dict[tuple[str, str], Watched] = field(default_factory=dict)

    @asynccontextmanager
    async def watching(self, workspace_id: str, what: str, read: Read) -> AsyncIterator[Watched]:
        """Join those who watch ``what``; the first starts the reader, the last ends it.

        Raises:
            TooManyStreamsError: too many watch already.
        """
        if self.viewers.total() >= self.most or self.viewers[workspace_id] >= self.most_each:
            raise TooManyStreamsError
        key = (workspace_id, what)
        one = self.watched.setdefault(key, Watched())
        self.viewers[workspace_id] += 1
        one.viewers += 1
        if one.reader is None:
            one.reader = asyncio.create_task(self._read(one, read))
        try:
            yield one
        finally:
            one.viewers -= 1
            if not one.viewers:
                self.watched.pop(key, None)
                one.reader.cancel()
            self.viewers -= Counter([workspace_id])  # drops the workspace with its last viewer

    async def _read(self, one: Watched, read: Read) -> None:
        """Read until the end of a run; trouble that passes slows it down, no more."""
        waits = delays(TWICE_A_SECOND, SLOWEST)
        while True:
            try:
                state = await read()
            except CrmLinkError as exc:
                gone = isinstance(exc, RemoteError) and exc.http_status == GONE
                if gone or one.state is None:
                    return one.tell(error=exc)
                await self.sleep(next(waits))
                continue
            except Exception as exc:  # noqa: BLE001 - its viewers must not wait for ever
                log.error("stream ended", extra=describe(exc))  # noqa: TRY400 - type and place
                return one.tell(error=CrmLinkError("the stream broke"))
            waits = delays(TWICE_A_SECOND, SLOWEST)
            one.tell(state=state)
            if ended(state):
                return None
            await self.sleep(TWICE_A_SECOND)
