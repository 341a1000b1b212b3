"""Rows by an external id, or by what they are related to."""

from crmlink_salesforce_sim.api.call import Answer, Call
from crmlink_salesforce_sim.api.record_rows import create_row, delete_row, read_row, update_row
from crmlink_salesforce_sim.api.router import Router, record_path
from crmlink_salesforce_sim.api.rows import (
    created,
    find_by,
    listed_fields,
    names_of,
    row_key,
    saving,
    upsert,
)
from crmlink_salesforce_sim.errors import not_found
from crmlink_salesforce_sim.ids import full_id
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.queries import Queries
from crmlink_salesforce_sim.schema import SObject

ANSWERS_UPDATED = 46  # before it, an upsert that updates answers nothing


def add_upserts(router: Router) -> None:
    """Add the resources under a field, and under a relationship."""
    router.add("sobjects/*/Id", POST=_create)
    methods = {"GET": _read, "HEAD": _read, "PATCH": _change, "DELETE": _delete}
    router.add("sobjects/*/*/*", **methods)


def _create(org: Org, call: Call, name: str) -> Answer:
    return create_row(org, call, name)


def _read(org: Org, call: Call, name: str, field: str, value: str) -> Answer:
    sobject = org.schema.required(name)
    if _related(sobject, field):
        return _read_related(org, call, sobject, field, value)
    found = _one(org, call, sobject, field, value)
    return read_row(org, call, name, found) if isinstance(found, str) else found


def _delete(org: Org, call: Call, name: str, field: str, value: str) -> Answer:
    sobject = org.schema.required(name)
    if _related(sobject, field):
        parent, key = _parent(org, call, sobject, field, value)
        return delete_row(org, call, parent.name, key)
    found = _one(org, call, sobject, field, value)
    return delete_row(org, call, name, found) if isinstance(found, str) else found


def _change(org: Org, call: Call, name: str, field: str, value: str) -> Answer:
    sobject = org.schema.required(name)
    if _related(sobject, field):
        parent, key = _parent(org, call, sobject, field, value)
        return update_row(org, call, parent.name, key)
    return _upsert(org, call, sobject, field, value)


def _upsert(org: Org, call: Call, sobject: SObject, field: str, value: str) -> Answer:
    body = call.row()
    if value.lower().endswith(".inc"):  # it looks like a file to the org's web server
        raise not_found()
    with saving(org, call) as writer:
        found = find_by(writer, sobject, field, value)
        if len(found) > 1:
            return _several(call, sobject, found)
        update_only = call.flag("updateOnly")
        record_id, is_new = upsert(
            writer, sobject, field, value, body, found=found, update_only=update_only
        )
    told = created(record_id)
    if int(call.version.partition(".")[0]) >= ANSWERS_UPDATED:
        told["created"] = is_new
    elif not is_new:
        return Answer(status=204)
    headers = {"Location": record_path(call, sobject.name, record_id)} if is_new else {}
    return Answer(told, 201 if is_new else 200, headers)


def _one(org: Org, call: Call, sobject: SObject, field: str, value: str) -> str | Answer:
    with saving(org, call) as writer:
        found = find_by(writer, sobject, field, value)
    if not found:
        raise not_found()
    return found[0] if len(found) == 1 else _several(call, sobject, found)


def _several(call: Call, sobject: SObject, found: list[str]) -> Answer:
    return Answer([record_path(call, sobject.name, one) for one in found], 300)


def _related(sobject: SObject, field: str) -> bool:
    """Tell whether the path names a record and a relationship, not a field and its value."""
    return sobject.find(field) is None and full_id(field) is not None


def _parent(
    org: Org, call: Call, sobject: SObject, key: str, relationship: str
) -> tuple[SObject, str]:
    """Return the parent a record has through a relationship."""
    if (reference := sobject.parent(relationship)) is None:
        raise not_found()
    with saving(org, call) as writer:
        found = writer.current(sobject, row_key(sobject, key))[reference.name]
    parent = org.schema.of_id(str(found)) if found else None
    if parent is None:
        raise not_found()
    return parent, str(found)


def _read_related(org: Org, call: Call, sobject: SObject, key: str, relationship: str) -> Answer:
    if sobject.parent(relationship) is not None:
        parent, found = _parent(org, call, sobject, key, relationship)
        return read_row(org, call, parent.name, found)
    record_id = row_key(sobject, key)
    for child in org.schema.children(sobject):
        name = child.field.childRelationshipName
        if name and name.lower() == relationship.lower():
            with saving(org, call) as writer:
                writer.current(sobject, record_id)
            fields = listed_fields(call.params.get("fields", ""))
            names = ", ".join(names_of(child.sobject, fields))
            words = ["SELECT", names, "FROM", child.sobject.name]
            words += ["WHERE", child.field.name, f"= '{record_id}'"]
            return Answer(Queries(org, call.user, call.version).run(" ".join(words)))
    raise not_found()
