"""What Salesforce tells, and which refusal it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink_oauth.domain.classify import BY_TEXT, FALLBACK, OURS, PASSES, classify, of_sign_in
from crmlink_oauth.domain.refusals import REFUSALS

SERVER_SENDS = [
    "access_denied",
    "app_blocked",
    "app_not_found",
    "authorization_pending",
    "bad_jti_claim",
    "app_attest_failed",
    "app_attest_failed_retry",
    "ecapp_policy_not_found",
    "exceeded_registration_limit",
    "fail_close_app_blocked",
    "failed_registration",
    "immediate_unsuccessful",
    "installation_error",
    "invalid_app_access",
    "invalid_assertion_type",
    "invalid_basic_auth_header",
    "invalid_dpop_proof",
    "invalid_client",
    "invalid_client_id",
    "invalid_distribution_state",
    "invalid_expid",
    "invalid_grant",
    "invalid_otp",
    "invalid_request",
    "invalid_scope",
    "invalid_session_level",
    "invalid_token",
    "login_error",
    "oauth_flow_disabled",
    "oauth_policy_not_found",
    "otp_error",
    "redirect_uri_missing",
    "redirect_uri_mismatch",
    "registration_error",
    "server_error",
    "service_unavailable",
    "slow_down",
    "system_down",
    "unknown_error",
    "unsupported_expid",
    "unsupported_grant_type",
    "unsupported_response_type",
    "unsupported_token_type",
    "use_dpop_nonce",
]


@pytest.mark.parametrize(
    ("error", "description", "code"),
    [
        ("access_denied", "end-user denied authorization", "access_denied"),
        ("OAUTH_APP_ACCESS_DENIED", "", "app_access_denied"),
        ("OAUTH_APPROVAL_ERROR_GENERIC", "", "app_not_installed"),
        ("invalid_client", "app must be installed into org", "app_not_installed"),
        ("invalid_client", "invalid client credentials", "invalid_client"),
        ("invalid_client_id", "client identifier invalid", "invalid_client_id"),
        ("redirect_uri_mismatch", "redirect_uri must match configuration", "redirect_uri_mismatch"),
        ("invalid_grant", "expired authorization code", "code_expired"),
        ("invalid_grant", "invalid authorization code", "code_expired"),
        ("invalid_grant", "expired access/refresh token", "token_revoked"),
        ("invalid_grant", "inactive user", "inactive_user"),
        ("invalid_grant", "IP restricted or invalid login hours", "login_restricted"),
        ("inactive_org", "org is locked, closed, or suspended", "inactive_org"),
        ("rate_limit_exceeded", "number of logins exceeded", "rate_limited"),
        ("access-denied", "", "access_denied"),
        ("OAUTH_AUTHORIZATION_BLOCKED", "Cross-org OAuth flows", "app_of_another_org"),
        ("OAUTH_APP_BLOCKED", "this app is blocked by admin", "app_not_installed"),
        ("invalid_request", "HTTPS required", "https_required"),
        ("invalid_request", "must use HTTP GET", "invalid_request"),
        ("server_error", "", "salesforce_busy"),
        ("unsupported_response_type", "response type not supported", "flow_disabled"),
        ("invalid_grant", "invalid user credentials", "token_revoked"),
        ("invalid_grant", "authentication failure", "token_revoked"),
        ("something_new", "", "salesforce_refused"),
    ],
)
def test_each_documented_error_has_a_cause_and_a_cure(
    error: str, description: str, code: str
) -> None:
    assert classify(error, description) == code
    assert REFUSALS[code].message.endswith(".")
    assert REFUSALS[code].cure.endswith((".", ")."))


def test_a_sign_in_has_nothing_that_could_be_revoked() -> None:
    assert of_sign_in("token_revoked") == "code_expired"
    assert of_sign_in("inactive_user") == "inactive_user"


@pytest.mark.parametrize("error", SERVER_SENDS)
def test_every_code_that_the_server_is_known_to_send_is_judged(error: str) -> None:
    """Facts §1, the full server enum."""
    code = classify(error, "")
    assert code != FALLBACK
    assert REFUSALS[of_sign_in(code)].cure


def test_all_that_is_told_has_a_cause_and_a_cure() -> None:
    told = {*OURS.values(), *(code for _, _, code in BY_TEXT), FALLBACK, *PASSES}
    assert told <= set(REFUSALS)
    for code, refusal in REFUSALS.items():
        assert refusal.message.endswith("."), code
        assert refusal.cure.endswith("."), code


def test_trouble_of_salesforces_own_never_ends_in_error() -> None:
    assert not any(REFUSALS[code].lasting for code in PASSES)


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_comes_is_one_of_ours(error: str, description: str) -> None:
    assert classify(error, description) in REFUSALS
