"""Sync configuration: checked, saved, told to the world; saving pushes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.contracts.sync_configs import EntityConfig
from crmlink_common.errors import ConflictError, InvalidInputError, NotFoundError
from crmlink_common.mapping.errors import RuleError
from crmlink_common.mapping.rules import compile_rules
from crmlink_common.messaging.outbox import Outbox
from crmlink_sync_outbound.domain.configs import ENTITIES, fresh, rule_revisions, warnings
from crmlink_sync_outbound.service.telling import Telling
from crmlink_sync_outbound.storage.configs import Configs, Saved
from crmlink_sync_outbound.storage.sql import Statements

PAGE = 200


class UnknownEntityError(NotFoundError):
    """There is no such entity type."""

    code = "unknown_entity"


class InvalidRuleError(InvalidInputError):
    """A rule cannot be used; the problem document names it, with line and column."""

    code = RuleError.code

    def __init__(self, fault: RuleError) -> None:
        super().__init__(str(fault), field=fault.field, cure=fault.cure)
        place = {"rule_id": fault.rule_id, "line": fault.line, "column": fault.column}
        self.details = {name: value for name, value in place.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuring:
    sessions: async_sessionmaker[AsyncSession]
    telling: Telling

    async def shown_all(self, workspace_id: str) -> dict[str, Any]:
        """Show every entity type with its state."""
        return {"items": [await self.shown(workspace_id, entity) for entity in ENTITIES]}

    async def shown(self, workspace_id: str, entity: str) -> dict[str, Any]:
        """Show one; revision 0 was never saved."""
        _known(entity)
        async with self.sessions() as session:
            configs = Configs(Statements(session))
            saved = await configs.find(workspace_id, entity)
            counts = await configs.counts(workspace_id, entity, saved.saved_at if saved else None)
        return _view(entity, saved, counts)

    async def save(
        self, workspace_id: str, entity: str, config: EntityConfig, actor: str
    ) -> dict[str, Any]:
        """Save a new revision.

        Raises:
            InvalidRuleError: a rule cannot be used.
        """
        _known(entity)
        _checked(config)
        async with self.sessions.begin() as session:
            configs = Configs(Statements(session))
            revision = await configs.last_revision(workspace_id, entity) + 1
            before = await configs.find(workspace_id, entity)
            rules = rule_revisions(
                None if before is None else before.config,
                {} if before is None else before.rule_revisions,
                config,
                revision,
            )
            if not await configs.save(workspace_id, entity, config, revision=revision, rules=rules):
                raise ConflictError("Somebody else saved first: look at it, then save again.")
            told = self.telling.config(workspace_id, entity, config, revision)
            done = self.telling.activity(
                workspace_id,
                "sync.configured",
                actor=actor,
                details={"entity": entity, "revision": revision, "rules": len(config.rules)},
            )
            await Outbox(session).add([told, done])
        return await self.shown(workspace_id, entity)

    async def republish(self) -> int:
        """Say all configurations again, page by page; return how many."""
        after, told = ("", ""), 0
        while True:
            async with self.sessions.begin() as session:
                rows = await Configs(Statements(session)).page(after, PAGE)
                records = [
                    self.telling.config_dropped(row.workspace_id, row.entity, row.revision)
                    if row.deleted_at is not None
                    else self.telling.config(
                        row.workspace_id,
                        row.entity,
                        EntityConfig.model_validate(row.config),
                        row.revision,
                    )
                    for row in rows
                ]
                await Outbox(session).add(records)
            if not rows:
                return told
            told += len(rows)
            after = (rows[-1].workspace_id, rows[-1].entity)


def _checked(config: EntityConfig) -> None:
    try:
        compile_rules(config)
    except RuleError as exc:
        raise InvalidRuleError(exc) from None


def _known(entity: str) -> None:
    if entity not in ENTITIES:
        raise UnknownEntityError("There is no such entity type.")


def _view(entity: str, saved: Saved | None, counts: dict[str, int]) -> dict[str, Any]:
    config = fresh() if saved is None else saved.config
    fired = None if saved is None else saved.event_fired_at
    rule = {
        "id": f"{entity}-updated-sync",
        "event": f"{entity}.updated",
        "action": "sync",
        "state": "active",
        "last_fired_at": None if fired is None else fired.isoformat(),
    }
    return {
        "entity": entity,
        "config": config.model_dump(mode="json"),
        "revision": 0 if saved is None else saved.revision,
        "pending": counts["pending"],
        "failed": counts["failed"],
        "may_differ": counts["may_differ"] if saved is not None else 0,
        "warnings": warnings(config),
        "managed_rule": rule if config.outbound_enabled else None,
    }
