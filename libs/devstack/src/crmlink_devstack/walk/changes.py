"""Single changes, made on one side and looked for on the other."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from crmlink_common.mapping.values import is_blank, same_value
from crmlink_devstack.walk.assistant import ask_tools
from crmlink_devstack.walk.org import OrgUser
from crmlink_devstack.walk.report import Report
from crmlink_devstack.walk.surfaces import Surfaces, WalkError
from crmlink_devstack.walk.upstream import Upstream
from crmlink_devstack.walk.waiting import demand, until

SETTLED_WITHIN = 60.0  # seconds for a change to arrive on the other side


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleChanges:
    surfaces: Surfaces
    org: OrgUser
    upstream: Upstream
    links: Mapping[str, dict[str, Any]]
    report: Report

    async def member_changes(self) -> None:
        with self.report.step("A member changes upstream") as step:
            member_id, link = self._some_contact(skip=0)
            name = f"Walk{uuid.uuid4().hex[:6]}"
            await self.upstream.change(member_id, {"first_name": name, "last_name": "Upstream"})

            async def arrived() -> bool:
                records = await self.org.records(
                    link["object"], [link["record_id"]], ["FirstName", "LastName"]
                )
                return bool(records[link["record_id"]]["FirstName"] == name)

            begun = datetime.now(UTC)
            await until("the change in Salesforce", arrived, SETTLED_WITHIN)
            took = (datetime.now(UTC) - begun).total_seconds()
            step.seen = f"{link['record_id']} in Salesforce after {took:.1f} s"

    async def contact_changes(self) -> None:
        with self.report.step("A contact changes in Salesforce") as step:
            member_id, link = self._some_contact(skip=1)
            phone = f"+1415555{uuid.uuid4().int % 10_000:04}"
            begun, seen = datetime.now(UTC), len(self.upstream.seen)
            await self.org.change(link["object"], link["record_id"], {"Phone": phone})

            async def asked() -> bool:
                return any(
                    change.member_id == member_id
                    and any(one.field == "phone" and one.value == phone for one in change.changes)
                    for change in self.upstream.seen[seen:]
                )

            await until("the change on member-changes.v1", asked, SETTLED_WITHIN)
            took = (datetime.now(UTC) - begun).total_seconds()

            async def kept() -> bool:
                return same_value(self.upstream.members[member_id].phone, phone)

            await until("the member with the new phone", kept, SETTLED_WITHIN)
            step.seen = f"asked of upstream after {took:.1f} s"

    def _some_contact(self, skip: int) -> tuple[str, dict[str, Any]]:
        known = [
            (member_id, link)
            for member_id, link in sorted(self.links.items())
            if link["object"] == "Contact" and not is_blank(self.upstream.members[member_id].email)
        ]
        if len(known) <= skip:
            raise WalkError("too few linked contacts to show a change")
        return known[skip]

    async def ask(self) -> None:
        with self.report.step("An assistant asks") as step:
            _, link = self._some_contact(skip=0)
            replies = await ask_tools(
                self.surfaces,
                [
                    ("salesforce_query", {"query": "SELECT Id, Name FROM Contact ORDER BY Name"}),
                    (
                        "salesforce_get_record",
                        {"object_type": link["object"], "record_id": link["record_id"]},
                    ),
                ],
            )
            refused = [reply.error.code for reply in replies if reply.error]
            demand(not refused, f"refused with {refused}")
            rows, record = (cast("dict[str, Any]", reply.result) for reply in replies)
            count = len(rows["records"])
            same = record["record"]["Id"] == link["record_id"]
            demand(0 < count <= 200, f"{count} rows answered")  # noqa: PLR2004 - the guide's cap
            demand(same, "another record was answered")
            step.seen = f"{count} rows (of {replies[0].total}), and the record {link['record_id']}"
