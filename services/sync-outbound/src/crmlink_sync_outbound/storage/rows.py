"""Rows of ``pairs`` as decisions see them."""

from __future__ import annotations

from typing import Any

from crmlink_sync_outbound.domain.pair import AWAITING, BASES, SWINGS, Pair

COLUMNS = """p.workspace_id, p.entity, p.member_id, p.member, p.member_version,
p.member_updated_at, p.member_deleted, p.link_state, p.link_reason, p.link_revision, p.record_id,
p.object, p.org_id, p.expected_record_id, p.record, p.record_modified_at, p.record_fate,
p.observed_at, p.confirmed_at, p.last_write_at, p.reread, p.base, p.awaiting, p.swings"""
NAMES = [name.strip().removeprefix("p.") for name in COLUMNS.replace("\n", " ").split(",")]


def read_pair(row: Any) -> Pair:  # noqa: ANN401 - a row with COLUMNS
    values = {name: getattr(row, name) for name in NAMES}
    values["base"] = BASES.validate_python(row.base)
    values["awaiting"] = AWAITING.validate_python(row.awaiting)
    values["swings"] = SWINGS.validate_python(row.swings)
    return Pair(**values)
