"""The database as the workers use it: short transactions, none of them open while they wait."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from crmlink_sync_outbound.domain.intents import Ending
from crmlink_sync_outbound.domain.resolving import Intent, Wanted
from crmlink_sync_outbound.domain.work import Turn, Work


class Standing(Protocol):
    """Whether work may still be sent."""

    async def of(self, turn: Turn, work: Collection[Work]) -> set[str]:
        """Name the members whose lease and link revision stand right now."""
        ...


class IntentBook(Protocol):
    """Creates under way; each call is a transaction of its own."""

    async def open(self, turn: Turn, members: Collection[str]) -> dict[str, Intent]: ...
    async def begin(
        self, turn: Turn, all_wanted: Sequence[Wanted], target: str, field: str
    ) -> None: ...
    async def send(self, turn: Turn, intents: Sequence[Intent], sent_at: datetime) -> set[str]: ...
    async def settle(self, turn: Turn, endings: Sequence[Ending]) -> None: ...
    async def taken(self, turn: Turn, ids: Collection[str]) -> set[str]: ...
