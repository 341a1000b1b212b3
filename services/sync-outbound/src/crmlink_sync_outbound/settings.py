"""Everything this process reads from its environment."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from crmlink_common.salesforce.absence import ABSENCE_COUNTS_AFTER
from crmlink_common.salesforce.settings import SalesforceSettings

ELEVEN_MINUTES = int(ABSENCE_COUNTS_AFTER.total_seconds())


class Settings(SalesforceSettings):
    """``absence_seconds``: when a create without an answer counts as never done.

    Salesforce may go on with a call for ten minutes after its client has given up; eleven leave
    a minute for its way there. Less than that may make doubles: for tests alone.
    """

    model_config = SettingsConfigDict(env_prefix="SYNC_OUTBOUND_", frozen=True)

    oauth_url: str
    reconciler_url: str
    workers: int = Field(default=4, ge=1, le=32)  # workspaces worked for at the same time
    absence_seconds: int = Field(default=ELEVEN_MINUTES, ge=5, le=86_400)
