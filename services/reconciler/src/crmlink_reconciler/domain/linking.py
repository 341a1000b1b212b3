"""How a link comes, moves and ends. Every step is one revision, told to the world once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import JsonValue

from crmlink_common.contracts.member_changes import FieldChange
from crmlink_common.contracts.member_links import LinkState, MemberLink
from crmlink_reconciler.domain.directory import KEYS, Key

BY_PERSON = "unlinked_by_person"
TAKEN = "record_linked_elsewhere"


@dataclass(frozen=True, slots=True)
class Target:
    """A record that a member may be linked to."""

    record_id: str
    object: str
    org_id: str
    account_id: str = ""
    owner_id: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A member's link. Revision 0 was never told to anybody: there has been none."""

    workspace_id: str
    member_id: str
    revision: int = 0
    state: LinkState = LinkState.UNLINKED
    record_id: str = ""
    object: str = ""
    account_id: str = ""
    owner_id: str = ""
    org_id: str = ""
    reason: str = ""
    intent_id: str = ""
    linked_at: datetime | None = None

    @property
    def key(self) -> Key:
        return self.workspace_id, self.member_id

    @property
    def linked(self) -> bool:
        return self.state is LinkState.LINKED

    def live_in(self, org_id: str) -> bool:
        """Say whether it counts in this org; a link of another org lies dormant meanwhile."""
        return self.linked and (not org_id or self.org_id in ("", org_id))

    def matchable_in(self, org_id: str) -> bool:
        """Say whether a search may look for this member's record there."""
        return self.state is not LinkState.EXCLUDED and not self.live_in(org_id)

    @property
    def record(self) -> tuple[str, str, str]:
        """Name the record in its workspace: it has one member at most."""
        return self.workspace_id, self.org_id, self.record_id

    def told(self) -> MemberLink:
        """Say it as the bus does."""
        return MemberLink(
            workspace_id=self.workspace_id,
            member_id=self.member_id,
            revision=self.revision,
            state=self.state,
            record_id=self.record_id,
            object=self.object,
            account_id=self.account_id,
            owner_id=self.owner_id,
            org_id=self.org_id,
            reason=self.reason,
            intent_id=self.intent_id,
        )


def join(link: Link, target: Target, now: datetime, *, intent_id: str = "") -> Link:
    """Link the member to the record."""
    return Link(
        link.workspace_id,
        link.member_id,
        link.revision + 1,
        LinkState.LINKED,
        target.record_id,
        target.object,
        target.account_id,
        target.owner_id,
        target.org_id,
        intent_id=intent_id,
        linked_at=now,
    )


def wake(link: Link, target: Target, now: datetime) -> Link:
    """Take up again the link that the member had in this org before there was another one."""
    return replace(join(link, target, now), reason="org_returned")


def end(link: Link, reason: str) -> Link | None:
    """Return the ended link, which still names its record, or None when it is not linked."""
    if not link.linked:
        return None
    return replace(
        link, state=LinkState.UNLINKED, revision=link.revision + 1, reason=reason, intent_id=""
    )


def exclude(link: Link) -> Link | None:
    """End it so that nobody links this member again until a person says so."""
    ended = end(link, BY_PERSON)
    return None if ended is None else replace(ended, state=LinkState.EXCLUDED)


def relink(link: Link) -> Link | None:
    """Take the exclusion away: the member may be matched again."""
    if link.state is not LinkState.EXCLUDED:
        return None
    return replace(
        link, state=LinkState.UNLINKED, revision=link.revision + 1, reason="relinked", intent_id=""
    )


def dissolve(link: Link) -> Link | None:
    """End what stood on a connection that is deleted, an exclusion too; None for the rest."""
    if not link.linked and link.state is not LinkState.EXCLUDED:
        return None
    return replace(
        link,
        state=LinkState.UNLINKED,
        revision=link.revision + 1,
        reason="connection_deleted",
        intent_id="",
    )


def move(link: Link, target: Target, reason: str) -> Link:
    """Follow the record into its successor."""
    return replace(
        link,
        revision=link.revision + 1,
        record_id=target.record_id,
        object=target.object,
        account_id=target.account_id,
        owner_id=target.owner_id,
        reason=reason,
        intent_id="",
    )


def refresh(link: Link, values: Mapping[str, JsonValue]) -> Link | None:
    """Take over the account and owner that the record has now; None when they are as known."""
    account, owner = values.get("AccountId", link.account_id), values.get("OwnerId", link.owner_id)
    account_id, owner_id = str(account or ""), str(owner or "")
    if not link.linked or (account_id, owner_id) == (link.account_id, link.owner_id):
        return None
    return replace(link, revision=link.revision + 1, account_id=account_id, owner_id=owner_id)


def refuse(link: Link, target: Target, reason: str, intent_id: str) -> Link | None:
    """Answer a confirmed match that cannot become a link.

    Whoever asks again is answered again, if in the same words: a pair that waits for its answer
    would wait for ever. (The same message twice is noticed before, by its id.) What stands (a
    link, an exclusion) is never replaced by a refusal: it is told again, naming the intent, so
    that a compacted topic loses nothing.
    """
    if link.linked or link.state is LinkState.EXCLUDED:
        if intent_id in ("", link.intent_id):
            return None
        return replace(link, revision=link.revision + 1, reason=reason, intent_id=intent_id)
    return Link(
        link.workspace_id,
        link.member_id,
        link.revision + 1,
        LinkState.REFUSED,
        target.record_id,
        target.object,
        org_id=target.org_id,
        reason=reason,
        intent_id=intent_id,
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """What a confirmed match meets."""

    deleted: bool  # the member
    taken: bool  # the record, by another member
    reserved: str = ""  # the intent that holds the member
    doubtful: bool = False  # a search found more than one way to match it
    unknown: bool = False  # the member has not come in time
    org_id: str = ""  # that the workspace's data is bound to now


def confirm(
    link: Link, target: Target, intent_id: str, standing: Standing, now: datetime
) -> Link | None:
    """Decide what a confirmed match becomes: a link, a refusal, or nothing new."""
    if link.linked and (link.org_id, link.record_id) == (target.org_id, target.record_id):
        return None
    reason = _objection(link, target, intent_id, standing)
    if reason:
        return refuse(link, target, reason, intent_id)
    return join(link, target, now, intent_id=intent_id)


def _objection(link: Link, target: Target, intent_id: str, standing: Standing) -> str:
    """Name the first thing that stands against a link; a dormant one gives way to a live one."""
    elsewhere = link.linked and (link.org_id == target.org_id or link.live_in(standing.org_id))
    objections = {
        "wait_expired": standing.unknown,
        "member_deleted": standing.deleted,
        BY_PERSON: link.state is LinkState.EXCLUDED,
        "member_linked_elsewhere": elsewhere,
        "not_reserved": bool(intent_id) and standing.reserved != intent_id,
        TAKEN: standing.taken,
        "ambiguous": standing.doubtful and not intent_id,  # created is not adopted
    }
    return next((code for code, holds in objections.items() if holds), "")


def asked(link: Link, evidence: Mapping[str, JsonValue]) -> list[FieldChange]:
    """List what upstream should change so that the member's fields say what the link says."""
    changes = []
    for key, attribute in KEYS.items():
        expected = evidence.get(key)
        value = getattr(link, attribute) if link.linked else ""
        if link.linked and value == (expected or ""):
            continue  # when it ends we ask in any case: a request may still be under way
        change = FieldChange(
            field=f"fields.{key}", expected=expected, value=value or None, unset=not value
        )
        changes.append(change)
    return changes


def contradicts(link: Link, evidence: Mapping[str, JsonValue]) -> bool:
    """Say whether upstream shows other than it was asked to show.

    A request overtaken by another is refused upstream; what it shows then is asked again.
    """
    if link.linked:
        return bool(asked(link, evidence))
    ended = link.state in (LinkState.UNLINKED, LinkState.EXCLUDED)
    return ended and bool(link.record_id) and evidence.get("salesforce:id") == link.record_id
