"""The guide's numbered steps for both kinds of Salesforce app."""

from __future__ import annotations

from dataclasses import dataclass, field

CALLBACK = "callback"  # marks the step that shows the callback URL
OAUTH_SCOPES = "scopes"  # marks the step that lists the four scopes


@dataclass(frozen=True, slots=True)
class Step:
    text: str
    points: tuple[str, ...] = ()
    shows: str = ""


@dataclass(frozen=True, slots=True)
class AppKind:
    title: str
    about: str
    steps: tuple[Step, ...] = field(default_factory=tuple)
    after: str = ""


EXTERNAL_CLIENT_APP = AppKind(
    title="Option A: External Client App (recommended)",
    about=(
        "External Client Apps are Salesforce's newer approach, available on orgs running "
        "Spring '24 or later. They separate developer settings from admin policies."
    ),
    steps=(
        Step("In Salesforce Setup, search for App Manager and click New External Client App"),
        Step(
            "Fill in the basics:",
            (
                "Name: {product_name}",
                "Contact Email: your admin email",
                "Distribution State: Local",
            ),
        ),
        Step("Expand Enable OAuth and check Enable OAuth"),
        Step("Set the Callback URL to the OAuth Callback URL:", shows=CALLBACK),
        Step("Add these OAuth Scopes:", shows=OAUTH_SCOPES),
        Step(
            "Select Require Secret for the Web Server Flow and "
            "Require Secret for Refresh Token Flow",
            (
                "Require Proof Key for Code Exchange (PKCE) may be selected too",
                "Enable Refresh Token Rotation may be selected too",
            ),
        ),
        Step("Click Save"),
        Step(
            "Note the Consumer Key (this is your Client ID) and Consumer Secret "
            "(this is your Client Secret)",
            ("They are on the Settings tab, under OAuth Settings: Consumer Key and Secret",),
        ),
        Step(
            "Under the app's Policies tab, set Permitted Users to Admin approved users are "
            "pre-authorized and assign the app to the relevant Profiles or Permission Sets"
        ),
    ),
    after="External Client Apps may take a few minutes to become active after creation.",
)
CONNECTED_APP = AppKind(
    title="Option B: Connected App (for existing ones)",
    about=(
        "Works on all editions. New Connected Apps cannot be created since Spring '26: use an "
        "External Client App unless your org has one already or still allows it."
    ),
    steps=(
        Step("In Salesforce Setup, search for App Manager and click New Connected App"),
        Step(
            "Fill in the basics:",
            ("Connected App Name: {product_name}", "Contact Email: your admin email"),
        ),
        Step("Under API (Enable OAuth Settings), check Enable OAuth Settings"),
        Step("Set the Callback URL to the OAuth Callback URL:", shows=CALLBACK),
        Step("Add the same four OAuth scopes listed above:", shows=OAUTH_SCOPES),
        Step("Click Save, then Continue"),
        Step(
            "Note the Consumer Key (this is your Client ID) and Consumer Secret "
            "(this is your Client Secret)",
            ("Click Manage Consumer Details to see them",),
        ),
    ),
    after=(
        "Connected Apps are available to all org users by default and may take 2-10 minutes to "
        "become active."
    ),
)
APP_KINDS = (EXTERNAL_CLIENT_APP, CONNECTED_APP)
