"""Saved configurations, and what may differ under them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crmlink_common.contracts.sync_configs import EntityConfig
from crmlink_sync_outbound.storage.sql import Statements, as_json

CONFIG = """
select c.entity, c.revision, c.config, c.rule_revisions, c.saved_at, c.event_fired_at,
  coalesce(w.default_region, 'US') as region
from sync_configs c left join workspaces w on w.workspace_id = c.workspace_id
where c.workspace_id = :workspace_id and c.entity = :entity and c.deleted_at is null
"""
LAST = """
select revision from sync_configs where workspace_id = :workspace_id and entity = :entity for update
"""
SAVE = """
insert into sync_configs as c (workspace_id, entity, revision, config, rule_revisions,
  outbound_enabled, inbound_enabled, linked_only, saved_at)
values (:workspace_id, :entity, :revision, cast(:config as jsonb), cast(:rules as jsonb),
  :outbound, :inbound, :linked_only, now())
on conflict (workspace_id, entity) do update set revision = excluded.revision,
  config = excluded.config, rule_revisions = excluded.rule_revisions,
  outbound_enabled = excluded.outbound_enabled, inbound_enabled = excluded.inbound_enabled,
  linked_only = excluded.linked_only, saved_at = now(), deleted_at = null
where c.revision < excluded.revision
returning revision
"""
COUNTS = """
select (select count(*) from pending q where q.workspace_id = :workspace_id
    and q.entity = :entity) as pending,
  count(*) filter (where outcome in ('failed', 'unknown')) as failed,
  count(*) filter (where not member_deleted and member_version >= 0
    and (outcome_at is null or outcome_at < cast(:saved_at as timestamptz))) as may_differ
from pairs where workspace_id = :workspace_id and entity = :entity
"""
PAGE = """
select workspace_id, entity, revision, config, deleted_at from sync_configs
where (workspace_id, entity) > (:workspace_id, :entity)
order by workspace_id, entity limit :limit for share
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A configuration as it stands."""

    entity: str
    config: EntityConfig
    revision: int
    rule_revisions: dict[str, int]
    saved_at: datetime
    event_fired_at: datetime | None
    region: str


class Configs:
    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    async def find(self, workspace_id: str, entity: str) -> Saved | None:
        """Read one, if it was ever saved."""
        row = (await self._sql.run(CONFIG, workspace_id=workspace_id, entity=entity)).first()
        if row is None:
            return None
        return Saved(
            entity=row.entity,
            config=EntityConfig.model_validate(row.config),
            revision=row.revision,
            rule_revisions=row.rule_revisions,
            saved_at=row.saved_at,
            event_fired_at=row.event_fired_at,
            region=row.region,
        )

    async def last_revision(self, workspace_id: str, entity: str) -> int:
        """Say which was the last, deleted or not, and lock it; 0: never saved."""
        row = (await self._sql.run(LAST, workspace_id=workspace_id, entity=entity)).first()
        return 0 if row is None else int(row.revision)

    async def save(
        self,
        workspace_id: str,
        entity: str,
        config: EntityConfig,
        *,
        revision: int,
        rules: dict[str, int],
    ) -> bool:
        """Write a revision; False when somebody else's came first."""
        saved = await self._sql.run(
            SAVE,
            workspace_id=workspace_id,
            entity=entity,
            revision=revision,
            config=config.model_dump_json(),
            rules=as_json(rules),
            outbound=config.outbound_enabled,
            inbound=config.inbound_enabled,
            linked_only=config.match_strategy == "linked_only",
        )
        return saved.first() is not None

    async def counts(
        self, workspace_id: str, entity: str, saved_at: datetime | None
    ) -> dict[str, int]:
        """Count what is pending, has failed, and was not looked at since the last save."""
        row = (
            await self._sql.run(COUNTS, workspace_id=workspace_id, entity=entity, saved_at=saved_at)
        ).one()
        return {"pending": row.pending, "failed": row.failed, "may_differ": row.may_differ}

    async def page(self, after: tuple[str, str], limit: int) -> list[Any]:
        """Read all workspaces' configurations, some at a time."""
        return list(await self._sql.all(PAGE, workspace_id=after[0], entity=after[1], limit=limit))
