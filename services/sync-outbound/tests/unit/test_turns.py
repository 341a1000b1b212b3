"""A turn: held while it lasts, given back at once when it fails."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from crmlink_common.errors import LimitError, NotConnectedError, TransientError
from crmlink_sync_outbound.domain.work import Turn
from crmlink_sync_outbound.service.holding import held
from crmlink_sync_outbound.service.turns import Door, _backoff, _wait

TURN = Turn("w1", "me", active=True, org_id="00D")


class Turns:
    def __init__(self, *, fails: bool = False) -> None:
        self.renewed = 0
        self.fails = fails

    async def renew(self, turn: Turn) -> None:
        assert turn is TURN
        self.renewed += 1
        if self.fails:
            raise OSError


@pytest.mark.parametrize("fails", [False, True])
async def test_a_lease_is_renewed_three_times_over_and_no_more_once_the_work_ends(
    *, fails: bool
) -> None:
    turns, waited = Turns(fails=fails), []
    enough = asyncio.Event()

    async def pause(ended: asyncio.Event, seconds: float) -> None:
        waited.append(seconds)
        if len(waited) > 3:
            enough.set()
            await ended.wait()

    async with held(turns, TURN, timedelta(seconds=60), pause=pause):
        await enough.wait()
    assert waited == [20] * 4
    assert turns.renewed == 3


async def test_a_turn_that_hangs_is_not_held_for_ever() -> None:
    turns = Turns()

    async def pause(_: asyncio.Event, __: float) -> None:
        await asyncio.sleep(0)

    async with held(turns, TURN, timedelta(minutes=5), pause=pause):
        for _ in range(50):
            await asyncio.sleep(0)
    assert turns.renewed == 9


@pytest.mark.parametrize(("parkings", "seconds"), [(0, 0), (1, 1), (4, 15), (60, 900)])
def test_what_failed_is_given_back_at_once_and_then_less_and_less_often(
    parkings: int, seconds: int
) -> None:
    assert _backoff(parkings) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("error", "parkings", "seconds"),
    [
        (TransientError("x"), 0, 5),
        (TransientError("x"), 3, 40),
        (LimitError("x"), 0, 30),
        (NotConnectedError("x"), 1, 60),
        (TransientError("x", retry_after=timedelta(seconds=7)), 5, 7),
        (TransientError("x", retry_after=timedelta(days=1)), 0, 900),
        (LimitError("x"), 99, 900),
    ],
)
def test_a_workspace_waits_as_told_or_longer_each_time(
    error: TransientError, parkings: int, seconds: int
) -> None:
    assert _wait(error, parkings) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("org_id", "opens"), [("00D", True), ("00Dother", False)])
async def test_work_planned_for_one_org_is_not_done_in_another(org_id: str, *, opens: bool) -> None:
    class Orgs:
        async def open(self, _: str) -> Any:  # noqa: ANN401 - an org
            return SimpleNamespace(org_id=org_id)

    door = Door(TURN, Orgs())
    if opens:
        assert (await door.opened()).org_id == org_id
        return
    with pytest.raises(NotConnectedError):
        await door.opened()
    assert door.org is None
