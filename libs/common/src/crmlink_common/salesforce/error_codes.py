"""Which class each of Salesforce's codes has; a code decides before the HTTP status does."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from crmlink_common.salesforce.error_classes import (
    SalesforceConflictError,
    SalesforceError,
    SalesforceLimitError,
    SalesforceNotConnectedError,
    SalesforceNotFoundError,
    SalesforcePermanentError,
    SalesforceStaleTokenError,
    SalesforceTransientError,
    SalesforceUnknownOutcomeError,
)

_CODES: dict[type[SalesforceError], str] = {
    SalesforceStaleTokenError: """
        INVALID_SESSION_ID INVALID_AUTH_HEADER INVALID_TOKEN
    """,
    SalesforceLimitError: """
        REQUEST_LIMIT_EXCEEDED LIMIT_EXCEEDED EXCEEDED_QUOTA ExceededQuota
    """,
    SalesforceNotConnectedError: """
        API_DISABLED_FOR_ORG API_CURRENTLY_DISABLED CLIENT_NOT_ACCESSIBLE_FOR_USER INVALID_CLIENT
        INVALID_GRANT INACTIVE_ORG INACTIVE_USER ORG_LOCKED TRIAL_EXPIRED URL_NOT_RESET
        MUTUAL_AUTHENTICATION_FAILED
    """,
    SalesforceTransientError: """
        UNABLE_TO_LOCK_ROW QUERY_TIMEOUT TXN_SECURITY_METERING_ERROR STORAGE_LIMIT_EXCEEDED
        ALL_OR_NONE_OPERATION_ROLLED_BACK PROCESSING_HALTED BATCH_PROCESSING_HALTED
        FUNCTIONALITY_TEMPORARILY_UNAVAILABLE EXTERNAL_SERVICE_UNAVAILABLE_EXCEPTION
        RATE_LIMIT_EXCEEDED TooManyLockFailure InternalServerError NOT_SENT
    """,
    SalesforceNotFoundError: """
        NOT_FOUND ENTITY_IS_DELETED
    """,
    SalesforceConflictError: """
        DUPLICATES_DETECTED DUPLICATE_VALUE DUPLICATE_EXTERNAL_ID MULTIPLE_RECORDS
        ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE
    """,
    SalesforcePermanentError: """
        REQUIRED_FIELD_MISSING STRING_TOO_LONG INVALID_EMAIL_ADDRESS NUMBER_OUTSIDE_VALID_RANGE
        FIELD_CUSTOM_VALIDATION_EXCEPTION FIELD_FILTER_VALIDATION_EXCEPTION
        FIELD_INTEGRITY_EXCEPTION INVALID_FIELD_FOR_INSERT_UPDATE INVALID_TYPE_ON_FIELD_IN_RECORD
        INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST INVALID_CURRENCY_ISO INVALID_STATUS
        JSON_PARSER_ERROR XML_PARSER_ERROR MALFORMED_ID INVALID_ID_FIELD MISSING_ARGUMENT
        INVALID_FIELD INVALID_TYPE MALFORMED_QUERY MALFORMED_SEARCH INVALID_SEARCH
        INVALID_QUERY_FILTER_OPERATOR INVALID_QUERY_LOCATOR QUERY_TOO_COMPLICATED
        OPERATION_TOO_LARGE EXCEEDED_ID_LIMIT INVALID_REPLICATION_DATE
        INSUFFICIENT_ACCESS INSUFFICIENT_ACCESS_OR_READONLY
        INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY INVALID_READ_ONLY_USER_DML
        TXN_SECURITY_NO_ACCESS FUNCTIONALITY_NOT_ENABLED FORBIDDEN
        CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY CANNOT_EXECUTE_FLOW_TRIGGER APEX_ERROR
        CANNOT_UPDATE_CONVERTED_LEAD ENTITY_IS_LOCKED INACTIVE_OWNER_OR_USER
        TRANSFER_REQUIRES_READ DELETE_FAILED DEPENDENCY_EXISTS DELETE_REQUIRED_ON_CASCADE
        DELETE_OPERATION_TOO_LARGE UNDELETE_FAILED CIRCULAR_DEPENDENCY MIXED_DML_OPERATION
        SELF_REFERENCE_FROM_TRIGGER METHOD_NOT_ALLOWED ILLEGAL_QUERY_PARAMETER_VALUE
        UNSUPPORTED_API_VERSION UNSUPPORTED_MEDIA_TYPE INVALID_BATCH_SIZE INVALID_INPUT
        API_ERROR INVALIDENTITY INVALIDJOB INVALIDJOBSTATE InvalidBatch ClientInputError
        FeatureNotEnabled ANSWER_TOO_LARGE
    """,
}
BY_CODE: Mapping[str, type[SalesforceError]] = MappingProxyType(
    {code: kind for kind, codes in _CODES.items() for code in codes.split()}
)

BY_STATUS: Mapping[int, type[SalesforceError]] = MappingProxyType(
    {
        300: SalesforceConflictError,  # the external id of several records
        401: SalesforceStaleTokenError,
        404: SalesforceNotFoundError,
        412: SalesforceConflictError,  # changed since it was read
    }
)

PASSING = frozenset({"SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", "REQUEST_RUNNING_TOO_LONG"})
"""Of a record or subrequest: transient. Of a call their status decides: it may have had effect."""

OF_AUTOMATION = frozenset(
    {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "APEX_ERROR"}
)
"""A trigger or flow failed; when a locked row made it fail, it passes."""

WHAT_WE_DO: Mapping[type[SalesforceError], str] = MappingProxyType(
    {
        SalesforceStaleTokenError: "ask once for another token, and repeat once",
        SalesforceLimitError: "no retry; the workspace waits",
        SalesforceNotConnectedError: "no retry; the workspace is parked",
        SalesforceTransientError: "a call: up to 4 tries, jittered; a record: later",
        SalesforceUnknownOutcomeError: "never again before it was looked for",
        SalesforcePermanentError: "never again",
        SalesforceNotFoundError: "never again; the link is looked at",
        SalesforceConflictError: "never again; the records in the way are named",
    }
)
