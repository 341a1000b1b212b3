"""How the intent of a create ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crmlink_common.contracts.cloudevents import Record
from crmlink_sync_outbound.domain.pair import Bases


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an intent goes on: to another state, or to its end with a message."""

    entity: str
    member_id: str
    intent_id: str | None  # None: adopted without one
    state: str
    record_id: str = ""
    object: str = ""
    org_id: str = ""
    reason: str = ""
    message: Record | None = None
    base: Bases | None = None
    seen: Mapping[str, Any] | None = None
    wrote_at: datetime | None = None
