"""Which fields a rule may name, and how a value is found under such a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from crmlink_common.contracts.members import Member

MEMBER_ATTRIBUTES = frozenset(Member.model_fields) - {"workspace_id"}
NEVER_SET = frozenset({"member_id", "version", "updated_at", "archived", "fields"})
RESERVED = "salesforce:"  # identity: the link decides it, no rule may
SYSTEM_FIELDS = frozenset(
    {
        "id",
        "createdbyid",
        "createddate",
        "isdeleted",
        "lastactivitydate",
        "lastmodifiedbyid",
        "lastmodifieddate",
        "lastreferenceddate",
        "lastvieweddate",
        "masterrecordid",
        "systemmodstamp",
        "isconverted",
    }
)
_REMOTE = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*){0,5}", re.ASCII)


def member_value(member: Mapping[str, Any], field: str) -> JsonValue:
    """Return the value under ``email`` or ``fields.<key>``; what is absent is ''."""
    prefix, _, key = field.partition(".")
    value = (member.get("fields") or {}).get(key) if prefix == "fields" else member.get(field)
    return "" if value is None else value


def remote_value(record: Mapping[str, Any], field: str) -> JsonValue:
    """Return the value of a field, or of one of a related record (``Account.Name``)."""
    value: Any = record
    for name in field.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return "" if value is None else value


def member_field_fault(field: str, *, written: bool) -> str | None:
    """Say why a rule cannot name this member field, or None."""
    prefix, dot, key = field.partition(".")
    if prefix == "fields" and dot:
        if not key:
            return "Name a key: fields.plan, say."
        if written and key.startswith(RESERVED):
            return f"{key} follows from the link to the record; a rule cannot set it."
        return None
    if field not in MEMBER_ATTRIBUTES or field == "fields":
        return f"A member has no field {field}; keys of its own are written fields.<key>."
    if written and field in NEVER_SET:
        return f"{field} belongs to the member's own system; a rule cannot set it."
    return None


def remote_field_fault(field: str, *, written: bool) -> str | None:
    """Say why a rule cannot name this Salesforce field, or None."""
    if not _REMOTE.fullmatch(field):
        return f"{field} is not the API name of a field (LastName, Plan__c)."
    if written and "." in field:
        return "A field of a related record can be read, not written."
    if written and field.lower() in SYSTEM_FIELDS:
        return f"{field} is set by Salesforce itself."
    return None
