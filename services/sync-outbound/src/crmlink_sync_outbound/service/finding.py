"""Looks for records by the value they would have."""

from __future__ import annotations

from collections.abc import Sequence

from crmlink_common.errors import PermanentError
from crmlink_common.salesforce.errors import SalesforceError
from crmlink_common.salesforce.soql import select, split_in
from crmlink_sync_outbound.domain.pair import Values
from crmlink_sync_outbound.domain.resolving import OBJECT, OWNERS, Wanted, found_by_key, places
from crmlink_sync_outbound.service.ports import Org

LIST = 8_000  # characters of one IN list
ROWS = 2_000


async def find(
    org: Org, target: str, upsert_field: str, sought: Sequence[str]
) -> dict[str, list[Values]]:
    """Group what the org holds by its upsert field, as compared; deleted records are not seen."""
    records: list[Values] = []
    for values in split_in(sought, LIST):
        records += await _records(org, _query(target, upsert_field, values))
    return found_by_key(records, upsert_field)


async def find_anywhere(
    org: Org, target: str, upsert_field: str, all_wanted: Sequence[Wanted]
) -> dict[str, list[Values]]:
    """Look in each place only for what no earlier one holds; a hit tells its object."""
    found: dict[str, list[Values]] = {}
    for place in places(target, upsert_field):
        sought = [one.sought for one in all_wanted if one.key not in found]
        if sought:
            hits = await find(org, place, upsert_field, sought)
            for key, records in hits.items():
                found[key] = [{**record, OBJECT: place} for record in records]
    return found


def _query(target: str, upsert_field: str, values: str) -> str:
    fields = dict.fromkeys(["Id", upsert_field, "CreatedDate", *OWNERS.get(target, ())])
    where = f"{upsert_field} IN {values}"
    if target == "Lead":
        where += " AND IsConverted = false"
    return select(list(fields), target, where=where, limit=ROWS + 1)


async def _records(org: Org, soql: str) -> list[Values]:
    [told] = await org.query_many([soql])
    if isinstance(told, SalesforceError):
        raise told
    if len(told.records) > ROWS:
        raise PermanentError("more records share these values than can be told apart")
    return list(told.records)
