"""The words of the guide: badges, scopes, addresses. Pages and API say the same."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from crmlink_gateway.domain.app_kinds import APP_KINDS

BADGES = {
    "not_connected": ("Not Connected", "secondary"),
    "awaiting_oauth": ("Awaiting OAuth", "secondary"),
    "connected": ("Connected", "green"),
    "error": ("Error", "red"),
}
DISABLED = ("Disabled", "secondary")
SCOPES = [
    {"scope": "api", "meaning": "Manage user data via APIs"},
    {"scope": "refresh_token, offline_access", "meaning": "Perform requests at any time"},
    {"scope": "openid", "meaning": "Access unique user identifiers"},
    {
        "scope": "id, profile, email, address, phone",
        "meaning": "Access the identity URL service",
    },
]
INSTANCE_URLS = [
    {"environment": "Production", "instance_url": "https://login.salesforce.com"},
    {"environment": "Sandbox", "instance_url": "https://test.salesforce.com"},
    {
        "environment": "Developer Edition",
        "instance_url": "Your org's login URL (e.g. https://myorg.my.salesforce.com)",
    },
    {"environment": "Custom domain", "instance_url": "Your custom domain login URL"},
]
EDITIONS = (
    "Any Salesforce edition with API access works: Enterprise, Unlimited, Developer Edition, or a "
    "free Developer Edition org. If you're testing, a Developer Edition org is free and never "
    "expires."
)
NAME = "{product_name}"
# Salesforce shows the first two on a page of its own: we never learn that they happened
WAITING = [
    {
        "code": "redirect_uri_mismatch",
        "message": "The callback URL registered in the Salesforce app is not the one used here.",
        "cure": (
            "Copy the OAuth Callback URL from the Setup tab into the Salesforce app. It must match "
            "character for character, including the protocol and any trailing characters."
        ),
    },
    {
        "code": "invalid_client_id",
        "message": "The Instance URL does not match your Salesforce org, or the app is too new.",
        "cure": (
            "Check the Client ID and which Instance URL to use: production orgs use "
            "https://login.salesforce.com, sandboxes use https://test.salesforce.com, and "
            "Developer Edition orgs often use a custom domain like "
            "https://myorg.my.salesforce.com. Click Edit to change it, then try again."
        ),
    },
    {
        "code": "app_not_active_yet",
        "message": "A new Salesforce app takes a while to become active.",
        "cure": (
            "Wait a few minutes after you create an External Client App, and 2 to 10 minutes "
            "after you create a Connected App. Then click Connect with Salesforce again."
        ),
    },
    {
        "code": "window_closed",
        "message": "The Salesforce window was closed, or signing in took more than 10 minutes.",
        "cure": "Click Connect with Salesforce to start again.",
    },
]


def badge(status: str, *, enabled: bool) -> tuple[str, str]:
    """Give the badge's words and its colour; *Disabled* stands beside the guide's four states."""
    if not enabled and status != "not_connected":
        return DISABLED
    return BADGES.get(status, BADGES["error"])


def setup_details(overview: dict[str, Any]) -> dict[str, Any]:
    """Add to an overview its badge, and what the app in Salesforce must be told."""
    words, colour = badge(str(overview["status"]), enabled=bool(overview["enabled"]))
    details = {
        "callback_url": overview["callback_url"],
        "scopes": SCOPES,
        "instance_urls": INSTANCE_URLS,
        "editions": EDITIONS,
        "apps": _apps(str(overview.get("product_name") or "CRMLink")),
        "waiting": WAITING if overview["status"] == "awaiting_oauth" else [],
    }
    return {**overview, "badge": {"text": words, "colour": colour}, "setup_details": details}


def _apps(product_name: str) -> list[dict[str, Any]]:
    """Give the numbered steps of each kind of app, under the name that we ask for."""
    kinds = [asdict(kind) for kind in APP_KINDS]
    for step in (step for kind in kinds for step in kind["steps"]):
        step["text"] = step["text"].replace(NAME, product_name)
        step["points"] = [point.replace(NAME, product_name) for point in step["points"]]
    return kinds
