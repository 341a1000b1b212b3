"""What a look at the org found: who we are there, and what our work needs that is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

READ = {
    "Contact": ("Id", "Name", "Email", "Phone", "MobilePhone", "AccountId", "OwnerId"),
    "Lead": ("Id", "Name", "Email", "Phone", "MobilePhone", "OwnerId", "IsConverted"),
}
WRITTEN = ("FirstName", "LastName", "Email", "Phone")
NEEDED = tuple(READ)
MISSING_PERMISSIONS = "missing_permissions"


class Found(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class ObjectAccess(Found):
    """``missing`` says in words what our work needs and this user has not; no data of records."""

    name: str
    readable: bool
    creatable: bool
    updateable: bool
    missing: tuple[str, ...] = ()


class SeenUsage(Found):
    """How much of the org's daily API limit was used, and when that was seen."""

    used: int
    limit: int
    at: datetime


class Findings(Found):
    """``problem`` is one of the refusals, or '' when nothing is missing."""

    checked_at: datetime
    user_id: str = ""
    user_name: str = Field("", repr=False)
    org_id: str = ""
    org_name: str = Field("", repr=False)
    api_version: str = ""
    objects: tuple[ObjectAccess, ...] = ()
    usage: SeenUsage | None = None
    problem: str = ""


def judge_object(name: str, told: Mapping[str, Any] | None) -> ObjectAccess:
    """Compare a describe answer with our needs; None: the user does not even see the object."""
    if told is None:
        return ObjectAccess(
            name=name, readable=False, creatable=False, updateable=False, missing=("object",)
        )
    readable, creatable, updateable = (
        told.get(flag) is True for flag in ("queryable", "createable", "updateable")
    )
    verbs = {"read": readable, "create": creatable, "update": updateable}
    missing = [verb for verb, may in verbs.items() if not may]
    fields = {one["name"]: one for one in _fields(told)}
    missing += [f"read {field}" for field in READ[name] if field not in fields]
    wanted = [flag for flag in ("createable", "updateable") if told.get(flag) is True]
    missing += [
        f"write {field}"
        for field in WRITTEN
        if not all(fields.get(field, {}).get(flag) is True for flag in wanted)
    ]
    return ObjectAccess(
        name=name,
        readable=readable,
        creatable=creatable,
        updateable=updateable,
        missing=tuple(missing),
    )


def _fields(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    fields = told.get("fields")
    rows = fields if isinstance(fields, list) else []
    return [one for one in rows if isinstance(one, dict) and isinstance(one.get("name"), str)]


def problem_of(objects: Sequence[ObjectAccess]) -> str:
    """Name what is wrong with what the user may do; '' when nothing is."""
    return MISSING_PERMISSIONS if any(one.missing for one in objects) else ""
