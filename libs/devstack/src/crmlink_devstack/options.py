"""What differs from one stack to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crmlink_devstack.errors import DevstackError
from crmlink_devstack.folders import run_folder
from crmlink_devstack.kafka import answers as kafka_answers
from crmlink_devstack.ports import HOST, require_free
from crmlink_devstack.postgres import answers as postgres_answers
from crmlink_devstack.sample_members import write_sample

SAMPLE_MEMBERS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where a stack lives, what it uses of yours, and what its services are told besides."""

    folder: Path = field(default_factory=run_folder)
    port: int = 8080  # of the gateway; 0 takes any that is free
    broker: str | None = None  # host:port of a Kafka that is there already
    database: str | None = None  # postgresql://… that is there already
    one_role: bool = False  # all services use the database user of `database`
    members: Path | None = None  # a CSV file; without one, sample members
    sample: int = SAMPLE_MEMBERS
    seed: int = 1
    partitions: int = 6
    durable: bool = True  # False: PostgreSQL does not wait for the disk
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by service

    @property
    def members_file(self) -> Path:
        """Return the file of members the upstream has."""
        sample = self.folder / f"members-{self.sample}-{self.seed}.csv"
        return (self.members or sample).resolve()

    @property
    def dsn(self) -> str | None:
        """Return the address of your database as the services take it."""
        if self.database is None:
            return None
        return f"postgresql+psycopg://{self.database.partition('://')[2]}"

    def check(self) -> None:
        """Say what cannot work before anything starts."""
        if self.port:
            require_free(self.port, "the gateway")
        if self.members is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not self.members_file.is_file():  # written again, it would be newer than changes
                write_sample(self.members_file, self.sample, self.seed)
        elif not self.members_file.is_file():
            raise DevstackError(
                f"There is no file {self.members_file}: name a CSV file of members, or leave "
                "MEMBERS out to use sample members."
            )
        if self.broker and not kafka_answers(self.broker):
            raise DevstackError(
                f"No Kafka answers at {self.broker}: start it, correct BROKER=host:port, or leave "
                "BROKER out to use a local one."
            )
        if self.database and not postgres_answers(self.database):
            place = self.database.rpartition("@")[2] or HOST
            raise DevstackError(
                f"No PostgreSQL lets us in at {place}: start it, correct "
                "DATABASE=postgresql://user:password@host:port/name, or leave DATABASE out to "
                "use a local one."
            )
