"""Real processes, one database, one org with refresh rotation: one refresh, whoever dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import httpx
import pytest

from crmlink_common.errors import NotConnectedError
from crmlink_common.salesforce.tokens import AccessToken, OauthTokens
from crmlink_devstack.testing import new_database
from crmlink_devstack.worlds import until

from .fleet import Fleet

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
NAMES = ["hundred", "before", "during", "after", "left", "keys", "drop", "idle"]


@pytest.fixture(scope="module")
def fleet(kafka: str, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with new_database(postgres) as dsn:
        folder = tmp_path_factory.mktemp("fleet")
        found = Fleet(kafka, dsn, folder, size=5, names=NAMES)
        try:
            found.start()
            yield found
        finally:
            found.stop()


@pytest.fixture(autouse=True)
async def rules(fleet: Fleet) -> None:
    await fleet.org("DELETE", "")
    await fleet.org("PUT", "app", rotate=True)


async def expired(fleet: Fleet, workspace_id: str) -> str:
    """Connect, then let the org end all sessions; give the fingerprint that will fail."""
    await fleet.sign_in(workspace_id)
    await fleet.org("POST", "revoke", tokens="access")
    return str((await fleet.row(workspace_id)).fingerprint)


async def ask(fleet: Fleet, number: int, workspace_id: str, failed: str) -> AccessToken:
    async with fleet.client(number) as http:
        return await OauthTokens(http).token(workspace_id, failed=failed)


@asynccontextmanager
async def refreshing(
    fleet: Fleet, number: int, workspace_id: str, failed: str
) -> AsyncIterator[None]:
    """Let one process begin to refresh; go on when its intent is written down."""

    async def begun() -> bool:
        return bool((await fleet.row(workspace_id)).refresh_holder)

    async def once() -> None:
        path = f"/internal/v1/workspaces/{workspace_id}/access-token"
        async with fleet.client(number) as http:
            with suppress(httpx.TransportError):
                await http.post(path, json={"failed": failed})

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(once())
        await until(begun)
        yield


async def test_a_hundred_callers_on_three_processes_cause_one_refresh(fleet: Fleet) -> None:
    failed = await expired(fleet, "hundred")
    await fleet.count_token_calls(ms=300)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(fleet.client(number)) for number in range(3)]
        callers = [OauthTokens(clients[number % 3]) for number in range(100)]
        given = await asyncio.gather(
            *[caller.token("hundred", failed=failed) for caller in callers]
        )
    assert await fleet.token_calls() == 1
    assert len(given) == 100
    [token] = set(given)
    assert token.fingerprint != failed
    assert await fleet.works(token)
    row = await fleet.row("hundred")
    assert (row.ever_rotated, row.refresh_holder, row.token_serial) == (True, "", 2)


async def met(fleet: Fleet, setting: str) -> bool:
    """Say whether the org's rules for calls have all been used up."""
    return not (await fleet.org("GET", setting))["rules"]


async def lease_ends(fleet: Fleet, workspace_id: str) -> None:
    await fleet.execute(
        "update connections set refresh_until = now() where workspace_id = :w", w=workspace_id
    )


async def test_killed_before_the_call_another_refreshes(fleet: Fleet) -> None:
    failed = await expired(fleet, "before")
    await fleet.count_token_calls(ms=700)
    await fleet.org("POST", "fail", kind="oauth/token", status=503)  # it never gets there
    async with refreshing(fleet, 4, "before", failed):
        await until(fleet.token_calls)
        fleet.parts[4].child.kill()
    await until(lambda: met(fleet, "fail"))
    await lease_ends(fleet, "before")
    assert await fleet.works(await ask(fleet, 0, "before", failed))
    assert await fleet.token_calls() == 2


async def test_killed_during_the_call_a_rotated_token_is_lost_and_told(fleet: Fleet) -> None:
    failed = await expired(fleet, "during")
    await fleet.org("POST", "answers", fault="late", seconds=0.7, kind="oauth/token")
    async with refreshing(fleet, 3, "during", failed):
        await until(lambda: met(fleet, "answers"))
        fleet.parts[3].child.kill()
    await asyncio.sleep(1)  # the org goes on alone
    await fleet.count_token_calls()
    await lease_ends(fleet, "during")
    for number in (0, 1, 0, 1):
        with pytest.raises(NotConnectedError):
            await ask(fleet, number, "during", failed)
    assert await fleet.token_calls() == 1
    row = await fleet.row("during")
    assert (row.status, row.error_code) == ("error", "rotated_token_lost")
    async with fleet.client(0, "gateway") as gateway:
        await gateway.post("/internal/v1/workspaces/during/disconnect")
    await fleet.sign_in("during")
    assert await fleet.works(await ask(fleet, 1, "during", failed))


async def test_killed_after_the_call_before_it_was_stored_another_refreshes(fleet: Fleet) -> None:
    """The token was not rotated, so the old one still refreshes."""
    await fleet.org("PUT", "app", rotate=False)
    failed = await expired(fleet, "after")
    await fleet.count_token_calls(ms=700)

    async def waits() -> Any:  # noqa: ANN401 - a number
        return await fleet.execute(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            " and datname = current_database()"
        )

    async with refreshing(fleet, 2, "after", failed), fleet.engine().begin() as held:
        await held.exec_driver_sql(
            "select 1 from connections where workspace_id = 'after' for update"
        )
        await until(waits)  # it has the answer, and may not store it
        fleet.parts[2].child.kill()
    await lease_ends(fleet, "after")
    assert await fleet.works(await ask(fleet, 0, "after", failed))
    assert await fleet.token_calls() == 2


async def test_disconnected_during_a_refresh_it_stays_disconnected(fleet: Fleet) -> None:
    failed = await expired(fleet, "left")
    had = await fleet.org("GET", "revoke")
    await fleet.count_token_calls(ms=700)
    async with refreshing(fleet, 1, "left", failed), fleet.client(0, "gateway") as gateway:
        await gateway.post("/internal/v1/workspaces/left/disconnect")
    with pytest.raises(NotConnectedError):
        await ask(fleet, 1, "left", failed)
    row = await fleet.row("left")
    assert (row.status, row.access_token, row.refresh_token) == ("awaiting_oauth", "", "")

    async def revoked() -> bool:
        return bool(await fleet.execute("select count(*) from revocations") == 0)

    await until(revoked)
    assert (await fleet.org("GET", "revoke"))["refresh"] == had["refresh"] - 1


async def test_keys_changed_during_a_refresh_never_bring_a_dead_token_back(fleet: Fleet) -> None:
    failed = await expired(fleet, "keys")
    await fleet.count_token_calls(ms=3000)
    async with refreshing(fleet, 1, "keys", failed):
        await fleet.reseal()
        row = await fleet.row("keys")
        assert (bool(row.refresh_holder), row.refresh_token[:3]) == (True, "k2:")
    row = await fleet.row("keys")
    assert (row.refresh_holder, row.token_serial) == ("", 2)
    assert row.refresh_token.startswith("k1:")  # by a process that still has the old order
    await fleet.reseal()
    await fleet.count_token_calls()
    for _ in range(2):  # each needs the refresh token that the one before it brought
        failed = (await fleet.row("keys")).fingerprint
        assert await fleet.works(await ask(fleet, 0, "keys", failed))


async def test_after_a_dropped_answer_the_access_token_is_used_while_it_works(
    fleet: Fleet,
) -> None:
    first = await ask(fleet, 0, "drop", await expired(fleet, "drop"))
    await fleet.org("POST", "answers", fault="drop", kind="oauth/token")
    path = "/internal/v1/workspaces/drop/access-token"
    async with fleet.client(0) as http:
        lost = await http.post(path, json={"failed": first.fingerprint})
        still = (await http.post(path, json={})).json()
    assert (lost.status_code, still["fingerprint"]) == (503, first.fingerprint)
    assert await fleet.works(first)
    await lease_ends(fleet, "drop")
    await fleet.count_token_calls()
    for number in (0, 1):
        with pytest.raises(NotConnectedError):
            await ask(fleet, number, "drop", first.fingerprint)
    assert await fleet.token_calls() <= 1  # none beside a sibling, which it could hurt
    assert (await fleet.row("drop")).error_code == "rotated_token_lost"


async def look_settled(fleet: Fleet) -> None:
    """Wait until the last look at the connection is over and the next is planned."""

    async def planned() -> bool:
        return bool(
            await fleet.execute(
                "select count(*) from watches where workspace_id = 'idle'"
                " and due_at between now() + interval '5 seconds' and now() + interval '65 seconds'"
            )
        )

    await until(planned)


async def test_an_idle_token_is_used_and_a_revoked_one_told_without_any_traffic(
    fleet: Fleet,
) -> None:
    await fleet.sign_in("idle")
    async with fleet.client(0, "gateway") as gateway:
        answer = await gateway.post("/internal/v1/workspaces/idle/watched")
    assert answer.status_code == httpx.codes.NO_CONTENT
    await look_settled(fleet)
    sooner = "update watches set due_at = now(), {} where workspace_id = 'idle'"
    await fleet.execute(sooner.format("token_since = now() - interval '7 days'"))

    async def stands(name: str, value: object) -> bool:
        return bool(getattr(await fleet.row("idle"), name) == value)

    await until(lambda: stands("token_serial", 2))
    await look_settled(fleet)
    await fleet.org("POST", "revoke")
    await fleet.execute(sooner.format("alive_at = now() - interval '1 hour', token_serial = 2"))
    await until(lambda: stands("status", "error"))
    assert await stands("error_code", "token_revoked")
