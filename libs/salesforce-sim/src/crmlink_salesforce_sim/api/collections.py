"""Collections: many records in one call, each with its own result."""

from collections.abc import Callable

from crmlink_salesforce_sim.api.call import Answer, Call, as_rows, as_texts
from crmlink_salesforce_sim.api.parts import RollbackError
from crmlink_salesforce_sim.api.router import Router
from crmlink_salesforce_sim.api.rows import (
    created,
    find_by,
    key_field,
    readable,
    row_key,
    saving,
    upsert,
)
from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.ids import required_id
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.queries import Queries
from crmlink_salesforce_sim.records import Writer
from crmlink_salesforce_sim.schema import SObject

MOST_WRITTEN = 200
MOST_READ = 2000
MOST_CHUNKS = 10
ROLLED_BACK = ApiError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone"
    " header",
)

Work = Callable[[Writer, Row], Row]


def add_collections(router: Router) -> None:
    """Add the resources under /composite/sobjects."""
    router.add("composite/sobjects", POST=_create, PATCH=_update, DELETE=_delete)
    router.add("composite/sobjects/*", GET=_read, POST=_read_many)
    router.add("composite/sobjects/*/*", PATCH=_upsert)


def _records(call: Call) -> list[Row]:
    records = as_rows(call.row().get("records"))
    _check_count(len(records), MOST_WRITTEN)
    return records


def _check_count(count: int, most: int) -> None:
    if count > most:
        message = f"record limit reached. Cannot submit more than {most} records into this call"
        raise ApiError("EXCEEDED_ID_LIMIT", message)


def _check_chunks(kinds: list[str]) -> None:
    """Refuse types that change too often: neighbours of one type are saved together."""
    chunks = sum(one != before for one, before in zip(kinds, ["", *kinds], strict=False))
    if chunks > MOST_CHUNKS:
        message = (
            f"Cannot have more than {MOST_CHUNKS} chunks in a single operation. Please rearrange"
            " the data to reduce chunking."
        )
        raise ApiError("LIMIT_EXCEEDED", message)


def _kind_named(record: Row) -> str:
    attributes = record.get("attributes")
    return str(attributes.get("type")).lower() if isinstance(attributes, dict) else ""


def _apply(org: Org, call: Call, records: list[Row], all_or_none: object, work: Work) -> Answer:
    results: list[Row] = []
    try:
        with saving(org, call) as writer:
            results += [_result(org, writer, record, work) for record in records]
            if all_or_none is True and not all(one["success"] for one in results):
                raise RollbackError
    except RollbackError:
        results = [_failed(ROLLED_BACK) if one["success"] else one for one in results]
    return Answer(results)


def _result(org: Org, writer: Writer, record: Row, work: Work) -> Row:
    try:
        with org.store.writing():  # what a failed record did is undone, and that alone
            return work(writer, record)
    except ApiError as exc:
        return _failed(exc)


def _failed(error: ApiError) -> Row:
    return {"success": False, "errors": error.items()}


def _kind(org: Org, record: Row) -> SObject:
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(name, str):
        message = "attributes.type is required for each record of a collection"
        raise ApiError("INVALID_TYPE", message)
    if (found := org.schema.find(name)) is None:
        raise ApiError("INVALID_TYPE", f"sObject type '{name}' is not supported.")
    return found


def _create(org: Org, call: Call) -> Answer:
    def work(writer: Writer, record: Row) -> Row:
        return created(writer.create(_kind(org, record), record))

    records = _records(call)
    _check_chunks([_kind_named(one) for one in records])
    return _apply(org, call, records, call.row().get("allOrNone"), work)


def _update(org: Org, call: Call) -> Answer:
    seen: set[str] = set()

    def work(writer: Writer, record: Row) -> Row:
        sobject = _kind(org, record)
        keys = [name for name in record if name.lower() == "id"]
        if not keys or not record[keys[0]]:
            raise ApiError("MISSING_ARGUMENT", "Id not specified in an update call")
        record_id = row_key(sobject, str(record[keys[0]]))
        if record_id in seen:
            raise ApiError("DUPLICATE_VALUE", f"Duplicate id specified: {record_id}")
        seen.add(record_id)
        body = {name: value for name, value in record.items() if name not in keys}
        writer.update(sobject, record_id, body)
        return created(record_id)

    records = _records(call)
    _check_chunks([_kind_named(one) for one in records])
    return _apply(org, call, records, call.row().get("allOrNone"), work)


def _delete(org: Org, call: Call) -> Answer:
    ids = [one.strip() for one in call.params.get("ids", "").split(",") if one.strip()]
    _check_count(len(ids), MOST_WRITTEN)
    _check_chunks([one[:3] for one in ids])

    def work(writer: Writer, record: Row) -> Row:
        record_id = required_id(str(record["id"]))
        if (sobject := org.schema.of_id(record_id)) is None:
            raise ApiError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        writer.delete(sobject, record_id)
        return created(record_id)

    records: list[Row] = [{"id": one} for one in ids]
    return _apply(org, call, records, call.flag("allOrNone"), work)


def _upsert(org: Org, call: Call, name: str, field_name: str) -> Answer:
    sobject = org.schema.required(name)
    field = key_field(sobject, field_name)
    seen: set[str] = set()

    def work(writer: Writer, record: Row) -> Row:
        if _kind(org, record) is not sobject:
            raise ApiError("INVALID_TYPE", f"every record has to be of type {sobject.name}")
        keys = [one for one in record if one.lower() == field.name.lower()]
        value = record[keys[0]] if keys else None
        if value in (None, ""):
            raise ApiError("MISSING_ARGUMENT", f"{field.name} not specified")
        if str(value).lower() in seen:
            raise ApiError("DUPLICATE_VALUE", f"Duplicate external id specified: {value}")
        seen.add(str(value).lower())
        found = find_by(writer, sobject, field.name, value)
        if len(found) > 1:
            listed = ", ".join(found)
            message = f"{field.name}: more than one record found for external id field: [{listed}]"
            raise ApiError("DUPLICATE_EXTERNAL_ID", message)
        body = {one: given for one, given in record.items() if one not in keys}
        record_id, is_new = upsert(writer, sobject, field.name, value, body, found=found)
        return created(record_id) | {"created": is_new}

    return _apply(org, call, _records(call), call.row().get("allOrNone"), work)


def _read(org: Org, call: Call, name: str) -> Answer:
    ids = call.params.get("ids", "").split(",")
    return _retrieve(org, call, name, ids, call.params.get("fields", "").split(","))


def _read_many(org: Org, call: Call, name: str) -> Answer:
    body = call.row()
    return _retrieve(org, call, name, as_texts(body.get("ids")), as_texts(body.get("fields")))


def _retrieve(org: Org, call: Call, name: str, ids: list[str], names: list[str]) -> Answer:
    _check_count(len(ids), MOST_READ)
    sobject = org.schema.required(name)
    fields = [one for one in names if one.strip()]
    if not fields:
        raise ApiError("MISSING_ARGUMENT", "fields not specified")
    wanted = [row_key(sobject, one.strip()) for one in ids if one.strip()]
    queries = Queries(org, call.user, call.version)
    return Answer(readable(queries, sobject, wanted, fields))
