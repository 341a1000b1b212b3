"""The states of a connection and every step between them, as one table."""

from __future__ import annotations

from enum import StrEnum

from crmlink_common.contracts.connections import ConnectionStatus as Status


class Stage(StrEnum):
    """Where a connection stands: the four states people see, and *connected to another org*."""

    NOT_CONNECTED = "not_connected"
    AWAITING_OAUTH = "awaiting_oauth"
    CONNECTED = "connected"
    ORG_UNCONFIRMED = "org_unconfirmed"  # shown as Connected, with a question; nothing syncs
    ERROR = "error"

    @property
    def status(self) -> Status:
        """The state as the guide names it."""
        return Status.CONNECTED if self is Stage.ORG_UNCONFIRMED else Status(self.value)


class Step(StrEnum):
    """What can happen to a connection."""

    CONFIGURED = "configured"
    CONNECTED = "connected"
    CONNECTED_ELSEWHERE = "connected_elsewhere"
    ORG_CONFIRMED = "org_confirmed"
    ORG_REJECTED = "org_rejected"
    DISCONNECTED = "disconnected"
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - a name
    ENABLED = "enabled"
    DISABLED = "disabled"
    DELETED = "deleted"


_ANYWHERE = {
    Step.CONFIGURED: Stage.AWAITING_OAUTH,
    Step.CONNECTED: Stage.CONNECTED,
    Step.CONNECTED_ELSEWHERE: Stage.ORG_UNCONFIRMED,
    Step.DISCONNECTED: Stage.AWAITING_OAUTH,
    Step.TOKEN_REFUSED: Stage.ERROR,
    Step.DELETED: Stage.NOT_CONNECTED,
}
ARROWS: dict[Stage, dict[Step, Stage]] = {
    Stage.NOT_CONNECTED: {Step.CONFIGURED: Stage.AWAITING_OAUTH},
    Stage.AWAITING_OAUTH: {
        **_ANYWHERE,
        Step.ENABLED: Stage.AWAITING_OAUTH,
        Step.DISABLED: Stage.AWAITING_OAUTH,
    },
    Stage.CONNECTED: {
        **_ANYWHERE,
        Step.ENABLED: Stage.CONNECTED,
        Step.DISABLED: Stage.CONNECTED,
    },
    Stage.ORG_UNCONFIRMED: {
        **_ANYWHERE,
        Step.ORG_CONFIRMED: Stage.CONNECTED,
        Step.ORG_REJECTED: Stage.AWAITING_OAUTH,
        Step.ENABLED: Stage.ORG_UNCONFIRMED,
        Step.DISABLED: Stage.ORG_UNCONFIRMED,
    },
    Stage.ERROR: {
        **_ANYWHERE,
        Step.ENABLED: Stage.ERROR,
        Step.DISABLED: Stage.ERROR,
    },
}
CHANGES_AUTHORITY = frozenset(
    {
        Step.CONFIGURED,
        Step.CONNECTED,
        Step.CONNECTED_ELSEWHERE,
        Step.ORG_REJECTED,
        Step.DISCONNECTED,
        Step.DELETED,
    }
)


def arrow(stage: Stage, step: Step) -> Stage | None:
    """Follow an arrow; None where there is none."""
    return ARROWS[stage].get(step)
