"""Values asked of upstream: until they show, the old value is no change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import JsonValue

from crmlink_common.mapping.fields import member_value
from crmlink_common.mapping.values import same_value
from crmlink_sync_outbound.domain.pair import Awaited, Awaiting, Values

PATIENCE = timedelta(hours=24)


def still_awaited(member: Values, awaiting: Mapping[str, Awaited]) -> Awaiting:
    """Drop what the member shows by now, and what a person has overruled there."""
    kept: Awaiting = {}
    for field, one in awaiting.items():
        held = member_value(member, field)
        if same_value(held, one.value):
            continue
        if same_value(held, one.expected):
            kept[field] = one
        elif any(same_value(held, value) for value in one.earlier):
            kept[field] = one  # an earlier request of ours has come through; ask again
    return kept


def outdated(member: Values, awaiting: Mapping[str, Awaited]) -> Awaiting:
    """Pick requests that upstream will refuse: it holds another value than they expect."""
    return {
        field: replace(one, expected=held)
        for field, one in awaiting.items()
        if not same_value(held := member_value(member, field), one.expected)
    }


def asked(before: Awaited | None, value: JsonValue, held: JsonValue, now: datetime) -> Awaited:
    """Remember a request, and the one it replaces."""
    if before is None:
        return Awaited(value, held, now)
    return Awaited(value, held, now, (*before.earlier, before.value)[-5:])


def with_awaited(member: Values, awaiting: Mapping[str, Awaited]) -> dict[str, Any]:
    """Give the member as it will be."""
    seen = dict(member)
    for field, one in awaiting.items():
        put(seen, field, one.value)
    return seen


def put(member: dict[str, Any], field: str, value: JsonValue) -> None:
    """Set ``email`` or ``fields.<key>``, leaving the original's nested values alone."""
    prefix, _, key = field.partition(".")
    if prefix == "fields":
        member["fields"] = {**(member.get("fields") or {}), key: value}
    else:
        member[field] = value


def not_applied(awaiting: Mapping[str, Awaited], now: datetime) -> list[str]:
    """Name the fields that upstream has left as they were for a day."""
    return sorted(field for field, one in awaiting.items() if now - one.since >= PATIENCE)
