"""A pair: a member, its record as last seen, and what each side was when they last agreed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import JsonValue, TypeAdapter

Values = Mapping[str, Any]
Way = Literal["to_salesforce", "to_member"]


@dataclass(frozen=True, slots=True)
class Base:
    """Both sides of one rule at their last agreement, under one revision of that rule."""

    member: JsonValue
    record: JsonValue
    revision: int
    assumed: bool = False  # what we sent, not yet seen


@dataclass(frozen=True, slots=True)
class Awaited:
    """A value asked of upstream. ``earlier`` are values asked before it that may still show."""

    value: JsonValue
    expected: JsonValue
    since: datetime
    earlier: tuple[JsonValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Swing:
    """How often one rule's value went to and fro without rest."""

    count: int
    last: Way
    at: datetime
    revision: int


Bases = dict[str, Base]
Awaiting = dict[str, Awaited]
Swings = dict[str, Swing]
BASES: TypeAdapter[Bases] = TypeAdapter(Bases)
AWAITING: TypeAdapter[Awaiting] = TypeAdapter(Awaiting)
SWINGS: TypeAdapter[Swings] = TypeAdapter(Swings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One row of ``pairs``, as decisions see it."""

    workspace_id: str
    entity: str = "member"
    member_id: str
    member: Values = field(default_factory=dict)
    member_version: int = 0
    member_updated_at: datetime | None = None
    member_deleted: bool = False
    link_state: str = ""
    link_reason: str = ""
    link_revision: int = 0
    record_id: str = ""
    object: str = ""
    org_id: str = ""
    expected_record_id: str = ""  # created or adopted; its link has not come yet
    record: Values = field(default_factory=dict)
    record_modified_at: datetime | None = None
    record_fate: str = ""  # deleted | merged | converted
    observed_at: datetime | None = None
    confirmed_at: datetime | None = None  # the last observation by capture or by reading
    last_write_at: datetime | None = None  # the org's clock
    reread: bool = False
    base: Bases = field(default_factory=dict)
    awaiting: Awaiting = field(default_factory=dict)
    swings: Swings = field(default_factory=dict)

    @property
    def linked(self) -> bool:
        return self.link_state == "linked"
