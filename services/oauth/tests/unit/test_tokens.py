from __future__ import annotations

import pytest

from crmlink_oauth.domain.tokens import (
    AnswerRefusedError,
    fingerprint,
    missing_access,
    read_answer,
    signature_holds,
    verifier_challenge,
)

ID = "https://login.salesforce.com/id/00Dx0000000BV7zEAG/005x00000012Q9PAAU"
GOOD = {
    "access_token": "00Dx0000000BV7z!AR8AQ",
    "refresh_token": "5Aep861",
    "instance_url": "https://acme.my.salesforce.com",
    "id": ID,
    "issued_at": "1278448832702",
    "signature": "lJ8nW7DrdeahOGSzdsCKxoeoxfrvN7qDAgB+WPRhAt4=",
    "scope": "api refresh_token",
}
SECRET = "hush"


def test_the_published_pkce_example_holds() -> None:
    # RFC 7636, appendix B
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert verifier_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_signed_answer_is_taken_apart() -> None:
    answer = read_answer(GOOD, SECRET)
    assert (answer.org_id, answer.user_id) == ("00Dx0000000BV7zEAG", "005x00000012Q9PAAU")
    assert "5Aep861" not in repr(answer)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"signature": "AAAA"}, "signature_mismatch"),
        ({"signature": None}, "signature_mismatch"),
        ({"issued_at": "1278448832703"}, "signature_mismatch"),
        ({"id": ID.replace("005x", "005y")}, "signature_mismatch"),
        ({"id": "nothing"}, "unexpected_answer"),
        ({"access_token": ""}, "unexpected_answer"),
        ({"access_token": 5}, "unexpected_answer"),
        ({"access_token": "é"}, "unexpected_answer"),
    ],
)
def test_an_answer_that_was_changed_is_not_believed(change: dict[str, object], code: str) -> None:
    with pytest.raises(AnswerRefusedError) as told:
        read_answer({**GOOD, **change}, SECRET)
    assert told.value.code == code


def test_another_secret_gives_another_signature() -> None:
    signed = GOOD["id"] + GOOD["issued_at"]
    assert signature_holds(SECRET, signed, GOOD["signature"])
    assert not signature_holds("other", signed, GOOD["signature"])


@pytest.mark.parametrize(
    ("scope", "refresh_token", "missing"),
    [
        ("api refresh_token", "r", ""),
        ("full", "r", ""),
        ("id openid", "r", "no_api_scope"),
        ("api", "", "no_refresh_token"),
    ],
)
def test_access_is_judged_by_effect(scope: str, refresh_token: str, missing: str) -> None:
    answer = read_answer({**GOOD, "scope": scope, "refresh_token": refresh_token}, SECRET)
    assert missing_access(answer) == missing


def test_a_fingerprint_shows_nothing_and_differs() -> None:
    assert fingerprint("a") != fingerprint("b")
    assert len(fingerprint("a")) == 32
