"""Walks through the main job on public surfaces alone, and compares both sides afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
from rich.console import Console

from crmlink_common.errors import CrmLinkError
from crmlink_common.members.publish import member_publisher
from crmlink_devstack.walk.journey import Journey
from crmlink_devstack.walk.org import log_into_org
from crmlink_devstack.walk.person import Person
from crmlink_devstack.walk.report import Report
from crmlink_devstack.walk.surfaces import Surfaces, WalkError
from crmlink_devstack.walk.upstream import Upstream

__all__ = ["Report", "Surfaces", "WalkError", "walk"]
FAULTS = (WalkError, CrmLinkError, httpx.HTTPError, TimeoutError, LookupError)


async def walk(
    surfaces: Surfaces,
    console: Console,
    *,
    told: Callable[[Report], None],
    stay: asyncio.Event | None = None,
) -> Report:
    """Walk through the main job, then call ``told`` with the report.

    With ``stay`` the sample upstream goes on answering until that event is set; without it, all
    ends with the report. A step that fails ends the walk and is told in the report: nothing is
    raised for it.
    """
    report, done, ready = Report(), asyncio.Event(), asyncio.Event()
    async with member_publisher(surfaces.kafka, source="urn:crmlink:sample-upstream") as publisher:
        upstream = Upstream(
            workspace_id=surfaces.workspace_id, bootstrap=surfaces.kafka, publisher=publisher
        )
        await upstream.remember()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(upstream.serve(done, ready))
            await ready.wait()
            try:
                await _journey(surfaces, console, upstream, report)
                told(report)
                if stay is not None:
                    await stay.wait()
            finally:
                done.set()
    return report


async def _journey(
    surfaces: Surfaces, console: Console, upstream: Upstream, report: Report
) -> None:
    timeout = httpx.Timeout(60, connect=5)
    async with httpx.AsyncClient(timeout=timeout, trust_env=False) as http:
        try:
            with report.step("Log in at the org") as step:
                org = await log_into_org(surfaces)
                step.seen = surfaces.org_url
            async with org.http:
                await Journey(
                    surfaces=surfaces,
                    person=Person(surfaces, http),
                    org=org,
                    upstream=upstream,
                    console=console,
                    report=report,
                ).go()
        except* FAULTS as group:
            exc = first_of(group)
            console.print(f"[red]The walk-through stopped:[/] {str(exc) or type(exc).__name__}")


def first_of(group: BaseExceptionGroup[Exception]) -> BaseException:
    """Give the first error of a group of groups."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
