"""Rules between a member and a record: compiled once, evaluated without side effects."""

from crmlink_common.mapping.errors import FilterError, RuleError
from crmlink_common.mapping.presets import PRESETS, Preset, catalogue
from crmlink_common.mapping.rules import (
    CompiledRules,
    Plan,
    Planned,
    Skipped,
    compile_rules,
    rule_errors,
)
from crmlink_common.mapping.starting import default_rules, missing_required
from crmlink_common.mapping.values import same_value

__all__ = [
    "PRESETS",
    "CompiledRules",
    "FilterError",
    "Plan",
    "Planned",
    "Preset",
    "RuleError",
    "Skipped",
    "catalogue",
    "compile_rules",
    "default_rules",
    "missing_required",
    "rule_errors",
    "same_value",
]
