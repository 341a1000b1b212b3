"""Workspaces, connections and configurations: what of them is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from crmlink_common.contracts.cloudevents import Data, Deleted, Event
from crmlink_common.contracts.connections import Connection
from crmlink_common.contracts.sync_configs import SyncConfig
from crmlink_common.contracts.workspaces import Workspace
from crmlink_reconciler.service.ports import Values, Work

DataT = TypeVar("DataT", bound=Data)


@dataclass(frozen=True, slots=True)
class WorkspaceStates:
    work: Work

    async def workspaces(self, events: Sequence[Event[Workspace]]) -> None:
        def kept(one: Workspace) -> Values:
            return {"crm_salesforce": one.crm_salesforce, "default_region": one.default_region}

        gone = {"crm_salesforce": False, "default_region": "US"}
        await self.work.projections.save_workspaces(self._rows(events, kept, gone))

    async def connections(self, events: Sequence[Event[Connection]]) -> None:
        def kept(one: Connection) -> Values:
            return {
                "usable": one.usable,
                "org_id": one.org_id,
                "org_confirmed": one.org_confirmed,
            }

        gone = {"usable": False, "org_id": "", "org_confirmed": True}
        await self.work.projections.save_connections(self._rows(events, kept, gone))

    async def configs(self, events: Sequence[Event[SyncConfig]]) -> None:
        def kept(one: SyncConfig) -> Values:
            return {"target_object": one.config.entity_params.target_object}

        rows = self._rows(events, kept, {"target_object": "Contact"})
        for row, event in zip(rows, events, strict=True):
            row["entity"] = event.data.key.partition("/")[2]
        await self.work.projections.save_configs(rows)

    def _rows(
        self, events: Sequence[Event[DataT]], kept: Callable[[Any], Values], gone: Values
    ) -> list[Values]:
        rows = []
        for event in events:
            one = event.data
            deleted = isinstance(one, Deleted)
            rows.append(
                {
                    "workspace_id": one.key.partition("/")[0],
                    "revision": one.version if isinstance(one, Deleted) else _revision(one),
                    "deleted_at": self.work.now() if deleted else None,
                    **(gone if deleted else kept(one)),
                }
            )
        return rows


def _revision(data: Any) -> int:  # noqa: ANN401 - one of three contracts, each with a revision
    return int(data.revision)
