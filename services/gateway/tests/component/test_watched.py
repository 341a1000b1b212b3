"""An open page is told to oauth, now and then, and never stands in its own way."""

from __future__ import annotations

import httpx
import pytest
from pydantic import SecretStr

from crmlink_common.internal.auth import Signer, new_key_pair, open_internal
from crmlink_gateway.clients import Part
from crmlink_gateway.domain.access import Scope
from crmlink_gateway.fakes import API, a_gateway
from crmlink_gateway.watched import EVERY, MOST_KNOWN, Watched

TOLD = ("oauth", "POST", "/watched", None)


async def test_however_often_a_page_asks_oauth_is_told_once() -> None:
    gateway = a_gateway()
    gateway.services.on("oauth", "POST", "/watched", (204, None))
    async with gateway.caller(Scope.READ) as http:
        for _ in range(5):
            assert (await http.get(API)).status_code == 200
    assert gateway.services.asked.count(TOLD) == 1


@pytest.mark.parametrize("answer", [(404, {"code": "not_found"}), (503, {"code": "transient"})])
async def test_the_page_is_shown_though_oauth_takes_no_notice(answer: tuple[int, object]) -> None:
    gateway = a_gateway()
    gateway.services.on("oauth", "POST", "/watched", answer)
    async with gateway.caller(Scope.READ) as http:
        assert (await http.get(API)).json()["status"] == "connected"
    assert TOLD in gateway.services.asked


def test_it_is_due_again_after_a_while_and_no_list_grows_for_ever() -> None:
    signer, now = Signer("gateway", SecretStr(new_key_pair()[0])), [0.0]
    transport = httpx.MockTransport(lambda _: httpx.Response(204))
    oauth = Part("oauth", open_internal("http://oauth", signer, "oauth", transport=transport))
    watched = Watched(oauth, clock=lambda: now[0])
    assert [watched.due("w1"), watched.due("w1"), watched.due("w2")] == [True, False, True]
    now[0] = EVERY
    assert watched.due("w1")
    for number in range(MOST_KNOWN + 5):
        watched.due(f"other-{number}")
    assert len(watched._told) == MOST_KNOWN
