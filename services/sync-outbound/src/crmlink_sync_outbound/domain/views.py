"""How one rule sees both sides, whichever way its values may go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import JsonValue

from crmlink_common.contracts.sync_configs import Direction, EntityConfig, Rule
from crmlink_common.mapping.fields import member_value, remote_value
from crmlink_common.mapping.rules import CompiledRules, Plan, Planned, Skipped
from crmlink_common.mapping.values import is_blank, same_value
from crmlink_sync_outbound.domain.pair import Values

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # `now` of a source that never told when it changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the sides have to agree by: the rules with their revisions, and the workspace."""

    compiled: CompiledRules
    revisions: Mapping[str, int]
    revision: int = 1
    region: str = "US"
    object_fields: frozenset[str] | None = None  # lower case; None: every field is there

    @property
    def config(self) -> EntityConfig:
        return self.compiled.config

    def has_field(self, name: str) -> bool:
        """Say whether the record's object has this field."""
        first = name.partition(".")[0].lower()
        return self.object_fields is None or "." in name or first in self.object_fields

    def read_fields(self) -> list[str]:
        """Name the fields to read of a record."""
        names = {
            *self.compiled.remote_fields(Direction.OUTBOUND),
            *self.compiled.remote_fields(Direction.INBOUND),
        }
        return sorted(name for name in names if self.has_field(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One rule with what it would write either way; None where its direction forbids."""

    rule: Rule
    out: Plan | None
    into: Plan | None
    held_member: JsonValue
    held_record: JsonValue

    @property
    def member_side(self) -> JsonValue:
        """Give what the base remembers of the member: what the rule makes of it."""
        return self.held_member if self.out is None else _value(self.out)

    @property
    def record_side(self) -> JsonValue:
        """Give what the base remembers of the record: what the rule makes of it."""
        return self.held_record if self.into is None else _value(self.into)

    @property
    def agreed(self) -> bool:
        """Either side is already what the rule would make of the other, or both are blank."""
        if isinstance(self.out, Planned) and same_value(self.out.value, self.held_record):
            return True
        if isinstance(self.into, Planned) and same_value(self.into.value, self.held_member):
            return True
        return is_blank(self.member_side) and is_blank(self.held_record) and not self._refused

    @property
    def _refused(self) -> bool:
        return isinstance(self.out, Skipped) and self.out.code != "empty"


def _value(plan: Plan) -> JsonValue:
    return plan.value if isinstance(plan, Planned) else None


def views(
    terms: Terms,
    member: Values,
    record: Values,
    *,
    member_at: datetime | None,
    record_at: datetime | None,
) -> list[View]:
    """Evaluate every enabled rule over both sides."""
    compiled = terms.compiled
    workspace = {"default_region": terms.region}
    out = compiled.outbound(member, record, workspace=workspace, now=member_at or LONG_AGO)
    into = compiled.inbound(record, member, workspace=workspace, now=record_at or LONG_AGO)
    return [
        View(
            rule=rule,
            out=out.get(rule.id),
            into=into.get(rule.id),
            held_member=member_value(member, rule.member_field),
            held_record=remote_value(record, rule.remote_field),
        )
        for rule in compiled.config.rules
        if rule.enabled
    ]
