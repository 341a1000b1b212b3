"""sObjects: describe documents, rows, and rows by an external id."""

from crmlink_salesforce_sim.api.call import Answer, Call, as_rows
from crmlink_salesforce_sim.api.router import Router, record_path
from crmlink_salesforce_sim.api.rows import created, find_by, readable, row_key, upsert
from crmlink_salesforce_sim.describe import MASTER, record_type_info
from crmlink_salesforce_sim.errors import ApiError, Row, not_found
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.queries import Queries
from crmlink_salesforce_sim.schema import SObject

ANSWERS_UPDATED = 46  # before it, an upsert that updates answers nothing


def add_sobjects(router: Router) -> None:
    """Add the resources under /sobjects."""
    router.add("sobjects", GET=_all)
    router.add("sobjects/*", GET=_basic, POST=_create)
    router.add("sobjects/*/describe", GET=_describe)
    row = {"GET": _read, "PATCH": _update, "DELETE": _delete, "HEAD": _read}
    router.add("sobjects/*/*", **row)
    by = {"GET": _read_by, "PATCH": _upsert, "DELETE": _delete_by, "HEAD": _read_by}
    router.add("sobjects/*/*/*", **by)


def _all(org: Org, call: Call) -> Answer:
    return _unless_same(org, call, Answer(org.describes.listed(call.version)))


def _basic(org: Org, call: Call, name: str) -> Answer:
    sobject = org.schema.required(name)
    listed = org.describes.listed(call.version)["sobjects"]
    [summary] = [one for one in as_rows(listed) if one["name"] == sobject.name]
    return Answer({"objectDescribe": summary, "recentItems": []})


def _describe(org: Org, call: Call, name: str) -> Answer:
    sobject = org.schema.required(name)
    document = org.describes.of(sobject, call.version, record_types(org, sobject))
    headers = {"ETag": document.etag}
    return _unless_same(org, call, Answer(document.body, headers=headers))


def _unless_same(org: Org, call: Call, answer: Answer) -> Answer:
    if org.describes.unchanged_since(call.headers.get("if-modified-since")):
        return Answer(status=304)
    answer.headers["Last-Modified"] = org.describes.last_modified
    return answer


def record_types(org: Org, sobject: SObject) -> list[Row]:
    """Return the record types of an object, Master last."""
    with org.store.reading() as connection:
        rows = connection.execute(
            "SELECT Name, DeveloperName, Id FROM RecordType WHERE SobjectType = ? ORDER BY Id",
            (sobject.name,),
        ).fetchall()
    kinds = [*rows, ("Master", "Master", MASTER)]
    return [record_type_info(name, developer, kind, sobject) for name, developer, kind in kinds]


def _create(org: Org, call: Call, name: str) -> Answer:
    sobject, body = org.schema.required(name), call.row()
    with org.writing(call.user, call.client) as writer:
        record_id = writer.create(sobject, body)
    headers = {"Location": record_path(call, sobject.name, record_id)}
    return Answer(created(record_id), 201, headers)


def _read(org: Org, call: Call, name: str, key: str) -> Answer:
    sobject = org.schema.required(name)
    record_id = row_key(sobject, key)
    fields = [one for one in call.params.get("fields", "").split(",") if one.strip()]
    queries = Queries(org, call.user, call.version)
    if (record := readable(queries, sobject, [record_id], fields)[0]) is None:
        raise _gone(org, sobject, record_id)
    return Answer(record)


def _gone(org: Org, sobject: SObject, record_id: str) -> ApiError:
    with org.writing("", "") as writer:
        try:
            writer.current(sobject, record_id)
        except ApiError as exc:
            if exc.code == "ENTITY_IS_DELETED":
                return exc
    return not_found()


def _update(org: Org, call: Call, name: str, key: str) -> Answer:
    sobject, body = org.schema.required(name), call.row()
    with org.writing(call.user, call.client) as writer:
        writer.update(sobject, row_key(sobject, key), body)
    return Answer(status=204)


def _delete(org: Org, call: Call, name: str, key: str) -> Answer:
    sobject = org.schema.required(name)
    with org.writing(call.user, call.client) as writer:
        writer.delete(sobject, row_key(sobject, key))
    return Answer(status=204)


def _one(org: Org, call: Call, sobject: SObject, field: str, value: str) -> str | Answer:
    with org.writing(call.user, call.client) as writer:
        found = find_by(writer, sobject, field, value)
    if not found:
        raise not_found()
    return found[0] if len(found) == 1 else _several(call, sobject, found)


def _several(call: Call, sobject: SObject, found: list[str]) -> Answer:
    return Answer([record_path(call, sobject.name, one) for one in found], 300)


def _read_by(org: Org, call: Call, name: str, field: str, value: str) -> Answer:
    found = _one(org, call, org.schema.required(name), field, value)
    return _read(org, call, name, found) if isinstance(found, str) else found


def _delete_by(org: Org, call: Call, name: str, field: str, value: str) -> Answer:
    found = _one(org, call, org.schema.required(name), field, value)
    return _delete(org, call, name, found) if isinstance(found, str) else found


def _upsert(org: Org, call: Call, name: str, field: str, value: str) -> Answer:
    sobject, body = org.schema.required(name), call.row()
    if value.lower().endswith(".inc"):  # it looks like a file to the org's web server
        raise not_found()
    with org.writing(call.user, call.client) as writer:
        found = find_by(writer, sobject, field, value)
        if len(found) > 1:
            return _several(call, sobject, found)
        update_only = call.flag("updateOnly")
        record_id, is_new = upsert(
            writer, sobject, field, value, body, found=found, update_only=update_only
        )
    if not is_new and int(call.version.partition(".")[0]) < ANSWERS_UPDATED:
        return Answer(status=204)
    headers = {"Location": record_path(call, sobject.name, record_id)} if is_new else {}
    return Answer(created(record_id) | {"created": is_new}, 201 if is_new else 200, headers)
