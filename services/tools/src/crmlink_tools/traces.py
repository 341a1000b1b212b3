"""A trace of requests that were refused for want of access: once an hour, not once a request."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from crmlink_common.contracts.activity import ACTIVITY_V1, Activity
from crmlink_common.contracts.cloudevents import Record, encode

AGAIN_AFTER = timedelta(hours=1)
MOST = 10_000  # workspaces with their codes; what falls out is told once more


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """Tells a workspace's people why their assistants get nothing, however often these ask."""

    now: Callable[[], datetime] = _now
    new_id: Callable[[], UUID] = uuid4
    most: int = MOST
    _told: OrderedDict[tuple[str, str], datetime] = field(default_factory=OrderedDict)

    def of_refusal(self, workspace_id: str, tool: str, code: str) -> list[Record]:
        """Give the message to leave behind; none when the same was told within the hour."""
        key, now = (workspace_id, code), self.now()
        if (before := self._told.get(key)) is not None and now - before < AGAIN_AFTER:
            return []
        self._told[key] = now
        self._told.move_to_end(key)
        if len(self._told) > self.most:
            self._told.popitem(last=False)
        refused = Activity(
            workspace_id=workspace_id,
            action="tool.refused",
            actor="service:tools",
            code=code,
            details={"tool": tool},
        )
        event_id = str(self.new_id())
        return [encode(ACTIVITY_V1, refused, event_id=event_id, source="/tools", time=now)]
