"""What single rows and collections of rows share."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from crmlink_salesforce_sim.api.call import Call
from crmlink_salesforce_sim.dml import DmlOptions
from crmlink_salesforce_sim.errors import ApiError, Row, not_found
from crmlink_salesforce_sim.ids import full_id, required_id
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.queries import Queries
from crmlink_salesforce_sim.records import Body, Writer
from crmlink_salesforce_sim.schema import Field, SObject
from crmlink_salesforce_sim.soql.compile import Compiler
from crmlink_salesforce_sim.store import quoted
from crmlink_salesforce_sim.values import stored


def saving(org: Org, call: Call) -> AbstractContextManager[Writer]:
    """Return a transaction that writes as the call's user, by the call's headers."""
    return org.writing(call.user, call.client, DmlOptions.of(call.headers, call.version))


def created(record_id: str) -> Row:
    """Return what a successful create answers."""
    return {"id": record_id, "success": True, "errors": []}


def row_key(sobject: SObject, text: str) -> str:
    """Return the id in a path; it has to be one of this object."""
    record_id = required_id(text)
    if not record_id.startswith(sobject.key_prefix):
        message = f"{sobject.label} ID: id value of incorrect type: {text}"
        raise ApiError("MALFORMED_ID", message, fields=["Id"])
    return record_id


def key_field(sobject: SObject, name: str) -> Field:
    """Return the field records are addressed by; it has to be made for that."""
    field = sobject.find(name)
    if field is None or not field.lookup:
        message = f"Provided external ID field does not exist or is not accessible: {name}"
        raise not_found(message)
    return field


def find_by(writer: Writer, sobject: SObject, name: str, value: object) -> list[str]:
    """Return the ids of the records an external id names."""
    field = key_field(sobject, name)
    if field.name == "Id":
        found = row_key(sobject, str(value))
        return writer.matching(sobject, field, found)
    return writer.matching(sobject, field, stored(field, value))


def upsert(
    writer: Writer,
    sobject: SObject,
    name: str,
    value: object,
    body: Body,
    *,
    found: list[str],
    update_only: bool = False,
) -> tuple[str, bool]:
    """Change the one record found, or create it; return its id and whether it is new."""
    field = key_field(sobject, name)
    for given in body:
        if given.lower() in ("id", field.name.lower()):
            label = field.name if given.lower() == field.name.lower() else "Id"
            message = f"The {label} field should not be specified in the sobject data."
            raise ApiError("INVALID_FIELD", message)
    if found:
        writer.update(sobject, found[0], body)
        return found[0], False
    if update_only or field.name == "Id":
        raise not_found()
    return writer.create(sobject, {**body, field.name: value}), True


def names_of(sobject: SObject, names: Sequence[str]) -> list[str]:
    """Return the fields asked for, all of them when none is; INVALID_FIELD names the unknown."""
    found = []
    for name in names:
        if (field := sobject.find(name.strip())) is None:
            message = f"No such column '{name.strip()}' on sobject of type {sobject.name}"
            raise ApiError("INVALID_FIELD", message)
        found.append(field.name)
    return list(dict.fromkeys(found)) or list(sobject.fields)


def listed_fields(text: str) -> list[str]:
    """Return the names in a parameter such as `fields=Id,Name`."""
    return [one for one in text.split(",") if one.strip()]


def readable(
    queries: Queries, sobject: SObject, ids: Sequence[str], names: Sequence[str]
) -> list[Row | None]:
    """Return the records in the order of the ids, None where there is none."""
    schema = queries.org.schema
    text = ["SELECT", ", ".join(names_of(sobject, names)), "FROM", sobject.name]
    plan = Compiler(" ".join(text), schema, queries.org.now()).plan()
    marks = ", ".join("?" * len(ids))
    words = ["SELECT Id FROM", quoted(sobject.name), f"WHERE IsDeleted = 0 AND Id IN ({marks})"]
    with queries.org.store.reading() as connection:
        here = {str(one) for (one,) in connection.execute(" ".join(words), list(ids))}
        rows = connection.execute(plan.by_ids(len(ids)), list(ids)).fetchall()
    by_id = {str(cells[0]): cells for cells in rows}
    records: list[Row | None] = []
    for one in map(full_id, ids):
        if one is None or one not in here:
            records.append(None)
            continue
        record = plan.shape.record(by_id[one], queries.link, schema)
        records.append(record if "Id" in record else {**record, "Id": one})
    return records
