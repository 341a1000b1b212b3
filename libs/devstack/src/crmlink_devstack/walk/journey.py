"""The main job from end to end: connect, match, link, sync, change on either side, ask."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from rich.console import Console

from crmlink_common.contracts.members import Member
from crmlink_common.contracts.sync_configs import EntityConfig
from crmlink_common.errors import InvalidInputError
from crmlink_common.members import read_members
from crmlink_devstack.walk.changes import SingleChanges
from crmlink_devstack.walk.comparison import Reachable, creatable, differences, reachable
from crmlink_devstack.walk.config import walk_config
from crmlink_devstack.walk.org import OrgUser
from crmlink_devstack.walk.person import Person, Run
from crmlink_devstack.walk.progress import Bar
from crmlink_devstack.walk.report import Report
from crmlink_devstack.walk.surfaces import Surfaces, WalkError
from crmlink_devstack.walk.upstream import Upstream
from crmlink_devstack.walk.waiting import demand, until

ALL_SETTLED_WITHIN = 180.0  # seconds for everything that a sync has started
SHOWN_FAULTS = 20
CALM = 3  # looks without anything on its way


Phase = Literal["matching", "syncing", "changing"]


async def _nothing(_: Phase) -> None:
    """Let everything be."""


async def _done(work: Callable[[], Awaitable[None]]) -> None:
    await work()


@dataclass(slots=True, kw_only=True)
class Journey:
    """One walk; ``report`` fills as it goes."""

    surfaces: Surfaces
    person: Person
    org: OrgUser
    upstream: Upstream
    console: Console
    config: EntityConfig = field(default_factory=walk_config)
    report: Report = field(default_factory=Report)
    links: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def go(self, *, amid: Callable[[Phase], Awaitable[None]] = _nothing) -> None:
        """Do every step; the first that fails ends the walk.

        ``amid`` is called while matches are found, while the sync runs and while single changes
        are on their way: tests let a part of the system fail there.
        """
        await self._pause_sync()  # else new members of a stack with data are created at once
        contacts, org = await self._before()
        await self._import()
        before = contacts, creatable(self._without_link(), self.config, org)
        await self._connect()
        await self._together(partial(amid, "matching"), self._find_matches)
        await self._link_all()
        await self._together(partial(amid, "syncing"), self._run_sync)
        await self._settled()
        await self._compare(before)
        changes = SingleChanges(
            surfaces=self.surfaces,
            org=self.org,
            upstream=self.upstream,
            links=self.links,
            report=self.report,
        )
        await self._together(
            partial(amid, "changing"),
            changes.member_changes,
            changes.contact_changes,
            changes.ask,
        )

    async def _pause_sync(self) -> None:
        saved = await self.person.ask("GET", "/sync/config/member")
        config = saved["config"]
        if config["outbound_enabled"] or config["inbound_enabled"]:
            off = {**config, "outbound_enabled": False, "inbound_enabled": False}
            await self.person.ask("PUT", "/sync/config/member", json=off)

    async def _together(self, *steps: Callable[[], Awaitable[None]]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for step in steps:
                tasks.create_task(_done(step))

    async def _import(self) -> None:
        with self.report.step("Publish members") as step:
            try:
                told = read_members(self.surfaces.members_file, self.surfaces.workspace_id)
            except InvalidInputError as exc:
                raise WalkError(f"{exc} {exc.cure or ''}".strip()) from None
            self._show_faults([str(fault) for fault in told.faults], told.more_faults)
            if not told.members:
                raise WalkError("the file holds no member that can be used")
            sent = await self.upstream.import_members(told.members)
            total = len(self.upstream.members)
            await self._directory_knows(total)
            left_out = len(told.faults) + told.more_faults
            step.seen = f"{sent} published, {total} known, {left_out} rows left out"
            self.report.figures |= {"members": total, "rows_left_out": left_out}

    def _show_faults(self, faults: list[str], more: int) -> None:
        self.report.faults = faults
        for fault in faults[:SHOWN_FAULTS]:
            self.console.print(f"  [yellow]left out[/] {fault}", highlight=False)
        hidden = len(faults) - SHOWN_FAULTS + more
        if hidden > 0:
            self.console.print(f"  [yellow]left out[/] {hidden} more (all in the JSON report)")

    async def _directory_knows(self, total: int) -> None:
        async def knows() -> bool:
            with self._bar("Members in the directory", total) as bar:
                while (count := (await self.person.ask("GET", "/summary"))["members"]) < total:
                    bar(count)
                    await asyncio.sleep(0.25)
                bar(total)
            return True

        await until("all members in the directory", knows, ALL_SETTLED_WITHIN)

    def _bar(self, title: str, total: int | None) -> Bar:
        return Bar(self.console, title, total)

    async def _connect(self) -> None:
        with self.report.step("Connect with Salesforce") as step:
            overview = await self.person.connect()
            step.seen = f"Connected to {overview['instance_url']}, API {overview['api_version']}"

    async def _before(self) -> tuple[int, Reachable]:
        with self.report.step("Count the org's records") as step:
            fields = "SELECT Id, Email, Phone, MobilePhone FROM"
            contacts = await self.org.query(f"{fields} Contact")
            leads = await self.org.query(f"{fields} Lead WHERE IsConverted = false")
            step.seen = f"{len(contacts)} contacts, {len(leads)} open leads"
        return len(contacts), reachable([*contacts, *leads])

    def _without_link(self) -> list[Member]:
        """Give the members that upstream does not know as linked: of the others nothing is new."""
        members = self.upstream.members.values()
        return [one for one in members if not one.fields.get("salesforce:id")]

    async def _follow(self, title: str, path: str) -> Run:
        with self._bar(title, None) as bar:
            run = await self.person.follow(
                path, lambda seen: bar(seen.get("done", 0), seen.get("total"))
            )
        if run["status"] not in {"completed", "completed_with_errors"}:
            raise WalkError(f"the run ended {run['status']}: {run.get('error')}")
        return run

    async def _find_matches(self) -> None:
        with self.report.step("Find Matching Records") as step:
            run = await self.person.start_run("/reconciliation/runs", json={})
            run = await self._follow("Find Matching Records", f"/reconciliation/runs/{run['id']}")
            step.seen = _counts(run)

    async def _link_all(self) -> None:
        with self.report.step("Link All") as step:
            told = await self.person.ask("POST", "/links", json={"all": True})
            if told.get("run"):
                await self._follow("Link All", f"/reconciliation/runs/{told['run']['id']}")
            await self._read_links()
            step.seen = f"{len(self.links)} linked"
            self.report.figures["linked_by_match"] = len(self.links)

    async def _read_links(self) -> None:
        rows = await self.person.everything("/links", state="linked")
        self.links = {row["member_id"]: row for row in rows if row["state"] == "linked"}

    async def _run_sync(self) -> None:
        with self.report.step("Run Sync") as step:
            await self.person.ask(
                "PUT", "/sync/config/member", json=self.config.model_dump(mode="json")
            )
            started = await self.person.ask("POST", "/sync/runs", json={"entity": "member"})
            seen = []
            for run in started["runs"]:
                ended = await self._follow(
                    f"Run Sync, {run['direction']}", f"/sync/runs/{run['id']}"
                )
                seen.append(f"{run['direction']}: {_counts(ended)}")
            step.seen = "; ".join(seen)

    async def _settled(self) -> None:
        """Links of created records, requests to upstream and their answers: all on their way."""
        with self.report.step("Everything settles") as step:
            calm = 0

            async def quiet() -> bool:
                nonlocal calm
                asked = self.upstream.asked
                summary = await self.person.ask("GET", "/sync/summary")
                await asyncio.sleep(0.7)
                still = summary["pending"] == 0 and self.upstream.asked == asked
                calm = calm + 1 if still else 0
                return calm >= CALM and not await self._silent()

            await until(
                "nothing on its way, and a reason for every member without a link",
                quiet,
                ALL_SETTLED_WITHIN,
            )
            step.seen = f"{len(self.links)} linked, {self.upstream.asked} requests to upstream"

    async def _silent(self) -> set[str]:
        """Give the members that are neither linked nor listed with a reason."""
        await self._read_links()
        unlinked = self.upstream.members.keys() - self.links.keys()
        return unlinked - (await self._reasons(unlinked)).keys()

    async def _pairs(self) -> list[tuple[Any, dict[str, Any]]]:
        fields = [rule.remote_field for rule in self.config.rules]
        pairs = []
        for sobject in ("Contact", "Lead"):
            ours = {m: row for m, row in self.links.items() if row["object"] == sobject}
            ids = [row["record_id"] for row in ours.values()]
            records = await self.org.records(sobject, ids, fields)
            missing = [row["record_id"] for row in ours.values() if row["record_id"] not in records]
            if missing:
                raise WalkError(f"{len(missing)} linked records are not in the org")
            pairs += [
                (self.upstream.members[m], records[row["record_id"]]) for m, row in ours.items()
            ]
        return pairs

    async def _compare(self, before: tuple[int, frozenset[str]]) -> None:
        with self.report.step("Compare both sides row by row") as step:
            contacts, wanted = before
            pairs = await self._pairs()
            found = differences(self.config, pairs)
            created = await self.org.count("Contact") - contacts
            unlinked = self.upstream.members.keys() - self.links.keys()
            reasons = await self._reasons(unlinked)
            silent = sorted(unlinked - reasons.keys())
            self.report.figures |= {
                "linked": len(self.links),
                "rows_compared": len(pairs),
                "differences": len(found),
                "members_without_a_match": len(wanted),
                "records_created": created,
                "not_linked_with_a_reason": len(reasons),
                "not_linked_without_a_reason": len(silent),
            }
            for code in reasons.values():
                self.report.reasons[code] = self.report.reasons.get(code, 0) + 1
            demand(not found, f"{len(found)} fields differ, first: {found[:3]}")
            demand(not silent, f"{len(silent)} members without a reason, first: {silent[:3]}")
            demand(
                created == len(wanted),
                f"{created} records created for {len(wanted)} members without a match",
            )
            keys = [m.fields.get("salesforce:id") for m, _ in pairs]
            wrong = sum(k != r["Id"] for k, (_, r) in zip(keys, pairs, strict=True))
            demand(wrong == 0, f"{wrong} linked members lack their salesforce:id")
            step.seen = f"{len(pairs)} rows, 0 differences, {created} records created"

    async def _reasons(self, unlinked: set[str]) -> dict[str, str]:
        rows = await self.person.everything("/sync/errors")
        return {row["member_id"]: row["code"] for row in rows if row["member_id"] in unlinked}


def _counts(run: Run) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(run["counts"].items()) if count)
