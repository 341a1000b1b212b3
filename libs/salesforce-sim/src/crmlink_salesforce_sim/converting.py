"""Lead conversion: a lead becomes a contact of an account, perhaps with an opportunity."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.schema import SObject
from crmlink_salesforce_sim.tables import Current

if TYPE_CHECKING:
    from crmlink_salesforce_sim.records import Writer

CONVERTED = "Closed - Converted"
TO_ACCOUNT = {
    "Company": "Name",
    "Industry": "Industry",
    "AnnualRevenue": "AnnualRevenue",
    "NumberOfEmployees": "NumberOfEmployees",
    "Phone": "Phone",
    "Fax": "Fax",
    "Website": "Website",
    "Street": "BillingStreet",
    "City": "BillingCity",
    "State": "BillingState",
    "PostalCode": "BillingPostalCode",
    "Country": "BillingCountry",
}
_SAME = ("LastName", "FirstName", "Salutation", "Title", "Email", "Phone", "MobilePhone", "Fax")
TO_CONTACT = {
    **{name: name for name in (*_SAME, "LeadSource", "HasOptedOutOfEmail", "DoNotCall")},
    "Street": "MailingStreet",
    "City": "MailingCity",
    "State": "MailingState",
    "PostalCode": "MailingPostalCode",
    "Country": "MailingCountry",
    "Member_Id__c": "Member_Id__c",
}


@dataclass(frozen=True)
class Conversion:
    """What a lead became."""

    lead_id: str
    account_id: str
    contact_id: str
    opportunity_id: str | None


def convert_lead(
    writer: "Writer",
    lead_id: str,
    *,
    account_id: str | None = None,
    contact_id: str | None = None,
    opportunity: str | None = None,
    status: str | None = None,
) -> Conversion:
    """Convert a lead; records that are not given are made.

    `opportunity` names the opportunity to make; without it none is made. Of a given contact or
    account only what is empty is filled in. Raises ApiError CANNOT_UPDATE_CONVERTED_LEAD for a
    lead that was converted before, INVALID_STATUS for a status that does not mean converted.
    """
    sobject = writer.schema.objects["Lead"]
    writer.guard(sobject, lead_id)
    lead = writer.tables.current(sobject, lead_id)
    if lead["IsConverted"]:
        raise ApiError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", fields=[])
    if status not in (None, CONVERTED):
        raise ApiError("INVALID_STATUS", f"invalid convertedStatus: {status}", fields=["Status"])
    owner = _owner(writer, lead)
    account = _used(writer, "Account", account_id, lead, TO_ACCOUNT) or _made(
        writer, "Account", lead, TO_ACCOUNT, {"OwnerId": owner}
    )
    joined: Current = {"AccountId": account, "OwnerId": owner}
    contact = _used(writer, "Contact", contact_id, lead, TO_CONTACT) or _made(
        writer, "Contact", lead, TO_CONTACT, joined
    )
    made = None if opportunity is None else _opportunity(writer, opportunity, lead, joined)
    _follow(writer, lead_id, contact)
    changed: Current = {
        "IsConverted": 1,
        "Status": CONVERTED,
        "ConvertedDate": writer.stamp[:10],
        "ConvertedAccountId": account,
        "ConvertedContactId": contact,
        "IsUnreadByOwner": 0,
    }
    if "ConvertedOpportunityId" in sobject.fields:
        changed["ConvertedOpportunityId"] = made
    writer.tables.change(sobject, lead_id, changed | writer.touched())
    writer.tally[sobject.name, "converted"] += 1
    return Conversion(lead_id, account, contact, made)


def _follow(writer: "Writer", lead_id: str, contact_id: str) -> None:
    """Let the lead's activities and campaign memberships follow to the contact."""
    follows: Current = {"WhoId": contact_id}
    if (task := writer.schema.find("Task")) is not None:
        for one in writer.tables.matching(task, task.fields["WhoId"], lead_id):
            writer.tables.change(task, one, follows | writer.touched())
    joins: Current = {"ContactId": contact_id}
    if (member := writer.schema.find("CampaignMember")) is not None:
        for one in writer.tables.matching(member, member.fields["LeadId"], lead_id):
            writer.tables.change(member, one, joins | writer.touched())


def _owner(writer: "Writer", lead: Current) -> str:
    """Return a user: what a queue owns goes to who converts."""
    owner = str(lead["OwnerId"])
    users = writer.schema.objects["User"].key_prefix
    return owner if owner.startswith(users) else writer.user


def _mapped(sobject: SObject, lead: Current, mapping: dict[str, str]) -> Current:
    return {
        target: lead[source]
        for source, target in mapping.items()
        if lead.get(source) is not None and target in sobject.fields
    }


def _made(
    writer: "Writer", name: str, lead: Current, mapping: dict[str, str], more: Current
) -> str:
    sobject = writer.schema.objects[name]
    return writer.save_new(sobject, _mapped(sobject, lead, mapping) | more)


def _used(
    writer: "Writer", name: str, record_id: str | None, lead: Current, mapping: dict[str, str]
) -> str | None:
    if record_id is None:
        return None
    sobject = writer.schema.objects[name]
    current = writer.tables.current(sobject, record_id)
    mapped = _mapped(sobject, lead, mapping)
    missing = {field: value for field, value in mapped.items() if current[field] is None}
    if missing:
        writer.save_changes(sobject, record_id, current, missing)
    return record_id


def _opportunity(writer: "Writer", name: str, lead: Current, joined: Current) -> str:
    if (sobject := writer.schema.find("Opportunity")) is None:
        raise ApiError("INVALID_TYPE", "sObject type 'Opportunity' is not supported.")
    closes = _quarter_end(date.fromisoformat(writer.stamp[:10]))
    row: Current = {"Name": name, "StageName": "Prospecting", "CloseDate": closes.isoformat()}
    row["LeadSource"] = lead["LeadSource"]
    return writer.save_new(sobject, row | joined)


def _quarter_end(day: date) -> date:
    """Return the last day of the quarter, the close date a conversion sets."""
    month = (day.month - 1) // 3 * 3 + 3
    first = date(day.year + month // 12, month % 12 + 1, 1)
    return first - timedelta(days=1)
