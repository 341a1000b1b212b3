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
from crmlink_common.members import normal_email, phone_e164

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
    """List the fields of linked pairs that differ though a rule should keep them equal.

    A linked member that the filter leaves out keeps its link and is not written.
    """
    rules = compile_rules(config)
    found: list[Difference] = []
    for member, record in pairs:
        if not rules.outbound_filter(attributes(member)):
            continue
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
class Reachable:
    """How the org's Contacts and open Leads can be reached: normal e-mails and E.164 phones."""

    emails: frozenset[str]
    phones: frozenset[str]


def reachable(records: Iterable[Mapping[str, Any]], region: str = "US") -> Reachable:
    """Read them off rows with Email, Phone and MobilePhone."""
    rows = list(records)
    emails = {normal_email(row.get("Email") or "") for row in rows}
    phones = {
        phone_e164(row.get(field) or "", region)
        for row in rows
        for field in ("Phone", "MobilePhone")
    }
    return Reachable(frozenset(emails - {""}), frozenset(phones - {""}))


def creatable(
    members: Iterable[Member], config: EntityConfig, org: Reachable, region: str = "US"
) -> frozenset[str]:
    """Give the e-mail addresses for which a record must be created, judged before anything ran.

    One record for each address whose members have no match, by e-mail or telephone, and a last
    name. A member without an e-mail address is never created: nothing could find it again.
    """
    rules = compile_rules(config)
    wanted: set[str] = set()
    for member in members:
        email, phone = normal_email(member.email), phone_e164(member.phone, region)
        if not email or email in org.emails or phone in org.phones:
            continue
        plans = rules.outbound(
            attributes(member), {}, workspace={"default_region": region}, now=NOON
        )
        if any(
            isinstance(plan := plans[rule.id], Planned) and not is_blank(plan.value)
            for rule in rules.rules(Direction.OUTBOUND)
            if rule.remote_field == "LastName"
        ):
            wanted.add(email)
    return frozenset(wanted)
