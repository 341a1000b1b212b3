"""Which parts a stack has, on which ports, and how they find each other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from crmlink_common.contracts.topics import SERVICES
from crmlink_devstack.environment import Wiring, variables
from crmlink_devstack.errors import DevstackError
from crmlink_devstack.kafka import Kafka
from crmlink_devstack.keys import Keys, write_private
from crmlink_devstack.logs import log_of
from crmlink_devstack.options import Options
from crmlink_devstack.parts import Part, Service, Simulator
from crmlink_devstack.ports import HOST, free_port, is_free
from crmlink_devstack.postgres import Postgres

DATABASE = "crmlink"
WALK_REDIRECT = f"http://{HOST}/walk-through/callback"


class Ports:
    """The ports of the last run are taken again where they are free."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ports.json"
        try:
            self._last: dict[str, int] = json.loads(self._path.read_text())
        except (OSError, ValueError):
            self._last = {}
        self._now: dict[str, int] = {}

    def of(self, name: str, *, fixed: bool = False) -> int:
        """Return the port of a part; a fixed one is known to stored data and cannot change."""
        last = self._last.get(name)
        if last and is_free(last):
            self._now[name] = last
        elif last and fixed:
            raise DevstackError(
                f"Port {last} of 127.0.0.1, where {name} was before, is in use, and connections "
                "that are stored point there: end the program that listens there, or run make "
                "clean to begin anew."
            )
        else:
            self._now[name] = free_port()
        return self._now[name]

    def keep(self) -> None:
        """Remember them for the next run."""
        write_private(self._path, self._last | self._now)


def lay_out(options: Options, keys: Keys) -> tuple[Wiring, dict[str, Part]]:
    """Return the parts of a stack, none of them started, in the order they are listed."""
    ports, parts = Ports(options.folder), dict[str, Part]()
    folder = options.folder
    if not options.dsn:
        parts["postgres"] = postgres = Postgres(
            folder / "postgres",
            port=ports.of("postgres"),
            durable=options.durable,
            log=log_of(folder, "postgres"),
        )
    if not options.broker:
        parts["kafka"] = kafka = Kafka(
            folder / "kafka",
            port=ports.of("kafka"),
            controller=ports.of("kafka-controller"),
            log=log_of(folder, "kafka"),
        )
    first = {service: ports.of(service) for service in SERVICES if service != "gateway"}
    first["gateway"] = options.port or ports.of("gateway")
    org_port = ports.of("salesforce", fixed=True)
    wiring = Wiring(
        bootstrap=options.broker or kafka.bootstrap,
        dsn=options.dsn or postgres.dsn(DATABASE),
        public_url=f"http://{HOST}:{first['gateway']}",
        org_origin=f"http://{HOST}:{org_port}",
        ports=first,
        keys=keys,
        one_role=options.one_role,
    )
    parts["salesforce"] = Simulator(
        folder / "salesforce",
        org_port,
        options.members_file,
        (wiring.callback_url, WALK_REDIRECT),
        options.seed,
        log_of(folder, "salesforce"),
    )
    for service in SERVICES:
        part = instance(options, wiring, service, number=1, port=first[service])
        parts[part.name] = part
    ports.keep()
    return wiring, parts


def instance(
    options: Options,
    wiring: Wiring,
    service: str,
    *,
    number: int,
    port: int,
    program: Sequence[str] = (),
) -> Service:
    """Return one instance of a service."""
    name = f"{service}-{number}"
    environment = variables(service, name, port, wiring) | dict(options.settings.get(service, {}))
    return Service(name, service, port, environment, log_of(options.folder, name), program)
