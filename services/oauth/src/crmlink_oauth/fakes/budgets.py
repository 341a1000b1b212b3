"""What is kept of budgets, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crmlink_common.salesforce.limits import WorkClass
from crmlink_oauth.domain.usage import Sample, Waiting, slot_of

Row = tuple[str, str, str]


@dataclass
class FakeBudgets:
    """``rows`` are keyed by what they are, by org or workspace, and by slot or service."""

    rows: dict[Row, Any] = field(default_factory=dict)

    async def note(self, org_id: str, seen: Sample) -> None:
        self.rows["sample", org_id, slot_of(seen.at).isoformat()] = seen

    async def history(self, org_id: str, since: datetime) -> list[Sample]:
        found = [
            one for (kind, key, _), one in self.rows.items() if (kind, key) == ("sample", org_id)
        ]
        return sorted((one for one in found if one.at >= since), key=lambda one: one.at)

    async def forget_before(self, moment: datetime) -> None:
        kept = self.rows.items()
        self.rows = {key: one for key, one in kept if key[0] != "sample" or one.at >= moment}

    async def keep_waiting(
        self, workspace_id: str, client: str, waiting: Sequence[Waiting]
    ) -> None:
        self.rows["waiting", workspace_id, client] = list(waiting)

    async def waiting(self, workspace_id: str) -> dict[str, list[Waiting]]:
        return {
            client: one
            for (kind, key, client), one in self.rows.items()
            if (kind, key) == ("waiting", workspace_id)
        }

    async def shares(self, workspace_id: str) -> dict[str, int] | None:
        return self.rows.get(("shares", workspace_id, ""))

    async def save_shares(self, workspace_id: str, shares: Mapping[WorkClass, int]) -> None:
        self.rows["shares", workspace_id, ""] = {str(one): n for one, n in shares.items()}

    async def forget(self, workspace_id: str) -> None:
        self.rows = {
            key: one
            for key, one in self.rows.items()
            if key[0] == "sample" or key[1] != workspace_id
        }
