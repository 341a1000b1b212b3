"""What the gateway itself refuses, each with its cure."""

from __future__ import annotations

from datetime import timedelta

from crmlink_common.errors import ConflictError, NotFoundError, TransientError
from crmlink_common.internal.auth import CallerRefusedError, CallerUnknownError


class KeyUnknownError(CallerUnknownError):
    """No key, or one that opens nothing."""

    code = "key_unknown"
    title = "A valid API key is needed"
    cure = "Send `Authorization: Bearer <key>` with a key that is neither expired nor revoked."


class WorkspaceRefusedError(CallerRefusedError):
    """The key is good, for another workspace."""

    code = "workspace_refused"
    title = "This key belongs to another workspace"
    cure = "Use a key of this workspace."


class ScopeRefusedError(CallerRefusedError):
    """The key may do less than this."""

    code = "scope_refused"
    title = "This key may not do that"

    def __init__(self, needed: str) -> None:
        super().__init__(f"This needs the scope {needed}.")
        self.cure = f"Use a key with the scope {needed}, or ask an administrator for one."


class FormTokenError(CallerRefusedError):
    """A request with the console's cookie that the console's page did not make."""

    code = "form_token"
    title = "This page is out of date"
    cure = "Load the page again."


class FeatureDisabledError(NotFoundError):
    """The workspace's feature flag is off."""

    code = "feature_disabled"
    title = "Salesforce is not enabled for this workspace"
    cure = (
        "The crm_salesforce feature flag is off for this workspace: contact your administrator, "
        "or switch it on with PUT .../features."
    )


class NotConfiguredError(ConflictError):
    """There are no credentials to sign in with."""

    code = "not_configured"
    title = "No Salesforce credentials are saved"
    cure = "Enter Client ID and Client Secret under Configure Salesforce first."


class DirectionsOffError(ConflictError):
    """There is nothing to run."""

    code = "direction_off"
    title = "Sync is off in both directions"
    cure = "Switch on outbound sync or inbound sync on the Sync tab, then Save."


class ServiceUnavailableError(TransientError):
    """One of our own services does not answer; ``details`` name it."""

    code = "service_unavailable"
    title = "A part of the system does not answer"
    cure = "Try again in a minute. If it lasts, ask the operator to look at the named service."

    def __init__(self, service: str) -> None:
        super().__init__(
            f"The service {service} does not answer.", retry_after=timedelta(seconds=5)
        )
        self.details = {"service": service}


class TooManyStreamsError(TransientError):
    """As many people watch as this process can serve, in all or in one workspace."""

    code = "too_many_streams"
    title = "Too many people are watching"
    cure = "Try again in a moment, or read the run itself from time to time."

    def __init__(self) -> None:
        super().__init__("No more streams can be opened.", retry_after=timedelta(seconds=15))
