"""The main job on 200 members while one part fails in the middle of it: the result is the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from rich.console import Console

from crmlink_common.contracts.topics import SERVICES
from crmlink_common.members.publish import member_publisher
from crmlink_devstack.options import Options
from crmlink_devstack.sample_members import sample_members, write_rows
from crmlink_devstack.stack import Stack
from crmlink_devstack.walk.journey import Journey, Phase
from crmlink_devstack.walk.org import OrgUser, log_into_org
from crmlink_devstack.walk.person import Person
from crmlink_devstack.walk.upstream import Upstream

from .leaks import look, sealed_in

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket, pytest.mark.asyncio(loop_scope="session")]
Fault = Callable[[Stack], Awaitable[None]]
MEMBERS = 200  # of each case
INTO_THE_WORK = 0.4  # seconds after a step has begun
IMPATIENT = {  # a dead holder's lease must end within a test; nothing else differs
    "reconciler": {"RECONCILER_LEASE_SECONDS": "5"},
    "tools": {"TOOLS_LEASE_SECONDS": "5"},
    "sync-inbound": {"SYNC_INBOUND_LEASE_SECONDS": "5"},
    "sync-outbound": {
        "SYNC_OUTBOUND_LEASE_SECONDS": "5",
        "SYNC_OUTBOUND_ABSENCE_SECONDS": "8",  # no call of this org outlives its client so long
    },
}


@dataclass(frozen=True, slots=True)
class Case:
    """What fails, and when: in the middle of one phase, or a second instance all the time."""

    phase: Phase | None = None
    fault: Fault | None = None
    beside: str = ""


def killed(service: str) -> Fault:
    async def fault(stack: Stack) -> None:
        await stack.kill(service)
        await stack.start(service)

    return fault


def restarted(server: str) -> Fault:
    async def fault(stack: Stack) -> None:
        await stack.restart(server)

    return fault


BUSIEST: dict[str, Phase] = {
    "gateway": "syncing",
    "oauth": "matching",
    "reconciler": "matching",
    "tools": "changing",
    "sync-outbound": "syncing",
    "sync-inbound": "changing",
}
CASES: dict[str, Case] = {
    "nothing fails": Case(),
    **{f"{service} is killed": Case(BUSIEST[service], killed(service)) for service in SERVICES},
    **{f"{service} is doubled": Case(beside=service) for service in SERVICES},
    "kafka restarts": Case("syncing", restarted("kafka")),
    "postgres restarts": Case("syncing", restarted("postgres")),
}


@dataclass(slots=True)
class System:
    """A running stack, an upstream, a person and a user of the org."""

    stack: Stack
    person: Person
    org: OrgUser
    upstream: Upstream
    files: Iterator[Path]

    def journey(self) -> Journey:
        """Begin a journey with the next two hundred members."""
        surfaces = replace(self.stack.surfaces(), members_file=next(self.files))
        return Journey(
            surfaces=surfaces,
            person=replace(self.person, surfaces=surfaces),
            org=self.org,
            upstream=self.upstream,
            console=Console(quiet=True),
        )


def write_members(folder: Path) -> tuple[Path, list[Path]]:
    """Write one file that the org is made from, and one for each case."""
    rows = list(sample_members(MEMBERS * len(CASES), seed=7))
    whole, files = folder / "all.csv", []
    write_rows(whole, rows)
    for start in range(0, len(rows), MEMBERS):
        file = folder / f"case-{start // MEMBERS}.csv"
        write_rows(file, rows[start : start + MEMBERS])
        files.append(file)
    return whole, files


@asynccontextmanager
async def serving(upstream: Upstream) -> AsyncIterator[None]:
    done, ready = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(upstream.serve(done, ready))
        await ready.wait()
        yield
        done.set()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    folder = tmp_path_factory.mktemp("system")
    whole, files = write_members(folder)
    options = Options(
        folder=folder / "run", port=0, members=whole, durable=False, settings=IMPATIENT
    )
    timeout = httpx.Timeout(60, connect=5)
    async with (
        Stack(options) as stack,
        httpx.AsyncClient(timeout=timeout, trust_env=False) as http,
        member_publisher(stack.surfaces().kafka) as publisher,
    ):
        surfaces = stack.surfaces()
        upstream = Upstream(
            workspace_id=surfaces.workspace_id, bootstrap=surfaces.kafka, publisher=publisher
        )
        org = await log_into_org(surfaces)
        async with org.http, serving(upstream):
            yield System(stack, Person(surfaces, http), org, upstream, iter(files))


@asynccontextmanager
async def beside(stack: Stack, service: str) -> AsyncIterator[None]:
    """Run a second instance of a service beside the first."""
    name = await stack.add_instance(service) if service else ""
    yield
    if name:
        await stack.stop(name)


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
async def test_the_result_is_the_same_whatever_fails(system: System, case: Case) -> None:
    async def amid(phase: Phase) -> None:
        if case.fault is not None and phase == case.phase:
            await asyncio.sleep(INTO_THE_WORK)
            await case.fault(system.stack)

    journey = system.journey()
    async with beside(system.stack, case.beside):
        await journey.go(amid=amid)
    figures = journey.report.figures
    assert journey.report.ok
    assert figures["differences"] == 0
    assert figures["records_created"] == figures["members_without_a_match"] > 0
    assert figures["not_linked_without_a_reason"] == 0
    assert figures["rows_compared"] == figures["linked"]
    assert system.stack.died() == []


async def test_no_secret_lies_anywhere_after_all_these_faults(system: System) -> None:
    """The longer the run the better: this one comes last."""
    looked = await look(system.stack)
    assert looked.found == set()
    assert looked.seen == {"log", "topic", "table"}
    assert sum(sealed_in(system.stack, system.stack.org).values()) >= 3
