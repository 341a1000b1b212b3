"""Rules between a member and a record: compiled once, evaluated without side effects."""

from crmlink_common.mapping.errors import FilterError, RuleError
from crmlink_common.mapping.presets import PRESETS, Preset
from crmlink_common.mapping.rules import CompiledRules, Plan, Planned, Skipped, compile_rules
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
    "compile_rules",
    "default_rules",
    "missing_required",
    "same_value",
]
