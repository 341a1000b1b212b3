"""Compares both sides row by row, without asking the system what it did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from crmlink_common.contracts.members import Member
from crmlink_common.contracts.sync_configs import Direction, EntityConfig
from crmlink_common.mapping.rules import Planned, compile_rules
from crmlink_common.mapping.values import is_blank, same_value
from crmlink_common.members import normal_email

NOON = datetime(2026, 1, 1, tzinfo=UTC)  # no rule of the walk-through reads `now`


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not the same on both sides; the values stay where they are."""

    member_id: str
    record_id: str
    remote_field: str


def attributes(member: Member) -> dict[str, Any]:
    """Give a member as rules see it."""
    return member.model_dump(mode="json")


def differences(
    config: EntityConfig,
    pairs: Iterable[tuple[Member, Mapping[str, Any]]],
    region: str = "US",
) -> list[Difference]:
    """List the fields of linked pairs that differ though a rule should keep them equal."""
    rules = compile_rules(config)
    found: list[Difference] = []
    for member, record in pairs:
        plans = rules.outbound(
            attributes(member), dict(record), workspace={"default_region": region}, now=NOON
        )
        for rule in rules.rules(Direction.OUTBOUND):
            plan = plans[rule.id]
            if not isinstance(plan, Planned):
                continue
            there = record.get(rule.remote_field)
            if is_blank(plan.value) and (rule.on_empty == "skip" or is_blank(there)):
                continue
            if not same_value(plan.value, there):
                found.append(Difference(member.member_id, str(record["Id"]), rule.remote_field))
    return found


@dataclass(frozen=True, slots=True)
class Expected:
    """What must become of the members, judged by the file and the org before anything ran."""

    creatable: frozenset[str]  # e-mail addresses that no Contact or open Lead has
    without_email: frozenset[str]


def expected(
    members: Iterable[Member], config: EntityConfig, emails_in_org: Iterable[str]
) -> Expected:
    """Say which members have no match: one record is created per e-mail address among them.

    A member without an e-mail address cannot be matched by it; one without a last name, or any
    part of a name, cannot become a Contact.
    """
    rules = compile_rules(config)
    taken = {normal_email(email) for email in emails_in_org}
    creatable: set[str] = set()
    without: set[str] = set()
    for member in members:
        email = normal_email(member.email)
        if not email:
            without.add(member.member_id)
            continue
        plans = rules.outbound(attributes(member), {}, workspace={"default_region": "US"}, now=NOON)
        named = any(
            isinstance(plan := plans[rule.id], Planned) and not is_blank(plan.value)
            for rule in rules.rules(Direction.OUTBOUND)
            if rule.remote_field == "LastName"
        )
        if email not in taken and named:
            creatable.add(email)
    return Expected(frozenset(creatable), frozenset(without))
