"""A configuration's rules, compiled once; then values are planned without side effects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from crmlink_common.contracts.sync_configs import Direction, EntityConfig, Rule
from crmlink_common.errors import InvalidInputError
from crmlink_common.mapping.cel import Program, compile_expression
from crmlink_common.mapping.check import References
from crmlink_common.mapping.errors import (
    EvaluationError,
    ExpressionError,
    FilterError,
    RuleError,
)
from crmlink_common.mapping.fields import (
    MEMBER_ATTRIBUTES,
    member_field_fault,
    member_value,
    remote_field_fault,
    remote_value,
)
from crmlink_common.mapping.presets import BoundPreset, parse_preset
from crmlink_common.mapping.values import is_blank

Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Planned:
    """The value a rule wants on the other side; None clears the field."""

    value: JsonValue


@dataclass(frozen=True, slots=True)
class Skipped:
    """The rule writes nothing; ``code`` tells why (``empty``, ``not_a_phone`` ...)."""

    code: str


Plan = Planned | Skipped


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule in one direction. Without a program the source's field is taken as it is."""

    rule: Rule
    read: Callable[[Attributes, str], JsonValue]
    read_name: str
    program: Program | None
    preset: BoundPreset | None

    def plan(self, variables: Attributes, region: str) -> Plan:
        try:
            if self.program is None:
                value = self.read(variables["source"], self.read_name)
            else:
                value = self.program.evaluate(variables, region=region)
            if self.preset is not None:
                value = self.preset.apply(value, region=region)
        except EvaluationError as exc:
            return Skipped(exc.reason)
        if is_blank(value):
            return Planned(None) if self.rule.on_empty == "clear" else Skipped("empty")
        return Planned(value)


@dataclass(frozen=True, slots=True)
class Side:
    """All that goes one way: the rules in order, and the filter."""

    rules: tuple[CompiledRule, ...] = ()
    filter: Program | None = None

    def plan(self, variables: Attributes) -> dict[str, Plan]:
        region = _region(variables["workspace"])
        return {one.rule.id: one.plan(variables, region) for one in self.rules}

    def admits(self, variables: Attributes) -> bool:
        if self.filter is None:
            return True
        try:
            verdict = self.filter.evaluate(variables, region=_region(variables["workspace"]))
        except EvaluationError as exc:
            raise FilterError(exc.reason) from None
        if not isinstance(verdict, bool):
            raise FilterError("not_true_or_false")
        return verdict

    def reads(self) -> References:
        found = References()
        programs = [one.program for one in self.rules]
        for program in (*programs, self.filter):
            if program is not None:
                found.update(program.reads)
        return found


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """Made by ``compile_rules``; keep it for as long as the configuration's revision stands."""

    config: EntityConfig
    sides: Mapping[Direction, Side] = field(repr=False)

    def rules(self, direction: Direction) -> list[Rule]:
        """Return the enabled rules of this direction, in order."""
        return [one.rule for one in self._side(direction).rules]

    def remote_fields(self, direction: Direction) -> list[str]:
        """Return the Salesforce fields that this direction reads or writes, sorted."""
        reads = self._side(direction).reads()
        remote = reads.source if direction is Direction.INBOUND else reads.target
        return sorted({rule.remote_field for rule in self.rules(direction)} | remote)

    def member_fields(self, direction: Direction) -> list[str]:
        """Return the member's fields that this direction reads or writes, sorted."""
        reads = self._side(direction).reads()
        member = reads.target if direction is Direction.INBOUND else reads.source
        return sorted({rule.member_field for rule in self.rules(direction)} | member)

    def outbound(
        self, source: Attributes, target: Attributes, *, workspace: Attributes, now: datetime
    ) -> dict[str, Plan]:
        """Plan by rule id what the record should hold; ``now`` is the source's update time."""
        given = _variables(source, target, workspace, now)
        return self._side(Direction.OUTBOUND).plan(given)

    def inbound(
        self, source: Attributes, target: Attributes, *, workspace: Attributes, now: datetime
    ) -> dict[str, Plan]:
        """Plan by rule id what the member should hold; ``source`` is the record."""
        return self._side(Direction.INBOUND).plan(_variables(source, target, workspace, now))

    def outbound_filter(
        self,
        source: Attributes,
        target: Attributes | None = None,
        *,
        workspace: Attributes | None = None,
        now: datetime | None = None,
    ) -> bool:
        """Tell whether this member takes part. Raises FilterError."""
        given = _variables(source, target or {}, workspace or {}, now)
        return self._side(Direction.OUTBOUND).admits(given)

    def inbound_filter(
        self,
        source: Attributes,
        target: Attributes | None = None,
        *,
        workspace: Attributes | None = None,
        now: datetime | None = None,
    ) -> bool:
        """Tell whether this record takes part. Raises FilterError."""
        given = _variables(source, target or {}, workspace or {}, now)
        return self._side(Direction.INBOUND).admits(given)

    def _side(self, direction: Direction) -> Side:
        return self.sides[direction]


def compile_rules(config: EntityConfig) -> CompiledRules:
    """Check and compile. Raises the first RuleError; ``rule_errors`` finds all."""
    compiled, faults = _compile(config)
    if faults:
        raise faults[0]
    return compiled


def rule_errors(config: EntityConfig) -> list[RuleError]:
    """Return all that is wrong with a configuration, rule by rule."""
    return _compile(config)[1]


def _compile(config: EntityConfig) -> tuple[CompiledRules, list[RuleError]]:
    faults = _doubles(config.rules)
    sides = {}
    for direction in (Direction.OUTBOUND, Direction.INBOUND):
        rules = []
        for rule in config.rules:
            if rule.direction not in (direction, Direction.BOTH):
                continue
            try:
                one = _compile_rule(rule, direction)
            except RuleError as exc:
                faults.append(exc)
            else:
                rules.extend([one] if rule.enabled else [])
        try:
            sides[direction] = Side(tuple(rules), _compile_filter(config, direction))
        except RuleError as exc:
            faults.append(exc)
    return CompiledRules(config, sides), faults


def _compile_rule(rule: Rule, direction: Direction) -> CompiledRule:
    outbound = direction is Direction.OUTBOUND
    checks = {
        "member_field": member_field_fault(rule.member_field, written=not outbound),
        "remote_field": remote_field_fault(rule.remote_field, written=outbound),
    }
    for name, fault in checks.items():
        if fault is not None:
            raise RuleError(fault, rule_id=rule.id, field=name)
    text = (rule.outbound if outbound else rule.inbound).strip()
    name = rule.member_field if outbound else rule.remote_field
    default = text in ("", f"source.{name}")
    return CompiledRule(
        rule,
        member_value if outbound else remote_value,
        name,
        None if default else _program(text, direction, rule.id, direction.value),
        _preset(rule),
    )


def _compile_filter(config: EntityConfig, direction: Direction) -> Program | None:
    outbound = direction is Direction.OUTBOUND
    text = config.outbound_filter if outbound else config.inbound_filter
    return _program(text, direction, None, f"{direction.value}_filter") if text.strip() else None


def _program(text: str, direction: Direction, rule_id: str | None, where: str) -> Program:
    member = "source" if direction is Direction.OUTBOUND else "target"
    attributes = {"source": None, "target": None, member: MEMBER_ATTRIBUTES}
    try:
        return compile_expression(text, attributes)
    except ExpressionError as exc:
        raise RuleError(
            str(exc), rule_id=rule_id, field=where, line=exc.line, column=exc.column
        ) from None


def _preset(rule: Rule) -> BoundPreset | None:
    if not rule.preset.strip():
        return None
    try:
        return parse_preset(rule.preset)
    except InvalidInputError as exc:
        raise RuleError(str(exc), rule_id=rule.id, field="preset", line=1, column=1) from None


def _doubles(rules: Iterable[Rule]) -> list[RuleError]:
    """Find ids used twice, and two rules that would write one field."""
    faults: list[RuleError] = []
    ids: set[str] = set()
    written: dict[tuple[str, str], str] = {}
    for rule in rules:
        if rule.id in ids:
            sentence = "Another rule has the same id."
            faults.append(RuleError(sentence, rule_id=rule.id, field="id"))
        ids.add(rule.id)
        for place in _written(rule):
            if place in written:
                sentence = f"Rule {written[place]} writes this field already."
                faults.append(RuleError(sentence, rule_id=rule.id, field=place[0]))
            written.setdefault(place, rule.id)
    return faults


def _written(rule: Rule) -> list[tuple[str, str]]:
    places = []
    if rule.enabled and rule.direction is not Direction.INBOUND:
        places.append(("remote_field", rule.remote_field.lower()))  # to Salesforce all one
    if rule.enabled and rule.direction is not Direction.OUTBOUND:
        places.append(("member_field", rule.member_field))
    return places


def _variables(
    source: Attributes, target: Attributes, workspace: Attributes, now: datetime | None
) -> dict[str, Any]:
    return {"source": source, "target": target, "workspace": workspace, "now": now}


def _region(workspace: Attributes) -> str:
    return str(workspace.get("default_region") or "")
