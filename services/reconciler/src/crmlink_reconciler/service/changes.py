"""Changes of records in Salesforce: links end, move, or take over account and owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crmlink_common.contracts.cloudevents import Event
from crmlink_common.contracts.salesforce_changes import SalesforceChange
from crmlink_common.errors import PermanentError
from crmlink_common.salesforce.ids import is_id, to_18
from crmlink_reconciler.domain.linking import Link, Target, end, move, refresh
from crmlink_reconciler.service.decisions import Decision, Decisions
from crmlink_reconciler.service.ports import Work

RecordKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class RecordChanges:
    work: Work

    async def observe(self, events: Sequence[Event[SalesforceChange]]) -> None:
        changes = [(event, _change(event)) for event in events]
        records = {key for _, change in changes for key in _records(change)}
        by_record = {link.record: link for link in await self.work.links.lock_by_record(records)}
        decisions: list[Decision] = []
        for event, change in changes:
            link = by_record.get(_record(change))
            after = None if link is None else follow(link, change, by_record)
            if link is None or after is None:
                continue
            del by_record[link.record]
            if after.linked:
                by_record[after.record] = after
            decisions.append(Decision(after, event.attributes))
        known = await self.work.directory.peek({one.link.key for one in decisions})
        evidence = {key: one.evidence for key, one in known.items()}
        await Decisions(self.work).carry_out(decisions, evidence)


def follow(link: Link, change: SalesforceChange, taken: dict[RecordKey, Link]) -> Link | None:
    """Decide what a change of its record means for a link; None for nothing."""
    match change.kind:
        case "deleted":
            return end(link, "record_deleted")
        case "merged" | "converted":
            return _succeed(link, change, taken)
        case "updated" | "reread":
            return refresh(link, change.values)


def _succeed(link: Link, change: SalesforceChange, taken: dict[RecordKey, Link]) -> Link | None:
    if not is_id(change.successor_id):
        return end(link, "record_deleted") if change.kind == "merged" else None
    successor = to_18(change.successor_id)
    if (link.workspace_id, link.org_id, successor) in taken:
        return end(link, f"{change.kind}_into_linked_record")
    converted = change.kind == "converted"
    account = change.values.get("ConvertedAccountId") if converted else link.account_id
    target = Target(
        successor,
        "Contact" if converted else link.object,
        link.org_id,
        str(account or ""),
        link.owner_id,  # until the successor itself is read
    )
    return move(link, target, f"record_{change.kind}")


def _change(event: Event[SalesforceChange]) -> SalesforceChange:
    if not isinstance(event.data, SalesforceChange):
        raise PermanentError("a change is never deleted")
    return event.data


def _record(change: SalesforceChange) -> RecordKey:
    return change.workspace_id, change.org_id, to_18(change.record_id)


def _records(change: SalesforceChange) -> list[RecordKey]:
    both = [_record(change)]
    if is_id(change.successor_id):
        both.append((change.workspace_id, change.org_id, to_18(change.successor_id)))
    return both
