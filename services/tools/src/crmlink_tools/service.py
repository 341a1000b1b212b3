"""Use cases of the bus: write requests down, learn who may ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from crmlink_common.contracts.cloudevents import Deleted, Event
from crmlink_common.contracts.connections import Connection
from crmlink_common.contracts.tools import REPLY_TOPIC_HEADER, TOOL_REPLIES_V1, ToolRequest
from crmlink_common.contracts.workspaces import Workspace
from crmlink_tools.domain import reply_topic
from crmlink_tools.storage.tables import ConnectionRow, WorkspaceRow

Values = dict[str, Any]


class Keeps(Protocol):
    async def accept(self, rows: Sequence[Values]) -> None: ...
    async def learn(
        self, model: type[WorkspaceRow | ConnectionRow], rows: list[Values]
    ) -> None: ...


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What the bus brings."""

    keeps: Keeps
    now: Callable[[], datetime] = _now

    async def requests(self, events: Sequence[Event[ToolRequest]]) -> None:
        rows = {
            (event.data.key, event.data.request_id): self._row(event, event.data)
            for event in events
            if not isinstance(event.data, Deleted)
        }
        if rows:
            await self.keeps.accept(list(rows.values()))

    async def workspaces(self, events: Sequence[Event[Workspace]]) -> None:
        rows: dict[str, Values] = {}
        for event in events:
            data = event.data
            gone = isinstance(data, Deleted)
            row = {
                "workspace_id": data.key,
                "revision": data.version if isinstance(data, Deleted) else data.revision,
                "crm_salesforce": not isinstance(data, Deleted) and data.crm_salesforce,
                "deleted_at": self.now() if gone else None,
            }
            _keep_newest(rows, row)
        await self.keeps.learn(WorkspaceRow, list(rows.values()))

    async def connections(self, events: Sequence[Event[Connection]]) -> None:
        rows: dict[str, Values] = {}
        for event in events:
            data = event.data
            row: Values = {
                "workspace_id": data.key,
                "revision": 0,
                "usable": False,
                "status": "not_connected",
                "enabled": True,
                "deleted_at": None,
            }
            if isinstance(data, Deleted):
                row |= {"revision": data.version, "deleted_at": self.now()}
            else:
                row |= {
                    "revision": data.revision,
                    "usable": data.usable,
                    "status": str(data.status) if data.org_confirmed else "org_not_confirmed",
                    "enabled": data.enabled,
                }
            _keep_newest(rows, row)
        await self.keeps.learn(ConnectionRow, list(rows.values()))

    def _row(self, event: Event[ToolRequest], request: ToolRequest) -> Values:
        default = TOOL_REPLIES_V1.name
        topic = reply_topic(event.headers.get(REPLY_TOPIC_HEADER), default)
        return {
            "workspace_id": request.workspace_id,
            "conversation_id": request.conversation_id,
            "request_id": request.request_id,
            "tool": request.tool,
            "state": "accepted",
            "arguments": request.arguments,
            "reply_topic": topic or default,
            "reply_refused": topic is None,
            "event_id": event.attributes.id,
            "traceparent": event.attributes.traceparent or "",
            "deadline": request.deadline,
            "attempts": 0,
            "fence": 0,
            "outcome_code": "",
            "record_id": "",
            "lease_holder": "",
        }


def _keep_newest(rows: dict[str, Values], row: Values) -> None:
    """One statement cannot touch a row twice: keep of each key the highest revision."""
    known = rows.get(row["workspace_id"])
    if known is None or known["revision"] < row["revision"]:
        rows[row["workspace_id"]] = row
