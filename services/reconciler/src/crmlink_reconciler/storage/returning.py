"""When a workspace is back on an earlier org, the links that lay dormant there are taken up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.contracts.member_links import LinkState
from crmlink_reconciler.domain.directory import Key, Known
from crmlink_reconciler.domain.linking import Link, Target, wake
from crmlink_reconciler.service.decisions import Decision, Decisions
from crmlink_reconciler.storage.dormancy import DormantRepository
from crmlink_reconciler.storage.work import work_of

AT_ONCE = 500


async def take_up_dormant(sessions: async_sessionmaker[AsyncSession], limit: int = AT_ONCE) -> bool:
    """Take up a page of links whose org is back; say whether there may be more."""
    async with sessions.begin() as session:
        repository, work = DormantRepository(session), work_of(session)
        found = await repository.returned(limit)
        if not found:
            return False
        known = await work.directory.lock(found.keys())
        held = await work.links.lock(found.keys())
        records = {_record(key, target) for key, target in found.items()}
        taken = await work.links.holders(records)
        decisions = [
            Decision(after)
            for key, target in found.items()
            if taken.get(_record(key, target), key) == key
            and (after := _awake(key, target, known, held, work.now())) is not None
        ]
        evidence = {key: one.evidence for key, one in known.items()}
        await Decisions(work).carry_out(decisions, evidence)
        await repository.drop(found)
        for workspace_id in sorted({workspace_id for workspace_id, _ in found}):
            back = sum(one.link.workspace_id == workspace_id for one in decisions)
            await Decisions(work).report(
                workspace_id, "links.taken_up", code="org_returned", details={"linked": back}
            )
    return len(found) == limit


def _awake(
    key: Key, target: Target, known: Mapping[Key, Known], held: Mapping[Key, Link], now: datetime
) -> Link | None:
    """Give the link as it was; what a person ended since, and a live one, stay as they are."""
    link = held.get(key, Link(*key))
    member = known.get(key)
    if member is None or member.deleted or link.state is LinkState.EXCLUDED:
        return None
    return None if link.live_in(target.org_id) else wake(link, target, now)


def _record(key: Key, target: Target) -> tuple[str, str, str]:
    return key[0], target.org_id, target.record_id
