"""What single rows and collections of rows share."""

from collections.abc import Sequence

from crmlink_salesforce_sim.errors import ApiError, Row, not_found
from crmlink_salesforce_sim.ids import full_id, required_id
from crmlink_salesforce_sim.queries import Queries
from crmlink_salesforce_sim.records import Body, Writer
from crmlink_salesforce_sim.schema import Field, SObject
from crmlink_salesforce_sim.soql.compile import Plan
from crmlink_salesforce_sim.soql.shape import Shape, Slot
from crmlink_salesforce_sim.store import quoted
from crmlink_salesforce_sim.values import stored


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


def readable(
    queries: Queries, sobject: SObject, ids: Sequence[str], names: Sequence[str]
) -> list[Row | None]:
    """Return the records in the order of the ids, None where there is none."""
    plan = _plan(sobject, names)
    with queries.org.store.reading() as connection:
        rows = connection.execute(plan.by_ids(len(ids)) + " AND t.IsDeleted = 0", list(ids))
        by_id = {str(cells[0]): cells for cells in rows}
    schema = queries.org.schema
    return [
        plan.shape.record(by_id[one], queries.link, schema) if one in by_id else None
        for one in map(full_id, ids)
    ]


def _plan(sobject: SObject, names: Sequence[str]) -> Plan:
    plan = Plan(sobject, Shape(sobject, 0), ["t.Id"])
    plan.source = f"FROM {quoted(sobject.name)} t"
    for field in [_named(sobject, name) for name in names] or sobject.fields.values():
        start = len(plan.columns)
        parts = field.components.values() or [field.name]
        plan.columns += [f"t.{quoted(one)}" for one in parts]
        plan.shape.parts[field.name] = Slot(field, tuple(range(start, len(plan.columns))))
    if names:
        id_slot = Slot(sobject.fields["Id"], (0,))
        plan.shape.parts.setdefault("Id", id_slot)
    return plan


def _named(sobject: SObject, name: str) -> Field:
    if (field := sobject.find(name.strip())) is None:
        message = f"No such column '{name.strip()}' on sobject of type {sobject.name}"
        raise ApiError("INVALID_FIELD", message)
    return field
