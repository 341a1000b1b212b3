"""One call of a write: how it is sent, and the answer of each request in it."""

from __future__ import annotations

from collections.abc import Sequence

from crmlink_common.salesforce.composite import Subrequest, composite_body, read_composite
from crmlink_common.salesforce.errors import SalesforceError
from crmlink_common.salesforce.ids import to_18
from crmlink_common.salesforce.opening import Timeouts
from crmlink_common.salesforce.records import Record, json_of
from crmlink_common.salesforce.session import Session
from crmlink_common.salesforce.write_keys import find, in_path, without
from crmlink_common.salesforce.write_plan import PlannedCall, Way
from crmlink_common.salesforce.writes import (
    ID,
    Operation,
    Outcome,
    Write,
    read_collection,
    read_row,
)

METHODS = {
    Operation.CREATE: "POST",
    Operation.UPDATE: "PATCH",
    Operation.UPSERT: "PATCH",
    Operation.DELETE: "DELETE",
}
NO_CONTENT = 204


def row_request(session: Session, write: Write, record: Record) -> Subrequest:
    """Name the record in the path, unless it is created."""
    path = f"sobjects/{write.sobject}"
    body: Record | None = without(record, "attributes", write.key_field)
    if write.operation is Operation.CREATE:
        path += "/"
    elif write.by_id and write.operation is not Operation.UPSERT:
        path += f"/{to_18(str(find(record, ID)))}"
    else:
        path += f"/{write.key_field}/{in_path(find(record, write.key_field))}"
        path += "?updateOnly=true" if write.options.update_only else ""
    if write.operation is Operation.DELETE:
        body = None
    return Subrequest(METHODS[write.operation], session.data_path(path), body)


def collection_request(session: Session, write: Write, records: Sequence[Record]) -> Subrequest:
    """Carry up to 200 records; of deletes the ids are in the path, some 3,800 characters."""
    path = session.data_path("composite/sobjects")
    whole = write.options.all_or_none
    if write.operation is Operation.DELETE:
        ids = ",".join(to_18(str(find(record, ID))) for record in records)
        return Subrequest("DELETE", f"{path}?ids={ids}&allOrNone={str(whole).lower()}")
    if write.operation is Operation.UPSERT:
        path += f"/{write.sobject}/{write.key_field}"
    body = {"allOrNone": whole, "records": [write.typed(record) for record in records]}
    return Subrequest(METHODS[write.operation], path, body)


def requests_of(
    session: Session, write: Write, call: PlannedCall, records: Sequence[Record]
) -> list[Subrequest]:
    """Render the requests of a call, one per chunk."""
    if call.way in {Way.ROW, Way.ROWS}:
        return [row_request(session, write, records[chunk[0]]) for chunk in call.chunks]
    return [
        collection_request(session, write, [records[position] for position in chunk])
        for chunk in call.chunks
    ]


async def ask(
    session: Session,
    write: Write,
    requests: Sequence[Subrequest],
    timeouts: Timeouts | None = None,
) -> list[object]:
    """Send once; return the JSON or the error of each request, None for an answer without body.

    Sent as not repeatable, though it may be: who sends it again has to know that it is again.
    """
    headers = write.options.headers()
    if len(requests) == 1:
        [one] = requests
        answer = await session.send(
            one.method, one.url, json=one.body, headers=headers, repeatable=False, timeouts=timeouts
        )
        empty = answer.status_code == NO_CONTENT
        return [None if empty else json_of(answer, repeatable=False)]
    body = composite_body(requests)
    if headers:  # those of the whole call are not said to hold for its parts
        for part in body["compositeRequest"]:
            part["httpHeaders"] = headers
    path = session.data_path("composite")
    answer = await session.send(
        "POST", path, json=body, headers=headers, repeatable=False, timeouts=timeouts
    )
    told = json_of(answer, repeatable=False)
    return list(read_composite(told, len(requests), repeatable=False))


def read_answer(
    told: object, write: Write, call: PlannedCall, records: Sequence[Record]
) -> list[Outcome] | SalesforceError:
    """Read what one request of the call answered to its records, or why none has an outcome."""
    if call.way in {Way.ROW, Way.ROWS}:
        return read_row(told, write, records[0])
    return read_collection(told, write, len(records))
