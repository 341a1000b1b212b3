"""The whole system on one machine: each part can be started, stopped, killed and paused by name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from crmlink_common.contracts.topics import SERVICES
from crmlink_common.messaging.topics import create_topics, wanted
from crmlink_devstack import logs
from crmlink_devstack.environment import Wiring
from crmlink_devstack.errors import DevstackError
from crmlink_devstack.folders import free_bytes, require_space
from crmlink_devstack.keys import Keys, keys_in
from crmlink_devstack.layout import DATABASE, WALK_REDIRECT, instance, lay_out
from crmlink_devstack.options import Options
from crmlink_devstack.parts import Org, Part, Service, Simulator, migrated
from crmlink_devstack.ports import HOST, free_port
from crmlink_devstack.postgres import Postgres, ensure_database
from crmlink_devstack.roles import prepare_roles, require_roles
from crmlink_devstack.state import Ledger, running
from crmlink_devstack.walk.surfaces import Surfaces

__all__ = ["Options", "Stack"]
SERVERS = ("salesforce", "kafka", "postgres")  # in the order they stop
WAITERS = 24
T = TypeVar("T")
Plan = Callable[[Options, Keys], tuple[Wiring, dict[str, Part]]]


class Stack:
    """Start with `up`, end with `down`, or use it as an async context manager.

    Parts are called `postgres`, `kafka`, `salesforce` and `gateway-1`, `oauth-1`, …; a service's
    bare name means its first instance. Use it from a thread that lives as long as the stack,
    best the main one: every part ends with the thread that started it.
    """

    def __init__(
        self,
        options: Options | None = None,
        *,
        say: Callable[[str], None] = lambda _: None,
        free: Callable[[Path], int] = free_bytes,
        plan: Plan = lay_out,
    ) -> None:
        self.options = options or Options()
        self.parts: dict[str, Part] = {}
        self._say, self._free, self._plan = say, free, plan
        self._waiters: ThreadPoolExecutor | None = None
        self._ledger: Ledger | None = None
        self._wiring: Wiring | None = None

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.down()

    async def up(self) -> None:
        """Start everything and return when every service is ready; else leave nothing running."""
        require_space(self.options.folder, self._free)
        self._ledger = Ledger(self.options.folder)
        self._waiters = ThreadPoolExecutor(WAITERS, "devstack")
        try:
            await self._up()
        except BaseExceptionGroup as group:
            await self.down()
            raise _first(group) from None
        except BaseException:
            await self.down()
            raise

    async def down(self) -> list[str]:
        """Stop everything, the services first; return the names of what had to be killed."""
        killed = await self._stop_all(*[name for name in self.parts if name not in SERVERS])
        for name in SERVERS:
            killed += await self._stop_all(name)
        if self._waiters:  # they end with the processes they wait for
            self._waiters.shutdown()
            self._waiters = None
        if self._ledger:
            self._ledger.release()
            self._ledger = None
        return killed

    def kill_all(self) -> None:
        """End everything at once, when nobody wants to wait."""
        for part in self.parts.values():
            part.child.kill()

    async def start(self, name: str) -> None:
        """Start a part that does not run, and return when it is ready."""
        part = self.part(name)
        if part.child.alive:
            raise DevstackError(f"{name} is already running: stop it first.")
        await self._in_thread(part.prepare)
        part.child.spawn()  # in this thread: a child ends with the thread that started it
        self._record()
        await self._in_thread(part.wait_ready)

    async def stop(self, name: str) -> bool:
        """Stop a part in good order; False if it did not obey and was killed."""
        return await self._in_thread(self.part(name).child.stop)

    async def kill(self, name: str) -> None:
        """End a part, and all its processes, without a word (SIGKILL)."""
        await self._in_thread(self.part(name).child.kill)

    async def restart(self, name: str) -> None:
        """Stop a part in good order and start it again on the same port."""
        await self.stop(name)
        await self.start(name)

    def pause(self, name: str) -> None:
        """Freeze a part (SIGSTOP)."""
        self.part(name).child.pause()

    def resume(self, name: str) -> None:
        """Let a frozen part go on (SIGCONT)."""
        self.part(name).child.resume()

    async def add_instance(self, service: str) -> str:
        """Start one more instance beside the others; return its name."""
        if service not in SERVICES:
            raise DevstackError(f"There is no service {service}: there are {', '.join(SERVICES)}.")
        others = [p for p in self.parts.values() if isinstance(p, Service) and p.service == service]
        added = instance(
            self.options,
            self.wiring,
            service,
            number=len(others) + 1,
            port=free_port(),
            program=others[0].program,
        )
        self.parts[added.name] = added
        await self.start(added.name)
        return added.name

    def alive(self, name: str) -> bool:
        """Tell whether the part's process runs."""
        return self.part(name).child.alive

    def died(self) -> list[str]:
        """Return the parts that ended though nobody told them to."""
        return [name for name, part in self.parts.items() if part.child.died]

    def part(self, name: str) -> Part:
        """Return a part by its name."""
        found = self.parts.get(name) or self.parts.get(f"{name}-1")
        if found is None:
            known = ", ".join(self.parts) or "none, for it is not up"
            raise DevstackError(f"This stack has no part {name}; it has {known}.")
        return found

    def url(self, name: str) -> str:
        """Return where a part listens for HTTP."""
        return f"http://{HOST}:{self.part(name).port}"

    def log(self, name: str) -> Path:
        """Return the log of a part."""
        return self.part(name).child.log

    def follow(self, service: str | None = None) -> AsyncIterator[str]:
        """Yield every new line of all logs, or a service's, with the part's name before it."""
        return logs.follow(self.options.folder, service)

    @property
    def wiring(self) -> Wiring:
        """Return addresses and keys; known once `up` has begun to start things."""
        if self._wiring is None:
            raise DevstackError("The stack is not up yet.")
        return self._wiring

    @property
    def org(self) -> Org:
        """Return the simulated org's address and credentials."""
        part = self.parts.get("salesforce")
        if isinstance(part, Simulator) and (org := part.org):
            return org
        raise DevstackError("The simulated org has not started yet.")

    def surfaces(self) -> Surfaces:
        """Return what a person and an upstream know of this stack."""
        wiring, org = self.wiring, self.org
        return Surfaces(
            gateway_url=wiring.public_url,
            workspace_id=wiring.keys.workspace,
            api_key=wiring.keys.bootstrap_key,
            kafka=wiring.bootstrap,
            org_url=org.url,
            client_id=org.client_id,
            client_secret=org.client_secret,
            username=org.username,
            password=org.password,
            members_file=self.options.members_file,
            sandbox_redirect=WALK_REDIRECT,
        )

    async def _up(self) -> None:
        await self._in_thread(self.options.check)
        logs.keep_last(self.options.folder)
        keys = keys_in(self.options.folder)
        await self._give_roles_in_yours(keys)
        self._wiring, self.parts = self._plan(self.options, keys)
        self._say("Starting PostgreSQL, Apache Kafka and the simulated org")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._start_database())
            tasks.create_task(self._start_bus())
            tasks.create_task(self.start("salesforce"))
        self._say(f"Starting the services: {', '.join(SERVICES)}")
        async with asyncio.TaskGroup() as tasks:
            for service in SERVICES:
                tasks.create_task(self.start(service))
        self._say("Everything is ready")

    async def _give_roles_in_yours(self, keys: Keys) -> None:
        """Make the roles of the services in the database you named, or go on with one for all."""
        if (yours := self.options.database) and not self.options.one_role:
            why = await self._in_thread(lambda: prepare_roles(yours, keys.database))
            if why:
                self._say(why)
                self.options = replace(self.options, one_role=True)

    async def _start_database(self) -> None:
        if isinstance(server := self.parts.get("postgres"), Postgres):
            await self.start("postgres")
            ours, passwords = server.dsn(DATABASE, driver=""), self.wiring.keys.database
            await self._in_thread(lambda: ensure_database(server.dsn(driver=""), DATABASE))
            await self._in_thread(lambda: require_roles(ours, passwords))
        async with asyncio.TaskGroup() as tasks:
            for service in SERVICES:
                tasks.create_task(self._migrate(service))

    async def _migrate(self, service: str) -> None:
        part = self.part(service)
        if isinstance(part, Service):
            child = part.migration()
            child.spawn()
            await self._in_thread(lambda: migrated(child))

    async def _start_bus(self) -> None:
        if "kafka" in self.parts:
            await self.start("kafka")
        await create_topics(self.wiring.bootstrap, wanted(self.options.partitions))

    async def _stop_all(self, *names: str) -> list[str]:
        known = [name for name in names if name in self.parts]
        obeyed = await asyncio.gather(*[self.stop(name) for name in known])
        return [name for name, well in zip(known, obeyed, strict=True) if not well]

    def _record(self) -> None:
        if self._ledger:
            alive = [(n, part) for n, part in self.parts.items() if part.child.alive]
            found = [running(name, part.child.pid, part.port) for name, part in alive]
            self._ledger.write(self.wiring.public_url, [one for one in found if one])

    async def _in_thread(self, wait: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._waiters, wait)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
