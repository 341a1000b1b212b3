"""The recycle bin: what deleting, undeleting and emptying do to a record and its children."""

from typing import TYPE_CHECKING

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.schema import Child, SObject
from crmlink_salesforce_sim.tables import Current

if TYPE_CHECKING:
    from crmlink_salesforce_sim.records import Writer

NOT_BINNED = "Entity is not in the recycle bin"


def delete(writer: "Writer", sobject: SObject, record_id: str) -> None:
    """Put a record, and the children that go with it, into the recycle bin."""
    children = writer.schema.children(sobject)
    for child in children:
        if child.field.restrictedDelete:
            _refuse_while_used(writer, sobject, child, record_id)
    writer.tables.change(sobject, record_id, {"IsDeleted": 1} | writer.touched())
    writer.tally[sobject.name, "deleted"] += 1
    for child in children:
        if child.field.cascade:
            for one in writer.tables.matching(child.sobject, child.field, record_id):
                delete(writer, child.sobject, one)
        elif child.field.updateable and child.field.nillable:  # a lookup is emptied, unstamped
            writer.tables.clear(child.sobject, child.field, record_id)


def _refuse_while_used(writer: "Writer", sobject: SObject, child: Child, record_id: str) -> None:
    if using := writer.tables.matching(child.sobject, child.field, record_id):
        kind = child.sobject.label_plural.lower()
        message = (
            f"Your attempt to delete {sobject.label} could not be completed because it is"
            f" associated with the following {kind}.: {', '.join(using)}"
        )
        raise ApiError("DELETE_FAILED", message, fields=[])


def undelete(writer: "Writer", sobject: SObject, record_id: str) -> None:
    """Take a record out of the recycle bin, with the children that went in with it.

    Lookups to it that were emptied, and that nobody has filled since, refer to it again.
    """
    found = _binned(writer, sobject, record_id)
    writer.check_unique(sobject, found, record_id)
    row: Current = {"IsDeleted": 0}
    if "MasterRecordId" in sobject.fields:
        row["MasterRecordId"] = None
    writer.tables.change(sobject, record_id, row | writer.touched())
    writer.tally[sobject.name, "undeleted"] += 1
    writer.tables.restore(writer.schema.objects, record_id)
    for child in writer.schema.children(sobject):
        if child.field.cascade:
            for one in writer.tables.matching(child.sobject, child.field, record_id, binned=True):
                went = writer.tables.find(child.sobject, one)
                if went and went["SystemModstamp"] == found["SystemModstamp"]:
                    undelete(writer, child.sobject, one)


def empty(writer: "Writer", sobject: SObject, record_id: str) -> None:
    """Take a record of the recycle bin away for ever, with its children there."""
    found = _binned(writer, sobject, record_id)
    for child in writer.schema.children(sobject):
        if child.field.cascade:
            for one in writer.tables.matching(child.sobject, child.field, record_id, binned=True):
                empty(writer, child.sobject, one)
    writer.tables.remove(sobject, record_id, str(found["SystemModstamp"]))
    writer.tally[sobject.name, "removed"] += 1


def _binned(writer: "Writer", sobject: SObject, record_id: str) -> Current:
    if (found := writer.tables.find(sobject, record_id)) is None:
        raise ApiError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", 404, [])
    if not found["IsDeleted"]:
        raise ApiError("UNDELETE_FAILED", NOT_BINNED, fields=[])
    return found
