"""Which record a member is."""

from __future__ import annotations

from enum import StrEnum

from crmlink_common.contracts.cloudevents import Data, Id, Revision, Topic


class LinkState(StrEnum):
    LINKED = "linked"
    UNLINKED = "unlinked"
    EXCLUDED = "excluded"  # a person unlinked it: nobody links it again until told to
    REFUSED = "refused"  # a confirmed match could not become a link; `reason` says why


class MemberLink(Data):
    """The triggers of workflows; a later revision replaces an earlier one."""

    member_id: Id
    revision: Revision
    state: LinkState
    record_id: str = ""  # 18 characters
    object: str = ""
    account_id: str = ""
    owner_id: str = ""
    org_id: str = ""
    reason: str = ""
    intent_id: str = ""  # of the reservation that a refusal answers

    @property
    def key(self) -> str:
        return f"{self.workspace_id}/{self.member_id}"


MEMBER_LINKS_V1 = Topic("member-links.v1", MemberLink, writers=frozenset({"reconciler"}))
