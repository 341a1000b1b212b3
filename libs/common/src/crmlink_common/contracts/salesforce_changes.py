"""A change of a record in Salesforce, as capture saw it."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import AwareDatetime, Field, JsonValue

from crmlink_common.contracts.cloudevents import Data, Id, Topic


class SalesforceChange(Data):
    """The record's watched fields as they were when read. ``observed_at`` is the org's clock."""

    record_id: Id  # 18 characters
    object: str = Field(min_length=1, max_length=80)
    org_id: str
    kind: Literal["updated", "deleted", "merged", "converted", "reread"]
    values: dict[str, JsonValue] = Field(default_factory=dict)
    last_modified_date: AwareDatetime | None = None
    system_modstamp: AwareDatetime | None = None
    observed_at: AwareDatetime
    successor_id: str = ""  # MasterRecordId of a merge, ConvertedContactId of a conversion
    origin: Literal["poll", "safety", "reread", "sweep"] = "poll"

    @property
    def key(self) -> str:
        return f"{self.workspace_id}/{self.record_id}"


SALESFORCE_CHANGES_V1 = Topic(
    "salesforce-changes.v1",
    SalesforceChange,
    writers=frozenset({"sync-inbound"}),
    kept=timedelta(days=7),
)
