"""Use cases of the bus: each message updates its side of the pairs; no more happens here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from crmlink_common.contracts.cloudevents import Deleted, Event
from crmlink_common.contracts.connections import Connection
from crmlink_common.contracts.member_links import LinkState, MemberLink
from crmlink_common.contracts.members import Member
from crmlink_common.contracts.salesforce_changes import SalesforceChange
from crmlink_common.contracts.workspaces import Workspace

Values = dict[str, Any]
FATES = {"deleted": "deleted", "merged": "merged", "converted": "converted"}


class Keeps(Protocol):
    async def workspaces(self, rows: Sequence[Values]) -> None: ...
    async def connections(self, rows: Sequence[Values]) -> None: ...
    async def members(self, rows: Sequence[Values]) -> None: ...
    async def links(self, rows: Sequence[Values]) -> None: ...
    async def changes(self, rows: Sequence[Values]) -> None: ...


def newest(rows: Iterable[Values], order: str, *key: str) -> list[Values]:
    """Keep the last of each key: one statement cannot touch a row twice."""
    kept: dict[tuple[Any, ...], Values] = {}
    for row in rows:
        name = tuple(row[part] for part in key)
        if name not in kept or kept[name][order] < row[order]:
            kept[name] = row
    return list(kept.values())


def rounds(rows: Iterable[Values], *key: str) -> list[list[Values]]:
    """Split into statements that touch no row twice and leave none out, in the order told.

    A connection that was deleted and made anew within a batch was deleted all the same.
    """
    split: list[list[Values]] = []
    turns: dict[tuple[Any, ...], int] = {}
    for row in rows:
        name = tuple(row[part] for part in key)
        turn = turns.get(name, 0)
        turns[name] = turn + 1
        if turn == len(split):
            split.append([])
        split[turn].append(row)
    return split


def _revision(seen: Any) -> int:  # noqa: ANN401 - data of any topic, or its deletion
    return int(seen.version if isinstance(seen, Deleted) else seen.revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observing:
    """Takes in what others know."""

    keeps: Keeps

    async def workspaces(self, events: Sequence[Event[Workspace]]) -> None:
        rows = [
            {
                "workspace_id": seen.key,
                "revision": _revision(seen),
                "crm_salesforce": not isinstance(seen, Deleted) and seen.crm_salesforce,
                "default_region": "US" if isinstance(seen, Deleted) else seen.default_region,
                "deleted": isinstance(seen, Deleted),
            }
            for seen in (event.data for event in events)
        ]
        await self.keeps.workspaces(newest(rows, "revision", "workspace_id"))

    async def connections(self, events: Sequence[Event[Connection]]) -> None:
        rows = [
            {
                "workspace_id": seen.key,
                "revision": _revision(seen),
                "usable": not isinstance(seen, Deleted) and seen.usable,
                "org_id": "" if isinstance(seen, Deleted) else seen.org_id,
                "epoch": 0 if isinstance(seen, Deleted) else seen.epoch,
                "deleted": isinstance(seen, Deleted),
                "ended_at": event.attributes.time if isinstance(seen, Deleted) else None,
            }
            for event in events
            for seen in (event.data,)
        ]
        for one in rounds(rows, "workspace_id"):
            await self.keeps.connections(one)

    async def members(self, events: Sequence[Event[Member]]) -> None:
        rows = [_member_row(event.data) for event in events]
        await self.keeps.members(newest(rows, "version", "workspace_id", "member_id"))

    async def links(self, events: Sequence[Event[MemberLink]]) -> None:
        rows = [_link_row(event.data) for event in events]
        await self.keeps.links(newest(rows, "revision", "workspace_id", "member_id"))

    async def changes(self, events: Sequence[Event[SalesforceChange]]) -> None:
        """Apply observations in rounds: one record's come one after another."""
        rounds: list[dict[tuple[str, str], Values]] = []
        for event in events:
            if not isinstance(seen := event.data, Deleted):
                key = (seen.workspace_id, seen.record_id)
                place = next((one for one in rounds if key not in one), None)
                if place is None:
                    rounds.append(place := {})
                place[key] = _change_row(seen)
        for one in rounds:
            await self.keeps.changes(list(one.values()))


def _member_row(seen: Member | Deleted) -> Values:
    workspace, _, member_id = seen.key.partition("/")
    row: Values = {
        "workspace_id": workspace,
        "member_id": member_id,
        "member": {},
        "updated_at": None,
        "deleted": isinstance(seen, Deleted),
        "version": seen.version,
    }
    if not isinstance(seen, Deleted):
        whole = seen.model_dump(mode="json", exclude={"workspace_id"}, exclude_defaults=True)
        row |= {"member": whole, "updated_at": seen.updated_at}
    return row


def _link_row(seen: MemberLink | Deleted) -> Values:
    workspace, _, member_id = seen.key.partition("/")
    row: Values = {
        "workspace_id": workspace,
        "member_id": member_id,
        "revision": _revision(seen),
        "state": LinkState.UNLINKED.value,
        "reason": "deleted",
        "record_id": "",
        "object": "",
        "org_id": "",
    }
    if not isinstance(seen, Deleted):
        row |= {
            "state": seen.state.value,
            "reason": seen.reason,
            "record_id": seen.record_id,
            "object": seen.object,
            "org_id": seen.org_id,
        }
    return row


def _change_row(seen: SalesforceChange) -> Values:
    return {
        "workspace_id": seen.workspace_id,
        "record_id": seen.record_id,
        "org_id": seen.org_id,
        "seen": seen.values,
        "modified_at": seen.last_modified_date,
        "observed_at": seen.observed_at,
        "fate": FATES.get(seen.kind, ""),
    }
