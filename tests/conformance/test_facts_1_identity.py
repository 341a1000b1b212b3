"""Facts §1: who has logged in."""

from __future__ import annotations

import pytest

from .asking import Asking

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
KEYS = """sub user_id organization_id preferred_username nickname name email email_verified
given_name family_name zoneinfo photos profile picture address is_salesforce_integration_user urls
active user_type language locale utcOffset updated_at"""
URLS = """enterprise metadata partner rest sobjects search query recent tooling_soap tooling_rest
profile feeds groups users feed_items feed_elements custom_domain"""


@fact("F1.31", "F1.32", "F1.33")
def test_userinfo_tells_who_is_connected(ask: Asking) -> None:
    answer = ask.http.get("/services/oauth2/userinfo")
    told = answer.json()
    assert set(KEYS.split()) <= set(told)
    assert set(told["photos"]) == {"picture", "thumbnail"}
    assert (len(told["user_id"]), len(told["organization_id"])) == (18, 18)
    assert isinstance(told["utcOffset"], int)
    assert told["updated_at"].endswith("Z")
    assert set(URLS.split()) <= set(told["urls"])
    assert "{version}" in told["urls"]["rest"]
    assert "sforce-limit-info" not in answer.headers
