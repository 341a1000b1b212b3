"""Statements over many rows at once: the rows travel as one JSON parameter."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, Row, text
from sqlalchemy.ext.asyncio import AsyncSession

Values = dict[str, Any]


def as_json(value: object) -> str:
    """Write rows as JSON; times and ids as text."""
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)


class Statements:
    """A session with the few ways this service uses it."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def run(self, sql: str, **given: object) -> CursorResult[Any]:
        """Execute one statement."""
        result = await self.session.execute(text(sql), given)
        if not isinstance(result, CursorResult):
            raise TypeError("a textual statement always has a cursor")
        return result

    async def over(
        self, sql: str, rows: Sequence[Mapping[str, Any]], **given: object
    ) -> CursorResult[Any]:
        """Execute a statement that reads ``:rows`` with jsonb_to_recordset."""
        return await self.run(sql, rows=as_json(list(rows)), **given)

    async def all(self, sql: str, **given: object) -> Sequence[Row[Any]]:
        """Read rows."""
        return (await self.run(sql, **given)).all()
