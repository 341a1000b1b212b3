"""A member's full state, from upstream. Null value: deleted, and erased."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field, JsonValue

from crmlink_common.contracts.cloudevents import Data, Id, Revision, Topic

Text = Annotated[str, Field(max_length=4_000)]


class Member(Data):
    """One member of a workspace, whole: a later message replaces an earlier one."""

    member_id: Id
    version: Revision  # grows with each change of this member, never restarts
    email: Text = ""
    phone: Text = ""
    first_name: Text = ""
    last_name: Text = ""
    name: Text = ""
    external_id: Text = ""
    date_of_birth: Text = ""
    locale: Text = ""
    role: Text = ""
    labels: list[Text] = Field(default_factory=list, max_length=1_000)
    fields: dict[str, JsonValue] = Field(default_factory=dict, max_length=1_000)
    archived: bool = False
    updated_at: AwareDatetime | None = None

    @property
    def key(self) -> str:
        return f"{self.workspace_id}/{self.member_id}"


MEMBERS_V1 = Topic("members.v1", Member, writers=frozenset({"upstream"}))
