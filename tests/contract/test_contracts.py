from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crmlink_common.contracts.cloudevents import Deleted, Topic, decode
from crmlink_common.contracts.topics import SERVICES, TOPICS

HERE = Path(__file__).parent
GOLDEN = [(topic, path) for topic in TOPICS for path in (HERE / f"golden/{topic.name}").glob("*")]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_published_contract_changes_only_on_purpose(topic: Topic[Any]) -> None:
    published = json.loads((HERE / f"schemas/{topic.name}.json").read_text())
    assert topic.data.model_json_schema() == published


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_has_a_golden_message(topic: Topic[Any]) -> None:
    assert [path for of, path in GOLDEN if of is topic]


@pytest.mark.parametrize(("topic", "path"), GOLDEN, ids=lambda one: getattr(one, "name", ""))
def test_a_golden_message_is_read_for_ever(topic: Topic[Any], path: Path) -> None:
    message = json.loads(path.read_text())
    headers = [(name, text.encode()) for name, text in message["headers"]]
    value = None if message["value"] is None else json.dumps(message["value"]).encode()
    event = decode(topic, message["key"].encode(), value, headers)
    assert event.data.key == message["key"]
    assert isinstance(event.data, Deleted) == (message["value"] is None)
    if not isinstance(event.data, Deleted):
        read_back = json.loads(event.data.model_dump_json())
        assert read_back == message["value"] | {
            name: value for name, value in read_back.items() if name not in message["value"]
        }


def test_every_topic_is_written_by_somebody_we_know() -> None:
    known = {*SERVICES, "upstream", "assistant-runtime"}
    for topic in TOPICS:
        assert topic.writers
        assert topic.writers <= known, topic.name
