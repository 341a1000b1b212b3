"""What saving changes, what a fresh configuration offers, what is warned of."""

from __future__ import annotations

from typing import Any

import pytest

from crmlink_common.contracts.sync_configs import Direction, EntityConfig, EntityParams, Rule
from crmlink_common.mapping.rules import compile_rules
from crmlink_sync_outbound.domain.configs import fresh, rule_revisions, warnings

EMAIL = Rule(id="email", member_field="email", remote_field="Email")
LAST = Rule(id="last", member_field="last_name", remote_field="LastName")
COMPANY = Rule(id="company", member_field="fields.company", remote_field="Company")
BACK = Rule(
    id="back", member_field="last_name", remote_field="LastName", direction=Direction.INBOUND
)


@pytest.mark.parametrize(
    ("changed", "revision"),
    [
        ({}, 3),
        ({"enabled": False}, 3),
        ({"outbound": " "}, 3),
        ({"outbound": "source.name"}, 7),
        ({"preset": "trim"}, 7),
        ({"remote_field": "FirstName"}, 7),
        ({"direction": Direction.BOTH}, 7),
        ({"on_empty": "clear"}, 7),
    ],
)
def test_only_a_rule_whose_meaning_changed_gets_a_new_revision(
    changed: dict[str, Any], revision: int
) -> None:
    before = EntityConfig(rules=[EMAIL, LAST])
    after = EntityConfig(rules=[LAST.model_copy(update=changed), EMAIL])
    got = rule_revisions(before, {"email": 1, "last": 3}, after, 7)
    assert got == {"email": 1, "last": revision}


def test_every_rule_is_new_at_first() -> None:
    assert rule_revisions(None, {}, EntityConfig(rules=[EMAIL]), 1) == {"email": 1}


def test_a_fresh_configuration_offers_rules_that_compile_and_moves_nothing() -> None:
    config = fresh()
    compile_rules(config)
    assert {rule.remote_field for rule in config.rules} == {
        "FirstName",
        "LastName",
        "Email",
        "Phone",
    }
    assert not config.outbound_enabled
    assert not config.inbound_enabled
    assert warnings(config) == []


@pytest.mark.parametrize(
    ("target", "rules", "strategy", "fields"),
    [
        ("Contact", [LAST], "upsert_field", None),
        ("Contact", [EMAIL], "upsert_field", ["LastName"]),
        ("Contact", [BACK], "upsert_field", ["LastName"]),
        ("Contact", [EMAIL], "linked_only", None),
        ("Lead", [EMAIL], "upsert_field", ["LastName", "Company"]),
        ("Lead", [LAST, COMPANY], "upsert_field", None),
        ("Account", [], "upsert_field", None),
    ],
)
def test_a_required_field_that_no_rule_fills_is_warned_of(
    target: str, rules: list[Rule], strategy: str, fields: list[str] | None
) -> None:
    config = EntityConfig.model_validate(
        {
            "rules": rules,
            "match_strategy": strategy,
            "entity_params": EntityParams(target_object=target),
        }
    )
    told = warnings(config)
    assert [one["fields"] for one in told] == ([] if fields is None else [fields])
    assert {one["code"] for one in told} <= {"missing_required"}
