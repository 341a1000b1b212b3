"""Who did what to a connection; and that no secret is ever shown, told, logged or published."""

from __future__ import annotations

import base64
import json
import logging
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from crmlink_common.contracts.activity import ACTIVITY_V1, Activity
from crmlink_common.contracts.cloudevents import decode
from crmlink_common.internal.auth import Callers, Signer, new_key_pair, open_internal
from crmlink_oauth.fakes.org import CLIENT_ID, CLIENT_SECRET, LOGIN, ORG_ID, refusal
from crmlink_oauth.fakes.world import World
from crmlink_oauth.service.callbacks import Callback
from crmlink_oauth.service.setup import Form
from crmlink_oauth.service.signing_in import MOST_BEGUN

OTHER_ORG = "00Dy0000000OtherAA"
PATH = "/internal/v1/workspaces/w1"


def trail(world: World) -> list[Activity]:
    told = [r for r in world.store.outbox.rows if r.topic == ACTIVITY_V1.name]
    found = [decode(ACTIVITY_V1, r.key, r.value, list(r.headers)).data for r in told]
    return [one for one in found if isinstance(one, Activity)]


def last(world: World) -> tuple[str, str, str]:
    one = trail(world)[-1]
    return one.action, one.actor, one.code


async def test_every_step_leaves_its_trace_with_who_took_it(world: World) -> None:
    setup, seen = world.setup, []

    async def note(step: Any) -> None:  # noqa: ANN401 - whatever it answers
        await step
        seen.append(last(world))

    await note(world.configure())
    await note(world.connect())
    await note(world.checking.test("w1", actor="bob"))
    await note(setup.switch("w1", on=False, actor="bob"))
    await note(setup.switch("w1", on=True, actor="bob"))
    await note(setup.disconnect("w1", actor="bob"))
    world.org.org_id = OTHER_ORG
    await note(world.connect())
    await note(setup.confirm_org("w1", actor="bob"))
    world.org.org_id = ORG_ID
    await note(world.connect())
    await note(setup.reject_org("w1", actor="bob"))
    await note(setup.delete("w1", actor="bob"))
    assert seen == [
        ("connection.configured", "ada", ""),
        ("connection.connected", "ada", ""),
        ("connection.tested", "bob", ""),
        ("connection.disabled", "bob", ""),
        ("connection.enabled", "bob", ""),
        ("connection.disconnected", "bob", ""),
        ("connection.connected_elsewhere", "ada", ""),
        ("connection.org_confirmed", "bob", ""),
        ("connection.connected_elsewhere", "ada", ""),
        ("connection.org_rejected", "bob", ""),
        ("connection.deleted", "bob", ""),
    ]


async def test_an_org_decided_about_is_named_beside_the_earlier_one(world: World) -> None:
    await world.connect()
    world.org.org_id = OTHER_ORG
    await world.connect()
    await world.setup.confirm_org("w1", actor="bob")
    assert trail(world)[-1].details == {"org_id": OTHER_ORG, "earlier_org_id": ORG_ID}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"client_id": "another"}, "client_id"),
        ({"client_secret": "another secret"}, "client_secret"),
        ({"login_url": "https://test.salesforce.com"}, "login_url"),
        ({"api_version": "60.0"}, "api_version"),
        (
            {"client_id": "x", "client_secret": "y", "login_url": "https://test.salesforce.com"},
            "client_id, client_secret, login_url",
        ),
    ],
)
async def test_an_edit_names_the_fields_it_changed_and_no_value(
    world: World, changes: dict[str, str], fields: str
) -> None:
    await world.connect()
    await world.configure(**changes)
    told = trail(world)[-1]
    assert (told.action, told.details) == ("connection.edited", {"fields": fields})


async def test_an_edit_that_changes_nothing_is_no_revision_no_message_and_no_trace(
    world: World,
) -> None:
    await world.connect()
    before, told = world.row(), len(world.store.outbox.rows)
    await world.configure()
    await world.configure(client_secret="")
    assert (world.row(), len(world.store.outbox.rows)) == (before, told)


async def test_what_failed_is_told_with_its_code(world: World) -> None:
    world.org.faults["authorization_code"] = [refusal("invalid_client", "")]
    await world.connect()
    assert last(world) == ("connection.sign_in_refused", "ada", "invalid_client")
    await world.connect()
    failed = await world.expire()
    world.org.refresh.clear()
    with pytest.raises(Exception, match="error"):
        await world.token(failed)
    assert last(world) == ("connection.token_refused", "service:oauth", "token_revoked")
    await world.checking.test("w1", actor="bob")
    assert last(world) == ("connection.tested", "bob", "token_revoked")


async def test_that_salesforce_was_not_told_is_shown_with_how_to_revoke_there(
    world: World,
) -> None:
    await world.connect()
    await world.setup.disconnect("w1", actor="ada")
    assert (await world.setup.show("w1")).revocation is None
    for _ in range(60):
        world.org.faults["/services/oauth2/revoke"] = [httpx.ConnectError("no")]
        await world.revoking.revoke_one()
        world.time += timedelta(minutes=30)
    shown = (await world.setup.show("w1")).revocation
    assert shown is not None
    assert "24 hours" in shown.message
    assert "Connected Apps OAuth Usage" in shown.cure
    assert last(world) == ("connection.revoke_failed", "service:oauth", "not_answering")
    assert (await world.setup.show("w2")).revocation is None


async def test_the_callback_url_is_one_wherever_it_goes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shown in the overview, sent to the login page, sent with the code: one text."""
    sent: list[str] = []
    answer = world.org.answer

    async def listen(request: httpx.Request) -> httpx.Response:
        form = parse_qs(request.content.decode())
        sent.extend(form.get("redirect_uri", []))
        return await answer(request)

    monkeypatch.setattr(world.org, "answer", listen)
    await world.configure()
    shown = (await world.setup.show("w1")).callback_url
    begun = await world.signing_in.begin("w1", actor="ada")
    asked = parse_qs(urlsplit(begun.authorize_url).query)["redirect_uri"]
    came = world.org.allow(begun.authorize_url)
    await world.signing_in.finish("w1", Callback(**came, browser_token=begun.browser_token))
    assert asked == sent == [shown]
    assert shown == "https://crm.example/api/v2/w/w1/app-connections/salesforce/oauth/callback"


async def test_sign_ins_begun_and_not_finished_are_bounded_and_the_newest_works(
    world: World,
) -> None:
    await world.configure()
    await world.configure("w2")
    await world.signing_in.begin("w2", actor="ada")
    for _ in range(MOST_BEGUN + 5):
        world.time += timedelta(seconds=1)
        begun = await world.signing_in.begin("w1", actor="ada")
    rows = [workspace for workspace, _ in world.store.sign_ins.rows]
    assert (rows.count("w1"), rows.count("w2")) == (MOST_BEGUN, 1)
    came = world.org.allow(begun.authorize_url)
    finished = await world.signing_in.finish(
        "w1", Callback(**came, browser_token=begun.browser_token)
    )
    assert finished.code == ""


async def test_no_answer_log_or_message_shows_a_secret(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A whole life over HTTP, good and bad; plain, in base64, in a URL: nowhere."""
    caplog.set_level(logging.DEBUG)
    private, public = new_key_pair()
    transport = httpx.ASGITransport(world.app(Callers("oauth", {"gateway": public})))
    signer = Signer("gateway", SecretStr(private))
    said: list[str] = []
    secrets = {CLIENT_SECRET, "typed wrong/secret+"}
    async with open_internal("http://oauth", signer, "oauth", transport=transport) as http:

        async def ask(method: str, path: str, **more: Any) -> Any:  # noqa: ANN401 - JSON
            answer = await http.request(method, PATH + path, **more)
            said.append(answer.text)
            return answer.json()

        form = {"client_id": CLIENT_ID, "client_secret": "typed wrong/secret+", "login_url": LOGIN}
        await ask("PUT", "/connection", json=form)
        await ask("PUT", "/connection", json={**form, "client_id": ""})
        await ask("PUT", "/connection", json={**form, "client_secret": ["typed wrong/secret+"]})
        for secret in ("", CLIENT_SECRET):
            await ask("PUT", "/connection", json={**form, "client_secret": secret})
            begun = (await http.post(f"{PATH}/authorize", json={})).json()
            came = world.org.allow(begun["authorize_url"])
            secrets |= {*came.values(), begun["browser_token"]}
            await ask("POST", "/callback", json={**came, "browser_token": "another"})
            await ask("POST", "/callback", json={**came, "browser_token": begun["browser_token"]})
        await ask("POST", "/test")
        secrets |= world.org.access | world.org.refresh
        for path in ("/disable", "/enable", "/org/confirm", "/disconnect"):
            await ask("POST", path)
        await ask("GET", "/connection")
        await ask("DELETE", "/connection")
    said += [record.getMessage() + str(record.__dict__) for record in caplog.records]
    said += [repr(row) + (row.value or b"").decode() for row in world.store.outbox.rows]
    text = "\n".join(said)
    assert "awaiting_oauth" in text
    assert '"connected"' in text
    for secret in secrets:
        encoded = base64.b64encode(secret.encode()).decode()
        for form_of_it in (secret, encoded, quote(secret, safe=""), json.dumps(secret)[1:-1]):
            assert form_of_it not in text


async def test_the_first_configuration_needs_a_secret_and_a_later_edit_does_not(
    world: World,
) -> None:
    await world.configure()
    form = Form(client_id="another", client_secret="", login_url=LOGIN)
    shown = await world.setup.configure("w1", form, actor="ada")
    assert (shown.status, shown.client_id, shown.has_secret) == ("awaiting_oauth", "another", True)
    assert world.desk.opened(world.row(), "client_secret") == CLIENT_SECRET
