"""What a saved configuration changes: the revision of each rule, and what may differ now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmlink_common.contracts.sync_configs import EntityConfig, Rule
from crmlink_common.mapping.starting import default_rules, missing_required

ENTITIES = ("member",)


def rule_revisions(
    before: EntityConfig | None,
    known: Mapping[str, int],
    after: EntityConfig,
    revision: int,
) -> dict[str, int]:
    """Give a new revision to rules whose meaning changed, and to no other."""
    old = {} if before is None else {rule.id: _meaning(rule) for rule in before.rules}
    return {
        rule.id: known[rule.id]
        if rule.id in known and old.get(rule.id) == _meaning(rule)
        else revision
        for rule in after.rules
    }


def fresh() -> EntityConfig:
    """Offer what a person starts from; nothing of it is saved or in force."""
    config = EntityConfig()
    return config.model_copy(update={"rules": default_rules(config.entity_params.target_object)})


def warnings(config: EntityConfig) -> list[dict[str, Any]]:
    """Tell what may be saved all the same, but will not do what is wanted."""
    if config.match_strategy == "linked_only":
        return []  # nothing is created
    target = config.entity_params.target_object
    fields = missing_required(config.rules, target, ())
    if not fields:
        return []
    message = f"No rule fills {', '.join(fields)}: without it no {target} can be created."
    return [{"code": "missing_required", "fields": fields, "message": message}]


def _meaning(rule: Rule) -> tuple[object, ...]:
    """Leave out whether it is enabled: switching it off and on forgets nothing."""
    return (
        rule.member_field,
        rule.remote_field,
        rule.direction,
        rule.outbound.strip(),
        rule.inbound.strip(),
        rule.preset.strip(),
        rule.effective_policy,
        rule.on_empty,
    )
