"""Links that a person makes, ends and allows again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from crmlink_common.contracts.member_links import LinkState
from crmlink_common.errors import NotFoundError
from crmlink_reconciler.domain.directory import Key, Known
from crmlink_reconciler.domain.linking import BY_PERSON, TAKEN, Link, Target, exclude, join, relink
from crmlink_reconciler.service.decisions import Decision, Decisions
from crmlink_reconciler.service.ports import FoundMatch, Work

PAGE = 500
OVERDUE = timedelta(minutes=15)  # no create takes so long: its confirmation is late, or lost
MESSAGES = {
    "unknown_member": "The member is not known, or was deleted.",
    BY_PERSON: "A person unlinked this member: relink it first.",
    "already_linked": "The member is linked to another record.",
    "reserved": "Sync is creating a record for this member: link it in a quarter of an hour.",
    "no_match": "Nothing was found for this member: find matches first.",
    "ambiguous": "Several records or members fit: choose one of the candidates.",
    "not_a_candidate": "The record is none of those found for this member.",
    "org_not_confirmed": "An admin has to choose Use this org, or Go back, on the Overview tab.",
    "org_changed": "The match was found in another org: find matches again.",
    TAKEN: "The record is linked to another member.",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    member_id: str
    code: str

    @property
    def message(self) -> str:
        return MESSAGES[self.code]


@dataclass(slots=True)
class Linked:
    """What came of a page of wishes."""

    linked: int = 0
    refused: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Meets:
    members: Mapping[Key, Known]
    reserved: Mapping[Key, str]
    links: Mapping[Key, Link]
    matches: Mapping[Key, FoundMatch]
    holders: dict[tuple[str, str, str], Key]
    org_id: str
    org_confirmed: bool
    overdue: set[Key]


@dataclass(frozen=True, slots=True)
class Linking:
    work: Work

    async def link(
        self, workspace_id: str, wishes: Mapping[str, str | None], *, actor: str = ""
    ) -> Linked:
        """Link each member to the record named, or to the one proposed for it.

        A person's link ends a reservation that has stood for longer than a create can take:
        its confirmation may have been lost. If it still comes, it is answered as refused.
        """
        meets = await self._meets(workspace_id, wishes)
        told, decisions = Linked(), list[Decision]()
        for member_id, record_id in sorted(wishes.items()):
            key = (workspace_id, member_id)
            target, code = _choose(key, record_id, meets)
            link = meets.links.get(key, Link(*key))
            if code or target is None:
                told.refused.append(Refusal(member_id, code))
                continue
            told.linked += 1
            if link.live_in(meets.org_id):
                continue  # to this very record
            after = join(link, target, self.work.now())
            meets.holders[after.record] = key
            decisions.append(Decision(after))
        done = Decisions(self.work)
        evidence = {key: known.evidence for key, known in meets.members.items()}
        await done.carry_out(decisions, evidence)
        await self.work.reservations.drop(meets.overdue & {one.link.key for one in decisions})
        one = decisions[0].link if len(decisions) == len(wishes) == 1 else None
        await done.report(
            workspace_id,
            "member.linked" if one else "members.linked",
            actor=actor,
            member_id=one.member_id if one else "",
            record_id=one.record_id if one else "",
            details={"linked": told.linked, "refused": len(told.refused)},
        )
        return told

    async def unlink(self, workspace_id: str, member_id: str, *, actor: str = "") -> LinkState:
        """End a link and keep others from making it again. Salesforce is not touched."""
        link, evidence = await self._locked((workspace_id, member_id))
        if link.state is LinkState.EXCLUDED:
            return link.state
        after = exclude(link)
        if after is None:
            raise NotFoundError("The member is not linked.")
        await self._told(after, evidence, "member.unlinked", actor)
        return after.state

    async def relink(self, workspace_id: str, member_id: str, *, actor: str = "") -> LinkState:
        """Allow a member that a person unlinked to be matched and linked again."""
        link, evidence = await self._locked((workspace_id, member_id))
        after = relink(link)
        if after is None:
            return link.state
        await self._told(after, evidence, "member.relinked", actor)
        return after.state

    async def _told(self, after: Link, known: Known, action: str, actor: str) -> None:
        done = Decisions(self.work)
        await done.carry_out([Decision(after)], {after.key: known.evidence})
        await done.report(
            after.workspace_id,
            action,
            actor=actor,
            member_id=after.member_id,
            record_id=after.record_id,
        )

    async def _locked(self, key: Key) -> tuple[Link, Known]:
        known = (await self.work.directory.lock([key])).get(key)
        link = (await self.work.links.lock([key])).get(key)
        if link is None:
            raise NotFoundError("The member is not linked.")
        return link, known or Known(0)

    async def _meets(self, workspace_id: str, wishes: Mapping[str, str | None]) -> _Meets:
        keys = [(workspace_id, member_id) for member_id in wishes]
        members = await self.work.directory.lock(keys)
        reserved = await self.work.reservations.lock(keys)
        links = await self.work.links.lock(keys)
        matches = await self.work.matches.of(keys)
        records = {
            (workspace_id, target.org_id, target.record_id)
            for match in matches.values()
            for target in match.targets.values()
        }
        holders = await self.work.links.holders(records)
        state = await self.work.projections.standing(workspace_id)
        overdue = await self.work.reservations.overdue(reserved.keys(), self.work.now() - OVERDUE)
        org = state.org_id, state.org_confirmed
        return _Meets(members, reserved, links, matches, holders, *org, overdue)


def _choose(key: Key, record_id: str | None, meets: _Meets) -> tuple[Target | None, str]:
    """Give the record to link to, or the code of what stands against it."""
    known, link = meets.members.get(key), meets.links.get(key)
    match = meets.matches.get(key)
    if known is None or known.deleted:
        return None, "unknown_member"
    if link is not None and link.state is LinkState.EXCLUDED:
        return None, BY_PERSON
    target = match.targets.get(record_id or match.first) if match else None
    if link is not None and link.live_in(meets.org_id):
        same = target is not None and target.record_id == link.record_id
        return (target, "") if same else (None, "already_linked")
    if code := _unclear(match, target, record_id):
        return None, code
    if key in meets.reserved and key not in meets.overdue:
        return None, "reserved"
    return _free(key, target, meets) if target else (None, "no_match")


def _unclear(match: FoundMatch | None, target: Target | None, record_id: str | None) -> str:
    if match is None:
        return "no_match"
    if record_id is None and match.state == "ambiguous":
        return "ambiguous"
    return "" if target else "not_a_candidate"


def _free(key: Key, target: Target, meets: _Meets) -> tuple[Target | None, str]:
    if not meets.org_confirmed:
        return None, "org_not_confirmed"
    if meets.org_id not in ("", target.org_id):
        return None, "org_changed"
    if meets.holders.get((key[0], target.org_id, target.record_id), key) != key:
        return None, TAKEN
    return target, ""


def wishes(member_ids: Sequence[str]) -> dict[str, str | None]:
    """Wish for what was proposed."""
    return dict.fromkeys(member_ids)
