"""The words of the guide: badges, scopes, addresses. Pages and API say the same."""

from __future__ import annotations

from typing import Any

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
    }
    return {**overview, "badge": {"text": words, "colour": colour}, "setup_details": details}
