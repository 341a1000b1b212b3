"""Builds one message of each kind, for new golden files: committed ones are never rewritten."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crmlink_common.contracts.activity import ACTIVITY_V1, Activity
from crmlink_common.contracts.cloudevents import Data, Deleted, Record, Topic, encode
from crmlink_common.contracts.connections import CONNECTIONS_V1, Connection, ConnectionStatus
from crmlink_common.contracts.member_changes import MEMBER_CHANGES_V1, FieldChange, MemberChange
from crmlink_common.contracts.member_links import MEMBER_LINKS_V1, LinkState, MemberLink
from crmlink_common.contracts.members import MEMBERS_V1, Member
from crmlink_common.contracts.record_matches import RECORD_MATCHES_V1, RecordMatch
from crmlink_common.contracts.salesforce_changes import SALESFORCE_CHANGES_V1, SalesforceChange
from crmlink_common.contracts.sync_configs import SYNC_CONFIGS_V1, EntityConfig, Rule, SyncConfig
from crmlink_common.contracts.tools import (
    TOOL_REPLIES_V1,
    TOOL_REQUESTS_V1,
    ToolError,
    ToolReply,
    ToolRequest,
)
from crmlink_common.contracts.topics import TOPICS
from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace

HERE = Path(__file__).parent
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RECORD_ID = "003Dx00000ABCDEIA4"
ORG_ID = "00DDx0000000001MAA"

MESSAGES: list[tuple[str, Topic[Any], Data | Deleted]] = [
    (
        "full",
        MEMBERS_V1,
        Member(
            workspace_id="w1",
            member_id="m1",
            version=3,
            email="ada@example.com",
            phone="+442079460123",
            first_name="Ada",
            last_name="Lovelace",
            labels=["vip"],
            fields={"plan": "gold", "salesforce:id": RECORD_ID},
            updated_at=NOON,
        ),
    ),
    ("deleted", MEMBERS_V1, Deleted("w1/m1", 4)),
    (
        "asked",
        MEMBER_CHANGES_V1,
        MemberChange(
            workspace_id="w1",
            member_id="m1",
            changes=[
                FieldChange(field="fields.salesforce:id", expected=None, value=RECORD_ID),
                FieldChange(field="phone", expected="1", unset=True),
            ],
            expected_version=3,
            reason="linked",
            record_id=RECORD_ID,
            object="Contact",
            org_id=ORG_ID,
        ),
    ),
    ("enabled", WORKSPACES_V1, Workspace(workspace_id="w1", revision=1, crm_salesforce=True)),
    ("removed", WORKSPACES_V1, Deleted("w1", 2)),
    (
        "connected",
        CONNECTIONS_V1,
        Connection(
            workspace_id="w1",
            revision=4,
            status=ConnectionStatus.CONNECTED,
            instance_url="https://example.my.salesforce.com",
            api_version="59.0",
            org_id=ORG_ID,
            epoch=2,
        ),
    ),
    (
        "another_org",
        CONNECTIONS_V1,
        Connection(
            workspace_id="w1",
            revision=6,
            status=ConnectionStatus.CONNECTED,
            instance_url="https://other.my.salesforce.com",
            api_version="59.0",
            org_id=ORG_ID,
            org_confirmed=False,
            epoch=4,
        ),
    ),
    ("deleted", CONNECTIONS_V1, Deleted("w1", 5)),
    (
        "saved",
        SYNC_CONFIGS_V1,
        SyncConfig(
            workspace_id="w1",
            entity="member",
            revision=1,
            config=EntityConfig(
                outbound_enabled=True,
                rules=[Rule(id="email", member_field="email", remote_field="Email")],
                outbound_filter="source.email != ''",
            ),
        ),
    ),
    ("deleted", SYNC_CONFIGS_V1, Deleted("w1/member", 2)),
    (
        "linked",
        MEMBER_LINKS_V1,
        MemberLink(
            workspace_id="w1",
            member_id="m1",
            revision=1,
            state=LinkState.LINKED,
            record_id=RECORD_ID,
            object="Contact",
            account_id="001Dx00000ABCDEIA4",
            owner_id="005Dx00000ABCDEIA4",
            org_id=ORG_ID,
        ),
    ),
    ("deleted", MEMBER_LINKS_V1, Deleted("w1/m1", 2)),
    (
        "created",
        RECORD_MATCHES_V1,
        RecordMatch(
            workspace_id="w1",
            member_id="m1",
            action="confirm",
            intent_id="i1",
            record_id=RECORD_ID,
            object="Contact",
            org_id=ORG_ID,
        ),
    ),
    (
        "updated",
        SALESFORCE_CHANGES_V1,
        SalesforceChange(
            workspace_id="w1",
            record_id=RECORD_ID,
            object="Contact",
            org_id=ORG_ID,
            kind="updated",
            values={"Email": "ada@example.com", "Phone": None},
            last_modified_date=NOON,
            system_modstamp=NOON,
            observed_at=NOON,
        ),
    ),
    (
        "query",
        TOOL_REQUESTS_V1,
        ToolRequest(
            workspace_id="w1",
            conversation_id="c1",
            request_id="r1",
            tool="salesforce_query",
            arguments={"query": "SELECT Id FROM Contact"},
            deadline=NOON,
        ),
    ),
    (
        "refused",
        TOOL_REPLIES_V1,
        ToolReply(
            workspace_id="w1",
            conversation_id="c1",
            request_id="r1",
            tool="salesforce_query",
            ok=False,
            error=ToolError(
                code="syntax_error", title="The query cannot be read", line=1, column=8
            ),
        ),
    ),
    (
        "finished",
        ACTIVITY_V1,
        Activity(
            workspace_id="w1", action="run.finished", actor="service:reconciler", details={"n": 1}
        ),
    ),
]


def written(topic: Topic[Any], data: Data | Deleted) -> Record:
    return encode(topic, data, event_id="e1", source="/golden", time=NOON)


def main() -> None:
    """Write what is missing; leave what is there."""
    for name, topic, data in MESSAGES:
        path = HERE / f"golden/{topic.name}/{name}.json"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        record = written(topic, data)
        shown = {
            "key": record.key.decode(),
            "value": None if record.value is None else json.loads(record.value),
            "headers": [[header, raw.decode()] for header, raw in record.headers],
        }
        path.write_text(json.dumps(shown, indent=1) + "\n")
    for one in TOPICS:
        path = HERE / f"schemas/{one.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or "--schemas" in sys.argv:
            path.write_text(json.dumps(one.data.model_json_schema(), indent=1) + "\n")


if __name__ == "__main__":
    main()
