"""What a person or a service did or refused: for the audit trail. Never a value, never a secret."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from crmlink_common.contracts.cloudevents import Data, Topic


class Activity(Data):
    """``details`` holds codes, ids and counts; no field of a member or record."""

    action: str = Field(min_length=1, max_length=100)  # `connection.connected`, `run.finished`
    actor: str = Field("", max_length=255)  # an API key's or user's id, or `service:<name>`
    member_id: str = ""
    record_id: str = ""
    run_id: str = ""
    code: str = ""
    details: dict[str, str | int | bool] = Field(default_factory=dict, max_length=50)


ACTIVITY_V1 = Topic(
    "activity.v1",
    Activity,
    writers=frozenset({"gateway", "oauth", "reconciler", "sync-outbound", "sync-inbound", "tools"}),
    kept=timedelta(days=30),
)
