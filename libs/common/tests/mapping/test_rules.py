"""Rules compiled and planned in both directions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from crmlink_common.contracts.members import Member
from crmlink_common.contracts.sync_configs import Direction, EntityConfig, Rule
from crmlink_common.mapping import (
    FilterError,
    Plan,
    Planned,
    RuleError,
    Skipped,
    compile_rules,
    default_rules,
    missing_required,
)
from crmlink_common.mapping.rules import rule_errors

NOW = datetime(2026, 1, 31, tzinfo=UTC)
WORKSPACE = {"id": "w1", "default_region": "GB"}
MEMBER: dict[str, Any] = Member(
    workspace_id="w1",
    member_id="m1",
    version=1,
    email="Ada@Example.com",
    phone="020 7946 0123",
    name="Ada Lovelace",
    fields={"plan": "basic", "seats": 3, "salesforce:id": "003A"},
).model_dump()


def a_rule(**given: object) -> Rule:
    base = {"id": "r1", "member_field": "email", "remote_field": "Email"}
    return Rule.model_validate({**base, **given})


def plan(*rules: Rule, source: dict[str, Any] | None = None) -> dict[str, Plan]:
    compiled = compile_rules(EntityConfig(rules=list(rules)))
    return compiled.outbound(source or MEMBER, {}, workspace=WORKSPACE, now=NOW)


def fault(*rules: Rule, inbound_filter: str = "") -> RuleError:
    with pytest.raises(RuleError) as refused:
        compile_rules(EntityConfig(rules=list(rules), inbound_filter=inbound_filter))
    return refused.value


def test_without_an_expression_the_members_field_is_taken_as_it_is() -> None:
    rules = compile_rules(
        EntityConfig(
            rules=[a_rule(), a_rule(id="r2", remote_field="Plan__c", member_field="fields.plan")]
        )
    )
    assert rules.outbound(MEMBER, {}, workspace=WORKSPACE, now=NOW) == {
        "r1": Planned("Ada@Example.com"),
        "r2": Planned("basic"),
    }
    assert all(one.program is None for one in rules.sides[Direction.OUTBOUND].rules)


def test_the_default_written_out_is_still_the_default() -> None:
    rules = compile_rules(EntityConfig(rules=[a_rule(outbound=" source.email ")]))
    assert rules.sides[Direction.OUTBOUND].rules[0].program is None


def test_an_expression_then_the_preset() -> None:
    assert plan(a_rule(outbound="source.email + ' '", preset="email")) == {
        "r1": Planned("ada@example.com")
    }


def test_a_telephone_without_country_code_is_of_the_workspaces_region() -> None:
    by_preset = a_rule(id="p", member_field="phone", remote_field="Phone", preset="phone_e164")
    by_call = a_rule(id="c", remote_field="MobilePhone", outbound="phone_e164(source.phone)")
    assert plan(by_preset, by_call) == {
        "p": Planned("+442079460123"),
        "c": Planned("+442079460123"),
    }


@pytest.mark.parametrize(
    ("on_empty", "planned"), [("skip", Skipped("empty")), ("clear", Planned(None))]
)
def test_what_is_empty_is_skipped_or_cleared(on_empty: str, planned: object) -> None:
    rule = a_rule(member_field="first_name", remote_field="FirstName", on_empty=on_empty)
    assert plan(rule) == {"r1": planned}


def test_a_bad_value_skips_its_rule_alone_and_never_clears() -> None:
    bad = a_rule(preset="email", on_empty="clear", outbound="'nonsense'")
    name = a_rule(id="r2", member_field="name", remote_field="Name")
    failing = a_rule(id="r3", remote_field="Title", outbound="source.name * 2")
    assert plan(bad, name, failing) == {
        "r1": Skipped("not_an_email"),
        "r2": Planned("Ada Lovelace"),
        "r3": Skipped("evaluation_error"),
    }


def test_inbound_the_record_is_the_source() -> None:
    rules = compile_rules(
        EntityConfig(
            rules=[
                a_rule(direction=Direction.BOTH, inbound="source.Email.lower()"),
                a_rule(
                    id="r2",
                    direction=Direction.INBOUND,
                    member_field="fields.account",
                    remote_field="Account.Name",
                ),
                a_rule(id="r3", remote_field="Phone", member_field="phone"),
            ]
        )
    )
    record = {"Email": "ADA@EXAMPLE.COM", "Account": {"Name": "Acme"}}
    assert rules.inbound(record, MEMBER, workspace=WORKSPACE, now=NOW) == {
        "r1": Planned("ada@example.com"),
        "r2": Planned("Acme"),
    }
    nobody = {"Email": None, "Account": None}
    assert rules.inbound(nobody, MEMBER, workspace=WORKSPACE, now=NOW) == {
        "r1": Skipped("empty"),
        "r2": Skipped("empty"),
    }


def test_the_fields_of_a_direction_are_those_it_reads_and_writes() -> None:
    rules = compile_rules(
        EntityConfig(
            rules=[
                a_rule(direction=Direction.BOTH, outbound="target.Title + source.role"),
                a_rule(id="r2", remote_field="Phone", member_field="phone", enabled=False),
            ],
            outbound_filter="source.fields.plan != '' && target.Status__c != 'x'",
            inbound_filter="source.Account.Name != ''",
        )
    )
    assert [rule.id for rule in rules.rules(Direction.OUTBOUND)] == ["r1"]
    assert rules.remote_fields(Direction.OUTBOUND) == ["Email", "Status__c", "Title"]
    assert rules.member_fields(Direction.OUTBOUND) == ["email", "fields.plan", "role"]
    assert rules.remote_fields(Direction.INBOUND) == ["Account.Name", "Email"]
    assert rules.member_fields(Direction.INBOUND) == ["email"]


def test_the_guides_filter() -> None:
    rules = compile_rules(EntityConfig(outbound_filter="source.email != ''"))
    assert rules.outbound_filter(MEMBER)
    assert not rules.outbound_filter({**MEMBER, "email": ""})
    assert not rules.outbound_filter({"member_id": "m1", "email": None})
    assert not rules.outbound_filter({})
    assert compile_rules(EntityConfig()).inbound_filter({})


@pytest.mark.parametrize("text", ["source.name", "source.name * 2", "int(source.name) > 3"])
def test_a_filter_that_fails_says_so_without_data(text: str) -> None:
    rules = compile_rules(EntityConfig(outbound_filter=text))
    with pytest.raises(FilterError) as failed:
        rules.outbound_filter(MEMBER)
    assert failed.value.code == "filter_error"
    assert "Ada" not in str(failed.value)


@pytest.mark.parametrize(
    ("rule", "field", "words"),
    [
        (a_rule(outbound="source.email +"), "outbound", "not a CEL expression"),
        (a_rule(outbound="source.emial"), "outbound", "no attribute emial"),
        (a_rule(outbound="shout(source.email)"), "outbound", "no function shout"),
        (a_rule(direction=Direction.BOTH, inbound="has(source.Email)"), "inbound", "always true"),
        (a_rule(preset="shout"), "preset", "no preset shout"),
        (a_rule(preset="truncate"), "preset", "takes (length)"),
        (a_rule(member_field="emial"), "member_field", "no field emial"),
        (a_rule(member_field="fields."), "member_field", "Name a key"),
        (a_rule(remote_field="E mail"), "remote_field", "API name"),
        (a_rule(remote_field="Account.Name"), "remote_field", "read, not written"),
        (a_rule(remote_field="Id"), "remote_field", "Salesforce itself"),
        (
            a_rule(direction=Direction.INBOUND, member_field="fields.salesforce:id"),
            "member_field",
            "follows from the link",
        ),
        (
            a_rule(direction=Direction.BOTH, member_field="fields.salesforce:account_id"),
            "member_field",
            "follows from the link",
        ),
        (a_rule(direction=Direction.INBOUND, member_field="version"), "member_field", "own system"),
    ],
)
def test_a_fault_names_rule_and_part(rule: Rule, field: str, words: str) -> None:
    found = fault(rule)
    assert (found.rule_id, found.field, found.code) == ("r1", field, "rule_invalid")
    assert words in str(found)


def test_a_fault_in_an_expression_has_line_and_column() -> None:
    found = fault(a_rule(outbound="source.name +\n  sorce.email"))
    assert (found.line, found.column) == (2, 3)
    found = fault(inbound_filter="true &&")
    assert (found.rule_id, found.field, found.line, found.column) == (None, "inbound_filter", 1, 8)


def test_the_link_may_be_read_by_a_rule() -> None:
    assert plan(a_rule(member_field="fields.salesforce:id", remote_field="Ref__c")) == {
        "r1": Planned("003A")
    }


def test_one_id_or_one_written_field_twice_is_refused() -> None:
    assert fault(a_rule(), a_rule(remote_field="Email2__c")).field == "id"
    doubled = fault(a_rule(), a_rule(id="r2", remote_field="EMAIL"))
    assert (doubled.rule_id, doubled.field) == ("r2", "remote_field")
    assert plan(a_rule(), a_rule(id="r2", enabled=False)).keys() == {"r1"}


def test_a_rule_that_is_off_is_checked_all_the_same() -> None:
    assert fault(a_rule(enabled=False, outbound="x")).rule_id == "r1"


def test_all_faults_can_be_had_at_once() -> None:
    config = EntityConfig(
        rules=[a_rule(preset="shout"), a_rule(id="r2", remote_field="Name", outbound="x")],
        outbound_filter="y",
    )
    assert [(one.rule_id, one.field) for one in rule_errors(config)] == [
        ("r1", "preset"),
        ("r2", "outbound"),
        (None, "outbound_filter"),
    ]


def test_a_fresh_configuration_fills_what_a_contact_requires() -> None:
    rules = default_rules("Contact")
    assert plan(*rules) == {
        "first-name": Planned("Ada"),
        "last-name": Planned("Lovelace"),
        "email": Planned("ada@example.com"),
        "phone": Planned("020 7946 0123"),
    }
    assert missing_required(rules, "Contact", ["LastName"]) == []
    assert missing_required(rules, "Lead", ["LastName", "Status"]) == ["Company", "Status"]
    assert missing_required(rules[:1], "Contact", []) == ["LastName"]
    assert [rule.remote_field for rule in default_rules("Club__c")] == ["Name"]


def test_an_inbound_rule_fills_no_required_field() -> None:
    rule = a_rule(remote_field="LastName", member_field="name", direction=Direction.INBOUND)
    assert missing_required([rule], "Contact", []) == ["LastName"]
