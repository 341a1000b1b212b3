"""How sync tells the reconciler what became of a member it resolved or created."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from crmlink_common.contracts.cloudevents import Data, Id, Topic


class RecordMatch(Data):
    """Confirms a reservation with the record's id, or releases it. An adoption has no intent."""

    member_id: Id
    action: Literal["confirm", "release"]
    intent_id: str = ""
    record_id: str = ""
    object: str = ""
    account_id: str = ""
    owner_id: str = ""
    org_id: str = ""
    origin: Literal["created", "adopted"] = "created"
    reason: str = ""

    @property
    def key(self) -> str:
        return f"{self.workspace_id}/{self.member_id}"


RECORD_MATCHES_V1 = Topic(
    "record-matches.v1",
    RecordMatch,
    writers=frozenset({"sync-outbound"}),
    kept=timedelta(days=7),
)
