"""The one table of topics: it creates them, and it becomes Kafka's access rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from crmlink_common.contracts.activity import ACTIVITY_V1
from crmlink_common.contracts.cloudevents import Topic
from crmlink_common.contracts.connections import CONNECTIONS_V1
from crmlink_common.contracts.member_changes import MEMBER_CHANGES_V1
from crmlink_common.contracts.member_links import MEMBER_LINKS_V1
from crmlink_common.contracts.members import MEMBERS_V1
from crmlink_common.contracts.record_matches import RECORD_MATCHES_V1
from crmlink_common.contracts.salesforce_changes import SALESFORCE_CHANGES_V1
from crmlink_common.contracts.sync_configs import SYNC_CONFIGS_V1
from crmlink_common.contracts.tools import TOOL_REPLIES_V1, TOOL_REQUESTS_V1
from crmlink_common.contracts.workspaces import WORKSPACES_V1

SERVICES = ("gateway", "oauth", "reconciler", "tools", "sync-outbound", "sync-inbound")
TOPICS: tuple[Topic[Any], ...] = (
    MEMBERS_V1,
    MEMBER_CHANGES_V1,
    WORKSPACES_V1,
    CONNECTIONS_V1,
    SYNC_CONFIGS_V1,
    MEMBER_LINKS_V1,
    RECORD_MATCHES_V1,
    SALESFORCE_CHANGES_V1,
    TOOL_REQUESTS_V1,
    TOOL_REPLIES_V1,
    ACTIVITY_V1,
)
DEAD_LETTERS_KEPT = timedelta(days=30)
TOMBSTONES_KEPT = timedelta(days=7)  # above the longest time a consumer may be down


def dead_letters(service: str) -> str:
    """Name the topic that takes what this service cannot apply, as it came."""
    return f"{service}.dead-letters.v1"
