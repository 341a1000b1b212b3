"""The one table of what each service is told through its environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from crmlink_devstack.keys import Keys
from crmlink_devstack.ports import HOST
from crmlink_devstack.roles import address_of

CALLED = ("oauth", "reconciler", "tools", "sync-outbound", "sync-inbound")
CALLBACK = "/api/v2/w/{workspace}/app-connections/salesforce/oauth/callback"


@dataclass(frozen=True, slots=True)
class Wiring:
    """How the parts of a stack find each other."""

    bootstrap: str
    dsn: str
    public_url: str
    org_origin: str
    ports: Mapping[str, int]  # of the first instance of each service
    keys: Keys
    one_role: bool = False  # all services share the database user of `dsn`

    def dsn_of(self, service: str) -> str:
        """Return the address of the database as a service's own role."""
        if self.one_role:
            return self.dsn
        return address_of(self.dsn, service, self.keys.database[service])

    @property
    def callback_url(self) -> str:
        """Return where the org sends people back to."""
        return self.public_url + CALLBACK.format(workspace=self.keys.workspace)

    def url(self, service: str) -> str:
        """Return where the others call a service."""
        return f"http://{HOST}:{self.ports[service]}"


def module_of(service: str) -> str:
    """Return the package that `python -m` runs."""
    return f"crmlink_{service.replace('-', '_')}"


def prefix_of(service: str) -> str:
    """Return what the names of the service's settings begin with."""
    return service.upper().replace("-", "_") + "_"


def variables(service: str, instance: str, port: int, wiring: Wiring) -> dict[str, str]:
    """Return the environment of one instance of a service."""
    told = {
        "KAFKA_BOOTSTRAP": wiring.bootstrap,
        "DATABASE_DSN": wiring.dsn_of(service),
        "HOST": HOST,
        "PORT": str(port),
        "INSTANCE": instance,
        "INTERNAL_KEY": wiring.keys.private[service],
        "INTERNAL_TRUSTED": json.dumps(dict(wiring.keys.public)),
    }
    told |= {f"{prefix_of(other)}URL": wiring.url(other) for other in CALLED}
    if service in CALLED:  # each of them calls the org
        told["ALLOWED_HOSTS"] = json.dumps([wiring.org_origin])
    told |= _own(service, wiring)
    return {prefix_of(service) + name: value for name, value in told.items()}


def _own(service: str, wiring: Wiring) -> dict[str, str]:
    if service == "oauth":
        return {
            "ENCRYPTION_KEYS": json.dumps(dict(wiring.keys.encryption_keys)),
            "PUBLIC_URL": wiring.public_url,
        }
    if service == "gateway":
        return {
            "PUBLIC_URL": wiring.public_url,
            "BOOTSTRAP_KEY": wiring.keys.bootstrap_key,
            "BOOTSTRAP_WORKSPACE": wiring.keys.workspace,
        }
    return {}
