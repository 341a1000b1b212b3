"""Members as upstream tells of them: the directory, and what it means for their links."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from crmlink_common.contracts.cloudevents import Attributes, Event
from crmlink_common.contracts.members import Member
from crmlink_common.contracts.record_matches import RECORD_MATCHES_V1, RecordMatch
from crmlink_reconciler.domain.directory import Key, Known, key_of, learn, reachable_otherwise
from crmlink_reconciler.domain.linking import contradicts, end
from crmlink_reconciler.service.confirms import Confirms
from crmlink_reconciler.service.decisions import Decision, Decisions
from crmlink_reconciler.service.ports import Work


@dataclass(frozen=True, slots=True)
class Members:
    """Keeps the member directory and ends the links of members that are gone."""

    work: Work

    async def observe(self, events: Sequence[Event[Member]]) -> None:
        known = await self.work.directory.lock({key_of(event.data.key) for event in events})
        changed: dict[Key, Known] = {}
        causes: dict[Key, Attributes] = {}
        for event in events:
            key = key_of(event.data.key)
            if (after := learn(changed.get(key) or known.get(key), event.data)) is not None:
                changed[key], causes[key] = after, event.attributes
        await self.work.directory.save(changed, self.work.now())
        await self._follow(known, changed, causes)
        await self._answer_waiting([key for key in changed if key not in known])

    async def _follow(
        self,
        known: Mapping[Key, Known],
        changed: Mapping[Key, Known],
        causes: Mapping[Key, Attributes],
    ) -> None:
        gone = {key for key, one in changed.items() if one.deleted}
        shown = {
            key
            for key, one in changed.items()
            if key in known and key not in gone and known[key].evidence != one.evidence
        }
        links = await self.work.links.lock(gone | shown)
        decisions = Decisions(self.work)
        ended = [
            Decision(after, causes[key])
            for key, link in links.items()
            if key in gone and (after := end(link, "member_deleted")) is not None
        ]
        await decisions.carry_out(ended, {})
        requests = [
            decisions.request(Decision(link, causes[key]), changed[key].evidence)
            for key, link in links.items()
            if key in shown and contradicts(link, changed[key].evidence)
        ]
        await self.work.outbox.add([one for one in requests if one is not None])
        moved = {key for key, one in changed.items() if reachable_otherwise(known.get(key), one)}
        await self.work.matches.forget(moved | gone)

    async def _answer_waiting(self, new: Collection[Key]) -> None:
        """Apply the confirmed matches that came before their member."""
        needs: dict[str, list[str]] = defaultdict(list)
        for workspace_id, member_id in new:
            needs[workspace_id].append(f"{workspace_id}/{member_id}")
        waiting: list[Event[RecordMatch]] = []
        for workspace_id, keys in needs.items():
            waiting += await self.work.parking.release(workspace_id, keys, RECORD_MATCHES_V1)
        if waiting:
            await Confirms(self.work).settle(waiting)
