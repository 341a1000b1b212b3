"""Single rows by their id."""

from crmlink_salesforce_sim.api.call import Answer, Call
from crmlink_salesforce_sim.api.conditional import (
    TAGGED,
    changed_at,
    check_change,
    check_read,
    conditions,
    http_date,
    packed_tag,
    tag_of,
    unchanged,
)
from crmlink_salesforce_sim.api.router import record_path
from crmlink_salesforce_sim.api.rows import created, listed_fields, readable, row_key, saving
from crmlink_salesforce_sim.errors import ApiError, Row, not_found
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.queries import Queries
from crmlink_salesforce_sim.schema import SObject


def create_row(org: Org, call: Call, name: str) -> Answer:
    """Create a record."""
    sobject, body = org.schema.required(name), call.row()
    with saving(org, call) as writer:
        record_id = writer.create(sobject, body)
    _remember(org, call, sobject, record_id)
    headers = {"Location": record_path(call, sobject.name, record_id)}
    return Answer(created(record_id), 201, headers)


def read_row(org: Org, call: Call, name: str, key: str) -> Answer:
    """Answer a record, all of it or some fields."""
    sobject = org.schema.required(name)
    record_id = row_key(sobject, key)
    queries = Queries(org, call.user, call.version)
    fields = listed_fields(call.params.get("fields", ""))
    if (record := readable(queries, sobject, [record_id], fields)[0]) is None:
        raise _gone(org, sobject, record_id)
    _remember(org, call, sobject, record_id)
    tagged = sobject.name in TAGGED
    if not tagged and not conditions(call.headers):
        return Answer(record)
    whole = record
    if fields:
        [whole] = [one or record for one in readable(queries, sobject, [record_id], [])]
    tag, changed = tag_of(whole) if tagged else None, changed_at(whole)
    headers = {} if tag is None else {"ETag": packed_tag(tag, call.headers)}
    if changed is not None:
        headers["Last-Modified"] = http_date(changed)
    check_read(call.headers, tag, changed)
    if unchanged(call.headers, tag, changed):
        return Answer(status=304, headers=headers)
    return Answer(record, headers=headers)


def _gone(org: Org, sobject: SObject, record_id: str) -> ApiError:
    with org.writing("", "") as writer:
        if writer.tables.deleted(sobject, record_id):
            return ApiError("ENTITY_IS_DELETED", "entity is deleted", 404, [])
    return not_found()


def update_row(org: Org, call: Call, name: str, key: str) -> Answer:
    """Change a record."""
    sobject, body = org.schema.required(name), call.row()
    record_id = row_key(sobject, key)
    with saving(org, call) as writer:
        _check(org, call, sobject, record_id)
        writer.update(sobject, record_id, body)
    _remember(org, call, sobject, record_id)
    return Answer(status=204)


def delete_row(org: Org, call: Call, name: str, key: str) -> Answer:
    """Put a record into the recycle bin."""
    sobject = org.schema.required(name)
    record_id = row_key(sobject, key)
    with saving(org, call) as writer:
        writer.delete(sobject, record_id)
    return Answer(status=204)


def _check(org: Org, call: Call, sobject: SObject, record_id: str) -> None:
    """Raise when the call's conditions do not hold; inside the transaction that changes."""
    if not conditions(call.headers):
        return
    queries = Queries(org, call.user, call.version)
    record: Row | None = readable(queries, sobject, [record_id], [])[0]
    tag = tag_of(record) if record is not None and sobject.name in TAGGED else None
    check_change(call.headers, tag, None if record is None else changed_at(record))


def _remember(org: Org, call: Call, sobject: SObject, record_id: str) -> None:
    """Keep the record among the recently used, where the caller asks for it."""
    if "updatemru=true" in call.headers.get("sforce-mru", "").replace(" ", "").lower():
        org.recent.use(call.user, sobject.name, record_id)
