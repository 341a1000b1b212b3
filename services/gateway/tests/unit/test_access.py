"""Who may do what."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crmlink_gateway.domain.access import (
    KEY_PREFIX,
    SHORTEST_KEY,
    ApiKey,
    Scope,
    bearer,
    fingerprint,
    form_token,
    new_api_key,
)
from crmlink_gateway.fakes import NOON


@pytest.mark.parametrize(
    ("held", "needed", "enough"),
    [
        (Scope.READ, Scope.READ, True),
        (Scope.READ, Scope.WRITE, False),
        (Scope.WRITE, Scope.READ, True),
        (Scope.WRITE, Scope.ADMIN, False),
        (Scope.ADMIN, Scope.WRITE, True),
    ],
)
def test_a_scope_holds_what_lies_below_it(held: Scope, needed: Scope, *, enough: bool) -> None:
    assert held.covers(needed) is enough


def test_a_key_ends_when_it_expires_and_when_it_is_revoked() -> None:
    key = ApiKey(workspace_id="w", id="k", name="", scope=Scope.READ, expires_at=NOON)
    assert key.valid_at(NOON - timedelta(seconds=1))
    assert not key.valid_at(NOON)
    revoked = ApiKey(workspace_id="w", id="k", name="", scope=Scope.READ, revoked_at=NOON)
    assert not revoked.valid_at(NOON - timedelta(days=1))


def test_new_keys_are_long_and_never_the_same() -> None:
    one, other = new_api_key(), new_api_key()
    assert one != other
    assert one.startswith(KEY_PREFIX)
    assert len(one) > SHORTEST_KEY


def test_a_form_token_is_neither_the_session_nor_its_stored_hash() -> None:
    assert form_token("session") not in {"session", fingerprint("session")}


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("Basic abc", ""),
        ("", ""),
        ("Bearer " + "x" * 513, ""),
    ],
)
def test_only_a_bearer_header_of_sane_length_holds_a_key(header: str, secret: str) -> None:
    assert bearer(header) == secret
