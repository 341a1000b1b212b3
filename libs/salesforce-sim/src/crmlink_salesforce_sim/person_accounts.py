"""Person Accounts: an account that is a person, and its contact, kept in step both ways."""

from typing import TYPE_CHECKING

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.schema_object import SObject
from crmlink_salesforce_sim.tables import Current

if TYPE_CHECKING:
    from crmlink_salesforce_sim.records import Writer

IS_PERSON = "IsPersonAccount"
RECORD_TYPE = "PersonAccount"
NAME_PARTS = ("FirstName", "LastName")
SAME = ("FirstName", "LastName", "Salutation", "Phone", "Fax", "OwnerId")
PERSON = "Person"
CUSTOM, ON_ACCOUNT = "__c", "__pc"


def on_contact(account_field: str) -> str | None:
    """Return the contact's field that an account's field stands for, or None."""
    if account_field in SAME:
        return account_field
    if account_field.endswith(ON_ACCOUNT):
        return account_field.removesuffix(ON_ACCOUNT) + CUSTOM
    if account_field.startswith(PERSON) and account_field != "PersonContactId":
        return account_field.removeprefix(PERSON)
    return None


def on_account(account: SObject, contact_field: str) -> str | None:
    """Return the account's field that a contact's field stands for, or None."""
    if contact_field in SAME:
        return contact_field
    custom = contact_field.removesuffix(CUSTOM) + ON_ACCOUNT
    name = custom if contact_field.endswith(CUSTOM) else PERSON + contact_field
    return name if name in account.fields else None


def switched_on(sobject: SObject) -> bool:
    """Tell whether the org has Person Accounts and this is their object."""
    return sobject.name == "Account" and IS_PERSON in sobject.fields


def named(writer: "Writer", sobject: SObject, row: Current, before: Current) -> Current:
    """Return what a save of an account sets when it is a person.

    A new account with a LastName is one. Raises ApiError INVALID_FIELD_FOR_INSERT_UPDATE when a
    person is given a Name, or a company what only persons have.
    """
    if not switched_on(sobject):
        return {}
    person = bool(before.get(IS_PERSON)) if before else row.get("LastName") is not None
    if not person:
        defaults = sobject.defaults
        of_persons = [
            name
            for name in row
            if name not in ("Phone", "Fax", "OwnerId")
            and on_contact(name) is not None
            and row[name] not in (None, 0, defaults.get(name))
        ]
        _refuse(of_persons)
        return {}
    if "Name" in row:
        _refuse(["Name"])
    whole = before | row
    name = " ".join(str(whole[one]) for one in NAME_PARTS if whole.get(one) is not None)
    found: Current = {"Name": name, IS_PERSON: 1}
    if not before and row.get("RecordTypeId") is None and "RecordTypeId" in sobject.fields:
        test = "SELECT Id FROM RecordType WHERE SobjectType = 'Account' AND DeveloperName = ?"
        kind = next(iter(writer.tables.rows(test, (RECORD_TYPE,))), None)
        found["RecordTypeId"] = None if kind is None else kind[0]
    return found


def _refuse(names: list[str]) -> None:
    if names:
        message = f"Account: bad field names on insert/update call: {', '.join(names)}"
        raise ApiError("INVALID_FIELD_FOR_INSERT_UPDATE", message, fields=names)


def follow(
    writer: "Writer", sobject: SObject, record_id: str, row: Current, before: Current
) -> None:
    """Let the other half of a person follow a save of one half."""
    if IS_PERSON not in sobject.fields or not (before | row).get(IS_PERSON):
        return
    if sobject.name == "Account":
        _contact_follows(writer, record_id, row, before)
    elif sobject.name == "Contact" and before:
        _account_follows(writer, row, before)


def _contact_follows(writer: "Writer", account: str, row: Current, before: Current) -> None:
    contact = writer.schema.objects["Contact"]
    values: Current = {}
    for name, value in row.items():
        target = on_contact(name)
        if target is not None and target in contact.fields:
            values[target] = value
    if not before:
        made = writer.save_new(contact, values | {"AccountId": account, IS_PERSON: 1})
        writer.tables.change(writer.schema.objects["Account"], account, {"PersonContactId": made})
        return
    _change(writer, contact, str(before["PersonContactId"]), values)


def _account_follows(writer: "Writer", row: Current, before: Current) -> None:
    account = writer.schema.objects["Account"]
    values: Current = {}
    for name, value in row.items():
        target = on_account(account, name)
        if target is not None:
            values[target] = value
    if "Name" in row:
        values["Name"] = row["Name"]
    _change(writer, account, str(before["AccountId"]), values)


def _change(writer: "Writer", sobject: SObject, record_id: str, values: Current) -> None:
    if sobject.name == "Contact" and any(one in values for one in NAME_PARTS):
        current = writer.tables.current(sobject, record_id) | values
        parts = (current[one] for one in NAME_PARTS)
        values["Name"] = " ".join(str(one) for one in parts if one is not None)
    if values:
        writer.tables.change(sobject, record_id, values | writer.touched())


def check_delete(sobject: SObject, current: Current) -> None:
    """Refuse to delete the contact of a person: the account is what is deleted."""
    if sobject.name == "Contact" and current.get(IS_PERSON):
        message = "The contact of a person account is deleted with its account"
        raise ApiError("DELETE_FAILED", message, fields=[])
