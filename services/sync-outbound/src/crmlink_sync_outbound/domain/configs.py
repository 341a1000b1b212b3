"""What a saved configuration changes: the revision of each rule, and what may differ now."""

from __future__ import annotations

from collections.abc import Mapping

from crmlink_common.contracts.sync_configs import EntityConfig, Rule

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
