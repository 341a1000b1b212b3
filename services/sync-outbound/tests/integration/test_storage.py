"""Migrations, republishing, and how many statements a batch takes."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import event as listening

from crmlink_common.contracts.members import Member
from crmlink_common.contracts.sync_configs import EntityConfig
from crmlink_common.messaging import tables as messaging
from crmlink_common.runs import store as runs
from crmlink_common.runs.model import RunNotFoundError
from crmlink_common.storage.migrations import differences
from crmlink_sync_outbound.app import SCHEMA
from crmlink_sync_outbound.fakeworld import W, World
from crmlink_sync_outbound.storage import tables

pytestmark = pytest.mark.integration
MODELS = [tables.metadata, messaging.metadata, runs.metadata]


async def test_the_migrations_are_what_the_models_say(world: World, database: str) -> None:
    assert await asyncio.to_thread(differences, SecretStr(database), SCHEMA, MODELS) == []


def test_every_key_begins_with_the_workspace() -> None:
    for table in tables.metadata.sorted_tables:
        assert next(iter(table.primary_key)).name == "workspace_id", table.name
        for index in table.indexes:
            if index.unique:
                assert next(iter(index.columns)).name == "workspace_id", index.name


async def test_a_batch_of_members_takes_a_handful_of_statements(world: World) -> None:
    await world.configure()
    seen: list[str] = []
    engine = world.sessions.kw["bind"].sync_engine
    listening.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    members = [
        Member(workspace_id=W, member_id=f"m{n}", version=1, email=f"m{n}@example.org")
        for n in range(500)
    ]
    await world.observe("members", *members)
    assert len(seen) <= 4
    assert len(await world.pending()) == 500


async def test_what_was_never_saved_offers_rules_that_are_not_saved(world: World) -> None:
    shown = await world.configuring.shown(W, "member")
    assert (shown["revision"], shown["warnings"], shown["managed_rule"]) == (0, [], None)
    assert len(shown["config"]["rules"]) == 4
    assert await world.rows("select * from sync_configs") == []
    rules = shown["config"]["rules"][:1]
    saved = await world.configuring.save(
        W, "member", EntityConfig.model_validate({"rules": rules}), "tester"
    )
    assert saved["revision"] == 1
    assert [one["fields"] for one in saved["warnings"]] == [["LastName"]]


async def test_saving_pushes_nothing_and_tells_the_world(world: World) -> None:
    await world.member("m1")
    await world.configure()
    shown = await world.configuring.shown(W, "member")
    assert (shown["revision"], shown["pending"], shown["may_differ"]) == (1, 0, 1)
    assert shown["managed_rule"]["event"] == "member.updated"
    [said] = await world.said("sync-configs.v1")
    assert json.loads(said)["revision"] == 1
    assert await world.pending() == []


async def test_only_a_changed_rule_gets_a_new_revision(world: World) -> None:
    config = await world.configure()
    changed = [
        rule.model_copy(update={"preset": "trim"}) if rule.id == "last" else rule
        for rule in config.rules
    ]
    await world.configure(rules=changed)
    [row] = await world.rows("select rule_revisions from sync_configs")
    assert row.rule_revisions == {"first": 1, "last": 2, "email": 1, "phone": 1}


async def test_republishing_says_every_configuration_again(world: World) -> None:
    await world.configure()
    await world.configure()
    await world.said("sync-configs.v1")
    assert await world.configuring.republish() == 1
    [said] = await world.said("sync-configs.v1")
    assert json.loads(said)["revision"] == 2


async def test_a_pair_is_explained(world: World) -> None:
    await world.configure()
    await world.member("a/b", email="")
    await world.work()
    told = await world.desk.explain(W, "a/b")
    assert told["last_outcome"]["code"] == "no_upsert_value"
    assert told["link"]["state"] == "none"
    errors = await world.desk.errors(W, 1, 10)
    assert [one["member_id"] for one in errors["items"]] == ["a/b"]
    assert errors["items"][0]["message"] == told["last_outcome"]["message"]
    assert "Upsert Field" in errors["items"][0]["message"]
    summary = await world.desk.summary(W)
    assert summary["skipped"] == {"no_upsert_value": 1}
    items = await world.desk.conflicts(W, 1, 10)
    assert items["total"] == 0


async def test_the_items_of_a_run_that_is_not_there_are_not_found(world: World) -> None:
    with pytest.raises(RunNotFoundError):
        await world.desk.items(W, UUID(int=1), None, 1, 10)
