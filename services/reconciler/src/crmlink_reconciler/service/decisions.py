"""What was decided is written, remembered and told in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from crmlink_common.contracts.activity import ACTIVITY_V1, Activity
from crmlink_common.contracts.cloudevents import Attributes, Record, Topic, encode
from crmlink_common.contracts.member_changes import MEMBER_CHANGES_V1, MemberChange
from crmlink_common.contracts.member_links import MEMBER_LINKS_V1, LinkState
from crmlink_reconciler.domain.linking import Link, asked
from crmlink_reconciler.service.ports import Work

SOURCE = "/reconciler"
SERVICE_ACTOR = "service:reconciler"
SILENT = ("member_deleted", "relinked")  # there is nothing upstream should change


@dataclass(frozen=True, slots=True)
class Decision:
    """A link's next state, and the message that led to it, if one did."""

    link: Link
    cause: Attributes | None = None

    @property
    def cause_id(self) -> str:
        return self.cause.id if self.cause else ""

    @property
    def notable(self) -> bool:
        """Say whether the service did something by itself that a person may ask about."""
        return self.cause is not None and bool(self.link.reason)


@dataclass(frozen=True, slots=True)
class Decisions:
    work: Work

    async def carry_out(
        self,
        decisions: Sequence[Decision],
        evidence: Mapping[tuple[str, str], Mapping[str, JsonValue]],
    ) -> None:
        """Write the links and tell of them; several of one member come in their order."""
        last = {one.link.key: (one.link, one.cause_id) for one in decisions}
        await self.work.links.save(last)
        await self.work.links.remember([(one.link, one.cause_id) for one in decisions])
        linked = [key for key, (link, _) in last.items() if link.linked]
        await self.work.matches.mark_linked(linked)
        ended = [k for k, (ln, _) in last.items() if not ln.linked and ln.state != "refused"]
        await self.work.matches.forget(ended)
        records: list[Record] = []
        for one in decisions:
            records.append(self.encoded(MEMBER_LINKS_V1, one.link.told(), one.cause))
            request = self.request(one, evidence.get(one.link.key, {}))
            records += [request] if request else []
            records += [self._trace(one)] if one.notable else []
        await self.work.outbox.add(records)

    def request(self, one: Decision, evidence: Mapping[str, JsonValue]) -> Record | None:
        """Ask upstream to show what the link says, if it does not."""
        link = one.link
        changes = asked(link, evidence)
        if not changes or link.state is LinkState.REFUSED or link.reason in SILENT:
            return None
        change = MemberChange(
            workspace_id=link.workspace_id,
            member_id=link.member_id,
            changes=changes,
            reason=link.reason or link.state.value,
            record_id=link.record_id,
            object=link.object,
            org_id=link.org_id,
        )
        return self.encoded(MEMBER_CHANGES_V1, change, one.cause)

    async def report(self, workspace_id: str, action: str, *, actor: str = "", **more: Any) -> None:  # noqa: ANN401 - fields of Activity
        """Leave a trace of what a person or this service did: codes, ids and counts."""
        told = Activity(
            workspace_id=workspace_id, action=action, actor=actor or SERVICE_ACTOR, **more
        )
        await self.work.outbox.add([self.encoded(ACTIVITY_V1, told, None)])

    def _trace(self, one: Decision) -> Record:
        link = one.link
        told = Activity(
            workspace_id=link.workspace_id,
            action=f"link.{link.state.value}",
            actor=SERVICE_ACTOR,
            member_id=link.member_id,
            record_id=link.record_id,
            code=link.reason,
        )
        return self.encoded(ACTIVITY_V1, told, one.cause)

    def encoded(self, topic: Topic[Any], data: Any, cause: Attributes | None) -> Record:  # noqa: ANN401 - any contract
        name = {"event_id": str(self.work.new_id()), "source": SOURCE}
        return encode(topic, data, time=self.work.now(), cause=cause, **name)
