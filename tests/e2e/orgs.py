"""One system, two workspaces and three orgs: the second is another company's, the third a copy."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from crmlink_common.contracts.topics import SERVICES
from crmlink_common.members.publish import member_publisher
from crmlink_devstack.environment import CALLBACK, CALLED, Wiring, prefix_of
from crmlink_devstack.keys import Keys
from crmlink_devstack.layout import WALK_REDIRECT, instance, lay_out
from crmlink_devstack.logs import log_of
from crmlink_devstack.options import Options
from crmlink_devstack.parts import Org, Part, Service, Simulator
from crmlink_devstack.ports import HOST, free_port
from crmlink_devstack.sample_members import sample_members, write_rows
from crmlink_devstack.stack import Stack
from crmlink_devstack.walk.org import OrgUser, log_into_org
from crmlink_devstack.walk.person import Person
from crmlink_devstack.walk.surfaces import Surfaces
from crmlink_devstack.walk.upstream import Upstream

MEMBERS = 40
SECOND = str(uuid4())
SECOND_KEY = f"crmlink_second_{uuid4().hex}"
OTHERS = {"other-org": 99, "sandbox": 1}  # with their seeds; a copy's says nothing
IMPATIENT = {
    "reconciler": {"RECONCILER_LEASE_SECONDS": "5"},
    "sync-inbound": {"SYNC_INBOUND_LEASE_SECONDS": "5"},
    "sync-outbound": {"SYNC_OUTBOUND_LEASE_SECONDS": "5", "SYNC_OUTBOUND_ABSENCE_SECONDS": "8"},
}


def plan(options: Options, keys: Keys) -> tuple[Wiring, dict[str, Part]]:
    """Lay out the usual parts, two more orgs, and a gateway that knows the second workspace."""
    wiring, parts = lay_out(options, keys)
    second = wiring.public_url + CALLBACK.format(workspace=SECOND)
    redirects = (wiring.callback_url, second, WALK_REDIRECT)
    folder = options.folder
    origins = [wiring.org_origin]
    for name, seed in OTHERS.items():
        log = log_of(folder, name)
        org = Simulator(folder / name, free_port(), options.members_file, redirects, seed, log)
        parts[name] = org
        origins.append(f"http://{HOST}:{org.port}")
    first = parts["salesforce"]
    assert isinstance(first, Simulator)
    parts["salesforce"] = replace(first, redirects=redirects)
    for service in SERVICES:
        part = parts[f"{service}-1"]
        assert isinstance(part, Service)
        if service in CALLED:
            hosts = {f"{prefix_of(service)}ALLOWED_HOSTS": json.dumps(origins)}
            part = replace(part, environment={**part.environment, **hosts})
        parts[part.name] = part
    gateway = instance(options, wiring, "gateway", number=2, port=free_port())
    bootstrap = {"GATEWAY_BOOTSTRAP_KEY": SECOND_KEY, "GATEWAY_BOOTSTRAP_WORKSPACE": SECOND}
    parts[gateway.name] = replace(gateway, environment={**gateway.environment, **bootstrap})
    return wiring, parts


def copy_org(source: Path, target: Path) -> None:
    """Make a sandbox: every record under the same id, another org id, and no authorizations."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(source)) as org, closing(sqlite3.connect(target)) as copy:
        org.backup(copy)
        [kept] = copy.execute("select value from sim_facts where name = 'identity'").fetchone()
        identity = json.loads(kept)
        old = identity["org_id"]
        new = old[:14] + ("B" if old[14] != "B" else "C") + old[15:]
        changed = json.dumps({**identity, "org_id": new})
        copy.execute("update sim_facts set value = ? where name = 'identity'", (changed,))
        copy.execute("update Organization set Id = ?, Name = 'Sandbox', IsSandbox = 1", (new,))
        copy.execute("delete from sim_tokens")
        copy.execute("delete from sim_approvals")
        copy.commit()


@dataclass(slots=True)
class Workspace:
    """A person of a workspace, and its upstream."""

    person: Person
    upstream: Upstream
    links: dict[str, tuple[str, str]] = field(default_factory=dict)  # as they shall be again

    async def overview(self) -> dict[str, Any]:
        return dict(await self.person.ask("GET", ""))

    async def linked(self) -> dict[str, tuple[str, str]]:
        """Give object and record of every linked member."""
        rows = await self.person.everything("/links", state="linked")
        return {row["member_id"]: (row["object"], row["record_id"]) for row in rows}

    async def connect(self, org: Org, *, disconnect: bool = True) -> dict[str, Any]:
        """Disconnect, enter an org's address and credentials, log in there, come back."""
        if disconnect:
            await self.person.ask("POST", "/disconnect")
        return await at(self.person, org).connect()


def at(person: Person, org: Org) -> Person:
    """Let a person log in at this org."""
    return replace(person, surfaces=surfaces_at(person.surfaces, org))


def surfaces_at(surfaces: Surfaces, org: Org) -> Surfaces:
    return replace(
        surfaces,
        org_url=org.url,
        client_id=org.client_id,
        client_secret=org.client_secret,
        username=org.username,
        password=org.password,
    )


@dataclass(slots=True)
class World:
    """The system, two workspaces, and what was answered over HTTP."""

    stack: Stack
    first: Workspace
    second: Workspace
    http: httpx.AsyncClient
    answers: list[bytes] = field(repr=False)

    def org(self, name: str = "salesforce") -> Org:
        part = self.stack.part(name)
        assert isinstance(part, Simulator)
        assert part.org is not None
        return part.org

    async def sim(self, method: str, path: str, name: str = "salesforce", **body: object) -> Any:  # noqa: ANN401 - JSON
        """Read or set something of an org that only its maker can."""
        answer = await self.http.request(method, f"{self.org(name).url}/_sim/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    @asynccontextmanager
    async def user(self, name: str = "salesforce") -> AsyncIterator[OrgUser]:
        """Work in an org as somebody who does not know us."""
        user = await log_into_org(surfaces_at(self.stack.surfaces(), self.org(name)))
        async with user.http:
            yield user

    async def copy_to_sandbox(self) -> None:
        """Copy the first org as it is now, and start the copy."""
        folder = self.stack.options.folder
        copy_org(folder / "salesforce" / "org.db", folder / "sandbox" / "org.db")
        await self.stack.start("sandbox")


def members_file(folder: Path) -> Path:
    file = folder / "members.csv"
    write_rows(file, list(sample_members(MEMBERS, seed=11)))
    return file


@asynccontextmanager
async def serving(*upstreams: Upstream) -> AsyncIterator[None]:
    done = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for upstream in upstreams:
            ready = asyncio.Event()
            tasks.create_task(upstream.serve(done, ready))
            await ready.wait()
        yield
        done.set()


@asynccontextmanager
async def a_world(folder: Path) -> AsyncIterator[World]:
    """Start everything but the copy."""
    options = Options(
        folder=folder / "run",
        port=0,
        members=members_file(folder),
        durable=False,
        settings=IMPATIENT,
    )
    answers: list[bytes] = []

    async def keep(response: httpx.Response) -> None:
        if "event-stream" not in response.headers.get("content-type", "") and "/_sim/" not in str(
            response.url
        ):
            answers.append(await response.aread())

    async with AsyncExitStack() as open_now:
        stack = await open_now.enter_async_context(Stack(options, plan=plan))
        await asyncio.gather(stack.start("other-org"), stack.start("gateway-2"))
        await stack.stop("gateway-2")  # it has made the second workspace
        http = await open_now.enter_async_context(
            httpx.AsyncClient(
                timeout=httpx.Timeout(60, connect=5),
                trust_env=False,
                event_hooks={"response": [keep]},
            )
        )
        publisher = await open_now.enter_async_context(member_publisher(stack.surfaces().kafka))
        first = stack.surfaces()
        both = [
            Workspace(
                Person(surfaces, http),
                Upstream(
                    workspace_id=surfaces.workspace_id,
                    bootstrap=surfaces.kafka,
                    publisher=publisher,
                ),
            )
            for surfaces in (first, replace(first, workspace_id=SECOND, api_key=SECOND_KEY))
        ]
        await open_now.enter_async_context(serving(*(one.upstream for one in both)))
        yield World(stack, both[0], both[1], http, answers)
