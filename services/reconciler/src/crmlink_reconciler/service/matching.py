"""Find matches and Link All, page by page: what one page of a durable run does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue

from crmlink_common.errors import NotConnectedError
from crmlink_common.members.normal import phone_e164
from crmlink_common.runs.model import Run, RunError, RunStatus, Step
from crmlink_common.runs.store import Claim
from crmlink_reconciler.domain.directory import Key, Known, reachable_otherwise
from crmlink_reconciler.domain.matching import (
    STAGES,
    Candidate,
    Match,
    Sought,
    Stage,
    decide_matches,
    still_sought,
)
from crmlink_reconciler.service.linking import PAGE, Linking, wishes
from crmlink_reconciler.service.ports import Work, WorkspaceState

MATCH, LINK_ALL, ENTITY = "match", "link_all", "member"
DROPPED_AT_ONCE = 5_000

Transaction = Callable[[], AbstractAsyncContextManager[Work]]


class Records(Protocol):
    """One workspace's Salesforce, for one page."""

    @property
    def org_id(self) -> str: ...
    @property
    def unreadable(self) -> set[str]:
        """Name the objects that the connected user cannot read."""
        ...

    async def find(self, stage: Stage, sought: Sequence[Sought], region: str) -> list[Candidate]:
        """Find the records that one stage may hit."""
        ...

    async def count(self, sobject: str) -> int: ...
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Page:
    members: list[tuple[str, Known]]
    state: WorkspaceState


@dataclass(frozen=True, slots=True, kw_only=True)
class FindMatches:
    transaction: Transaction
    open_records: Callable[[str], Awaitable[Records]]  # raises BudgetError when it must wait
    page_size: int = PAGE

    async def page(self, claim: Claim) -> Step:
        """Match one page of members; no transaction is open while Salesforce is asked."""
        after, searched = claim.checkpoint.get("after"), bool(claim.checkpoint.get("searched"))
        if after is None:
            return await self._begin(claim)
        if searched and await self._tidy(claim):
            return Step(checkpoint=claim.checkpoint)
        page = await self._read(claim.run.workspace_id, str(after))
        if not page.state.active:
            raise NotConnectedError("the workspace is not active")
        records = await self.open_records(claim.run.workspace_id)
        try:
            if searched:
                return await self._finish(claim, records)
            return await self._match(claim, page, records)
        finally:
            await records.close()

    async def _begin(self, claim: Claim) -> Step:
        """Count what is to be done. What earlier searches found stands until it is replaced."""
        workspace_id = claim.run.workspace_id
        async with self.transaction() as work:
            if not (await work.projections.standing(workspace_id)).active:
                raise NotConnectedError("the workspace is not active")
            total = await work.directory.count_unlinked(workspace_id)
        return Step(checkpoint={"after": ""}, total=total)

    async def _tidy(self, claim: Claim) -> bool:
        """Forget what only earlier searches found; say whether there may be more."""
        workspace_id, run_id = claim.run.workspace_id, str(claim.run.id)
        async with self.transaction() as work:
            gone = await work.matches.drop_others(workspace_id, run_id, DROPPED_AT_ONCE)
            if gone < DROPPED_AT_ONCE:
                await work.matches.acquit(workspace_id, run_id)
        return gone == DROPPED_AT_ONCE

    async def _read(self, workspace_id: str, after: str) -> _Page:
        async with self.transaction() as work:
            state = await work.projections.standing(workspace_id)
            members = await work.directory.unlinked(workspace_id, after, self.page_size)
        return _Page(members, state)

    async def _match(self, claim: Claim, page: _Page, records: Records) -> Step:
        org_id = str(claim.checkpoint.get("org_id") or records.org_id)
        if records.org_id != org_id:
            error = RunError(code="org_changed", message="The workspace is on another org now.")
            return Step(checkpoint=claim.checkpoint, outcome=RunStatus.FAILED, error=error)
        sought = [_sought(one, known, page.state.region) for one, known in page.members]
        found = await self._search(sought, page.state.region, records)
        decided = await self._keep(claim, org_id, page, sought, found)
        checkpoint: dict[str, JsonValue] = {
            "after": page.members[-1][0] if page.members else "",
            "org_id": org_id,
            "searched": len(page.members) < self.page_size,
            "unreadable": _unreadable(claim, records),
        }
        return Step(
            checkpoint=checkpoint,
            done=len(page.members),
            counts=_counts(page.members, sought, decided),
        )

    async def _search(
        self, sought: Sequence[Sought], region: str, records: Records
    ) -> dict[Stage, list[Candidate]]:
        left, found = list(sought), dict[Stage, list[Candidate]]()
        for stage in STAGES:
            asked = [one for one in left if one.value(stage)]
            if not asked:
                continue
            found[stage] = await records.find(stage, asked, region)
            left = still_sought(left, stage, found[stage], region)
        return found

    async def _keep(
        self,
        claim: Claim,
        org_id: str,
        page: _Page,
        sought: Sequence[Sought],
        found: Mapping[Stage, Sequence[Candidate]],
    ) -> list[Match]:
        """Replace what was found earlier for those who are still as they were when read."""
        workspace_id, region = claim.run.workspace_id, page.state.region
        ids = {one.record_id for stage in found.values() for one in stage}
        async with self.transaction() as work:
            keys = await _unchanged(work, workspace_id, org_id, page.members)
            sought = [one for one in sought if (workspace_id, one.member_id) in keys]
            await work.matches.forget(keys)
            holders = await work.links.holders({(workspace_id, org_id, one) for one in ids})
            claimed = await work.matches.claimed(
                workspace_id, ids, [one.member_id for one in sought]
            )
            taken = {record_id for _, _, record_id in holders}
            decided = decide_matches(sought, found, region=region, taken=taken, claimed=claimed)
            await work.matches.save(workspace_id, str(claim.run.id), org_id, decided)
        return decided

    async def _finish(self, claim: Claim, records: Records) -> Step:
        """Say how many records the user can see: it explains an empty result."""
        async with self.transaction() as work:
            tally = await work.matches.tally(claim.run.workspace_id, str(claim.run.id))
        counts = _corrected(claim.run.counts, tally)
        for sobject in ("Contact", "Lead"):
            counts[f"{sobject.lower()}s_visible"] = await records.count(sobject)
        error = None
        if names := " and ".join(str(one) for one in _unreadable(claim, records)):
            error = RunError(
                code="object_not_readable",
                message=f"The connected user cannot read {names}: give it a permission set "
                "with Read on it and on its e-mail and phone fields.",
            )
        outcome = RunStatus.COMPLETED_WITH_ERRORS if error else RunStatus.COMPLETED
        return Step(checkpoint=claim.checkpoint, counts=counts, outcome=outcome, error=error)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkAll:
    transaction: Transaction
    page_size: int = PAGE

    async def page(self, claim: Claim) -> Step:
        """Link one page of what is proposed, never what is ambiguous."""
        run, after = claim.run, str(claim.checkpoint.get("after") or "")
        async with self.transaction() as work:
            members = await work.matches.proposed(run.workspace_id, after, self.page_size)
            if not members:
                return Step(checkpoint=claim.checkpoint, outcome=_outcome(run))
            told = await Linking(work).link(
                run.workspace_id, wishes(members), actor=run.requested_by
            )
        refused = Counter(f"refused_{one.code}" for one in told.refused)
        counts = {"linked": told.linked, "refused": len(told.refused), **refused}
        return Step(checkpoint={"after": members[-1]}, done=len(members), counts=counts)


async def _unchanged(
    work: Work, workspace_id: str, org_id: str, members: Sequence[tuple[str, Known]]
) -> set[Key]:
    """Lock the members of a page; leave out who was linked, excluded or changed meanwhile."""
    read = {(workspace_id, member_id): known for member_id, known in members}
    known = await work.directory.lock(read.keys())
    links = await work.links.lock(read.keys())
    return {
        key
        for key, one in known.items()
        if not one.deleted
        and not reachable_otherwise(read[key], one)
        and (key not in links or links[key].matchable_in(org_id))
    }


def _unreadable(claim: Claim, records: Records) -> list[JsonValue]:
    """Name the objects that could not be read on this page or an earlier one."""
    earlier = claim.checkpoint.get("unreadable")
    told = {str(one) for one in earlier} if isinstance(earlier, list) else set()
    return list[JsonValue](sorted(told | records.unreadable))


def _corrected(counted: Mapping[str, int], tally: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """Give what is to be added: a later page may have doubted what an earlier one proposed."""
    now = Counter[str]()
    for (state, by), times in tally.items():
        now["ambiguous" if state == "ambiguous" else f"matched_{by}"] += times
    names = ("matched_email", "matched_phone", "ambiguous")
    return {name: now[name] - counted.get(name, 0) for name in names}


def _outcome(run: Run) -> RunStatus:
    refused = run.counts.get("refused", 0)
    return RunStatus.COMPLETED_WITH_ERRORS if refused else RunStatus.COMPLETED


def _sought(member_id: str, known: Known, region: str) -> Sought:
    return Sought(member_id, known.email, phone_e164(known.phone, region))


def _counts(
    members: Sequence[tuple[str, Known]], sought: Sequence[Sought], decided: Sequence[Match]
) -> dict[str, int]:
    proposed = [match for match in decided if match.state == "proposed"]
    bare = sum(not known.email and not known.phone for _, known in members)
    unusable = sum(not one.email and not one.phone for one in sought) - bare
    return {
        "examined": len(members),
        "matched_email": sum(match.stage.by == "email" for match in proposed),
        "matched_phone": sum(match.stage.by == "phone" for match in proposed),
        "ambiguous": len(decided) - len(proposed),
        "none": len(members) - len(decided) - bare,
        "without_email_and_phone": bare,
        "phone_not_readable": unusable,
    }
