"""A sentence for each code that a person may meet: what happened, and what to do."""

from __future__ import annotations

from collections.abc import Mapping

from crmlink_common.salesforce.explanations import EXPLANATIONS

SENTENCES: Mapping[str, str] = {
    # left alone
    "member_deleted": "The member was deleted; the record stays as it is. Nothing to do.",
    "unlinked_by_person": "A person unlinked this member; relink it to sync it again.",
    "outbound_off": "Outbound sync is off; switch it on and save to write to Salesforce.",
    "inbound_off": "Inbound sync is off; switch it on and save to take values from Salesforce.",
    "not_linked": "Only linked members are synced; link this one, or change the match strategy.",
    "waiting_for_link": "The record was found or created; it goes on once the link has come.",
    "filtered": "The filter leaves this member out; change the filter or the member.",
    "filter_error": "The filter cannot be evaluated for this member; correct the filter.",
    "observe": "The mode is observe, so nothing was written; choose active to write it.",
    "other_org": "The link belongs to another Salesforce org; connect that org, or link anew.",
    "record_deleted": "The record was deleted in Salesforce; restore it there, or link another.",
    "not_configured": "There is no saved configuration; save one, then run the sync.",
    # looked for
    "no_upsert_value": "The member has no value for the Upsert Field; fill it in, or link by hand.",
    "ambiguous": "Several records share this value; merge them, or link the right one by hand.",
    "match_proposed": "A match is proposed for this member; confirm it or dismiss it first.",
    "record_linked_elsewhere": "The record found is linked to another member; unlink that one, "
    "or merge the members.",
    "required_field_missing": "Salesforce needs a field that no rule fills for this member; add a "
    "rule, or fill in the member's value.",
    # rules
    "empty": "The rule gives nothing for this member; fill in its value, or let the rule clear.",
    "evaluation_error": "A rule fails on this member; correct the rule or the value.",
    "more_than_one_value": "A rule gives several values where one is wanted; correct the rule.",
    "semicolon_in_value": "A choice may not hold a semicolon; correct the value.",
    "field_not_on_object": "The linked record's object has no such field; nothing to do for a "
    "Lead, else correct the rule.",
    "does_not_settle": "Both sides keep changing this value, so the rule rests; see what else "
    "writes it, then save the rule changed.",
    "upstream_not_applied": "The system that owns the members has not taken over a value for a "
    "day; look there for why.",
    # trouble
    "unknown_outcome": "Salesforce did not answer; it is being looked for, and nothing is sent "
    "twice. Nothing to do.",
    "unexpected": "This member could not be worked out; report it with the member's id.",
    "same_value_under_way": "Another member with the same value is being worked on; this one "
    "follows by itself.",
    "link_changed": "The link changed meanwhile; it is looked at anew by itself.",
    "no_trace": "The record was never created; it is sent again by itself.",
    "unknown_member": "The directory of members does not know this one yet; it is tried again.",
    "wait_expired": "The directory did not learn of this member in time; it is "
    "looked at anew at its next change.",
    "not_reserved": "The member was linked or created some other way meanwhile; "
    "it is looked at anew.",
    "member_linked_elsewhere": "The member is linked to another record already.",
    "reserved_by_other": "Something else is creating this member's record; it is tried again.",
    # Salesforce's own codes
    "DUPLICATES_DETECTED": "A duplicate rule in Salesforce refused the record; link the existing "
    "record, or change that rule.",
    "DUPLICATE_VALUE": "Salesforce holds another record with a value that must be unique; link "
    "that record, or correct the value.",
    "ENTITY_IS_DELETED": "The record was deleted in Salesforce; restore it there, or link another.",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "A validation rule in Salesforce refused the values; "
    "correct the member, or change that rule.",
    "FIELD_FILTER_VALIDATION_EXCEPTION": "A lookup filter in Salesforce refused a value; correct "
    "the value, or change that filter.",
    "FIELD_INTEGRITY_EXCEPTION": "Salesforce does not accept this combination of values; correct "
    "the member's values or the rules.",
    "CANNOT_EXECUTE_FLOW_TRIGGER": "A flow in Salesforce failed on this record; ask the org's "
    "administrator to correct it.",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "A trigger in Salesforce failed on this record; ask "
    "the org's administrator to correct it.",
    "INSUFFICIENT_ACCESS_OR_READONLY": "The connected user may not write this record; give it "
    "access in Salesforce.",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "The connected user may not use a record "
    "that this one refers to; give it access in Salesforce.",
    "INVALID_CROSS_REFERENCE_KEY": "A value refers to a record that is not there; correct it.",
    "INVALID_EMAIL_ADDRESS": "Salesforce does not accept the e-mail address; correct it.",
    "INVALID_FIELD": "A rule names a field that the object lacks or the connected user may not "
    "see; correct the rule, or give access.",
    "INVALID_FIELD_FOR_INSERT_UPDATE": "A rule writes a field that cannot be written; correct the "
    "rule, or give the connected user access to the field.",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "The value is not in the picklist; map it with the "
    "picklist preset, or add it in Salesforce.",
    "INVALID_TYPE_ON_FIELD_IN_RECORD": "A value has the wrong type for its field; add a preset "
    "such as number or date to the rule.",
    "LIMIT_EXCEEDED": "The org has reached a limit, such as storage; ask its administrator.",
    "NUMBER_OUTSIDE_VALID_RANGE": "A number is too large or too small for its field; correct it.",
    "REQUEST_LIMIT_EXCEEDED": "The org's daily API limit is used up; it goes on by itself.",
    "STORAGE_LIMIT_EXCEEDED": "The org's storage is full; ask its administrator to make room.",
    "STRING_TOO_LONG": "A value is too long for its field; shorten it, or add truncate.",
    "UNABLE_TO_LOCK_ROW": "Somebody else was changing the record; it is tried again by itself.",
}
REFUSED = "Salesforce refused this record; look up the code, or ask the org's administrator."
UNFIT = "A preset cannot convert this value; correct the value, or the rule."
FAILING = frozenset(
    {"wrong_arguments", "bad_pattern", "too_large", "too_many_steps", "list_too_long"}
)
OTHER = "This member was left alone; the code says why."


def sentence(code: str) -> str:
    """Say in a sentence what a code means and what to do about it."""
    if code in SENTENCES:
        return SENTENCES[code]
    if code.startswith("not_"):
        return UNFIT
    if code in FAILING:
        return SENTENCES["evaluation_error"]
    if (told := EXPLANATIONS.get(code)) is not None:
        return f"{told.message} {told.cure}"
    return REFUSED if code.isupper() else OTHER
