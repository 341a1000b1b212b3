"""Reservations: who may create a record for a member, so that nobody makes a second one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from crmlink_common.contracts.member_links import LinkState
from crmlink_reconciler.domain.directory import Key, Known
from crmlink_reconciler.domain.linking import Link
from crmlink_reconciler.service.ports import FoundMatch, Work

Result = Literal[
    "reserved",
    "already_linked",
    "excluded",
    "unknown_member",
    "reserved_by_other",
    "match_proposed",  # a search found a record for this member: a person links it, or not
    "match_ambiguous",
]


@dataclass(frozen=True, slots=True)
class Wish:
    member_id: str
    intent_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    member_id: str
    result: Result
    record_id: str | None = None
    object: str | None = None
    intent_id: str | None = None  # of the one that holds it


@dataclass(frozen=True, slots=True)
class Reserving:
    work: Work

    async def reserve(self, workspace_id: str, wishes: Sequence[Wish]) -> list[Answer]:
        """Answer in order; the same wish again gets the same answer."""
        keys = {(workspace_id, wish.member_id) for wish in wishes}
        members = await self.work.directory.lock(keys)
        held = await self.work.reservations.lock(keys)
        links = await self.work.links.lock(keys)
        org_id = (await self.work.projections.standing(workspace_id)).org_id
        live = {key: one for key, one in links.items() if one.live_in(org_id) or not one.linked}
        matches = await self.work.matches.of(keys)
        new: dict[Key, str] = {}
        answers = []
        for wish in wishes:
            key = (workspace_id, wish.member_id)
            answer = _answer(wish, members.get(key), live.get(key), held.get(key))
            if answer.result == "reserved" and key not in held and key in matches:
                answer = _matched(wish, matches[key])
            if answer.result == "reserved" and key not in held:
                new[key] = held[key] = wish.intent_id
            answers.append(answer)
        await self.work.reservations.save(new)
        return answers


def _answer(wish: Wish, known: Known | None, link: Link | None, held: str | None) -> Answer:
    if known is None or known.deleted:
        return Answer(wish.member_id, "unknown_member")
    if link is not None and link.linked:
        return Answer(wish.member_id, "already_linked", link.record_id, link.object)
    if link is not None and link.state is LinkState.EXCLUDED:
        return Answer(wish.member_id, "excluded")
    if held is not None and held != wish.intent_id:
        return Answer(wish.member_id, "reserved_by_other", intent_id=held)
    return Answer(wish.member_id, "reserved")


def _matched(wish: Wish, found: FoundMatch) -> Answer:
    """Refuse a second record beside one that was found: whether it is the member's is open."""
    match found.state:
        case "proposed":
            return Answer(wish.member_id, "match_proposed")
        case "ambiguous":
            return Answer(wish.member_id, "match_ambiguous")
        case _:  # linked once, and that link has ended: its record is gone or no longer meant
            return Answer(wish.member_id, "reserved")
