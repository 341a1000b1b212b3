"""What standard objects do with their own fields, whoever saves them."""

from typing import TYPE_CHECKING

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.schema_object import SObject
from crmlink_salesforce_sim.tables import Current
from crmlink_salesforce_sim.values import Stored

if TYPE_CHECKING:
    from crmlink_salesforce_sim.records import Writer

STAGES: dict[str, tuple[int, str]] = {
    "Prospecting": (10, "Pipeline"),
    "Qualification": (10, "Pipeline"),
    "Needs Analysis": (20, "Pipeline"),
    "Proposal/Price Quote": (75, "Pipeline"),
    "Negotiation/Review": (90, "Pipeline"),
    "Closed Won": (100, "Closed"),
    "Closed Lost": (0, "Omitted"),
}


def settled(writer: "Writer", sobject: SObject, row: Current, before: Current) -> Current:
    """Return what follows of the values of a standard object."""
    match sobject.name:
        case "Opportunity":
            return _opportunity(row)
        case "Case":
            closed = _closed(row, before, "Closed", "ClosedDate", writer.stamp)
            return closed | _account_of_contact(writer, row, before)
        case "Task":
            return _closed(row, before, "Completed", "CompletedDateTime", writer.stamp)
        case "CampaignMember":
            return _member(writer, sobject, row, before)
        case _:
            return {}


def _opportunity(row: Current) -> Current:
    stage = STAGES.get(str(row.get("StageName")))
    if stage is None or row.get("Probability") is not None:
        return {}
    return {"Probability": float(stage[0])}


def _closed(row: Current, before: Current, word: str, field: str, stamp: str) -> Current:
    if "Status" not in row:
        return {}
    closed = row["Status"] == word
    if closed and before.get("Status") == word:
        return {}
    return {field: stamp if closed else None}


def _account_of_contact(writer: "Writer", row: Current, before: Current) -> Current:
    """Let a case without an account belong to its contact's."""
    contact = row.get("ContactId")
    if contact is None or (before | row).get("AccountId") is not None:
        return {}
    found = writer.tables.find(writer.schema.objects["Contact"], str(contact))
    return {"AccountId": found["AccountId"]} if found else {}


def _member(writer: "Writer", sobject: SObject, row: Current, before: Current) -> Current:
    """Let a member be one lead or one contact, once in a campaign."""
    if not before:
        if row.get("LeadId") is None and row.get("ContactId") is None:
            message = "Either LeadId or ContactId is needed"
            raise ApiError("FIELD_INTEGRITY_EXCEPTION", message, fields=["LeadId"])
        for name in ("LeadId", "ContactId"):
            if row.get(name) is not None:
                same: dict[str, Stored] = {"CampaignId": row["CampaignId"], name: row[name]}
                if writer.tables.equal(sobject, same, 1):
                    raise ApiError("DUPLICATE_VALUE", "Already a campaign member.", fields=[])
    if row.get("Status") == "Responded" and before.get("FirstRespondedDate") is None:
        return {"FirstRespondedDate": writer.stamp[:10]}
    return {}
