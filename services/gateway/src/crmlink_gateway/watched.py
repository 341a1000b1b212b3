"""Tells oauth, now and then, that somebody looks at a connection: it looks after it more often."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from crmlink_common.internal.problems import RemoteError
from crmlink_gateway.clients import Part
from crmlink_gateway.errors import ServiceUnavailableError

EVERY = 30.0  # seconds; what it says is good for 90
MOST_KNOWN = 10_000


@dataclass(slots=True)
class Watched:
    """One per process; however many look, each workspace is told of once in ``EVERY``."""

    oauth: Part
    clock: Callable[[], float] = time.monotonic
    _told: OrderedDict[str, float] = field(default_factory=OrderedDict)

    def due(self, workspace_id: str) -> bool:
        """Say whether it is to be told again now; if so, whoever asks next need not."""
        now, last = self.clock(), self._told.get(workspace_id)
        if last is not None and now - last < EVERY:
            return False
        self._told[workspace_id] = now
        self._told.move_to_end(workspace_id)
        if len(self._told) > MOST_KNOWN:
            self._told.popitem(last=False)
        return True

    async def tell(self, workspace_id: str) -> None:
        """Tell it; what shows the page does not depend on that."""
        with suppress(RemoteError, ServiceUnavailableError):
            await self.oauth.call("POST", workspace_id, "/watched")
