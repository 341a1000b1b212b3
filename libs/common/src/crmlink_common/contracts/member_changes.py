"""What we ask upstream to change in a member. Upstream judges by each field's ``expected``."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, JsonValue

from crmlink_common.contracts.cloudevents import Contract, Data, Id, Revision, Topic


class FieldChange(Contract):
    """One field: set it to ``value``, or unset it, provided it is as ``expected`` now."""

    field: str = Field(min_length=1, max_length=255)  # `email`, or `fields.<key>`
    expected: JsonValue = None
    value: JsonValue = None
    unset: bool = False


class MemberChange(Data):
    """A request, not a fact: the answer is the next ``members.v1`` of this member."""

    member_id: Id
    changes: list[FieldChange] = Field(min_length=1, max_length=1_000)
    expected_version: Revision | None = None  # informs; the per-field `expected` decides
    reason: str = Field(max_length=64)
    record_id: str = ""
    object: str = ""
    org_id: str = ""

    @property
    def key(self) -> str:
        return f"{self.workspace_id}/{self.member_id}"


MEMBER_CHANGES_V1 = Topic(
    "member-changes.v1",
    MemberChange,
    writers=frozenset({"reconciler", "sync-outbound"}),
    kept=timedelta(days=7),
)
