"""Matches that sync confirms or gives up: a reservation becomes a link, a refusal, or nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from crmlink_common.contracts.cloudevents import Attributes, Event, Record, encode
from crmlink_common.contracts.record_matches import RECORD_MATCHES_V1, RecordMatch
from crmlink_common.errors import InvalidInputError, PermanentError
from crmlink_common.salesforce.ids import to_18
from crmlink_reconciler.domain.directory import Key, Known
from crmlink_reconciler.domain.linking import Link, Standing, Target, confirm
from crmlink_reconciler.service.decisions import SOURCE, Decision, Decisions
from crmlink_reconciler.service.ports import Work, WorkspaceState

LONGEST = 255
Ready: TypeAlias = Sequence[tuple[Event[RecordMatch], Target | None]]


@dataclass(slots=True)
class _Meets:
    """What a batch of confirms meets; it changes as they are settled one by one."""

    members: Mapping[Key, Known]
    reserved: dict[Key, str]
    links: dict[Key, Link]
    holders: dict[tuple[str, str, str], Key]
    seen: dict[Key, set[str]]
    doubtful: frozenset[Key]
    orgs: Mapping[str, str]  # what each workspace's data is bound to
    released: set[Key] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Confirms:
    work: Work

    async def settle(self, events: Sequence[Event[RecordMatch]], *, patient: bool = True) -> None:
        """Settle them in order.

        One whose member is not known yet waits for it; without patience it is refused, so that
        who sent it does not wait for ever.
        """
        members = await self.work.directory.lock({_key(_match(event)) for event in events})
        waiting = [e for e in events if patient and _key(_match(e)) not in members]
        await self._park(waiting)
        ready = [
            (event, await self._target(_match(event)))
            for event in events
            if not patient or _key(_match(event)) in members
        ]
        meets = await self._meets(members, ready)
        decisions = [
            decision
            for event, target in ready
            if (decision := self._settle_one(event, target, meets)) is not None
        ]
        await self.work.reservations.drop(meets.released)
        evidence = {key: known.evidence for key, known in members.items()}
        await Decisions(self.work).carry_out(decisions, evidence)

    async def _meets(self, members: Mapping[Key, Known], ready: Ready) -> _Meets:
        keys = {_key(_match(event)) for event, _ in ready}
        records = {
            (_match(event).workspace_id, target.org_id, target.record_id)
            for event, target in ready
            if target is not None
        }
        found = await self.work.matches.of(keys)
        return _Meets(
            members,
            await self.work.reservations.lock(keys),
            await self.work.links.lock(keys),
            await self.work.links.holders(records),
            await self.work.links.causes(keys, _names(ready)),
            frozenset(key for key, one in found.items() if one.state == "ambiguous"),
            {
                workspace_id: (await self.work.projections.standing(workspace_id)).org_id
                for workspace_id in sorted({workspace_id for workspace_id, _ in keys})
            },
        )

    def _settle_one(
        self, event: Event[RecordMatch], target: Target | None, meets: _Meets
    ) -> Decision | None:
        match = _match(event)
        key = _key(match)
        held = meets.reserved.get(key, "")
        if match.intent_id and held == match.intent_id:
            meets.released.add(key)
            del meets.reserved[key]
        if target is None or _seen(match, event.attributes, held, meets.seen.get(key, set())):
            return None
        link = meets.links.get(key, Link(*key))
        holder = meets.holders.get((match.workspace_id, target.org_id, target.record_id), key)
        known = meets.members.get(key)
        standing = Standing(
            deleted=known is not None and known.deleted,
            taken=holder != key,
            reserved=held,
            doubtful=key in meets.doubtful,
            unknown=known is None,
            org_id=meets.orgs[match.workspace_id],
        )
        after = confirm(link, target, match.intent_id, standing, self.work.now())
        if after is None:
            return None
        meets.links[key] = after
        meets.seen.setdefault(key, set()).update({event.attributes.id, match.intent_id} - {""})
        if after.linked:
            meets.holders[after.record] = key
        return Decision(after, event.attributes)

    async def _target(self, match: RecordMatch) -> Target | None:
        """Name the record; None for a release."""
        if match.action == "release":
            return None
        state = WorkspaceState(target_object=match.object, org_id=match.org_id)
        if not (match.object and match.org_id):
            state = await self.work.projections.standing(match.workspace_id)
        return Target(
            to_18(match.record_id),
            match.object or state.target_object,
            match.org_id or state.org_id,
            match.account_id,
            match.owner_id,
        )

    async def _park(self, events: Sequence[Event[RecordMatch]]) -> None:
        waiting: dict[Key, list[Record]] = defaultdict(list)
        for event in events:
            waiting[_key(_match(event))].append(_again(event))
        for (workspace_id, member_id), records in waiting.items():
            await self.work.parking.park(workspace_id, f"{workspace_id}/{member_id}", records)


def _match(event: Event[RecordMatch]) -> RecordMatch:
    """Refuse what can never be settled before it is parked: later it would take its member along.

    Raises:
        PermanentError: it is no match, or names no record.
    """
    if not isinstance(event.data, RecordMatch):
        raise PermanentError("a match is never deleted")
    match = event.data
    if match.action == "confirm":
        to_18(match.record_id)
    ids = (match.intent_id, match.object, match.account_id, match.owner_id, match.org_id)
    if not all(one.isprintable() and len(one) <= LONGEST for one in ids):
        raise InvalidInputError("a match names ids that no database keeps")
    return match


def _names(ready: Ready) -> set[str]:
    """Name the messages and intents of a batch."""
    ids = {event.attributes.id for event, _ in ready}
    return (ids | {_match(event).intent_id for event, _ in ready}) - {""}


def _key(match: RecordMatch) -> Key:
    return match.workspace_id, match.member_id


def _seen(match: RecordMatch, told: Attributes, held: str, known: set[str]) -> bool:
    """Say whether this led to a decision before; while its reservation stands it did not."""
    if match.intent_id and held == match.intent_id:
        return False
    return told.id in known or match.intent_id in known


def _again(event: Event[RecordMatch]) -> Record:
    """Write the message as it came."""
    told = event.attributes
    earlier = told.model_copy(update={"id": told.causationid}) if told.causationid else None
    return encode(
        RECORD_MATCHES_V1,
        event.data,
        event_id=told.id,
        source=told.source or SOURCE,
        time=told.time,
        cause=earlier,
    )
