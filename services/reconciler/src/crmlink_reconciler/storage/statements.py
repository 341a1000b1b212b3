"""Bulk statements on rows keyed by workspace and member."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, Text, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert

from crmlink_reconciler.domain.directory import Key


def these(table: Table, keys: Collection[Key]) -> ColumnElement[bool]:
    """Select rows by key, with two parameters however many keys there are."""
    pairs = (
        func.unnest(
            literal([workspace_id for workspace_id, _ in keys], ARRAY(Text)),
            literal([member_id for _, member_id in keys], ARRAY(Text)),
        )
        .table_valued("workspace_id", "member_id")
        .render_derived()
    )
    wanted = select(pairs.c.workspace_id, pairs.c.member_id)
    return tuple_(table.c.workspace_id, table.c.member_id).in_(wanted)


def locked(table: Table, keys: Collection[Key]) -> Select[Any]:
    """Select and lock in key order: two transactions never wait for each other."""
    return (
        select(table)
        .where(these(table, keys))
        .order_by(table.c.workspace_id, table.c.member_id)
        .with_for_update()
    )


def upsert(table: Table, newer: str | None = None) -> Insert:
    """Insert or replace; with ``newer``, a row that is not newer never replaces another."""
    statement = insert(table)
    return statement.on_conflict_do_update(
        index_elements=[c.name for c in table.primary_key],
        set_={c.name: statement.excluded[c.name] for c in table.c if not c.primary_key},
        where=None if newer is None else table.c[newer] < statement.excluded[newer],
    )


def in_key_order(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["workspace_id"], row["member_id"]
