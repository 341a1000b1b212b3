"""A member without a record: what it is looked for by, and what it would become."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import JsonValue

from crmlink_common.contracts.sync_configs import Direction
from crmlink_common.mapping.errors import FilterError
from crmlink_common.mapping.rules import Planned
from crmlink_common.mapping.values import is_blank
from crmlink_common.members import normal_email
from crmlink_common.salesforce import absence
from crmlink_common.salesforce.absence import ABSENCE_COUNTS_AFTER
from crmlink_sync_outbound.domain.outcomes import Outcome, failed, skipped
from crmlink_sync_outbound.domain.pair import Base, Bases, Pair, Values
from crmlink_sync_outbound.domain.views import LONG_AGO, Terms, views

LOOK_AGAIN = timedelta(seconds=20)
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Contact": ("LastName",),
    "Lead": ("LastName", "Company"),
}
OBJECT = "object"  # where a record was found; no field of Salesforce is spelt so
OWNERS: Mapping[str, tuple[str, ...]] = {
    "Contact": ("AccountId", "OwnerId"),
    "Lead": ("OwnerId",),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The record that a member would have, and the value it is looked for by."""

    pair: Pair
    key: str  # as compared
    sought: str  # as written in the query
    values: dict[str, JsonValue] = field(default_factory=dict)


def left_alone(pair: Pair, terms: Terms) -> Outcome | None:
    """Say why an unlinked member is not resolved, if so."""
    config = terms.config
    reasons = {
        "member_deleted": pair.member_deleted,
        pair.link_reason or "unlinked_by_person": pair.link_state == "excluded",
        "outbound_off": not config.outbound_enabled,
        "not_linked": config.match_strategy == "linked_only",
        "waiting_for_link": bool(pair.expected_record_id),
    }
    if (code := next((name for name, holds in reasons.items() if holds), None)) is not None:
        return skipped(code)
    try:
        workspace = {"default_region": terms.region}
        admitted = terms.compiled.outbound_filter(pair.member, workspace=workspace)
    except FilterError as exc:
        return skipped(exc.code)
    return None if admitted else skipped("filtered")


def wanted(pair: Pair, terms: Terms) -> Wanted | Outcome:
    """Plan the record; an outcome when there is nothing to look for it by."""
    params = terms.config.entity_params
    plans = terms.compiled.outbound(
        pair.member,
        {},
        workspace={"default_region": terms.region},
        now=pair.member_updated_at or LONG_AGO,
    )
    values: dict[str, JsonValue] = {}
    for rule in terms.compiled.rules(Direction.OUTBOUND):
        plan = plans[rule.id]
        if isinstance(plan, Planned) and not is_blank(plan.value):
            values[rule.remote_field] = plan.value
    sought = values.get(params.upsert_field)
    if sought is None and params.upsert_field == "Email":
        sought = str(pair.member.get("email") or "")
    key = compared(params.upsert_field, sought)
    if not key:
        return skipped("no_upsert_value", params.upsert_field)
    if params.record_type_id:
        values["RecordTypeId"] = params.record_type_id
    return Wanted(pair, key, str(sought).strip(), values)


def compared(field_name: str, value: JsonValue) -> str:
    """Bring a value to the form in which Salesforce would find it equal; '' is none."""
    text = "" if value is None else str(value).strip()
    return normal_email(text) if field_name == "Email" else text.casefold()


def places(target_object: str, upsert_field: str) -> tuple[str, ...]:
    """Name where a member's record may be already, in order: an e-mail may be a Lead's."""
    if (target_object, upsert_field) == ("Contact", "Email"):
        return ("Contact", "Lead")
    return (target_object,)


def lacking(one: Wanted, target_object: str) -> Outcome | None:
    """Refuse a record that Salesforce would refuse for want of a field."""
    missing = [name for name in REQUIRED.get(target_object, ()) if name not in one.values]
    return failed("required_field_missing", *missing) if missing else None


def first_of_each(all_wanted: Iterable[Wanted]) -> tuple[list[Wanted], list[Wanted]]:
    """Let one member per key go ahead; the others wait for what becomes of it."""
    firsts: dict[str, Wanted] = {}
    others: list[Wanted] = []
    for one in sorted(all_wanted, key=lambda w: w.pair.member_id):
        if one.key in firsts:
            others.append(one)
        else:
            firsts[one.key] = one
    return list(firsts.values()), others


@dataclass(frozen=True, slots=True)
class Intent:
    """A record about to be created, kept until its outcome is known."""

    intent_id: str
    member_id: str
    object: str
    field: str  # by which it is looked for, whatever is configured by now
    key: str
    sought: str
    state: str  # reserved | sending | unknown | done | released
    sent_at: datetime | None = None  # the org's clock
    sending_since: datetime | None = None  # ours


def absence_counts(intent: Intent, now: datetime, after: timedelta = ABSENCE_COUNTS_AFTER) -> bool:
    """Say whether a create that left no trace cannot come any more."""
    return absence.absence_counts(intent.sending_since, now, after)


def look_again(after: timedelta) -> timedelta:
    """Look a few times at least before absence counts."""
    return min(LOOK_AGAIN, after / 3)


def places_of(intents: Iterable[Intent]) -> dict[tuple[str, str], list[str]]:
    """Group what is looked for by where and by what: object and field, as when it was sent."""
    places: dict[tuple[str, str], list[str]] = {}
    for one in intents:
        places.setdefault((one.object, one.field), []).append(one.sought)
    return places


def is_newer(record: Values, sent_at: datetime | None) -> bool:
    """Say whether a found record came of our call, and was not there before it."""
    created = record.get("CreatedDate")
    if sent_at is None or not isinstance(created, str):
        return False
    return datetime.fromisoformat(created) >= sent_at - timedelta(seconds=5)


def found_by_key(records: Sequence[Values], upsert_field: str) -> dict[str, list[Values]]:
    """Group records by the value they were looked for by."""
    groups: dict[str, list[Values]] = {}
    for record in records:
        groups.setdefault(compared(upsert_field, record.get(upsert_field)), []).append(record)
    return groups


def base_of_created(one: Wanted, terms: Terms) -> Bases:
    """Assume that the new record holds what was sent."""
    seen = views(
        terms,
        one.pair.member,
        one.values,
        member_at=one.pair.member_updated_at,
        record_at=None,
    )
    return {
        view.rule.id: Base(
            view.member_side,
            view.record_side,
            terms.revisions.get(view.rule.id, 0),
            assumed=True,
        )
        for view in seen
        if view.agreed
    }
