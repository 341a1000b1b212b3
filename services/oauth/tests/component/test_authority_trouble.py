from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from crmlink_common.crypto.keyring import KeyRing, SealedTextError
from crmlink_common.errors import TransientError
from crmlink_oauth.domain.authority import begin
from crmlink_oauth.domain.connection import Connection as Row
from crmlink_oauth.fakes.world import World
from crmlink_oauth.service.signing_in import Callback

REFRESH = "refresh_token"


async def test_a_missing_key_is_no_lost_answer(world: World) -> None:
    world.org.rotates = True
    await world.connect()
    await world.token(await world.expire())
    failed = await world.expire()
    right = world.authority
    other = replace(world.desk, seals=KeyRing({"k2": hashlib.sha256(b"k2").digest()}))
    wrong = replace(right, setup=replace(world.setup, desk=other))
    for _ in range(3):
        with pytest.raises(SealedTextError):
            await wrong.grant("w1", failed)
    assert world.row().refreshes_unanswered == 0
    assert (await right.grant("w1", failed)).token in world.org.access


async def test_a_secret_that_does_not_open_is_told_with_its_cure(world: World) -> None:
    await world.configure()
    lost = replace(world.desk, seals=KeyRing({"k2": hashlib.sha256(b"k2").digest()}))
    signing_in = replace(world.signing_in, setup=replace(world.setup, desk=lost))
    begun = await signing_in.begin("w1", actor="ada")
    came = world.org.allow(begun.authorize_url)
    finished = await signing_in.finish("w1", Callback(**came, browser_token=begun.browser_token))
    assert finished.code == "secret_unreadable"
    assert finished.overview.error is not None
    assert "Edit" in finished.overview.error.cure
    assert "authorization_code" not in world.org.calls


async def test_a_slower_refresh_of_the_same_token_revokes_nothing(world: World) -> None:
    await world.connect()
    failed = await world.expire()
    slow = begin(world.row(), "slow", world.time)  # its lease ended, another took over
    answer = await world.salesforce.refresh(
        world.desk.app(slow), world.desk.opened(slow, "refresh_token")
    )
    granted = await world.token(failed)
    await world.authority._settle_answered(slow, answer)
    assert world.row().fingerprint == granted.fingerprint
    assert world.store.revocations.rows == {}


async def test_a_rotated_token_outlasts_trouble_with_the_database(world: World) -> None:
    world.org.rotates = True
    await world.connect()
    failed = await world.expire()
    save, troubles = world.store.connections.save, iter([False, True, True, True])

    async def troubled(connection: Row) -> None:
        if next(troubles, False):
            raise TransientError("locked")
        await save(connection)

    world.store.connections.save = troubled  # type: ignore[method-assign]
    granted = await world.token(failed)
    assert granted.token in world.org.access
    assert {world.desk.opened(world.row(), REFRESH)} == world.org.refresh
    assert world.slept == [0.1, 0.2, 0.5]
