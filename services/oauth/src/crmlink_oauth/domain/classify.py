"""Which refusal it is that Salesforce tells: its codes are many, its texts decide between causes.

The codes are those of its documentation, of its mobile libraries' list of what the server sends,
and of redirects seen in public issue trackers.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FALLBACK = "salesforce_refused"
OURS: Mapping[str, str] = MappingProxyType(
    {
        "access_denied": "access_denied",
        "app_attest_failed": "app_policy",
        "app_attest_failed_retry": "app_policy",
        "app_blocked": "app_not_installed",
        "app_not_found": "app_not_installed",
        "authorization_pending": "invalid_request",
        "bad_jti_claim": "invalid_request",
        "client_blocked": "app_policy",
        "client_blocked_retry": "app_policy",
        "ecapp_policy_not_found": "app_policy",
        "exceeded_registration_limit": "invalid_request",
        "fail_close_app_blocked": "app_not_installed",
        "failed_registration": "invalid_request",
        "immediate_unsuccessful": "immediate_unsuccessful",
        "inactive_org": "inactive_org",
        "inactive_user": "inactive_user",
        "installation_error": "app_not_installed",
        "invalid_app_access": "app_access_denied",
        "invalid_assertion_type": "invalid_request",
        "invalid_basic_auth_header": "invalid_client",
        "invalid_client": "invalid_client",
        "invalid_client_credentials": "invalid_client",
        "invalid_client_id": "invalid_client_id",
        "invalid_distribution_state": "distribution_state",
        "invalid_dpop_proof": "app_policy",
        "invalid_expid": "invalid_request",
        "invalid_grant": "token_revoked",
        "invalid_otp": "sign_in_failed",
        "invalid_request": "invalid_request",
        "invalid_scope": "invalid_scope",
        "invalid_session_level": "session_level",
        "invalid_token": "token_revoked",
        "login_error": "sign_in_failed",
        "oauth_app_access_denied": "app_access_denied",
        "oauth_app_blocked": "app_not_installed",
        "oauth_approval_error_generic": "app_not_installed",
        "oauth_authorization_blocked": "app_of_another_org",
        "oauth_flow_disabled": "flow_disabled",
        "oauth_policy_not_found": "app_policy",
        "otp_error": "sign_in_failed",
        "rate_limit_exceeded": "rate_limited",
        "redirect_uri_mismatch": "redirect_uri_mismatch",
        "redirect_uri_missing": "redirect_uri_mismatch",
        "registration_error": "invalid_request",
        "server_error": "salesforce_busy",
        "service_unavailable": "salesforce_busy",
        "slow_down": "salesforce_busy",
        "system_down": "salesforce_busy",
        "temporarily_unavailable": "salesforce_busy",
        "unknown_error": "salesforce_busy",
        "unsupported_expid": "invalid_request",
        "unsupported_grant_type": "flow_disabled",
        "unsupported_response_type": "flow_disabled",
        "unsupported_token_type": "token_revoked",
        "use_dpop_nonce": "app_policy",
    }
)
BY_TEXT = (
    ("invalid_grant", "authorization code", "code_expired"),
    ("invalid_grant", "inactive user", "inactive_user"),
    ("invalid_grant", "ip restricted", "login_restricted"),
    ("invalid_grant", "login hours", "login_restricted"),
    ("invalid_client", "must be installed", "app_not_installed"),
    ("invalid_request", "https required", "https_required"),
)
# of no use to judge the authorization by: the same request may succeed in a while
PASSES = frozenset({"rate_limited", "salesforce_busy"})


def classify(error: str, description: str) -> str:
    """Give our code for what Salesforce told; its text is compared and never kept."""
    error, description = error.lower().replace("-", "_"), description.lower()
    for told, text, code in BY_TEXT:
        if told == error and text in description:
            return code
    return OURS.get(error, FALLBACK)


def of_sign_in(code: str) -> str:
    """Translate for a code exchange: there is no authorization yet that could be revoked."""
    return "code_expired" if code == "token_revoked" else code
