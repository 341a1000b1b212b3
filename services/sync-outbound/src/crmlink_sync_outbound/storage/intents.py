"""Intents of creates: committed before the reservation, never two open ones of a key."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import uuid4

from crmlink_common.messaging.outbox import Outbox
from crmlink_sync_outbound.domain.intents import Ending
from crmlink_sync_outbound.domain.pair import BASES
from crmlink_sync_outbound.domain.resolving import Intent, Wanted
from crmlink_sync_outbound.domain.work import Turn
from crmlink_sync_outbound.storage.locking import lock_pairs
from crmlink_sync_outbound.storage.sql import Statements, Values

OPEN = """
select intent_id, member_id, object, field, key, sought, state, sent_at, sending_since
from create_intents
where workspace_id = :workspace_id and member_id = any(:members)
  and state in ('reserved', 'sending', 'unknown')
"""
BEGIN = """
insert into create_intents
  (workspace_id, intent_id, entity, member_id, object, field, key, sought, state)
select :workspace_id, intent_id, entity, member_id, object, field, key, sought, 'reserved'
from jsonb_to_recordset(cast(:rows as jsonb)) as s(intent_id uuid, entity text, member_id text,
  object text, field text, key text, sought text)
order by member_id
on conflict do nothing
returning member_id
"""
SEND = """
update create_intents i set state = 'sending', sent_at = s.sent_at, sending_since = now()
from jsonb_to_recordset(cast(:rows as jsonb)) as s(intent_id uuid, sent_at timestamptz),
  pending q, pairs p
where i.workspace_id = :workspace_id and i.intent_id = s.intent_id and i.state = 'reserved'
  and q.workspace_id = i.workspace_id and q.entity = i.entity and q.member_id = i.member_id
  and q.lease_holder = :holder and q.lease_until > now()
  and p.workspace_id = i.workspace_id and p.entity = i.entity and p.member_id = i.member_id
  and p.link_state not in ('linked', 'excluded') and not p.member_deleted
returning i.intent_id
"""
SETTLE = """
update create_intents i set state = s.state, record_id = s.record_id, reason = s.reason,
  sought = case when s.state in ('done', 'released') then '' else i.sought end
from jsonb_to_recordset(cast(:rows as jsonb)) as s(intent_id uuid, state text, record_id text,
  reason text)
where i.workspace_id = :workspace_id and i.intent_id = s.intent_id
  and i.state in ('reserved', 'sending', 'unknown')
returning i.intent_id
"""
EXPECT = """
update pairs p set expected_record_id = s.record_id, object = s.object, org_id = s.org_id,
  base = coalesce(s.base, '{}'), record = coalesce(s.seen, '{}'),
  record_modified_at = s.wrote_at, observed_at = s.wrote_at, last_write_at = s.wrote_at,
  awaiting = '{}', swings = '{}', reread = false
from jsonb_to_recordset(cast(:rows as jsonb)) as s(entity text, member_id text, record_id text,
  object text, org_id text, base jsonb, seen jsonb, wrote_at timestamptz)
where p.workspace_id = :workspace_id and p.entity = s.entity and p.member_id = s.member_id
  and p.link_state not in ('linked', 'excluded')
"""
TAKEN = """
select record_id as taken from pairs
where workspace_id = :workspace_id and record_id = any(:ids)
union select expected_record_id from pairs
where workspace_id = :workspace_id and expected_record_id = any(:ids)
"""


class Intents:
    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    async def open(self, turn: Turn, members: Collection[str]) -> dict[str, Intent]:
        """Find what is under way for these members, by member."""
        rows = await self._sql.all(OPEN, workspace_id=turn.workspace_id, members=sorted(members))
        return {
            row.member_id: Intent(
                str(row.intent_id),
                row.member_id,
                row.object,
                row.field,
                row.key,
                row.sought,
                row.state,
                row.sent_at,
                row.sending_since,
            )
            for row in rows
        }

    async def begin(
        self, turn: Turn, all_wanted: Sequence[Wanted], target: str, field: str
    ) -> None:
        """Keep an intent per member; where another member's of the same key is open, none."""
        rows = [
            {
                "intent_id": uuid4(),
                "entity": one.pair.entity,
                "member_id": one.pair.member_id,
                "object": target,
                "field": field,
                "key": hashlib.sha256(one.key.encode()).hexdigest(),
                "sought": one.sought,
            }
            for one in all_wanted
        ]
        if rows:
            await self._sql.over(BEGIN, rows, workspace_id=turn.workspace_id)

    async def send(self, turn: Turn, intents: Sequence[Intent], sent_at: datetime) -> set[str]:
        """Mark as being sent those that are still ours to send; return their ids."""
        rows = [{"intent_id": one.intent_id, "sent_at": sent_at} for one in intents]
        found = await self._sql.over(SEND, rows, workspace_id=turn.workspace_id, holder=turn.holder)
        return {str(row.intent_id) for row in found}

    async def settle(self, turn: Turn, endings: Sequence[Ending]) -> list[Ending]:
        """End intents; a record that came of one is expected to be linked.

        Return those whose pair was locked.
        """
        where = {"workspace_id": turn.workspace_id}
        keys = [{"entity": one.entity, "member_id": one.member_id} for one in endings]
        locked = await lock_pairs(self._sql, turn.workspace_id, keys)
        busy = [one for one in endings if (one.entity, one.member_id) not in locked]
        endings = [one for one in endings if (one.entity, one.member_id) in locked]
        with_intent = [_row(one) for one in endings if one.intent_id is not None]
        found = await self._sql.over(SETTLE, with_intent, **where)
        ended = {str(row.intent_id) for row in found}
        valid = [one for one in endings if one.intent_id is None or one.intent_id in ended]
        await self._sql.over(EXPECT, [_row(one) for one in valid if one.record_id], **where)
        messages = [one.message for one in valid if one.message is not None]
        await Outbox(self._sql.session).add(messages)
        return busy

    async def taken(self, turn: Turn, ids: Collection[str]) -> set[str]:
        """Name the records that are, or are about to be, some member's."""
        rows = await self._sql.all(TAKEN, workspace_id=turn.workspace_id, ids=sorted(ids))
        return {row.taken for row in rows}


def _row(one: Ending) -> Values:
    return {
        "entity": one.entity,
        "member_id": one.member_id,
        "intent_id": one.intent_id,
        "state": one.state,
        "record_id": one.record_id,
        "object": one.object,
        "org_id": one.org_id,
        "reason": one.reason,
        "base": None if one.base is None else BASES.dump_python(one.base, mode="json"),
        "seen": None if one.seen is None else dict(one.seen),
        "wrote_at": one.wrote_at,
    }
