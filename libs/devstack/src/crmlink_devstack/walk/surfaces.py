"""What a walk-through needs to know of a running system: public surfaces and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Surfaces:
    """Addresses and credentials, as a person and an upstream system would have them."""

    gateway_url: str
    workspace_id: str
    api_key: str = field(repr=False)
    kafka: str
    org_url: str
    client_id: str
    client_secret: str = field(repr=False)
    username: str
    password: str = field(repr=False)
    members_file: Path
    sandbox_redirect: str  # a callback URL of the app that belongs to the walk-through itself

    @property
    def api(self) -> str:
        return f"{self.gateway_url}/api/v2/w/{self.workspace_id}/app-connections/salesforce"

    @property
    def console(self) -> str:
        return f"{self.gateway_url}/w/{self.workspace_id}/channels/salesforce"


class WalkError(Exception):
    """A step did not do what it should; the text says what was seen and where to look."""
