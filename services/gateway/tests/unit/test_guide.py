"""The words of the guide."""

from __future__ import annotations

import pytest

from crmlink_gateway.console.pages import Pages
from crmlink_gateway.domain.groups import directions, refusal
from crmlink_gateway.domain.guide import badge, setup_details
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
