"""Merging: the losers go into the recycle bin, what pointed at them points at the winner."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.schema import SObject
from crmlink_salesforce_sim.tables import Current

if TYPE_CHECKING:
    from crmlink_salesforce_sim.records import Writer

MOST_LOSERS = 2
MASTER = "MasterRecordId"


def merge(
    writer: "Writer",
    sobject: SObject,
    master_id: str,
    loser_ids: Sequence[str],
    values: Mapping[str, object],
) -> list[str]:
    """Merge up to two records into a third of their kind; return the ids that were moved.

    Facts §10: losers are deleted with MasterRecordId = winner, their children are reparented and
    those children's SystemModstamp moves. Raises ApiError when the object cannot be merged, a
    record is missing, or the values are refused.
    """
    _check(writer, sobject, master_id, loser_ids)
    writer.update(sobject, master_id, values)
    moved: list[str] = []
    for loser in loser_ids:
        moved += reparent(writer, sobject, loser, master_id)
        gone: Current = {"IsDeleted": 1, MASTER: master_id}
        writer.tables.change(sobject, loser, gone | writer.touched())
        writer.tally[sobject.name, "merged"] += 1
    return moved


def reparent(writer: "Writer", sobject: SObject, old: str, new: str) -> list[str]:
    """Let everything that refers to one record refer to another; return what was changed."""
    moved = []
    for child in writer.schema.children(sobject):
        if child.field.name == MASTER or child.field.name.startswith("Converted"):
            continue
        for one in writer.tables.matching(child.sobject, child.field, old):
            row: Current = {child.field.name: new}
            writer.tables.change(child.sobject, one, row | writer.touched())
            moved.append(one)
    return moved


def _check(writer: "Writer", sobject: SObject, master_id: str, loser_ids: Sequence[str]) -> None:
    if not sobject.mergeable:
        message = f"entity type {sobject.name} does not support merge"
        raise ApiError("INVALID_TYPE_FOR_OPERATION", message, fields=[])
    if not 0 < len(loser_ids) <= MOST_LOSERS or len({master_id, *loser_ids}) <= len(loser_ids):
        message = "merge needs one master and one or two other records"
        raise ApiError("INVALID_ARGUMENT", message, fields=[])
    for one in (master_id, *loser_ids):
        if not one.startswith(sobject.key_prefix):
            message = f"{sobject.label} ID: id value of incorrect type: {one}"
            raise ApiError("MALFORMED_ID", message, fields=["Id"])
        writer.guard(sobject, one)
        writer.tables.current(sobject, one)
