"""A sample upstream system: it owns the members, publishes them, and does what it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer
from pydantic import JsonValue

from crmlink_common.contracts.cloudevents import Deleted, decode
from crmlink_common.contracts.member_changes import MEMBER_CHANGES_V1, FieldChange, MemberChange
from crmlink_common.contracts.members import MEMBERS_V1, Member
from crmlink_common.errors import ContractError
from crmlink_common.members.publish import MemberPublisher

BATCH = 500


def current(member: Member, name: str) -> JsonValue:
    """Read a field as a change request names it."""
    if name.startswith("fields."):
        return member.fields.get(name.removeprefix("fields."))
    value: JsonValue = getattr(member, name, None)
    return value


def apply(member: Member, changes: Iterable[FieldChange]) -> Member:
    """Do what is asked where the field is still as expected; leave the rest."""
    fields = dict(member.fields)
    values: dict[str, Any] = {}
    for change in changes:
        if (current(member, change.field) or None) != (change.expected or None):
            continue
        if change.field.startswith("fields."):
            key = change.field.removeprefix("fields.")
            if change.unset:
                fields.pop(key, None)
            else:
                fields[key] = change.value
        elif change.field in Member.model_fields:
            values[change.field] = "" if change.unset else change.value
    changed = member.model_copy(update={**values, "fields": fields})
    return member if changed == member else changed


@dataclass(slots=True, kw_only=True)
class Upstream:
    """Keeps every member's newest state; what it publishes has a higher version than before."""

    workspace_id: str
    bootstrap: str
    publisher: MemberPublisher
    members: dict[str, Member] = field(default_factory=dict)
    seen: list[MemberChange] = field(default_factory=list)
    asked: int = 0

    async def remember(self) -> None:
        """Read back what was published in earlier runs."""
        async with AIOKafkaConsumer(
            MEMBERS_V1.name, bootstrap_servers=self.bootstrap, auto_offset_reset="earliest"
        ) as consumer:
            ends = await consumer.end_offsets(consumer.assignment())
            for tp, end in ends.items():
                while await consumer.position(tp) < end:
                    for record in (await consumer.getmany(tp, timeout_ms=1000)).get(tp, []):
                        self._learn(record)

    def _learn(self, record: Any) -> None:  # noqa: ANN401 - aiokafka has no types
        try:
            data = decode(MEMBERS_V1, record.key, record.value, record.headers).data
        except ContractError:
            return
        if isinstance(data, Deleted):
            self.members.pop(data.key.partition("/")[2], None)
        elif data.workspace_id == self.workspace_id:
            self.members[data.member_id] = data

    async def import_members(self, members: Iterable[Member]) -> int:
        """Publish what a file has newer than what was published; return how many."""
        changed: list[Member] = []
        for member in members:
            known = self.members.get(member.member_id)
            if known is not None and known.version >= member.version:
                continue
            ours = {} if known is None else known.fields
            kept = {key: value for key, value in ours.items() if key.startswith("salesforce:")}
            changed.append(member.model_copy(update={"fields": {**member.fields, **kept}}))
        await self.publisher.publish(changed)
        self.members |= {member.member_id: member for member in changed}
        return len(changed)

    async def change(self, member_id: str, values: Mapping[str, Any]) -> Member:
        """Change a member as its owner would, and publish it."""
        member = self.members[member_id]
        changed = member.model_copy(update={**values, "version": member.version + 1})
        self.members[member_id] = changed
        await self.publisher.publish([changed])
        return changed

    async def serve(self, stopping: asyncio.Event, ready: asyncio.Event) -> None:
        """Do what member-changes ask, from now on, until told to stop."""
        async with AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            group_id=f"sample-upstream-{self.workspace_id}",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            isolation_level="read_committed",
        ) as consumer:
            consumer.subscribe([MEMBER_CHANGES_V1.name])
            ready.set()
            while not stopping.is_set():
                batches = await consumer.getmany(timeout_ms=200, max_records=BATCH)
                records = [record for batch in batches.values() for record in batch]
                if records:
                    await self._obey(records)
                    await consumer.commit()

    async def _obey(self, records: Iterable[Any]) -> None:
        changed: dict[str, Member] = {}
        for record in records:
            try:
                data = decode(MEMBER_CHANGES_V1, record.key, record.value, record.headers).data
            except ContractError:
                continue
            if isinstance(data, Deleted) or data.workspace_id != self.workspace_id:
                continue
            self.seen.append(data)
            self.asked += 1
            member = changed.get(data.member_id) or self.members.get(data.member_id)
            if member is None:
                continue
            after = apply(member, data.changes)
            if after is not member:
                changed[data.member_id] = after.model_copy(update={"version": member.version + 1})
        await self.publisher.publish(changed.values())
        self.members |= changed
