"""What an org tells of itself: versions, who is connected, limits, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crmlink_common.salesforce.errors import lost
from crmlink_common.salesforce.ids import to_18
from crmlink_common.salesforce.limits import Allocation, read_allocations
from crmlink_common.salesforce.names import name_of
from crmlink_common.salesforce.records import MALFORMED, json_of, object_of
from crmlink_common.salesforce.session import Session
from crmlink_common.salesforce.versions import Feature, Version, read_versions, require


class Resources(Session):
    """Reads what the org tells of itself."""

    async def versions(self) -> list[Version]:
        """Return the API versions that the org offers, oldest first; no token is shown."""
        answer = await self.send("GET", "/services/data", anonymous=True)
        if not (found := read_versions(json_of(answer))):
            raise lost("MALFORMED_ANSWER", repeatable=True)
        return found

    async def identity(self) -> dict[str, Any]:
        """Return who is connected, as OpenID tells it; not counted against the limit."""
        return object_of(await self.send("GET", "/services/oauth2/userinfo"))

    async def identity_of(self, user_id: str) -> dict[str, Any]:
        """Return a user of the org as the identity URL tells it."""
        return object_of(await self.send("GET", f"/id/{to_18(self.org_id)}/{to_18(user_id)}"))

    async def limits(self) -> dict[str, Any]:
        """Return the org's limits and what is left of them, as Salesforce names them.

        Right within five minutes of use (facts §2); ``usage`` is told by every answer.
        """
        return object_of(await self.send("GET", self.data_path("limits")))

    async def allocations(self) -> Mapping[str, Allocation]:
        """Return the limits as numbers: ``DailyApiRequests`` and some sixty others."""
        return read_allocations(await self.limits())

    async def record_counts(self, sobjects: Sequence[str]) -> dict[str, int]:
        """Return about how many records each object has; an object without any may be absent."""
        require(self.api_version, Feature.RECORD_COUNTS)
        names = ",".join(map(name_of, sobjects))
        answer = await self.send("GET", self.data_path(f"limits/recordCount?sObjects={names}"))
        try:
            return {str(one["name"]): int(one["count"]) for one in json_of(answer)["sObjects"]}
        except MALFORMED:
            raise lost("MALFORMED_ANSWER", repeatable=True) from None
