"""What an org's refusals are, for those who must act on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from crmlink_common.errors import (
    ConflictError,
    CrmLinkError,
    LimitError,
    NotConnectedError,
    NotFoundError,
    PermanentError,
    StaleTokenError,
    TransientError,
    UnknownOutcomeError,
)


class SalesforceError(CrmLinkError):
    """A call or a record failed. Carries Salesforce's code, never its message: that quotes data."""

    def __init__(
        self,
        salesforce_code: str,
        *,
        fields: Sequence[str] = (),
        duplicates: Sequence[str] = (),
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(salesforce_code)
        self.code = salesforce_code
        self.salesforce_code = salesforce_code
        self.fields = tuple(fields)
        self.duplicates = tuple(duplicates)  # ids of the records that stand in the way
        self.retry_after = retry_after


class SalesforceTransientError(SalesforceError, TransientError):
    """The same call may succeed later."""


class SalesforceLimitError(SalesforceError, LimitError):
    """The org's API limit is used up."""


class SalesforceNotConnectedError(SalesforceError, NotConnectedError):
    """The org does not let this connection in."""


class SalesforceUnknownOutcomeError(SalesforceError, UnknownOutcomeError):
    """The call may have taken effect."""


class SalesforceStaleTokenError(SalesforceError, StaleTokenError):
    """The access token is no longer valid."""


class SalesforcePermanentError(SalesforceError, PermanentError):
    """The same call will always fail."""


class SalesforceNotFoundError(SalesforceError, NotFoundError):
    """The record, object or resource is not there."""


class SalesforceConflictError(SalesforceError, ConflictError):
    """Another record stands in the way, or more than one matches."""
