"""Descriptions of objects: asked once, and then only for changes."""

from __future__ import annotations

from typing import Any

import httpx

from crmlink_common.salesforce.describe import Described
from crmlink_common.salesforce.names import name_of
from crmlink_common.salesforce.records import object_of
from crmlink_common.salesforce.session import Session

GLOBAL = ""  # the key of the list of all objects


class Describing(Session):
    """Reads descriptions, at most a minute old; those told are shared: never change one."""

    async def describe(self, sobject: str) -> dict[str, Any]:
        """Return an object's description: its fields, relationships and record types."""
        return await self._described(name_of(sobject), f"sobjects/{sobject}/describe")

    async def describe_global(self) -> dict[str, Any]:
        """Return the list of all objects that the user sees, some 1,300 in an org."""
        return await self._described(GLOBAL, "sobjects")

    async def _described(self, name: str, rest: str) -> dict[str, Any]:
        known = self._means.descriptions
        key = (self.workspace_id, self.org_id, self.epoch, self.api_version, name)
        found = known.find(key)
        if found and known.is_fresh(found):
            return found.told
        headers = found.conditions() if found else {}
        answer = await self.send("GET", self.data_path(rest), headers=headers)
        if found and answer.status_code == httpx.codes.NOT_MODIFIED:
            return known.keep(key, found)
        told = object_of(answer)
        return known.keep(key, Described.of(told, answer))
