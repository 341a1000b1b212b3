"""The sync configuration that the walk-through saves."""

from __future__ import annotations

from crmlink_common.contracts.sync_configs import Capture, Direction, EntityConfig
from crmlink_common.mapping.starting import default_rules


def walk_config() -> EntityConfig:
    """Names and e-mail go out; the phone number is kept in step both ways."""
    rules = [
        rule.model_copy(update={"direction": Direction.BOTH}) if rule.id == "phone" else rule
        for rule in default_rules("Contact")
    ]
    return EntityConfig(
        outbound_enabled=True,
        inbound_enabled=True,
        rules=rules,
        outbound_filter="source.email != ''",
        capture=Capture(interval_min=2, interval_max=10),
    )
