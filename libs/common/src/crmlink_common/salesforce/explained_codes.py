"""The sentences themselves: code, what happened, what cures it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_AGAIN = "It is tried again later."
_RECONNECT = "Disconnect and connect again."
_ADMIN = "Ask your Salesforce administrator"
_VALUE = "Correct the value in the record, or the field mapping."
_QUERY = "Correct the query."
_OURS = "Tell the people who run this product."
_LATER = "Work goes on by itself when the limit allows it."

_CONNECTION: dict[str, tuple[str, str]] = {
    "INVALID_SESSION_ID": ("The session with Salesforce has ended.", _RECONNECT),
    "INVALID_AUTH_HEADER": ("Salesforce did not accept the session.", _RECONNECT),
    "INVALID_TOKEN": ("Salesforce did not accept the session.", _RECONNECT),
    "INVALID_GRANT": ("The authorization was revoked or has expired.", _RECONNECT),
    "INVALID_CLIENT": (
        "Salesforce does not accept the app's Client ID and Client Secret.",
        "Enter both anew, then connect.",
    ),
    "INACTIVE_USER": (
        "The user who connected is not active in Salesforce.",
        "Connect with another user, or have this one activated.",
    ),
    "INACTIVE_ORG": ("The org is locked, closed or suspended.", f"{_ADMIN}."),
    "ORG_LOCKED": ("The org is locked.", f"{_ADMIN}."),
    "TRIAL_EXPIRED": ("The org's trial has ended.", f"{_ADMIN}."),
    "API_DISABLED_FOR_ORG": (
        "This org or user has no access to Salesforce's API.",
        "Use an edition with API access and a user whose profile has API Enabled.",
    ),
    "API_CURRENTLY_DISABLED": (
        "Salesforce's API is switched off for this user.",
        f"{_ADMIN} for a profile that has API Enabled.",
    ),
    "CLIENT_NOT_ACCESSIBLE_FOR_USER": (
        "This user may not use the app.",
        f"{_ADMIN} to assign the profile or a permission set to the app.",
    ),
    "MUTUAL_AUTHENTICATION_FAILED": (
        "The org asks for a client certificate.",
        f"{_ADMIN} to let this user in without one.",
    ),
    "URL_NOT_RESET": ("The org has moved to another address.", _RECONNECT),
}
_LIMITS: dict[str, tuple[str, str]] = {
    "REQUEST_LIMIT_EXCEEDED": ("The org's API calls of the last 24 hours are used up.", _LATER),
    "LIMIT_EXCEEDED": ("A limit of the org is reached.", _LATER),
    "EXCEEDED_QUOTA": ("A limit of the org is reached.", _LATER),
    "ExceededQuota": ("The org's bulk jobs of the last 24 hours are used up.", _LATER),
    "RATE_LIMIT_EXCEEDED": ("Too many calls came in a short time.", _AGAIN),
    "STORAGE_LIMIT_EXCEEDED": (
        "The org's storage is full: nothing can be created.",
        "Free or buy storage in Salesforce; it is tried again until then.",
    ),
    "TXN_SECURITY_METERING_ERROR": (
        "The org's transaction security could not check this in time.",
        _AGAIN,
    ),
}
_PASSING: dict[str, tuple[str, str]] = {
    "UNABLE_TO_LOCK_ROW": ("Somebody else was changing the same record.", _AGAIN),
    "QUERY_TIMEOUT": (
        "The query ran for too long.",
        "Ask for less, or filter by an indexed field.",
    ),
    "REQUEST_RUNNING_TOO_LONG": ("The request ran for too long.", _AGAIN),
    "SERVER_UNAVAILABLE": ("Salesforce was not available.", _AGAIN),
    "UNKNOWN_EXCEPTION": ("Salesforce had an error of its own.", _AGAIN),
    "InternalServerError": ("Salesforce had an error of its own.", _AGAIN),
    "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE": ("This was not available for a while.", _AGAIN),
    "EXTERNAL_SERVICE_UNAVAILABLE_EXCEPTION": (
        "A service that Salesforce needs was not available.",
        _AGAIN,
    ),
    "TooManyLockFailure": ("Others were changing the same records for too long.", _AGAIN),
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": (
        "Another record of the same request was at fault.",
        _AGAIN,
    ),
    "PROCESSING_HALTED": ("Another part of the same request was at fault.", _AGAIN),
    "BATCH_PROCESSING_HALTED": ("An earlier part of the same request was at fault.", _AGAIN),
    "NOT_SENT": ("This was not sent, because a call before it failed.", _AGAIN),
    "MALFORMED_ANSWER": ("Salesforce's answer could not be read.", _AGAIN),
}
_RECORDS: dict[str, tuple[str, str]] = {
    "NOT_FOUND": (
        "It is not there, or this user may not see it.",
        "Check that it exists and that the connected user has access.",
    ),
    "ENTITY_IS_DELETED": ("The record was deleted in Salesforce.", "Link another one."),
    "INVALID_CROSS_REFERENCE_KEY": (
        "The record, or one that it points to, is not there.",
        "Check the record and its lookups; the connected user must see them.",
    ),
    "DUPLICATES_DETECTED": (
        "A duplicate rule of the org found records like this one.",
        "Link the record that is there, merge them, or let the rule allow it.",
    ),
    "DUPLICATE_VALUE": (
        "Another record has the same value in a field that must be unique.",
        "Link the record that is there, or change the value.",
    ),
    "DUPLICATE_EXTERNAL_ID": (
        "More than one record has this external id.",
        "Merge them in Salesforce, or use a unique field.",
    ),
    "MULTIPLE_RECORDS": (
        "More than one record has this external id.",
        "Merge them in Salesforce, or use a unique field.",
    ),
    "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE": (
        "The record was changed since it was read.",
        "Read it again.",
    ),
    "CANNOT_UPDATE_CONVERTED_LEAD": (
        "The lead was converted and can no longer be changed.",
        "Link the contact that it became.",
    ),
    "ENTITY_IS_LOCKED": (
        "The record is locked, as for an approval.",
        "Finish the approval, or unlock the record.",
    ),
    "INACTIVE_OWNER_OR_USER": (
        "The record's owner is not an active user.",
        "Give it another owner.",
    ),
    "TRANSFER_REQUIRES_READ": (
        "The new owner may not read this kind of record.",
        "Choose another owner.",
    ),
    "CIRCULAR_DEPENDENCY": ("The records would point at each other in a circle.", _VALUE),
    "DELETE_FAILED": ("The record cannot be deleted: others depend on it.", "Remove those first."),
    "DEPENDENCY_EXISTS": (
        "The record cannot be deleted: others depend on it.",
        "Remove those first.",
    ),
    "DELETE_REQUIRED_ON_CASCADE": (
        "The user may not delete records that would go with this one.",
        f"{_ADMIN} for the permission.",
    ),
    "DELETE_OPERATION_TOO_LARGE": (
        "Too many records would be deleted with this one.",
        "Delete those first.",
    ),
    "UNDELETE_FAILED": (
        "The record can no longer be restored.",
        "Create it anew.",
    ),
}
_VALUES: dict[str, tuple[str, str]] = {
    "REQUIRED_FIELD_MISSING": ("A field that the org requires has no value.", "Map or fill it."),
    "STRING_TOO_LONG": ("A text is longer than its field.", _VALUE),
    "INVALID_EMAIL_ADDRESS": ("This is no e-mail address to Salesforce.", _VALUE),
    "NUMBER_OUTSIDE_VALID_RANGE": ("A number is out of its range.", _VALUE),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": (
        "A validation rule of the org refused the record.",
        "Meet the rule, or ask your Salesforce administrator to change it.",
    ),
    "FIELD_FILTER_VALIDATION_EXCEPTION": (
        "The org's filter for a lookup refused the record that it points to.",
        "Choose another record, or ask your Salesforce administrator to change the filter.",
    ),
    "FIELD_INTEGRITY_EXCEPTION": ("Values of the record do not go together.", _VALUE),
    "INVALID_FIELD_FOR_INSERT_UPDATE": (
        "A field may not be written, or not by this user.",
        f"Take it out of the mapping, or {_ADMIN.lower()} for access to it.",
    ),
    "INVALID_TYPE_ON_FIELD_IN_RECORD": ("A value is of another type than its field.", _VALUE),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": (
        "A value is none of its picklist's.",
        "Map it to one of the picklist's values, or add it there.",
    ),
    "INVALID_CURRENCY_ISO": ("The org does not use this currency.", _VALUE),
    "INVALID_STATUS": ("The record cannot have this status.", _VALUE),
    "JSON_PARSER_ERROR": ("A value does not fit its field's type.", _VALUE),
    "XML_PARSER_ERROR": ("Salesforce could not read the request.", _OURS),
    "MALFORMED_ID": ("This is not the id of a record of that kind.", _VALUE),
    "INVALID_ID_FIELD": ("This is not the id of a record of that kind.", _VALUE),
    "MISSING_ARGUMENT": ("A value that Salesforce needs is missing.", _VALUE),
    "INVALID_INPUT": ("Salesforce does not accept what was sent.", _VALUE),
}
_ACCESS: dict[str, tuple[str, str]] = {
    "INSUFFICIENT_ACCESS": (
        "The connected user may not do this.",
        f"{_ADMIN} for access to the object and its fields.",
    ),
    "INSUFFICIENT_ACCESS_OR_READONLY": (
        "The connected user may not change this record.",
        f"{_ADMIN} for access to the record.",
    ),
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": (
        "The connected user has no access to a record that this one points to.",
        f"{_ADMIN} for access to it.",
    ),
    "INVALID_READ_ONLY_USER_DML": (
        "The org or user can only read at the moment.",
        f"{_ADMIN} whether Salesforce is under maintenance.",
    ),
    "TXN_SECURITY_NO_ACCESS": (
        "A transaction security policy of the org blocked this.",
        f"{_ADMIN} about the policy.",
    ),
    "FORBIDDEN": ("The connected user may not do this.", f"{_ADMIN} for access."),
    "FUNCTIONALITY_NOT_ENABLED": ("The org does not have this feature.", f"{_ADMIN}."),
    "FeatureNotEnabled": ("The org does not have this feature.", f"{_ADMIN}."),
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": (
        "A trigger or flow of the org failed on this record.",
        f"{_ADMIN} to look at the trigger or flow.",
    ),
    "CANNOT_EXECUTE_FLOW_TRIGGER": (
        "A flow of the org failed on this record.",
        f"{_ADMIN} to look at the flow.",
    ),
    "APEX_ERROR": (
        "Code of the org failed on this record.",
        f"{_ADMIN} to look at the code.",
    ),
    "SELF_REFERENCE_FROM_TRIGGER": (
        "A trigger of the org changed the record that it was called for.",
        f"{_ADMIN} to look at the trigger.",
    ),
    "MIXED_DML_OPERATION": (
        "Setup records and others cannot be changed in one request.",
        f"{_ADMIN} to look at the org's automation.",
    ),
}
_QUERIES: dict[str, tuple[str, str]] = {
    "MALFORMED_QUERY": ("Salesforce does not understand the query.", _QUERY),
    "MALFORMED_SEARCH": ("Salesforce does not understand the search.", "Correct the search."),
    "INVALID_SEARCH": ("Salesforce does not understand the search.", "Correct the search."),
    "INVALID_FIELD": (
        "There is no such field, or this user may not see it.",
        "Check the field's API name and the connected user's access to it.",
    ),
    "INVALID_TYPE": (
        "There is no such object, or this user may not see it.",
        "Check the object's API name and the connected user's access to it.",
    ),
    "INVALID_QUERY_FILTER_OPERATOR": ("The field cannot be filtered that way.", _QUERY),
    "INVALID_QUERY_LOCATOR": (
        "The rest of the query's result is no longer there.",
        "Ask from the beginning.",
    ),
    "QUERY_TOO_COMPLICATED": ("The query is too complicated.", "Ask for less."),
    "OPERATION_TOO_LARGE": ("The query reads too many records.", "Ask for less."),
    "EXCEEDED_ID_LIMIT": ("Too many records changed in that time.", "Ask for less time."),
    "INVALID_REPLICATION_DATE": (
        "Salesforce no longer tells what changed in that time.",
        "Ask for less time; a full comparison finds the rest.",
    ),
    "ILLEGAL_QUERY_PARAMETER_VALUE": ("Salesforce does not accept a parameter.", _OURS),
    "INVALID_BATCH_SIZE": ("Salesforce does not accept the size of pages.", _OURS),
    "ANSWER_TOO_LARGE": ("The answer is larger than is taken.", "Ask for less."),
    "METHOD_NOT_ALLOWED": ("Salesforce does not do this here.", _OURS),
    "UNSUPPORTED_API_VERSION": (
        "Salesforce no longer has this version of the API.",
        "Choose a newer API version on the connection.",
    ),
    "UNSUPPORTED_MEDIA_TYPE": ("Salesforce could not read the request.", _OURS),
    "API_ERROR": ("Salesforce's bulk API refused this.", "Ask for other fields or objects."),
    "INVALIDENTITY": (
        "Salesforce's bulk API does not do this object.",
        "Use another object.",
    ),
    "INVALIDJOB": ("Salesforce does not accept the bulk job.", _OURS),
    "INVALIDJOBSTATE": ("The bulk job is in another state.", _OURS),
    "InvalidBatch": (
        "Salesforce does not accept the bulk job's rows.",
        "Check the field mapping against the object's fields.",
    ),
    "ClientInputError": ("Salesforce does not accept the bulk job.", _OURS),
}
_STATUSES: dict[str, tuple[str, str]] = {
    "http_404": _RECORDS["NOT_FOUND"],
    "http_410": _QUERIES["UNSUPPORTED_API_VERSION"],
    "http_412": _RECORDS["ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE"],
    "http_414": ("The request's address is too long.", _OURS),
    "http_429": _LIMITS["RATE_LIMIT_EXCEEDED"],
    "http_431": ("The request's address and headers are too long.", _OURS),
}
SENTENCES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        **_CONNECTION,
        **_LIMITS,
        **_PASSING,
        **_RECORDS,
        **_VALUES,
        **_ACCESS,
        **_QUERIES,
        **_STATUSES,
    }
)
