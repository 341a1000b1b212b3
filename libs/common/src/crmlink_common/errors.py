"""Every error raised on purpose, grouped by what the caller must do."""

from __future__ import annotations

from datetime import timedelta


class CrmLinkError(Exception):
    """Root of the tree. ``code`` is stable and machine-readable."""

    code = "crmlink"


class TransientError(CrmLinkError):
    """Try again later: the same input may succeed."""

    code = "transient"

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LimitError(TransientError):
    """A limit of the org is used up. Parks the workspace."""

    code = "limit_exceeded"


class NotConnectedError(TransientError):
    """The workspace has no usable connection. Parks it until it has one."""

    code = "not_connected"


class UnknownOutcomeError(CrmLinkError):
    """It may have taken effect. Read back before anything else."""

    code = "unknown_outcome"


class StaleTokenError(CrmLinkError):
    """Ask oauth for another token, naming this one's fingerprint; try once more."""

    code = "stale_token"


class PermanentError(CrmLinkError):
    """The same input will always fail. On the bus: bury it."""

    code = "permanent"


class ContractError(PermanentError):
    """A message does not keep to its contract."""

    code = "contract"


class NotFoundError(PermanentError):
    """What was asked for is not there, or no longer."""

    code = "not_found"


class ConflictError(PermanentError):
    """It contradicts what is already there."""

    code = "conflict"


class InvalidInputError(PermanentError):
    """The input is wrong: ``field`` names where, ``cure`` tells what to do about it."""

    code = "invalid_input"

    def __init__(self, message: str, *, field: str | None = None, cure: str | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.cure = cure
