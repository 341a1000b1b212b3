"""For tests: what the reconciler keeps, in memory, and a Salesforce that holds a few records."""

# ruff: noqa: ARG002 - a fake has its port's signature

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from crmlink_common.contracts.cloudevents import DataT, Deleted, Event, Record, Topic, decode
from crmlink_common.contracts.member_links import LinkState
from crmlink_common.errors import TransientError
from crmlink_reconciler.domain.directory import Key, Known
from crmlink_reconciler.domain.linking import Link, Target
from crmlink_reconciler.domain.matching import Candidate, Match, Sought, Stage
from crmlink_reconciler.service.ports import FoundMatch, Values, Work, WorkspaceState

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORG = "00D000000000001EAA"
RecordKey = tuple[str, str, str]


@dataclass
class FakeDirectory:
    rows: dict[Key, Known]
    links: dict[Key, Link]

    async def lock(self, keys: Collection[Key]) -> dict[Key, Known]:
        return {key: self.rows[key] for key in keys if key in self.rows}

    async def peek(self, keys: Collection[Key]) -> dict[Key, Known]:
        return await self.lock(keys)

    async def save(self, known: Mapping[Key, Known], now: datetime) -> None:
        self.rows.update(known)

    async def unlinked(self, workspace_id: str, after: str, limit: int) -> list[tuple[str, Known]]:
        return [(key[1], self.rows[key]) for key in self._open(workspace_id) if key[1] > after][
            :limit
        ]

    async def count_unlinked(self, workspace_id: str) -> int:
        return len(self._open(workspace_id))

    def _open(self, workspace_id: str) -> list[Key]:
        settled = (LinkState.LINKED, LinkState.EXCLUDED)
        closed = {key for key, link in self.links.items() if link.state in settled}
        mine = [key for key, one in self.rows.items() if key[0] == workspace_id and not one.deleted]
        return sorted(key for key in mine if key not in closed)


@dataclass
class FakeLinks:
    rows: dict[Key, Link]
    history: list[tuple[Link, str]]
    asleep: dict[RecordKey, Link] = field(default_factory=dict)  # by workspace, org, member

    async def lock(self, keys: Collection[Key]) -> dict[Key, Link]:
        return {key: self.rows[key] for key in keys if key in self.rows}

    async def lock_by_record(self, records: Collection[RecordKey]) -> list[Link]:
        return [link for link in self.rows.values() if link.linked and link.record in records]

    async def holders(self, records: Collection[RecordKey]) -> dict[RecordKey, Key]:
        return {link.record: link.key for link in await self.lock_by_record(records)}

    async def save(self, changed: Mapping[Key, tuple[Link, str]]) -> None:
        after = self.rows | {key: link for key, (link, _) in changed.items()}
        linked = [link.record for link in after.values() if link.linked]
        if len(linked) != len(set(linked)):
            raise TransientError("a record has two members")
        for key, (link, _) in changed.items():
            before = self.rows.get(key)
            if before is not None and before.linked and before.org_id != link.org_id:
                self.asleep[before.workspace_id, before.org_id, before.member_id] = before
        self.rows.update(after)

    async def remember(self, decisions: Sequence[tuple[Link, str]]) -> None:
        self.history.extend(decisions)

    async def causes(self, keys: Collection[Key], wanted: Collection[str]) -> dict[Key, set[str]]:
        known: dict[Key, set[str]] = defaultdict(set)
        for link, cause in self.history:
            if link.key in keys:
                known[link.key] |= {cause, link.intent_id} & set(wanted)
        return known


@dataclass
class FakeReservations:
    rows: dict[Key, str]
    old: set[Key]

    async def lock(self, keys: Collection[Key]) -> dict[Key, str]:
        return {key: self.rows[key] for key in keys if key in self.rows}

    async def overdue(self, keys: Collection[Key], since: datetime) -> set[Key]:
        return {key for key in keys if key in self.rows and key in self.old}

    async def save(self, intents: Mapping[Key, str]) -> None:
        self.rows.update(intents)

    async def drop(self, keys: Collection[Key]) -> None:
        for key in keys:
            self.rows.pop(key, None)


@dataclass
class FakeMatches:
    rows: dict[Key, tuple[str, Match, str]] = field(default_factory=dict)  # state, match, org
    runs: dict[Key, str] = field(default_factory=dict)

    async def of(self, keys: Collection[Key]) -> dict[Key, FoundMatch]:
        return {key: self._found(*self.rows[key]) for key in keys if key in self.rows}

    async def proposed(self, workspace_id: str, after: str, limit: int) -> list[str]:
        found = [key[1] for key, (state, *_) in self.rows.items() if state == "proposed"]
        return sorted(one for one in found if one > after)[:limit]

    async def claimed(
        self, workspace_id: str, record_ids: Collection[str], but: Collection[str]
    ) -> dict[str, int]:
        found: dict[str, int] = {}
        for key, (_, match, _) in self.rows.items():
            for one in match.candidates:
                if key[1] not in but and one.record_id in record_ids:
                    rank = match.stage.rank
                    found[one.record_id] = min(rank, found.get(one.record_id, rank))
        return found

    async def save(
        self, workspace_id: str, run_id: str, org_id: str, decided: Sequence[Match]
    ) -> None:
        for key, (_, match, org) in list(self.rows.items()):
            ids = {one.record_id for one in match.candidates}
            for new in decided:
                if new.stage.rank <= match.stage.rank and ids & {
                    one.record_id for one in new.candidates
                }:
                    self.rows[key] = ("ambiguous", match, org)
        for match in decided:
            self.rows[workspace_id, match.member_id] = (match.state, match, org_id)
            self.runs[workspace_id, match.member_id] = run_id

    async def mark_linked(self, keys: Collection[Key]) -> None:
        for key in keys & self.rows.keys():
            self.rows[key] = ("linked", *self.rows[key][1:])

    async def forget(self, keys: Collection[Key]) -> None:
        for key in keys:
            self.rows.pop(key, None)

    async def drop_others(self, workspace_id: str, run_id: str, limit: int) -> int:
        mine = [key for key in self.rows if key[0] == workspace_id]
        others = [key for key in mine if self.runs.get(key) != run_id][:limit]
        await self.forget(others)
        return len(others)

    async def acquit(self, workspace_id: str, run_id: str) -> None:
        for key, (state, match, org) in list(self.rows.items()):
            ids = {one.record_id for one in match.candidates}
            doubted = state == "ambiguous" and len(ids) == 1 and self.runs.get(key) == run_id
            if doubted and not await self.claimed(workspace_id, ids, [key[1]]):
                self.rows[key] = ("proposed", match, org)

    async def tally(self, workspace_id: str, run_id: str) -> dict[tuple[str, str], int]:
        mine = [one for key, one in self.rows.items() if self.runs.get(key) == run_id]
        return dict(Counter((state, match.stage.by) for state, match, _ in mine))

    def _found(self, state: str, match: Match, org: str) -> FoundMatch:
        targets = {
            one.record_id: Target(one.record_id, one.object, org, one.account_id, one.owner_id)
            for one in match.candidates
        }
        return FoundMatch(state, match.candidates[0].record_id, targets)


@dataclass
class FakeProjections:
    state: WorkspaceState = WorkspaceState(active=True, org_id=ORG)  # noqa: RUF009 - frozen
    saved: list[Values] = field(default_factory=list)

    async def save_workspaces(self, rows: Sequence[Values]) -> None:
        self.saved += rows

    async def save_connections(self, rows: Sequence[Values]) -> None:
        self.saved += rows

    async def save_configs(self, rows: Sequence[Values]) -> None:
        self.saved += rows

    async def standing(self, workspace_id: str) -> WorkspaceState:
        return self.state


@dataclass
class FakeParking:
    rows: dict[str, list[Record]] = field(default_factory=dict)

    async def park(self, workspace_id: str, need: str, records: Sequence[Record]) -> None:
        self.rows.setdefault(need, []).extend(records)

    async def release(
        self, workspace_id: str, needs: Collection[str], topic: Topic[DataT]
    ) -> list[Event[DataT]]:
        records = [one for need in needs for one in self.rows.pop(need, [])]
        return [decode(topic, one.key, one.value, one.headers) for one in records]


@dataclass
class FakeOutbox:
    sent: list[Record] = field(default_factory=list)

    async def add(self, records: Iterable[Record]) -> None:
        self.sent.extend(records)


@dataclass
class World:
    """Everything that is kept, and what was told."""

    members: dict[Key, Known] = field(default_factory=dict)
    links: dict[Key, Link] = field(default_factory=dict)
    history: list[tuple[Link, str]] = field(default_factory=list)
    reserved: dict[Key, str] = field(default_factory=dict)
    long_reserved: set[Key] = field(default_factory=set)
    matches: FakeMatches = field(default_factory=FakeMatches)
    projections: FakeProjections = field(default_factory=FakeProjections)
    parking: FakeParking = field(default_factory=FakeParking)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    ids: int = 0

    @property
    def work(self) -> Work:
        return Work(
            directory=FakeDirectory(self.members, self.links),
            links=FakeLinks(self.links, self.history),
            reservations=FakeReservations(self.reserved, self.long_reserved),
            matches=self.matches,
            projections=self.projections,
            parking=self.parking,
            outbox=self.outbox,
            now=lambda: NOON,
            new_id=self._new_id,
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Work]:
        yield self.work

    def told(self, topic: Topic[DataT]) -> list[DataT]:
        """Give what was said on a topic, oldest first."""
        records = [one for one in self.outbox.sent if one.topic == topic.name]
        events = [decode(topic, one.key, one.value, one.headers) for one in records]
        return [event.data for event in events if not isinstance(event.data, Deleted)]

    def know(self, member_id: str, **known: Any) -> None:  # noqa: ANN401 - fields of Known
        self.members["w1", member_id] = replace(Known(1), **known)

    def link(self, member_id: str, record_id: str, **more: Any) -> Link:  # noqa: ANN401 - fields of Link
        link = Link("w1", member_id, 1, LinkState.LINKED, record_id, "Contact", org_id=ORG)
        self.links[link.key] = replace(link, **more)
        return self.links[link.key]

    def _new_id(self) -> UUID:
        self.ids += 1
        return UUID(int=self.ids)


@dataclass
class FakeRecords:
    """An org that holds these records and finds them as Salesforce does: by any written form."""

    held: list[Candidate] = field(default_factory=list)
    org_id: str = ORG
    unreadable: set[str] = field(default_factory=set)
    asked: list[tuple[Stage, int]] = field(default_factory=list)
    closed: int = 0

    async def find(self, stage: Stage, sought: Sequence[Sought], region: str) -> list[Candidate]:
        self.asked.append((stage, len(sought)))
        wanted = {one.value(stage) for one in sought}
        mine = [one for one in self.held if one.object == stage.object]
        return [one for one in mine if one.values(stage, region) & wanted]

    async def admitted(self) -> FakeRecords:
        return self

    async def count(self, sobject: str) -> int:
        return sum(one.object == sobject for one in self.held)

    async def close(self) -> None:
        self.closed += 1
