from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink_common.contracts.connections import ConnectionStatus as Status
from crmlink_oauth.domain.connection import (
    ARROWS,
    CHANGES_AUTHORITY,
    Connection,
    Entered,
    NotConfiguredError,
    Step,
    configured,
    deleted,
    disconnected,
    refused,
    step,
)

WRITTEN_DOWN = {
    # from: configured, connected, disconnected, token_refused, enabled, disabled, deleted
    "not_connected": ("awaiting_oauth", None, None, None, None, None, None),
    "awaiting_oauth": (
        "awaiting_oauth",
        "connected",
        "awaiting_oauth",
        "error",
        "awaiting_oauth",
        "awaiting_oauth",
        "not_connected",
    ),
    "connected": (
        "awaiting_oauth",
        "connected",
        "awaiting_oauth",
        "error",
        "connected",
        "connected",
        "not_connected",
    ),
    "error": (
        "awaiting_oauth",
        "connected",
        "awaiting_oauth",
        "error",
        "error",
        "error",
        "not_connected",
    ),
}


def a_connection(status: Status = Status.CONNECTED, **changes: object) -> Connection:
    connection = Connection(
        workspace_id="w1",
        revision=7,
        epoch=3,
        status=status,
        client_id="c",
        client_secret="sealed-secret",
        login_url="https://login.salesforce.com",
        access_token="sealed-access",
        refresh_token="sealed-refresh",
        fingerprint="f",
        token_serial=5,
        org_id="00D",
        api_version="59.0",
    )
    return replace(connection, **changes)  # type: ignore[arg-type]


def entered(**changes: str) -> Entered:
    same = {
        "client_id": "c",
        "client_secret": "",
        "login_url": "https://login.salesforce.com",
        "wanted_version": "59.0",
    }
    return Entered(**{**same, **changes})


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("what", list(Step))
def test_every_arrow_leads_where_it_is_written(status: Status, what: Step) -> None:
    target = WRITTEN_DOWN[status.value][list(Step).index(what)]
    before = a_connection(status)
    if target is None:
        with pytest.raises(NotConfiguredError):
            step(before, what)
    else:
        assert step(before, what).status.value == target


@pytest.mark.parametrize(("status", "what"), list(ARROWS))
def test_each_step_is_a_revision_and_authority_an_epoch(status: Status, what: Step) -> None:
    after = step(a_connection(status), what)
    assert (after.revision, after.epoch) == (8, 3 + (what in CHANGES_AUTHORITY))


@given(st.lists(st.sampled_from(list(Step))))
def test_counters_never_go_back(steps: list[Step]) -> None:
    now = Connection(workspace_id="w1")
    for what in steps:
        if (now.status, what) not in ARROWS:
            continue
        before = now
        now = deleted(now) if what is Step.DELETED else step(now, what)
        assert now.revision > before.revision
        assert now.epoch >= before.epoch


def test_nothing_changed_does_nothing() -> None:
    before = a_connection()
    assert configured(before, entered()) is before


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "d"},
        {"client_secret": "sealed-other"},
        {"login_url": "https://test.salesforce.com"},
    ],
)
def test_new_credentials_await_a_sign_in_and_cost_the_tokens(change: dict[str, str]) -> None:
    after = configured(a_connection(), entered(**change))
    assert (after.status, after.epoch) == (Status.AWAITING_OAUTH, 4)
    assert (after.access_token, after.refresh_token, after.fingerprint) == ("", "", "")
    assert after.client_secret == change.get("client_secret", "sealed-secret")
    assert after.org_id == "00D"


def test_another_api_version_alone_keeps_the_connection() -> None:
    after = configured(a_connection(), entered(wanted_version="60.0"))
    assert (after.status, after.epoch, after.revision) == (Status.CONNECTED, 3, 8)
    assert (after.api_version, after.access_token) == ("60.0", "sealed-access")


def test_disconnect_keeps_credentials_and_org_and_forgets_tokens() -> None:
    after = disconnected(a_connection(Status.ERROR, error_code="token_revoked"))
    assert (after.client_id, after.client_secret, after.org_id) == ("c", "sealed-secret", "00D")
    assert (after.access_token, after.refresh_token, after.error_code) == ("", "", "")


def test_delete_keeps_nothing_but_the_counters() -> None:
    after = deleted(a_connection())
    assert after == Connection(workspace_id="w1", revision=8, epoch=4, token_serial=5)


def test_only_what_lasts_is_an_error() -> None:
    before = a_connection(Status.AWAITING_OAUTH)
    passing = refused(before, "access_denied", lasting=False)
    assert (passing.status, passing.error_code) == (Status.AWAITING_OAUTH, "access_denied")
    assert refused(before, "no_api_scope", lasting=True).status is Status.ERROR


def test_a_connection_never_prints_its_secrets() -> None:
    assert "sealed" not in repr(a_connection())
    assert "hush" not in repr(entered(client_secret="hush"))
