"""What is kept for a time alone, and a removed workspace."""

from __future__ import annotations

import pytest

from crmlink_common.contracts.cloudevents import Deleted
from crmlink_sync_outbound.fakeworld import W, World
from crmlink_sync_outbound.service import runs as run_module
from crmlink_sync_outbound.service.desk import Asked
from crmlink_sync_outbound.service.tidying import Tidy
from crmlink_sync_outbound.storage.tidying import OWNED

pytestmark = pytest.mark.integration
AGE = "now() - interval '31 days'"


async def tidied(world: World) -> None:
    tidy = Tidy(world.sessions, world.telling)
    for _ in range(60):
        if not await tidy.once():
            return
    raise AssertionError("it does not come to an end")


async def counted(world: World, *tables: str) -> dict[str, int]:
    found = {}
    for name in tables:
        [row] = await world.rows(f"select count(*) as n from {name}")  # noqa: S608 - names of tables
        found[name] = row.n
    return found


async def busy_world(world: World) -> None:
    """Leave something in every table that grows."""
    await world.configure()
    record = world.org.put("1", LastName="Old", Email="m1@example.org", Phone="7")
    await world.member("m1", phone="8")
    await world.member("m2", email="")
    await world.member("m3")
    await world.link("m1", record)
    run = await world.desk.start_run(W, Asked(scope="all"), "tester")
    assert (await world.follow(run.id)).status == "completed"


TABLES = ("runs", "run_items", "conflicts", "create_intents")


async def test_what_is_young_or_open_stays(world: World) -> None:
    await busy_world(world)
    await world.rows("update create_intents set state = 'unknown'")
    await world.rows(f"update create_intents set created_at = {AGE}")  # noqa: S608 - a constant
    before = await counted(world, *TABLES)
    await tidied(world)
    assert await counted(world, *TABLES) == before
    assert min(before.values()) > 0


async def test_runs_items_conflicts_and_ended_intents_go_after_a_month(world: World) -> None:
    await busy_world(world)
    for sql in (
        "update runs set finished_at",
        "update conflicts set at",
        "update create_intents set created_at",
    ):
        await world.rows(f"{sql} = {AGE}")
    await tidied(world)
    assert set((await counted(world, *TABLES)).values()) == {0}
    assert await counted(world, "pairs") == {"pairs": 3}


async def test_a_deleted_member_is_forgotten_after_its_grace(world: World) -> None:
    await world.configure()
    await world.member("m1")
    await world.observe("members", Deleted(f"{W}/m1", 2))
    await world.work()
    await tidied(world)
    assert await counted(world, "pairs") == {"pairs": 1}
    await world.rows("update pairs set changed_at = now() - interval '46 days'")
    await tidied(world)
    assert await counted(world, "pairs") == {"pairs": 0}


async def test_a_removed_workspace_is_purged_after_its_grace_and_no_other(world: World) -> None:
    await busy_world(world)
    other = "insert into workspaces (workspace_id, default_region) values ('w2', 'US')"
    await world.rows(other)
    await world.rows(
        "insert into pairs (workspace_id, entity, member_id) values ('w2', 'member', 'm1')"
    )
    await world.observe("workspaces", Deleted(W, 99))
    await tidied(world)
    assert await counted(world, "pairs") == {"pairs": 4}
    await world.rows(
        "update workspaces set deleted_at = now() - interval '46 days' where deleted_at is not null"
    )
    await tidied(world)
    left = await counted(world, *OWNED)
    assert left.pop("pairs") == 1
    assert set(left.values()) == {0}
    assert [
        row.workspace_id for row in await world.rows("select workspace_id from workspaces")
    ] == ["w2"]


async def test_what_the_end_of_a_run_left_is_cleared(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "CLEARED", 0)  # killed just after the run was ended
    await world.member("m1")
    await world.configure()
    run = await world.desk.start_run(W, Asked(scope="all"), "tester")
    await world.run_sync.advance()
    await world.desk.cancel(W, run.id)
    await world.rows("update runs set waits_until = null")
    await world.run_sync.advance()
    assert (await world.desk.run(W, run.id)).status == "cancelled"
    assert len(await world.pending()) == 1
    await tidied(world)
    assert await world.pending() == []
    assert await counted(world, "run_marks", "run_tallies") == {"run_marks": 0, "run_tallies": 0}


async def test_a_create_in_doubt_of_a_member_linked_by_hand_is_let_go(world: World) -> None:
    await world.configure()
    await world.member("m1")
    world.org.lose_creates = True
    await world.work()
    await world.link("m1", world.org.put("77", LastName="Byron"))
    await tidied(world)
    [intent] = await world.rows("select * from create_intents")
    assert intent.state == "unknown"  # it may still come
    past = "now() - interval '20 minutes'"
    await world.rows(f"update create_intents set created_at = {past}, sending_since = {past}")  # noqa: S608 - a constant
    await tidied(world)
    [intent] = await world.rows("select * from create_intents")
    assert (intent.state, intent.sought) == ("released", "")
    [match] = await world.deliver_matches()
    assert (match.action, match.intent_id) == ("release", str(intent.intent_id))
