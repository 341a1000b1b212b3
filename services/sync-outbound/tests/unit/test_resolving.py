"""A member without a record: left alone, looked for, or created."""

from __future__ import annotations

from typing import Any

import pytest

from crmlink_common.contracts.sync_configs import Direction, EntityConfig, EntityParams, Rule
from crmlink_common.mapping.rules import compile_rules
from crmlink_sync_outbound.domain.outcomes import Outcome
from crmlink_sync_outbound.domain.pair import Pair
from crmlink_sync_outbound.domain.resolving import (
    Wanted,
    base_of_created,
    compared,
    first_of_each,
    found_by_key,
    lacking,
    left_alone,
    places,
    wanted,
)
from crmlink_sync_outbound.domain.views import Terms

RULES = [
    Rule(id="last", member_field="last_name", remote_field="LastName"),
    Rule(id="email", member_field="email", remote_field="Email", preset="email"),
    Rule(id="back", member_field="phone", remote_field="Phone", direction=Direction.INBOUND),
]


def terms(**changed: Any) -> Terms:  # noqa: ANN401 - fields of any kind
    config = EntityConfig(**({"outbound_enabled": True, "rules": RULES} | changed))
    return Terms(compiled=compile_rules(config), revisions={rule.id: 3 for rule in config.rules})


def pair(**changed: Any) -> Pair:  # noqa: ANN401 - fields of any kind
    member = {"last_name": "Byron", "email": "Ada@Example.org", "phone": "7"}
    return Pair(**({"workspace_id": "w", "member_id": "m", "member": member} | changed))


@pytest.mark.parametrize(
    ("one", "config", "code"),
    [
        ({"member_deleted": True}, {}, "member_deleted"),
        ({"link_state": "excluded"}, {}, "unlinked_by_person"),
        ({"link_state": "excluded", "link_reason": "r"}, {}, "r"),
        ({}, {"outbound_enabled": False}, "outbound_off"),
        ({}, {"match_strategy": "linked_only"}, "not_linked"),
        ({"expected_record_id": "003"}, {}, "waiting_for_link"),
        ({}, {"outbound_filter": "source.email == ''"}, "filtered"),
        ({}, {"outbound_filter": "int(source.email) > 1"}, "filter_error"),
        ({}, {"outbound_filter": "source.email != ''"}, None),
        ({"link_state": "refused"}, {}, None),
    ],
)
def test_why_a_member_is_left_alone(
    one: dict[str, Any], config: dict[str, Any], code: str | None
) -> None:
    outcome = left_alone(pair(**one), terms(**config))
    assert (outcome.code if outcome else None) == code


def test_the_record_holds_what_outbound_rules_make_of_the_member() -> None:
    params = EntityParams(record_type_id="012000000000001AAA")
    got = wanted(pair(), terms(entity_params=params))
    assert isinstance(got, Wanted)
    assert got.values == {
        "LastName": "Byron",
        "Email": "ada@example.org",
        "RecordTypeId": "012000000000001AAA",
    }
    assert (got.key, got.sought) == ("ada@example.org", "ada@example.org")


@pytest.mark.parametrize(
    ("member", "upsert_field", "key"),
    [
        ({"email": " A@B.example "}, "Email", "a@b.example"),
        ({"email": "nonsense"}, "Email", None),
        ({}, "Email", None),
        ({"last_name": " Byron"}, "LastName", "byron"),
        ({"email": "a@b.example"}, "External__c", None),
    ],
)
def test_nothing_is_created_without_a_value_to_look_for(
    member: dict[str, str], upsert_field: str, key: str | None
) -> None:
    config = terms(entity_params=EntityParams(upsert_field=upsert_field))
    got = wanted(pair(member=member), config)
    if key is None:
        assert isinstance(got, Outcome)
        assert (got.code, got.fields) == ("no_upsert_value", (upsert_field,))
    else:
        assert isinstance(got, Wanted)
        assert got.key == key


@pytest.mark.parametrize(
    ("target", "values", "missing"),
    [
        ("Contact", {"LastName": "B"}, None),
        ("Contact", {}, ("LastName",)),
        ("Lead", {"LastName": "B"}, ("Company",)),
        ("Account", {}, None),
    ],
)
def test_what_salesforce_would_refuse_is_not_sent(
    target: str, values: dict[str, str], missing: tuple[str, ...] | None
) -> None:
    outcome = lacking(Wanted(pair(), "k", "k", dict(values)), target)
    assert (outcome.fields if outcome else None) == missing


def test_one_member_per_value_goes_ahead() -> None:
    all_wanted = [
        Wanted(pair(member_id=member), key, key)
        for member, key in (("m3", "a"), ("m1", "a"), ("m2", "b"))
    ]
    firsts, others = first_of_each(all_wanted)
    assert [one.pair.member_id for one in firsts] == ["m1", "m2"]
    assert [one.pair.member_id for one in others] == ["m3"]


def test_values_are_compared_as_salesforce_finds_them() -> None:
    assert compared("Email", " A@B.example") == "a@b.example"
    assert compared("Number__c", 7) == "7"
    assert compared("Code__c", None) == ""
    hits = found_by_key([{"Id": "1", "Email": "A@b.example"}, {"Id": "2"}], "Email")
    assert [one["Id"] for one in hits["a@b.example"]] == ["1"]


def test_an_email_may_be_a_leads() -> None:
    assert places("Contact", "Email") == ("Contact", "Lead")
    assert places("Contact", "Code__c") == places("Contact", "Phone") == ("Contact",)
    assert places("Lead", "Email") == ("Lead",)


def test_a_new_record_is_assumed_to_hold_what_was_sent() -> None:
    one = wanted(pair(), terms())
    assert isinstance(one, Wanted)
    base = base_of_created(one, terms())
    assert base.keys() == {"last", "email"}
    assert all(known.assumed and known.revision == 3 for known in base.values())
