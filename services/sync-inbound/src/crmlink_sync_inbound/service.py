"""Use cases of the bus: keep the projections that capture works from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from crmlink_common.contracts.cloudevents import Deleted, Event
from crmlink_common.contracts.connections import Connection
from crmlink_common.contracts.member_links import LinkState, MemberLink
from crmlink_common.contracts.sync_configs import SyncConfig
from crmlink_common.contracts.workspaces import Workspace
from crmlink_common.salesforce.ids import to_18

Values = dict[str, Any]


class Keeps(Protocol):
    async def save_workspaces(self, rows: Sequence[Values]) -> None: ...
    async def save_connections(self, rows: Sequence[Values]) -> None: ...
    async def save_configs(self, rows: Sequence[Values]) -> None: ...
    async def save_links(self, rows: Sequence[Values]) -> None: ...


def _now() -> datetime:
    return datetime.now(UTC)


def newest(rows: Iterable[Values], *key: str) -> list[Values]:
    """Keep of each key the highest revision: one statement cannot touch a row twice."""
    kept: dict[tuple[Any, ...], Values] = {}
    for row in rows:
        name = tuple(row[part] for part in key)
        if name not in kept or kept[name]["revision"] < row["revision"]:
            kept[name] = row
    return list(kept.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Learns from the compacted topics."""

    keeps: Keeps
    now: Callable[[], datetime] = _now

    async def workspaces(self, events: Sequence[Event[Workspace]]) -> None:
        rows = [
            {
                "workspace_id": event.data.key,
                "revision": self._revision(event.data),
                "crm_salesforce": not isinstance(event.data, Deleted) and event.data.crm_salesforce,
                "deleted_at": self._deleted_at(event.data),
            }
            for event in events
        ]
        await self.keeps.save_workspaces(newest(rows, "workspace_id"))

    async def connections(self, events: Sequence[Event[Connection]]) -> None:
        rows = [
            {
                "workspace_id": event.data.key,
                "revision": self._revision(event.data),
                "usable": not isinstance(event.data, Deleted) and event.data.usable,
                "org_id": "" if isinstance(event.data, Deleted) else event.data.org_id,
                "deleted_at": self._deleted_at(event.data),
            }
            for event in events
        ]
        await self.keeps.save_connections(newest(rows, "workspace_id"))

    async def configs(self, events: Sequence[Event[SyncConfig]]) -> None:
        rows = [self._config_row(event.data) for event in events]
        await self.keeps.save_configs(newest(rows, "workspace_id", "entity"))

    async def links(self, events: Sequence[Event[MemberLink]]) -> None:
        rows = [row for event in events if (row := self._link_row(event.data)) is not None]
        if rows:
            await self.keeps.save_links(newest(rows, "workspace_id", "member_id"))

    def _config_row(self, seen: SyncConfig | Deleted) -> Values:
        workspace, _, entity = seen.key.partition("/")
        row: Values = {
            "workspace_id": workspace,
            "entity": entity,
            "revision": self._revision(seen),
            "target_object": "Contact",
            "fields": [],
            "interval_min": 60,
            "interval_max": 300,
            "deleted_at": self._deleted_at(seen),
        }
        if not isinstance(seen, Deleted):
            config = seen.config
            fields = {rule.remote_field for rule in config.rules if rule.enabled}
            slowest = max(config.capture.interval_max, config.capture.interval_min)
            row |= {
                "target_object": config.entity_params.target_object,
                "fields": sorted(fields),
                # with inbound off it goes on for the links, slowly
                "interval_min": config.capture.interval_min if config.inbound_enabled else slowest,
                "interval_max": slowest,
            }
        return row

    def _link_row(self, seen: MemberLink | Deleted) -> Values | None:
        workspace, _, member = seen.key.partition("/")
        row: Values = {
            "workspace_id": workspace,
            "member_id": member,
            "revision": self._revision(seen),
            "linked": False,
            "record_id": "",
            "object": "",
            "org_id": "",
            "reread_due": False,
            "deleted_at": self._deleted_at(seen),
        }
        if not isinstance(seen, Deleted):
            linked = seen.state is LinkState.LINKED
            row |= {
                "linked": linked,
                "record_id": to_18(seen.record_id) if linked else seen.record_id,
                "object": seen.object,
                "org_id": seen.org_id,
                "reread_due": linked,
            }
        return row

    def _deleted_at(self, seen: object) -> datetime | None:
        return self.now() if isinstance(seen, Deleted) else None

    @staticmethod
    def _revision(seen: Any) -> int:  # noqa: ANN401 - data of any topic, or its deletion
        return int(seen.version if isinstance(seen, Deleted) else seen.revision)
