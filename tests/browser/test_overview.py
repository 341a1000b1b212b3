"""The Overview in a browser: every state of a connection, and what a person may do in it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Route, expect

from crmlink_gateway.fakes import API

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.enable_socket,
    pytest.mark.asyncio(loop_scope="session"),
]
Front = Any  # of conftest, which cannot be imported
ACME = {"id": "00Dx0000000BV7zEAG", "name": "Acme"}
COPY = {"id": "00Dy0000000CW8zEAG", "name": "Acme sandbox"}
USER = {"id": "005x00000012Q9PAAU", "name": "maria@acme.example"}
SEEN = "2026-01-01T12:00:00Z"
AWAITING = {"status": "awaiting_oauth", "instance_url": "", "check": None}


def an_object(name: str, *missing: str, sees: bool = True) -> dict[str, Any]:
    may = {"readable": sees, "creatable": sees and "create" not in missing, "updateable": sees}
    return {"name": name, "missing": list(missing), **may}


def a_check(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    objects = [an_object("Contact"), an_object("Lead")]
    told = {"ok": True, "checked_at": SEEN, "user": USER, "org": ACME, "api_version": "59.0"}
    return told | {"objects": objects, "usage": None, "problem": None} | changes


MISSING = a_check(
    ok=False,
    objects=[an_object("Contact", "create", "read Email"), an_object("Lead", "object", sees=False)],
    problem={"code": "missing_permissions", "message": "Permissions lack.", "cure": "Give them."},
)


async def test_another_org_is_named_with_both_ids_and_nothing_is_decided_by_itself(
    front: Front,
) -> None:
    front.stands(pending_org=COPY)
    await front.show()
    notice = front.page.get_by_role("region", name="You signed in to another Salesforce org")
    for words in (*ACME.values(), *COPY.values(), "are kept", "All links stay as they are"):
        await expect(notice).to_contain_text(words)
    assert front.asked("POST", "/org/confirm") + front.asked("POST", "/org/reject") == []


@pytest.mark.parametrize(
    ("button", "path", "after", "told"),
    [
        ("Use this org", "/org/confirm", {"org": COPY}, "This org is used from now on."),
        ("Go back", "/org/reject", AWAITING, "Sign in to the earlier org to go on."),
    ],
)
async def test_each_answer_to_another_org_is_one_click(
    front: Front, button: str, path: str, after: dict[str, Any], told: str
) -> None:
    front.stands(pending_org=COPY)
    front.answer("POST", path, front.told(**after))
    await front.show()
    await front.click(button)
    await expect(front.page.locator("#told")).to_contain_text(told)
    await expect(front.page.locator("#other-org")).to_be_hidden()
    meant = {"org_id": COPY["id"]} if button == "Use this org" else None
    assert front.asked("POST", path) == [meant]


async def test_the_check_after_connecting_and_a_new_one_say_what_is_missing(front: Front) -> None:
    front.stands(check=a_check())
    await front.show()
    card = front.page.get_by_role("region", name="Access to Salesforce")
    await expect(card).to_contain_text("as maria@acme.example in Acme, API version v59.0")
    await expect(card).to_contain_text("everything that is needed is there")
    front.answer("POST", "/test", MISSING)
    front.stands(check=MISSING)
    await front.click("Test connection")
    await expect(card).to_contain_text("Permissions lack.")
    await expect(card).to_contain_text("What to do: Give them.")
    rows = card.get_by_role("row")
    await expect(rows.nth(1)).to_contain_text("create, read Email")
    await expect(rows.nth(2)).to_contain_text("the user does not see it")


async def test_what_salesforce_refuses_has_the_guides_title_and_its_cause_under_it(
    front: Front,
) -> None:
    said = "This org or user has no access to Salesforce's API."
    refusal = {"title": said, "detail": said, "code": "API_DISABLED_FOR_ORG", "cure": "Buy it."}
    front.answer("POST", "/test", refusal, 409)
    await front.show()
    await front.click("Test connection")
    trouble = front.page.locator("#check-trouble")
    await expect(trouble.locator("strong")).to_have_text("Salesforce API request failed")
    await expect(trouble.locator("p")).to_have_text([said, "What to do: Buy it."])


@pytest.mark.parametrize(
    ("action", "method", "path", "says", "after"),
    [
        (
            "Disconnect",
            "POST",
            "/disconnect",
            "all member links and the sync settings are kept",
            {},
        ),
        ("Disable", "POST", "/disable", "stop until somebody clicks Enable", {"enabled": False}),
        ("Delete", "DELETE", "/connection", "This cannot be undone.", {"status": "not_connected"}),
    ],
)
async def test_what_stops_work_asks_first_and_says_what_happens(  # noqa: PLR0917 - a table
    front: Front, action: str, method: str, path: str, says: str, after: dict[str, Any]
) -> None:
    front.answer(method, path, front.told(**AWAITING | after))
    await front.show()
    question = front.page.get_by_role("dialog")
    await front.click(action)
    await expect(question).to_contain_text(says)
    await question.get_by_role("button", name="Cancel").click()
    assert front.asked(method, path) == []
    await front.click(action)
    await question.get_by_role("button", name=action).click()
    await expect(front.page.locator("#told")).to_contain_text(action)
    assert len(front.asked(method, path)) == 1
    focused = front.page.locator(":focus")  # the keyboard keeps its place
    await expect(focused).to_have_count(1)


async def test_an_error_and_a_failed_revocation_come_with_their_cures(front: Front) -> None:
    error = {"code": "token_revoked", "message": "It was revoked.", "cure": "Connect again."}
    revocation = {"failed_at": SEEN, "message": "Not revoked.", "cure": "Revoke it in Setup."}
    front.stands(status="error", error=error, revocation=revocation)
    await front.show()
    await expect(front.page.locator("#status")).to_have_text("Error")
    await expect(front.page.locator("#error-message")).to_have_text("It was revoked.")
    await expect(front.page.locator("#error-cure")).to_have_text("What to do: Connect again.")
    await expect(front.page.locator("#unrevoked")).to_contain_text("Revoke it in Setup.")


async def test_while_a_sign_in_is_awaited_the_cures_of_salesforces_own_pages_are_there(
    front: Front,
) -> None:
    front.stands(**AWAITING)
    await front.show()
    waiting = front.page.locator("#waiting")
    served = (await (await front.page.request.get(f"{front.url}{API}")).json())["setup_details"]
    assert len(served["waiting"]) == 4
    for one in served["waiting"]:
        await expect(waiting).to_contain_text(f"{one['message']} What to do: {one['cure']}")
    for code in ("redirect_uri_mismatch", "invalid_client_id"):
        await expect(waiting.get_by_text(code)).to_have_count(1)


async def test_setup_shows_all_that_the_api_serves(front: Front) -> None:
    await front.show()
    await front.page.get_by_role("tab", name="Setup").click()
    panel = front.page.get_by_role("tabpanel", name="Setup")
    served = (await (await front.page.request.get(f"{front.url}{API}")).json())["setup_details"]
    words = [served["editions"], served["callback_url"]]
    for one in served["scopes"] + served["instance_urls"]:
        words += one.values()
    for app in served["apps"]:
        words += [app["title"], app["about"], app["after"]]
        words += [text for step in app["steps"] for text in (step["text"], *step["points"])]
    for text in words:
        await expect(panel).to_contain_text(text)
    await expect(panel.get_by_role("button", name="Copy OAuth Callback URL")).to_have_count(3)
    await expect(panel.get_by_role("button", name="Copy scope api", exact=True)).to_have_count(2)


async def test_usage_says_what_waits_until_when_and_what_comes(front: Front) -> None:
    waits = {"class": "batch", "service": "sync-outbound", "since": SEEN, "until": SEEN}
    waits |= {"reason": "budget", "message": "Its share is used up."}
    front.uses(
        used=12480,
        waiting=[waits],
        remaining={"assistant": 2520, "event": 1020, "batch": 0, "reconcile": 0},
        by_service=[{"service": "tools", "used": 12480, "limit": 15000, "at": SEEN}],
        forecast={"per_hour": 612, "exhausted_at": SEEN},
    )
    await front.show()
    card = front.page.get_by_role("region", name="API usage")
    await card.locator("summary").click()
    for words in (
        "12,480 of 15,000 requests of the last 24 hours used (83 %)",
        "At the last hour's pace of 612 requests, the limit will be used up around",
        "Sync runs (Outbound sync): waiting since",
        "Its share is used up. Tried again by itself:",
    ):
        await expect(card).to_contain_text(words)
    rows = card.get_by_role("table", name="Shares of the API limit").get_by_role("row")
    await expect(rows.nth(3)).to_have_text("Sync runs80 %0Waits")


async def test_live_news_come_back_after_refusals_and_end_with_the_page(front: Front) -> None:
    refusals, asked = 2, 0

    async def refuse_twice(route: Route) -> None:
        nonlocal asked
        asked += 1
        if asked > refusals:
            await route.continue_()
        else:
            await route.fulfill(status=503, json={"code": "too_many_streams"})

    await front.page.route("**/salesforce/events", refuse_twice)
    front.stands(**AWAITING)
    await front.page.clock.install()  # timers go when we say so: no look of the page's own
    await front.show()
    await front.page.clock.run_for(1_000)
    await front.page.clock.run_for(2_000)
    async with front.page.expect_response(lambda seen: seen.url.endswith(API)):
        front.stands()
        front.tell(2)
    await expect(front.page.locator("#status")).to_have_text("Connected")
    assert asked == refusals + 1
    await front.page.goto("about:blank")
    assert asked == refusals + 1


@pytest.mark.parametrize("width", [420, 1280])
async def test_no_state_is_wider_than_the_page(front: Front, width: int) -> None:
    await front.page.set_viewport_size({"width": width, "height": 860})
    states: list[dict[str, Any]] = [
        {"status": "not_connected", "instance_url": ""},
        AWAITING,
        {"check": MISSING, "pending_org": COPY},
        {"enabled": False},
    ]
    for state in states:
        front.stands(**state)
        await front.show()
        for tab in ("Setup", "Overview"):
            await front.page.get_by_role("tab", name=tab).click()
            wide = await front.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width
