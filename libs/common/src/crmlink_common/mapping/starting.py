"""The rules a fresh configuration offers, and the required fields that none fills."""

from __future__ import annotations

from collections.abc import Iterable

from crmlink_common.contracts.sync_configs import Direction, Rule

# Where a member has only the whole name, both parts come from it: never one part alone.
_LAST_NAME = "source.last_name != '' ? source.last_name : last_name(source.name)"
_FIRST_NAME = (
    "source.first_name != '' || source.last_name != ''"
    " ? source.first_name : first_name(source.name)"
)


def default_rules(target_object: str = "Contact") -> list[Rule]:
    """Return name, e-mail and phone rules, one way, for a Contact, a Lead or another object."""
    person = target_object in ("Contact", "Lead")
    names = (
        [
            Rule(
                id="first-name",
                member_field="first_name",
                remote_field="FirstName",
                outbound=_FIRST_NAME,
            ),
            Rule(
                id="last-name",
                member_field="last_name",
                remote_field="LastName",
                outbound=_LAST_NAME,
            ),
        ]
        if person
        else [Rule(id="name", member_field="name", remote_field="Name")]
    )
    contact = [
        Rule(id="email", member_field="email", remote_field="Email", preset="email"),
        Rule(id="phone", member_field="phone", remote_field="Phone"),
    ]
    return [*names, *contact] if person else names


def missing_required(
    rules: Iterable[Rule], target_object: str, required_fields: Iterable[str]
) -> list[str]:
    """Return the required fields of the object that no outbound rule fills, in order."""
    filled = {
        rule.remote_field.lower()
        for rule in rules
        if rule.enabled and rule.direction is not Direction.INBOUND
    }
    always = {"Contact": ["LastName"], "Lead": ["LastName", "Company"]}.get(target_object, [])
    wanted = dict.fromkeys([*always, *required_fields])
    return [name for name in wanted if name.lower() not in filled]
