"""What the last search found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Text, any_, delete, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.contracts.member_links import LinkState
from crmlink_reconciler.domain.directory import Key
from crmlink_reconciler.domain.linking import Target
from crmlink_reconciler.domain.matching import Candidate, Match
from crmlink_reconciler.service.ports import FoundMatch
from crmlink_reconciler.storage.statements import in_key_order, these, upsert
from crmlink_reconciler.storage.tables import HitRow, LinkRow, MatchRow, table

matches, found_for, links = table(MatchRow), table(HitRow), table(LinkRow)


class MatchRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def of(self, keys: Collection[Key]) -> dict[Key, FoundMatch]:
        if not keys:
            return {}
        found = await self._session.execute(select(matches).where(these(matches, keys)))
        return {(row.workspace_id, row.member_id): _found(row) for row in found}

    async def proposed(self, workspace_id: str, after: str, limit: int) -> list[str]:
        """Page through the members whose match may be linked without asking."""
        found = await self._session.scalars(
            select(matches.c.member_id)
            .where(
                matches.c.workspace_id == workspace_id,
                matches.c.state == "proposed",
                matches.c.member_id > after,
            )
            .order_by(matches.c.member_id)
            .limit(limit)
        )
        return list(found)

    async def claimed(
        self, workspace_id: str, record_ids: Collection[str], but: Collection[str]
    ) -> dict[str, int]:
        """Give those of these records that were found for a member who is not one of ``but``.

        The value is the best rank of the stages that found it.
        """
        found = await self._session.execute(
            select(found_for.c.record_id, func.min(found_for.c.rank).label("rank"))
            .where(
                found_for.c.workspace_id == workspace_id,
                found_for.c.record_id == _any(record_ids),
                found_for.c.member_id != literal(list(but), ARRAY(Text)).all_(),
            )
            .group_by(found_for.c.record_id)
        )
        return {row.record_id: row.rank for row in found}

    async def save(
        self, workspace_id: str, run_id: str, org_id: str, decided: Sequence[Match]
    ) -> None:
        """Keep a page's matches, and doubt older ones that found the same records."""
        rows = [_row(workspace_id, run_id, org_id, match) for match in decided]
        if not rows:
            return
        for rank, record_ids in _by_rank(decided).items():
            others = select(found_for.c.member_id).where(
                found_for.c.workspace_id == workspace_id,
                found_for.c.record_id == _any(record_ids),
                found_for.c.rank >= rank,
            )
            await self._session.execute(
                update(matches)
                .where(
                    matches.c.workspace_id == workspace_id,
                    matches.c.state == "proposed",
                    matches.c.member_id.in_(others),
                )
                .values(state="ambiguous", reason="several_members")
            )
        await self._session.execute(upsert(matches), sorted(rows, key=in_key_order))
        hits = [
            {
                "workspace_id": workspace_id,
                "record_id": record_id,
                "member_id": match.member_id,
                "rank": match.stage.rank,
            }
            for match in decided
            for record_id in sorted({one.record_id for one in match.candidates})
        ]
        await self._session.execute(insert(found_for).on_conflict_do_nothing(), hits)

    async def mark_linked(self, keys: Collection[Key]) -> None:
        """Keep what was found, but who is linked claims no other record any more."""
        if keys:
            await self._session.execute(delete(found_for).where(these(found_for, keys)))
            await self._session.execute(
                update(matches).where(these(matches, keys)).values(state="linked", reason="")
            )

    async def forget(self, keys: Collection[Key]) -> None:
        if keys:
            await self._session.execute(delete(matches).where(these(matches, keys)))
            await self._session.execute(delete(found_for).where(these(found_for, keys)))

    async def drop_others(self, workspace_id: str, run_id: str, limit: int) -> int:
        """Drop what other runs found, some at a time; return how many."""
        old = (
            select(matches.c.member_id)
            .where(matches.c.workspace_id == workspace_id, matches.c.run_id != run_id)
            .limit(limit)
        )
        keys = [(workspace_id, member_id) for member_id in await self._session.scalars(old)]
        await self.forget(keys)
        return len(keys)

    async def acquit(self, workspace_id: str, run_id: str) -> None:
        """Propose what was doubted for another member's sake whom nothing speaks for now.

        A page is judged beside what an earlier run found for members whose page comes later.
        """
        mine, other = found_for.alias(), found_for.alias()
        contested = exists(
            select(mine.c.record_id)
            .join(
                other,
                (other.c.workspace_id == mine.c.workspace_id)
                & (other.c.record_id == mine.c.record_id)
                & (other.c.member_id != mine.c.member_id)
                & (other.c.rank <= mine.c.rank),
            )
            .where(
                mine.c.workspace_id == matches.c.workspace_id,
                mine.c.member_id == matches.c.member_id,
            )
            .correlate(matches)
        )
        taken = exists().where(
            links.c.workspace_id == matches.c.workspace_id,
            links.c.org_id == matches.c.org_id,
            links.c.record_id == matches.c.record_id,
            links.c.state == LinkState.LINKED,
        )
        await self._session.execute(
            update(matches)
            .where(
                matches.c.workspace_id == workspace_id,
                matches.c.run_id == run_id,
                matches.c.state == "ambiguous",
                matches.c.reason == "several_members",
                ~contested,
                ~taken,
            )
            .values(state="proposed", reason="")
        )

    async def tally(self, workspace_id: str, run_id: str) -> dict[tuple[str, str], int]:
        """Count what a run found, by state and by what it was found."""
        found = await self._session.execute(
            select(matches.c.state, matches.c.match_type, func.count().label("times"))
            .where(matches.c.workspace_id == workspace_id, matches.c.run_id == run_id)
            .group_by(matches.c.state, matches.c.match_type)
        )
        return {(row.state, row.match_type): row.times for row in found}


def _by_rank(decided: Sequence[Match]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for match in decided:
        found[match.stage.rank] |= {one.record_id for one in match.candidates}
    return found


def _any(values: Collection[str]) -> Any:  # noqa: ANN401 - SQLAlchemy types it as a collection
    return any_(literal(list(values), ARRAY(Text)))


def _row(workspace_id: str, run_id: str, org_id: str, match: Match) -> dict[str, Any]:
    first = match.candidates[0]
    return {
        "workspace_id": workspace_id,
        "member_id": match.member_id,
        "run_id": run_id,
        "org_id": org_id,
        "match_type": match.stage.by,
        "object": first.object,
        "record_id": first.record_id,
        "state": match.state,
        "reason": match.reason,
        "candidates": [_shown(one) for one in match.candidates],
    }


def _shown(one: Candidate) -> dict[str, Any]:
    shown = asdict(one)
    phones = shown.pop("phones")
    return {**shown, "phone": next(iter(phones), "")}


def _found(row: Any) -> FoundMatch:  # noqa: ANN401 - a row of `matches`
    targets = {
        one["record_id"]: Target(
            one["record_id"], one["object"], row.org_id, one["account_id"], one["owner_id"]
        )
        for one in row.candidates
    }
    return FoundMatch(state=row.state, first=row.record_id, targets=targets)
