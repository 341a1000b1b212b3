"""sObjects: describe documents, recently used records, and rows by id."""

from crmlink_salesforce_sim.api.call import Answer, Call, as_rows
from crmlink_salesforce_sim.api.conditional import packed_tag
from crmlink_salesforce_sim.api.record_rows import create_row, delete_row, read_row, update_row
from crmlink_salesforce_sim.api.replication import add_replication
from crmlink_salesforce_sim.api.router import Router
from crmlink_salesforce_sim.api.rows import readable
from crmlink_salesforce_sim.api.upserts import add_upserts
from crmlink_salesforce_sim.describe import MASTER, record_type_info
from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.queries import Queries
from crmlink_salesforce_sim.schema import SObject

SHOWN_RECENT = 5


def add_sobjects(router: Router) -> None:
    """Add the resources under /sobjects, and /recent."""
    router.add("recent", GET=_recent)
    router.add("sobjects", GET=_all)
    router.add("sobjects/*", GET=_basic, POST=create_row)
    router.add("sobjects/*/describe", GET=_describe)
    add_replication(router)
    add_upserts(router)
    row = {"GET": read_row, "HEAD": read_row, "PATCH": update_row, "DELETE": delete_row}
    router.add("sobjects/*/*", **row)


def _all(org: Org, call: Call) -> Answer:
    return _unless_same(org, call, Answer(org.describes.listed(call.version)))


def _basic(org: Org, call: Call, name: str) -> Answer:
    sobject = org.schema.required(name)
    listed = org.describes.listed(call.version)["sobjects"]
    [summary] = [one for one in as_rows(listed) if one["name"] == sobject.name]
    ids = org.recent.of(call.user, sobject.name)[:SHOWN_RECENT]
    return Answer({"objectDescribe": summary, "recentItems": _items(org, call, ids)})


def _describe(org: Org, call: Call, name: str) -> Answer:
    sobject = org.schema.required(name)
    document = org.describes.of(sobject, call.version, record_types(org, sobject))
    headers = {"ETag": packed_tag(document.etag, call.headers, "--gzip")}
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


def _recent(org: Org, call: Call) -> Answer:
    text = call.params.get("limit", "200")
    if not text.isdigit():
        raise ApiError("INVALID_QUERY_LOCATOR", f"limit is not a number: {text}")
    return Answer(_items(org, call, org.recent.of(call.user)[: int(text)]))


def _items(org: Org, call: Call, ids: list[str]) -> list[Row]:
    """Return records as recent items: their id and name."""
    queries = Queries(org, call.user, call.version)
    found: list[Row] = []
    for one in ids:
        sobject = org.schema.of_id(one)
        if sobject is not None:
            names = [field.name for field in sobject.fields.values() if field.nameField]
            found += [row for row in readable(queries, sobject, [one], names or ["Id"]) if row]
    return found
