"""Every reason for which there is no token: the plain cause, and its cure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """``lasting``: it will stay so until somebody changes something; the state is Error."""

    message: str
    cure: str
    lasting: bool = False


_AGAIN = "Click Connect with Salesforce to start again."
_RECONNECT = "Click Disconnect, then Connect with Salesforce to reauthorize."
_ADMIN = "Ask your Salesforce administrator"
REFUSALS: dict[str, Refusal] = {
    # what is wrong with the callback itself
    "state_unknown": Refusal("This sign-in was not begun here.", _AGAIN),
    "state_expired": Refusal("The sign-in took longer than 10 minutes.", _AGAIN),
    "state_used": Refusal("This sign-in was already used once.", _AGAIN),
    "other_browser": Refusal(
        "The sign-in was begun in another browser.",
        "Click Connect with Salesforce in this browser, and finish there.",
    ),
    "connection_changed": Refusal("The connection was changed while you signed in.", _AGAIN),
    "code_missing": Refusal("Salesforce sent neither a code nor a reason.", _AGAIN),
    # what Salesforce says in the callback
    "access_denied": Refusal("Access was denied on Salesforce's page.", "Click Allow next time."),
    "app_access_denied": Refusal(
        "This Salesforce user may not use the app.",
        f"{_ADMIN} to assign your profile or a permission set to the app, or to let all users "
        "authorize it themselves.",
    ),
    "app_not_installed": Refusal(
        "The app is not installed in this Salesforce org, or it is blocked there.",
        f"{_ADMIN} to install the app (Setup, Connected Apps OAuth Usage), or to give you the "
        'permission "Approve Uninstalled Connected Apps".',
    ),
    "app_of_another_org": Refusal(
        "This External Client App works in the Salesforce org that it was created in, and you "
        "signed in to another one.",
        "Sign out of the other org in this browser, or use a private window, and connect again. If "
        "your org has an address of its own (https://myorg.my.salesforce.com), click Edit and "
        "enter it as Instance URL; in another org, create an app of its own.",
    ),
    "app_policy": Refusal(
        "The policies of the app in Salesforce do not allow this kind of sign-in.",
        f"{_ADMIN} to look at the app's policies: they must exist for the app in this org, and ask "
        "neither for app attestation nor for proof of possession (DPoP).",
        lasting=True,
    ),
    "distribution_state": Refusal(
        "The External Client App may not be used in this Salesforce org.",
        f"{_ADMIN} to set the app's Distribution State to Local in the org that you connect.",
        lasting=True,
    ),
    "flow_disabled": Refusal(
        "The app does not allow this OAuth flow.",
        "Enable the web server flow (authorization code) in the Salesforce app.",
    ),
    "session_level": Refusal(
        "Salesforce asks for a stronger sign-in.",
        f"{_ADMIN} which session level the app's policy asks for, then connect again.",
    ),
    "immediate_unsuccessful": Refusal("Salesforce wants you to sign in.", _AGAIN),
    "sign_in_failed": Refusal(
        "Salesforce could not sign the user in.",
        "Click Connect with Salesforce and sign in again; if it goes on, ask your administrator "
        "for this user's Login History.",
    ),
    "salesforce_busy": Refusal(
        "Salesforce has trouble of its own at the moment.", "Try again in a few minutes."
    ),
    "rate_limited": Refusal(
        "Salesforce has had too many sign-ins of this user.", "Wait an hour, then connect again."
    ),
    "invalid_request": Refusal("Salesforce did not accept the request.", _AGAIN),
    "https_required": Refusal(
        "Salesforce accepts a callback URL over https alone.",
        "Ask your operator to serve this product over https, and register the new callback URL.",
    ),
    "secret_unreadable": Refusal(
        "The stored Client Secret cannot be read: the key that it was encrypted with is missing.",
        "Ask your operator for the key, or click Edit and enter the Client Secret anew.",
    ),
    # what the token endpoint says
    "code_expired": Refusal("The sign-in's code has expired or was used.", _AGAIN),
    "redirect_uri_mismatch": Refusal(
        "The callback URL in the Salesforce app differs from ours.",
        "Copy the OAuth Callback URL from the Setup tab into the Salesforce app. It must match "
        "character for character.",
        lasting=True,
    ),
    "invalid_client_id": Refusal(
        "Salesforce does not know this Client ID at this address.",
        "Check the Client ID and the Instance URL. A new app takes some minutes to become active.",
        lasting=True,
    ),
    "invalid_client": Refusal(
        "Salesforce does not accept the Client ID and Client Secret.",
        "Click Edit and enter both anew, then connect.",
        lasting=True,
    ),
    "invalid_scope": Refusal(
        "The Salesforce app lacks a scope that we ask for.",
        "Add the four OAuth scopes listed on the Setup tab to the app.",
        lasting=True,
    ),
    "inactive_user": Refusal(
        "The Salesforce user who connected is not active.",
        "Connect with another user, or have this one activated.",
        lasting=True,
    ),
    "inactive_org": Refusal(
        "The Salesforce org is locked, closed or suspended.",
        f"{_ADMIN}, then disconnect and connect again.",
        lasting=True,
    ),
    "login_restricted": Refusal(
        "Salesforce does not let this user in from our address or at this hour.",
        f"{_ADMIN} to relax the IP restrictions or login hours of the app or the profile.",
        lasting=True,
    ),
    "token_revoked": Refusal(
        "The authorization was revoked in Salesforce or has expired.", _RECONNECT, lasting=True
    ),
    "rotated_token_lost": Refusal(
        "Salesforce renewed the authorization, but its answer never arrived.",
        _RECONNECT,
        lasting=True,
    ),
    "salesforce_refused": Refusal("Salesforce refused to give a token.", _RECONNECT, lasting=True),
    # what we find once we have a token
    "no_api_scope": Refusal(
        "The Salesforce app gives no access to the API.",
        'Add the scope "Manage user data via APIs (api)" to the app, then connect again.',
        lasting=True,
    ),
    "no_refresh_token": Refusal(
        "The Salesforce app gives no lasting access.",
        'Add the scope "Perform requests at any time (refresh_token, offline_access)" to the '
        "app, then connect again.",
        lasting=True,
    ),
    "api_disabled": Refusal(
        "This Salesforce edition or user has no API access.",
        "Use an edition with API access (Enterprise, Unlimited, Developer) and a user whose "
        'profile has "API Enabled".',
        lasting=True,
    ),
    "signature_mismatch": Refusal(
        "Salesforce's answer is not signed with this app's secret.",
        "Click Edit and enter Client ID and Client Secret anew, then connect.",
        lasting=True,
    ),
    "instance_url_refused": Refusal(
        "Salesforce named an instance that is not one of its own addresses.",
        "Check the Instance URL. If it is right, ask your operator to allow the host.",
        lasting=True,
    ),
    "address_refused": Refusal(
        "The name of this Salesforce address leads to a network that is not the internet.",
        "Ask your operator to look at the name service, or to allow the host.",
    ),
    "api_version_refused": Refusal(
        "The Salesforce org does not offer the API version that this connection asks for.",
        "Set another API version, or the newest, then connect again.",
        lasting=True,
    ),
    "not_authorized": Refusal(
        "Nobody has signed in to Salesforce yet.", "Click Connect with Salesforce."
    ),
    "missing_permissions": Refusal(
        "The Salesforce user who connected lacks permissions that are needed.",
        f"{_ADMIN} to give this user what is listed as missing: in the profile or in a permission "
        "set, under object settings and field-level security. Then test the connection again.",
    ),
    "limit_used_up": Refusal(
        "The org's API requests of the last 24 hours are used up.",
        "Wait until some become free again, or have the org's limit raised.",
    ),
    "revoke_failed": Refusal(
        "Salesforce did not learn within 24 hours that an authorization has ended.",
        "Revoke it there: in Salesforce Setup, open Connected Apps OAuth Usage, find the app, and "
        "click Revoke All, or Revoke for the user who had connected.",
    ),
    "not_answering": Refusal(
        "Salesforce does not answer at the moment.", "Try again in a few minutes."
    ),
    "unexpected_answer": Refusal(
        "What answers at this address is not Salesforce.", "Check the Instance URL."
    ),
}
