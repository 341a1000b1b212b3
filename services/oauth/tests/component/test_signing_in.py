from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmlink_common.contracts.connections import Connection, ConnectionStatus
from crmlink_common.salesforce.hosts import AddressRefusedError
from crmlink_oauth.domain.connection import NotConfiguredError
from crmlink_oauth.fakes.org import CLIENT_SECRET, INSTANCE, LOGIN, ORG_ID, refusal
from crmlink_oauth.fakes.world import World
from crmlink_oauth.service.signing_in import Callback, Finished


async def come_back(world: World, **changes: str) -> Finished:
    begun = await world.signing_in.begin("w1", actor="ada")
    came = {**world.org.allow(begun.authorize_url), "browser_token": begun.browser_token}
    return await world.signing_in.finish("w1", Callback(**{**came, **changes}))


async def test_a_sign_in_ends_connected_and_everybody_is_told(world: World) -> None:
    finished = await world.connect()
    assert finished.code == ""
    shown = finished.overview
    assert (shown.status, shown.org_id, shown.org_name) == ("connected", ORG_ID, "Acme")
    assert (shown.instance_url, shown.api_version) == (INSTANCE, "59.0")
    assert shown.user_name == "ada@acme.example"
    assert shown.usage is not None
    assert (shown.usage.used, shown.usage.limit) == (17, 15000)
    told = world.published()[-1].data
    assert isinstance(told, Connection)
    assert (told.usable, told.epoch, told.revision) == (True, shown.epoch, 2)


async def test_no_transaction_is_open_while_salesforce_is_asked(world: World) -> None:
    open_then: list[bool] = []
    world.org.during = lambda _: open_then.append(world.store.open)
    await world.connect()
    await world.token(await world.expire())
    assert len(open_then) == 7
    assert not any(open_then)


async def test_the_login_page_gets_what_salesforce_asks_for(world: World) -> None:
    await world.configure()
    begun = await world.signing_in.begin("w1", actor="ada")
    asked = parse_qs(urlsplit(begun.authorize_url).query)
    assert begun.authorize_url.startswith(f"{LOGIN}/services/oauth2/authorize?")
    shown = await world.setup.show("w1")
    assert asked["redirect_uri"] == [shown.callback_url]
    assert shown.callback_url == (
        "https://crm.example/api/v2/w/w1/app-connections/salesforce/oauth/callback"
    )
    assert asked["code_challenge_method"] == ["S256"]
    assert "refresh_token" in asked["scope"][0]
    assert len(asked["state"][0]) >= 43


async def test_state_browser_token_and_verifier_are_not_kept_as_they_are(world: World) -> None:
    await world.configure()
    begun = await world.signing_in.begin("w1", actor="ada")
    state = parse_qs(urlsplit(begun.authorize_url).query)["state"][0]
    kept = repr([one.as_row() for one in world.store.sign_ins.rows.values()])
    assert state not in kept
    assert begun.browser_token not in kept


async def test_a_state_works_once(world: World) -> None:
    await world.configure()
    begun = await world.signing_in.begin("w1", actor="ada")
    came = Callback(**world.org.allow(begun.authorize_url), browser_token=begun.browser_token)
    first = await world.signing_in.finish("w1", came)
    again = await world.signing_in.finish("w1", came)
    assert (first.code, again.code) == ("", "state_used")
    assert world.org.calls.count("authorization_code") == 1


async def test_a_state_used_twice_at_once_works_once(world: World) -> None:
    await world.configure()
    begun = await world.signing_in.begin("w1", actor="ada")
    came = Callback(**world.org.allow(begun.authorize_url), browser_token=begun.browser_token)
    both = await asyncio.gather(*[world.signing_in.finish("w1", came) for _ in range(2)])
    assert sorted(one.code for one in both) == ["", "state_used"]


async def test_an_old_state_is_refused(world: World) -> None:
    await world.configure()
    begun = await world.signing_in.begin("w1", actor="ada")
    world.time += timedelta(minutes=10)
    came = Callback(**world.org.allow(begun.authorize_url), browser_token=begun.browser_token)
    finished = await world.signing_in.finish("w1", came)
    assert finished.code == "state_expired"
    assert world.org.calls == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"state": "guess"}, "state_unknown"), ({"browser_token": "other"}, "other_browser")],
)
async def test_a_state_is_bound_to_its_browser(
    world: World, changes: dict[str, str], code: str
) -> None:
    await world.configure()
    assert (await come_back(world, **changes)).code == code
    assert world.row().status is ConnectionStatus.AWAITING_OAUTH
    assert world.org.calls == []


async def test_a_state_of_one_workspace_is_unknown_in_another(world: World) -> None:
    await world.configure()
    await world.configure("w2")
    begun = await world.signing_in.begin("w1", actor="ada")
    came = Callback(**world.org.allow(begun.authorize_url), browser_token=begun.browser_token)
    assert (await world.signing_in.finish("w2", came)).code == "state_unknown"


async def test_nothing_configured_nothing_to_connect(world: World) -> None:
    with pytest.raises(NotConfiguredError):
        await world.signing_in.begin("w1", actor="ada")


async def test_new_credentials_end_a_sign_in_under_way(world: World) -> None:
    await world.configure()
    begun = await world.signing_in.begin("w1", actor="ada")
    await world.configure(client_id="another")
    came = Callback(**world.org.allow(begun.authorize_url), browser_token=begun.browser_token)
    assert (await world.signing_in.finish("w1", came)).code == "connection_changed"


async def test_a_disconnect_during_the_exchange_stays_and_the_new_token_is_revoked(
    world: World,
) -> None:
    await world.configure()
    row = world.row()

    def disconnect(what: str) -> None:
        if what == "/services/data":
            world.store.connections.rows["w1"] = type(row)(
                **{name: getattr(row, name) for name in row.__slots__} | {"epoch": row.epoch + 1}
            )

    world.org.during = disconnect
    assert (await come_back(world)).code == "connection_changed"
    assert world.row().access_token == ""
    assert await world.revoking.revoke_one()
    assert world.org.refresh == set()


@pytest.mark.parametrize(
    ("error", "description", "code"),
    [
        ("access_denied", "end-user denied authorization", "access_denied"),
        ("OAUTH_APP_ACCESS_DENIED", "user is not admin approved", "app_access_denied"),
        ("invalid_client", "app must be installed into org", "app_not_installed"),
        ("<script>", "x", "salesforce_refused"),
    ],
)
async def test_an_error_in_the_callback_is_told_plainly(
    world: World, error: str, description: str, code: str
) -> None:
    await world.configure()
    finished = await come_back(world, code="", error=error, error_description=description)
    assert finished.code == code
    assert finished.overview.error is not None
    assert finished.overview.error.cure
    assert "<script>" not in finished.overview.model_dump_json()


@pytest.mark.parametrize("scope", ["refresh_token openid", "api openid", ""])
async def test_too_little_access_is_an_error_that_names_it(world: World, scope: str) -> None:
    world.org.scope = scope
    finished = await world.connect()
    assert finished.code == ("no_refresh_token" if "api" in scope else "no_api_scope")
    assert finished.overview.status == "error"
    assert world.row().access_token == ""
    assert len(world.store.revocations.rows) == 1


async def test_an_edition_without_api_is_told_at_once(world: World) -> None:
    world.org.api_disabled = True
    finished = await world.connect()
    assert (finished.code, finished.overview.status) == ("api_disabled", "error")


@pytest.mark.parametrize(("wanted", "version"), [("v58.0", "58.0"), ("newest", "59.0")])
async def test_the_wanted_version_is_used(world: World, wanted: str, version: str) -> None:
    await world.configure(api_version=wanted)
    finished = await world.connect()
    assert (finished.code, finished.overview.api_version) == ("", version)


async def test_a_version_that_the_org_does_not_offer_is_refused_with_a_cure(world: World) -> None:
    await world.configure(api_version="v66.0")
    finished = await world.connect()
    assert (finished.code, finished.overview.status) == ("api_version_refused", "error")
    assert finished.overview.error is not None
    assert "another API version" in finished.overview.error.cure


@pytest.mark.parametrize(
    "url",
    ["https://evil.example", "https://127.0.0.1", "https://acme.my.salesforce.com@evil.example"],
)
async def test_a_token_is_never_shown_to_another_host(world: World, url: str) -> None:
    world.org.instance_url = url
    finished = await world.connect()
    assert finished.code == "instance_url_refused"
    assert world.org.calls == ["authorization_code"]


async def test_an_answer_signed_by_somebody_else_is_refused(world: World) -> None:
    forged = {
        "access_token": "t",
        "refresh_token": "r",
        "instance_url": INSTANCE,
        "id": f"{LOGIN}/id/{ORG_ID}/005x00000012Q9PAAU",
        "issued_at": "1",
        "signature": "AAAA",
        "scope": "api",
    }
    world.org.faults["authorization_code"] = [httpx.Response(200, json=forged)]
    assert (await world.connect()).code == "signature_mismatch"


async def test_a_wrong_secret_is_told(world: World) -> None:
    await world.configure(client_secret="wrong")
    finished = await come_back(world)
    assert (finished.code, finished.overview.status) == ("invalid_client", "error")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (httpx.ConnectError("no"), "not_answering"),
        (httpx.ReadTimeout("slow"), "not_answering"),
        (AddressRefusedError("private"), "address_refused"),
        (httpx.Response(503), "not_answering"),
        (httpx.Response(302, headers={"Location": "https://evil.example"}), "unexpected_answer"),
        (httpx.Response(200, text="<html>"), "unexpected_answer"),
        (refusal("invalid_grant", "expired authorization code"), "code_expired"),
        (refusal("invalid_grant", "whatever"), "code_expired"),
        (refusal("rate_limit_exceeded", "number of logins exceeded"), "rate_limited"),
    ],
)
async def test_what_passes_leaves_the_connection_awaiting(
    world: World, fault: httpx.Response | Exception, code: str
) -> None:
    world.org.faults["authorization_code"] = [fault]
    finished = await world.connect()
    assert (finished.code, finished.overview.status) == (code, "awaiting_oauth")
    assert (await world.connect()).code == ""


async def test_connecting_again_revokes_what_it_replaces(world: World) -> None:
    await world.connect()
    [old] = world.org.refresh
    await world.connect()
    assert await world.revoking.revoke_one()
    assert old not in world.org.refresh
    assert len(world.org.refresh) == 1


async def test_a_failed_second_sign_in_does_not_hurt_a_working_connection(world: World) -> None:
    await world.connect()
    finished = await come_back(world, code="", error="access_denied")
    assert (finished.code, finished.overview.status) == ("access_denied", "connected")
    assert (await world.token()).token in world.org.access


async def test_no_secret_lies_open_anywhere(world: World) -> None:
    await world.connect()
    lying = repr([world.row(), world.store.outbox.rows, (await world.setup.show("w1"))])
    lying += str({name: getattr(world.row(), name) for name in world.row().__slots__})
    for secret in (CLIENT_SECRET, *world.org.access, *world.org.refresh):
        assert secret not in lying


async def test_a_slow_org_ends_the_wait_and_its_token_is_revoked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = world.org.answer

    async def hang(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/services/data":
            await asyncio.Event().wait()
        return await answer(request)

    monkeypatch.setattr(world.org, "answer", hang)
    world.signing_in = replace(world.signing_in, look_within=0.05)
    finished = await world.connect()
    assert (finished.code, finished.overview.status) == ("not_answering", "awaiting_oauth")
    assert await world.revoking.revoke_one()
    assert world.org.refresh == set()


ANYTHING = st.text(max_size=80)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.builds(Callback, **dict.fromkeys(Callback.__slots__, ANYTHING)))
async def test_no_made_up_callback_gets_in(world: World, came: Callback) -> None:
    await world.configure()
    finished = await world.signing_in.finish("w1", came)
    assert finished.code == "state_unknown"
    assert world.org.calls == []
    assert world.row().error_code == ""
