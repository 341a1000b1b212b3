from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink_tools.domain import (
    CATALOGUE,
    MAX_ROWS,
    Row,
    check_arguments,
    fit,
    reply_topic,
    size_of,
)

COMMON = "tool-replies.v1"
ROWS = st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3), max_size=8)


def test_each_tool_says_what_the_guide_says_it_does() -> None:
    told = {name: tool.description for name, tool in CATALOGUE.items()}
    assert told["salesforce_query"].startswith("Run a SOQL query and return matching records")
    assert told["salesforce_get_record"] == "Get a specific record by object type and ID."
    assert all(argument.description for tool in CATALOGUE.values() for argument in tool.arguments)


@pytest.mark.parametrize(
    ("tool", "arguments", "code", "field"),
    [
        ("salesforce_query", {"query": "SELECT Id FROM Lead"}, "", ""),
        ("salesforce_query", {}, "invalid_argument", "query"),
        ("salesforce_query", {"query": "  "}, "invalid_argument", "query"),
        ("salesforce_query", {"query": 5}, "invalid_argument", "query"),
        ("salesforce_query", {"query": "x", "limit": 5}, "unknown_argument", "limit"),
        ("salesforce_get_record", {"object_type": "Lead"}, "invalid_argument", "record_id"),
        ("salesforce_get_record", {"object_type": "Lead", "record_id": "1"}, "", ""),
        (
            "salesforce_get_record",
            {"object_type": "Lead", "record_id": "1", "fields": ["Id"]},
            "",
            "",
        ),
        (
            "salesforce_get_record",
            {"object_type": "Lead", "record_id": "1", "fields": None},
            "",
            "",
        ),
        (
            "salesforce_get_record",
            {"object_type": "Lead", "record_id": "1", "fields": []},
            "invalid_argument",
            "fields",
        ),
        (
            "salesforce_get_record",
            {"object_type": "Lead", "record_id": "1", "fields": "Id"},
            "invalid_argument",
            "fields",
        ),
        (
            "salesforce_get_record",
            {"object_type": "Lead", "record_id": "1", "fields": ["Id"] * (MAX_ROWS + 1)},
            "invalid_argument",
            "fields",
        ),
    ],
)
def test_arguments_are_checked_and_the_first_wrong_one_is_named(
    tool: str, arguments: dict[str, Any], code: str, field: str
) -> None:
    fault = check_arguments(CATALOGUE[tool], arguments)
    assert (fault.code if fault else "", fault.field if fault else "") == (code, field)


@given(st.dictionaries(st.text(), st.none() | st.text() | st.lists(st.text()) | st.integers()))
def test_whatever_the_arguments_are_they_are_judged(arguments: dict[str, Any]) -> None:
    for tool in CATALOGUE.values():
        fault = check_arguments(tool, arguments)
        assert fault is not None or {"query"} <= set(arguments) or "record_id" in arguments


@pytest.mark.parametrize(
    ("named", "topic"),
    [
        (None, COMMON),
        (b"tool-replies.runtime-7.v1", "tool-replies.runtime-7.v1"),
        (b"tool-replies..v1", None),
        (b"tool-replies.A.v1", None),
        (b"tool-replies.a.v1\n", None),
        (b"tool-replies.a.v2", None),
        (b"members.v1", None),
        (b"", None),
        ("tool-replies.é.v1".encode(), None),
        (b"tool-replies." + b"a" * 65 + b".v1", None),
    ],
)
def test_a_reply_goes_only_to_a_topic_for_replies(named: bytes | None, topic: str | None) -> None:
    assert reply_topic(named, COMMON) == topic


@given(st.binary(max_size=100))
def test_no_other_topic_can_be_named(named: bytes) -> None:
    topic = reply_topic(named, COMMON)
    assert topic is None or topic.startswith("tool-replies.")


@given(ROWS, st.integers(2, 200))
def test_what_is_kept_fits_and_one_more_would_not(rows: list[Row], limit: int) -> None:
    kept, cut = fit(rows, limit)
    assert kept == rows[: len(kept)]
    assert sum(size_of(row) + 1 for row in kept) + 2 <= limit
    assert cut == (len(kept) < len(rows))
    if cut:
        assert sum(size_of(row) + 1 for row in rows[: len(kept) + 1]) + 2 > limit
