"""What is known of the org after connecting, and on request."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest

from crmlink_oauth.domain.checks import judge_object
from crmlink_oauth.domain.connection import NotConfiguredError
from crmlink_oauth.fakes.org import ORG_ID, USER_ID, an_object, refusal
from crmlink_oauth.fakes.world import World
from crmlink_oauth.service.overview import Check

FIELDS = ("Id", "Name", "FirstName", "LastName", "Email", "Phone", "MobilePhone", "OwnerId")


async def look(world: World) -> Check:
    return await world.checking.test("w1", actor="ada")


async def test_after_connecting_the_overview_knows_who_where_and_what_is_missing(
    world: World,
) -> None:
    finished = await world.connect()
    check = finished.overview.check
    assert check is not None
    assert (check.ok, check.problem, check.api_version) == (True, None, "59.0")
    assert check.org is not None
    assert (check.org.id, check.org.name) == (ORG_ID, "Acme")
    assert check.user is not None
    assert (check.user.id, check.user.name) == (USER_ID, "ada@acme.example")
    assert [(one.name, one.missing) for one in check.objects] == [("Contact", ()), ("Lead", ())]
    assert check.usage is not None
    assert (check.usage.used, check.usage.limit) == (17, 15000)
    assert (await world.setup.show("w1")).check == check


async def test_what_the_user_may_not_do_is_said_at_once_and_does_not_hinder_connecting(
    world: World,
) -> None:
    world.org.objects["Contact"] = an_object(*FIELDS, "AccountId", updateable=False)
    world.org.objects.pop("Lead")
    finished = await world.connect()
    check = finished.overview.check
    assert (finished.code, finished.overview.status) == ("", "connected")
    assert check is not None
    assert check.problem is not None
    assert (check.ok, check.problem.code) == (False, "missing_permissions")
    contact, lead = check.objects
    assert (contact.readable, contact.creatable, contact.updateable) == (True, True, False)
    assert contact.missing == ("update",)
    assert (lead.readable, lead.missing) == (False, ("object",))


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (httpx.Response(403, json=[{"errorCode": "REQUEST_LIMIT_EXCEEDED"}]), "limit_used_up"),
        (httpx.Response(503), "not_answering"),
        (httpx.ReadTimeout("slow"), "not_answering"),
    ],
)
async def test_what_cannot_be_found_out_now_hinders_nobody_to_connect(
    world: World, fault: httpx.Response | Exception, code: str
) -> None:
    world.org.faults["/services/data/v59.0/sobjects/Contact/describe"] = [fault]
    finished = await world.connect()
    check = finished.overview.check
    assert (finished.code, finished.overview.status) == ("", "connected")
    assert check is not None
    assert check.problem is not None
    assert (check.ok, check.problem.code, check.objects) == (False, code, ())
    assert (await look(world)).ok


@pytest.mark.parametrize(
    ("told", "missing"),
    [
        (None, ("object",)),
        ({}, ("read", "create", "update", *[f"read {one}" for one in (*FIELDS[:2], "Email")])),
        (an_object(*FIELDS, "AccountId"), ()),
        (an_object(*[one for one in FIELDS if one != "Email"], "AccountId"), None),
        ({**an_object(*FIELDS, "AccountId"), "fields": "no list"}, None),
    ],
)
def test_an_object_is_compared_with_our_needs(
    told: dict[str, object] | None, missing: tuple[str, ...] | None
) -> None:
    judged = judge_object("Contact", told)
    if missing is None:
        assert {"read Email", "write Email"} <= set(judged.missing)
    else:
        assert set(missing) <= set(judged.missing) if missing else judged.missing == ()


def test_a_field_that_can_be_read_alone_is_named() -> None:
    told = an_object(*FIELDS, "AccountId")
    told["fields"] = [{**one, "updateable": one["name"] != "Phone"} for one in told["fields"]]
    assert judge_object("Contact", told).missing == ("write Phone",)


async def test_a_test_needs_neither_an_enabled_connection_nor_a_confirmed_org(
    world: World,
) -> None:
    await world.connect()
    await world.setup.switch("w1", on=False, actor="ada")
    assert (await look(world)).ok
    await world.setup.disconnect("w1", actor="ada")
    world.org.org_id = "00Dy0000000OtherAA"
    await world.connect()
    check = await look(world)
    assert check.org is not None
    assert (check.ok, check.org.id) == (True, "00Dy0000000OtherAA")


async def test_a_token_that_has_run_out_is_refreshed_once(world: World) -> None:
    await world.connect()
    await world.expire()
    assert (await look(world)).ok
    assert world.org.calls.count("refresh_token") == 1


async def test_a_revocation_is_found_and_told_with_its_cure(world: World) -> None:
    await world.connect()
    await world.expire()
    world.org.refresh.clear()
    check = await look(world)
    assert check.problem is not None
    assert (check.ok, check.problem.code) == (False, "token_revoked")
    assert "Disconnect, then Connect with Salesforce" in check.problem.cure
    assert (await world.setup.show("w1")).status == "error"


@pytest.mark.parametrize(
    ("what", "fault", "code"),
    [
        ("/services/oauth2/userinfo", httpx.ConnectError("no"), "not_answering"),
        ("/services/data", httpx.Response(503), "not_answering"),
        ("/services/data", httpx.Response(200, json=[{"version": "48.0"}]), "api_version_refused"),
        (
            "/services/data/v59.0/query",
            httpx.Response(403, json=[{"errorCode": "API_DISABLED_FOR_ORG"}]),
            "api_disabled",
        ),
        (
            "/services/data/v59.0/query",
            httpx.Response(403, json=[{"errorCode": "API_CURRENTLY_DISABLED"}]),
            "api_disabled",
        ),
        (
            "/services/data/v59.0/sobjects/Lead/describe",
            httpx.Response(403, json=[{"errorCode": "REQUEST_LIMIT_EXCEEDED"}]),
            "limit_used_up",
        ),
    ],
)
async def test_what_is_wrong_is_said_and_kept(
    world: World, what: str, fault: httpx.Response | Exception, code: str
) -> None:
    await world.connect()
    world.org.faults[what] = [fault]
    check = await look(world)
    assert check.problem is not None
    assert (check.ok, check.problem.code) == (False, code)
    assert (await world.setup.show("w1")).check == check
    assert (await look(world)).ok


async def test_a_user_that_may_not_ask_is_asked_with_another_token_and_then_told(
    world: World,
) -> None:
    await world.connect()
    refused = httpx.Response(403, json={"error": "Bad_OAuth_Token"})
    world.org.faults["/services/oauth2/userinfo"] = [refused, refused]
    check = await look(world)
    assert check.problem is not None
    assert check.problem.code == "salesforce_refused"
    assert world.org.calls.count("refresh_token") == 1


async def test_a_test_ends_in_time_and_loses_no_refresh(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to a refresh is stored although nobody waits for the test any more."""
    go_on, answer = asyncio.Event(), world.org.answer

    async def slow(request: httpx.Request) -> httpx.Response:
        if b"grant_type=refresh_token" in request.content:
            await go_on.wait()
        return await answer(request)

    monkeypatch.setattr(world.org, "answer", slow)
    await world.connect()
    await world.expire()
    world.org.rotates = True
    world.checking = replace(world.checking, seconds=0.05)
    check = await look(world)
    assert check.problem is not None
    assert check.problem.code == "not_answering"
    serial = world.row().token_serial
    go_on.set()
    for _ in range(50):
        await asyncio.sleep(0)
    assert world.row().token_serial == serial + 1


async def test_before_anybody_signed_in_the_test_says_so(world: World) -> None:
    with pytest.raises(NotConfiguredError):
        await look(world)
    await world.configure()
    check = await look(world)
    assert check.problem is not None
    assert check.problem.code == "not_authorized"
    assert world.org.calls == []
    assert (await world.setup.show("w1")).check is None


async def test_in_error_the_reason_is_told_again(world: World) -> None:
    world.org.faults["authorization_code"] = [refusal("invalid_client_id", "")]
    await world.connect()
    check = await look(world)
    assert check.problem is not None
    assert check.problem.code == "invalid_client_id"


async def test_a_check_of_what_was_disconnected_meanwhile_is_not_kept(world: World) -> None:
    await world.connect()
    await world.setup.disconnect("w1", actor="ada")
    assert (await world.setup.show("w1")).check is None
