"""What a service that calls Salesforce reads from its environment beside the rest."""

from __future__ import annotations

from pydantic import field_validator

from crmlink_common.salesforce.hosts import Hosts, allowed_origins
from crmlink_common.settings import ServiceSettings


class SalesforceSettings(ServiceSettings):
    """Subclasses set ``model_config`` as those of ServiceSettings do."""

    allowed_hosts: str = "[]"  # JSON: exact origins beside Salesforce's own, for development

    @field_validator("allowed_hosts")
    @classmethod
    def _good_origins(cls, setting: str) -> str:
        allowed_origins(setting)
        return setting

    @property
    def hosts(self) -> Hosts:
        """Return what may be called."""
        return Hosts(allowed_origins(self.allowed_hosts))
