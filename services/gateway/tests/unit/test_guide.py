"""The words of the guide."""

from __future__ import annotations

import pytest

from crmlink_gateway.console.pages import Pages
from crmlink_gateway.domain.groups import directions, refusal
from crmlink_gateway.domain.guide import SCOPES, badge, setup_details
from crmlink_gateway.fakes import CALLBACK_URL, overview


@pytest.mark.parametrize(
    ("status", "enabled", "shown"),
    [
        ("not_connected", True, ("Not Connected", "secondary")),
        ("awaiting_oauth", True, ("Awaiting OAuth", "secondary")),
        ("connected", True, ("Connected", "green")),
        ("error", True, ("Error", "red")),
        ("connected", False, ("Disabled", "secondary")),
        ("not_connected", False, ("Not Connected", "secondary")),
    ],
)
def test_badges_are_the_guides(status: str, shown: tuple[str, str], *, enabled: bool) -> None:
    assert badge(status, enabled=enabled) == shown


def test_setup_details_hold_the_callback_url_four_scopes_and_four_environments() -> None:
    details = setup_details(overview())["setup_details"]
    assert details["callback_url"] == CALLBACK_URL
    assert len(details["scopes"]) == 4
    assert [one["environment"] for one in details["instance_urls"]] == [
        "Production",
        "Sandbox",
        "Developer Edition",
        "Custom domain",
    ]


STEPS = {
    # the product guide's numbered steps, told in one line each
    "External Client App": [
        "search for App Manager and click New External Client App",
        "Name: Ours | Contact Email: your admin email | Distribution State: Local",
        "Expand Enable OAuth and check Enable OAuth",
        "callback",
        "scopes",
        "Require Secret for the Web Server Flow and Require Secret for Refresh Token Flow",
        "Click Save",
        "Consumer Key (this is your Client ID) and Consumer Secret (this is your Client Secret)",
        "Admin approved users are pre-authorized and assign the app to the relevant Profiles or",
    ],
    "Connected App": [
        "search for App Manager and click New Connected App",
        "Connected App Name: Ours | Contact Email: your admin email",
        "Under API (Enable OAuth Settings), check Enable OAuth Settings",
        "callback",
        "scopes",
        "Click Save, then Continue",
        "Consumer Key",
    ],
}


def test_setup_details_hold_every_step_of_both_kinds_of_app() -> None:
    apps = setup_details(overview(product_name="Ours"))["setup_details"]["apps"]
    assert ["External Client App" in apps[0]["title"], "Connected App" in apps[1]["title"]] == [
        1,
        1,
    ]
    for app, wanted in zip(apps, STEPS.values(), strict=True):
        assert len(app["steps"]) == len(wanted)
        for step, words in zip(app["steps"], wanted, strict=True):
            shown = " | ".join([step["text"], *step["points"], step["shows"]])
            assert words in shown
    assert "a few minutes" in apps[0]["after"]
    assert "2-10 minutes" in apps[1]["after"]
    assert "{product_name}" not in str(apps)


def test_the_four_scope_entries_are_the_guides() -> None:
    shown = [f"{one['scope']} -- {one['meaning']}" for one in SCOPES]
    assert shown == [
        "api -- Manage user data via APIs",
        "refresh_token, offline_access -- Perform requests at any time",
        "openid -- Access unique user identifiers",
        "id, profile, email, address, phone -- Access the identity URL service",
    ]


@pytest.mark.parametrize("status", ["not_connected", "awaiting_oauth", "connected", "error"])
def test_while_a_sign_in_is_awaited_the_cures_of_salesforces_own_pages_are_shown(
    status: str,
) -> None:
    waiting = setup_details(overview(status=status))["setup_details"]["waiting"]
    codes = [one["code"] for one in waiting]
    expected = ["redirect_uri_mismatch", "invalid_client_id", "app_not_active_yet", "window_closed"]
    assert codes == (expected if status == "awaiting_oauth" else [])
    assert all(one["cure"] and one["message"] for one in waiting)


@pytest.mark.parametrize(
    ("asked", "on", "wanted"),
    [
        (None, ("outbound", "inbound"), ["outbound", "inbound"]),
        (None, ("inbound",), ["inbound"]),
        (None, (), []),
        ("outbound", (), ["outbound"]),
    ],
)
def test_what_is_on_runs_unless_one_direction_is_asked_for(
    asked: str | None, on: tuple[str, ...], wanted: list[str]
) -> None:
    assert directions(asked, {f"{one}_enabled": True for one in on}) == wanted


def test_a_refusal_keeps_what_a_person_needs_and_nothing_else() -> None:
    document = {"code": "run_in_progress", "title": "t", "run_id": "r", "status": 409}
    assert refusal("inbound", document) == {
        "direction": "inbound",
        "code": "run_in_progress",
        "title": "t",
        "run_id": "r",
    }


def test_pages_say_what_the_guide_says_and_escape_everything() -> None:
    page = Pages("<b>Ours</b>").salesforce(workspace_id="w", api="/api", form_token="t").body
    text = bytes(page).decode()
    for word in (
        "Overview",
        "Setup",
        "Members",
        "Sync",
        "Connect with Salesforce",
        "Disconnect",
        "Setup Details",
        "Find Matching Records",
        "Find Matching Salesforce Records",
        "Link All",
        "Run Sync",
        "Save",
        "Client ID",
        "Client Secret",
        "Instance URL",
        "Require Secret for the Web Server Flow and Require Secret for Refresh Token Flow",
        "Distribution State: Local",
        "Admin approved users are pre-authorized",
        "2-10 minutes",
    ):
        assert word in text, word
    assert "<b>Ours" not in text
    assert text.index("External Client App (recommended)") < text.index("Option B: Connected App")
