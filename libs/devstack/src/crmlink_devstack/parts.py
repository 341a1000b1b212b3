"""Parts that are our own programs: a service, a migration, the simulated org."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from crmlink_devstack.environment import module_of
from crmlink_devstack.errors import PartDiedError
from crmlink_devstack.ports import HOST
from crmlink_devstack.processes import Child

READY_WITHIN = 60.0
MIGRATED_WITHIN = 60.0
OK = 200


class Part(Protocol):
    """What a stack can start and stop. `prepare` and `wait_ready` may run in any thread."""

    port: int
    child: Child

    def prepare(self) -> None:
        """Do what comes before the process starts."""
        ...

    def wait_ready(self) -> None:
        """Return when the part does its work; raise if it ends or takes too long."""
        ...


@dataclass(slots=True)
class Service:
    """One instance of a service; ready when it says so."""

    name: str
    service: str
    port: int
    environment: Mapping[str, str] = field(repr=False)
    log: Path
    program: Sequence[str] = ()
    child: Child = field(init=False)

    def __post_init__(self) -> None:
        self.program = self.program or [sys.executable, "-m", module_of(self.service)]
        self.child = Child(
            self.name,
            [*self.program, "serve"],
            self.log,
            environment=self.environment,
            grace=25,
        )

    def prepare(self) -> None:
        """Nothing: its schema is migrated before any service starts."""

    def wait_ready(self) -> None:
        """Return when its readiness is answered with 200."""
        self.child.wait_until(lambda: says_ready(self.port), READY_WITHIN, poll=0.1)

    def migration(self) -> Child:
        """Make the child that brings the schema up to date: spawn it, then wait with `migrated`."""
        name = f"migrate-{self.service}"
        log = self.log.with_name(f"{name}.log")
        return Child(name, [*self.program, "migrate"], log, environment=self.environment)


def says_ready(port: int, path: str = "/health/ready", limit: float = 2.0) -> bool:
    """Ask a service whether it is ready."""
    link = http.client.HTTPConnection(HOST, port, timeout=limit)
    try:
        link.request("GET", path)
        return link.getresponse().status == OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def migrated(child: Child) -> None:
    """Return when the migration is done; raise if it failed."""
    if not child.ended(MIGRATED_WITHIN) or child.exit_code != 0:
        child.kill()
        raise PartDiedError(f"{child.name} failed.{child.last_words()}")


@dataclass(frozen=True, slots=True)
class Org:
    """What the simulated org tells at its start."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    username: str
    password: str = field(repr=False)


@dataclass(slots=True)
class Simulator:
    """The simulated org; its first line tells its address and credentials."""

    folder: Path
    port: int
    members: Path
    redirects: tuple[str, ...]
    seed: int
    log: Path
    child: Child = field(init=False)

    def __post_init__(self) -> None:
        command = [sys.executable, "-m", "crmlink_salesforce_sim", "--control"]
        command += ["--port", str(self.port), "--seed", str(self.seed)]
        command += ["--data", str(self.folder / "org.db"), "--members-csv", str(self.members)]
        for url in self.redirects:
            command += ["--redirect-uri", url]
        self.child = Child("salesforce", command, self.log, stdout=self.folder / "org.json")

    def prepare(self) -> None:
        """Make the folder of its store."""
        self.folder.mkdir(parents=True, exist_ok=True)

    def wait_ready(self) -> None:
        """Return when it has told its credentials and answers."""
        self.child.wait_until(self._is_ready, READY_WITHIN)

    def _is_ready(self) -> bool:
        return self.org is not None and says_ready(self.port, "/services/data/")

    @property
    def org(self) -> Org | None:
        """Return what it told, None before it did."""
        if self.child.stdout is None or not self.child.stdout.exists():
            return None
        first, ended, _ = self.child.stdout.read_text().partition("\n")
        if not ended:
            return None
        told = json.loads(first)
        return Org(*(told[name] for name in Org.__slots__))
