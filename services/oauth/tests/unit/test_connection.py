from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink_common.contracts.connections import ConnectionStatus as Status
from crmlink_oauth.domain.connection import (
    Connection,
    Entered,
    NoOrgToConfirmError,
    NotConfiguredError,
    configured,
    connected,
    deleted,
    disconnected,
    org_confirmed,
    org_rejected,
    refused,
    step,
)
from crmlink_oauth.domain.states import CHANGES_AUTHORITY, Stage, Step, arrow

WRITTEN_DOWN = {
    # read as: from this state, each of these steps leads there; any other step is refused
    "not_connected": {"configured": "awaiting_oauth"},
    "awaiting_oauth": {
        "configured": "awaiting_oauth",
        "connected": "connected",
        "connected_elsewhere": "org_unconfirmed",
        "disconnected": "awaiting_oauth",
        "token_refused": "error",
        "enabled": "awaiting_oauth",
        "disabled": "awaiting_oauth",
        "deleted": "not_connected",
    },
    "connected": {
        "configured": "awaiting_oauth",
        "connected": "connected",
        "connected_elsewhere": "org_unconfirmed",
        "disconnected": "awaiting_oauth",
        "token_refused": "error",
        "enabled": "connected",
        "disabled": "connected",
        "deleted": "not_connected",
    },
    "org_unconfirmed": {
        "configured": "awaiting_oauth",
        "connected": "connected",
        "connected_elsewhere": "org_unconfirmed",
        "org_confirmed": "connected",
        "org_rejected": "awaiting_oauth",
        "disconnected": "awaiting_oauth",
        "token_refused": "error",
        "enabled": "org_unconfirmed",
        "disabled": "org_unconfirmed",
        "deleted": "not_connected",
    },
    "error": {
        "configured": "awaiting_oauth",
        "connected": "connected",
        "connected_elsewhere": "org_unconfirmed",
        "disconnected": "awaiting_oauth",
        "token_refused": "error",
        "enabled": "error",
        "disabled": "error",
        "deleted": "not_connected",
    },
}
EVERY = [(stage, what) for stage in Stage for what in Step]
DRAWN = [(stage, what) for stage, what in EVERY if what.value in WRITTEN_DOWN[stage.value]]
REFUSED = [pair for pair in EVERY if pair not in DRAWN]
OTHER_ORG = "00Dx0000000OTHER1X"


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


def standing(stage: Stage) -> Connection:
    pending = OTHER_ORG if stage is Stage.ORG_UNCONFIRMED else ""
    return a_connection(stage.status, pending_org_id=pending)


def take(connection: Connection, what: Step) -> Connection:
    """Take a step the way the service does."""
    does: dict[Step, Callable[[Connection], Connection]] = {
        Step.CONFIGURED: lambda one: configured(one, entered(client_id=f"{one.client_id}x")),
        Step.CONNECTED: lambda one: connected(one, one.org_id, "Acme"),
        Step.CONNECTED_ELSEWHERE: lambda one: connected(one, OTHER_ORG, "Other"),
        Step.ORG_CONFIRMED: org_confirmed,
        Step.ORG_REJECTED: org_rejected,
        Step.DISCONNECTED: disconnected,
        Step.TOKEN_REFUSED: lambda one: refused(one, "token_revoked", lasting=True),
        Step.ENABLED: lambda one: step(one, Step.ENABLED, enabled=True),
        Step.DISABLED: lambda one: step(one, Step.DISABLED, enabled=False),
        Step.DELETED: deleted,
    }
    return does[what](connection)


@pytest.mark.parametrize(("stage", "what"), DRAWN)
def test_every_arrow_leads_where_it_is_written(stage: Stage, what: Step) -> None:
    target = Stage(WRITTEN_DOWN[stage.value][what.value])
    assert arrow(stage, what) is target
    after = take(standing(stage), what)
    assert (after.stage, after.status) == (target, target.status)
    assert (after.revision, after.epoch) == (8, 3 + (what in CHANGES_AUTHORITY))


@pytest.mark.parametrize(("stage", "what"), REFUSED)
def test_a_step_that_is_not_written_is_refused(stage: Stage, what: Step) -> None:
    none = stage is Stage.NOT_CONNECTED
    assert arrow(stage, what) is None
    with pytest.raises(NotConfiguredError if none else NoOrgToConfirmError):
        take(standing(stage), what)


@pytest.mark.parametrize("stage", [one for one in Stage if one is not Stage.NOT_CONNECTED])
def test_enabled_and_disabled_stand_beside_the_state(stage: Stage) -> None:
    off = take(standing(stage), Step.DISABLED)
    on = take(off, Step.ENABLED)
    assert (off.stage, off.enabled, on.stage, on.enabled) == (stage, False, stage, True)
    assert (on.access_token, on.epoch) == (off.access_token, 3)


@given(st.lists(st.sampled_from(list(Step))))
def test_counters_never_go_back(steps: list[Step]) -> None:
    now = Connection(workspace_id="w1", org_id="00D")
    for what in steps:
        if arrow(now.stage, what) is None:
            continue
        before, now = now, take(now, what)
        assert now.revision > before.revision
        assert now.epoch >= before.epoch


def test_another_org_waits_beside_the_one_that_the_data_is_bound_to() -> None:
    after = connected(a_connection(org_id="00D1", org_name="Acme"), OTHER_ORG, "Other")
    assert (after.org_id, after.org_name) == ("00D1", "Acme")
    assert (after.pending_org_id, after.pending_org_name) == (OTHER_ORG, "Other")
    assert after.authorized_org_id == OTHER_ORG
    used = org_confirmed(after)
    assert (used.org_id, used.org_name, used.pending_org_id) == (OTHER_ORG, "Other", "")
    assert (used.access_token, used.epoch) == (after.access_token, after.epoch)


def test_going_back_forgets_the_new_tokens_and_keeps_the_earlier_org() -> None:
    after = org_rejected(connected(a_connection(org_id="00D1"), OTHER_ORG, "Other"))
    assert (after.stage, after.org_id, after.pending_org_id) == (Stage.AWAITING_OAUTH, "00D1", "")
    assert (after.access_token, after.refresh_token, after.instance_url) == ("", "", "")
    assert (after.client_id, after.client_secret) == ("c", "sealed-secret")


@pytest.mark.parametrize("org_id", ["00Dx0000000BV7z", "00Dx0000000BV7zEAG"])
def test_an_org_is_the_same_by_its_first_15_characters(org_id: str) -> None:
    before = a_connection(Status.AWAITING_OAUTH, org_id="00Dx0000000BV7zEAG")
    assert connected(before, org_id, "").stage is Stage.CONNECTED
    assert connected(before, org_id.replace("z", "Z"), "").stage is Stage.ORG_UNCONFIRMED


def test_the_first_org_needs_no_confirmation() -> None:
    assert connected(a_connection(org_id=""), "00D", "Acme").stage is Stage.CONNECTED


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
