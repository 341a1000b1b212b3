"""Who is known: what the directory keeps of a member, and which message counts."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import JsonValue

from crmlink_common.contracts.cloudevents import Deleted
from crmlink_common.contracts.members import Member
from crmlink_common.members.normal import normal_email

Key = tuple[str, str]  # workspace and member
KEYS = {  # the member fields that a link manages, and what each holds
    "salesforce:id": "record_id",
    "salesforce:account_id": "account_id",
    "salesforce:owner_id": "owner_id",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What the directory keeps of a member; of a deleted one the version alone.

    ``evidence`` is what upstream says under our keys: offered, never trusted.
    """

    version: int
    email: str = ""
    phone: str = ""
    name: str = ""
    evidence: dict[str, JsonValue] = field(default_factory=dict)
    deleted: bool = False


def key_of(text: str) -> Key:
    """Cut a key of the bus at its first slash."""
    workspace_id, _, member_id = text.partition("/")
    return workspace_id, member_id


def learn(known: Known | None, seen: Member | Deleted) -> Known | None:
    """Return what is known now, or None when the message is old news."""
    if known is not None and seen.version <= known.version:
        return None
    if isinstance(seen, Deleted):
        return Known(seen.version, deleted=True)
    return Known(
        seen.version,
        normal_email(seen.email),
        seen.phone.strip(),
        seen.name or f"{seen.first_name} {seen.last_name}".strip(),
        {key: seen.fields[key] for key in KEYS if seen.fields.get(key) is not None},
    )


def reachable_otherwise(before: Known | None, after: Known) -> bool:
    """Say whether what was found for this member was found by other than it has now."""
    return before is not None and (before.email, before.phone) != (after.email, after.phone)
