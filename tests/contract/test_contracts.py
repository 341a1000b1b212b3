from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crmlink_common.contracts.cloudevents import Topic, decode
from crmlink_common.contracts.member_links import MEMBER_LINKS_V1
from crmlink_common.contracts.members import MEMBERS_V1

HERE = Path(__file__).parent
TOPICS: list[Topic[Any]] = [MEMBERS_V1, MEMBER_LINKS_V1]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_published_contract_changes_only_on_purpose(topic: Topic[Any]) -> None:
    published = json.loads((HERE / f"schemas/{topic.name}.json").read_text())
    assert topic.data.model_json_schema() == published


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_golden_message_is_read_for_ever(topic: Topic[Any]) -> None:
    for path in (HERE / f"golden/{topic.name}").glob("*.json"):
        m = json.loads(path.read_text())
        headers = [(name, text.encode()) for name, text in m["headers"]]
        value = None if m["value"] is None else json.dumps(m["value"]).encode()
        decode(topic, m["key"].encode(), value, headers)
