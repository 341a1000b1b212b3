"""Duplicate rules: records that are probably the same, told before a save."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crmlink_salesforce_sim.automation import DuplicateRule
from crmlink_salesforce_sim.dml import DmlOptions
from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.schema_object import SObject
from crmlink_salesforce_sim.tables import Current

if TYPE_CHECKING:
    from crmlink_salesforce_sim.records import Writer

MISSPELT_UP_TO = 56  # the key was `duplicateResut`
MOST_MATCHES = 10


def check_duplicates(
    writer: "Writer", sobject: SObject, row: Current, own: str | None, changed: Current
) -> None:
    """Refuse a record like others with DUPLICATES_DETECTED (facts §2), unless it may be saved."""
    for rule in writer.automation.of("duplicateRules", sobject.name):
        if rule.action == "alert" and writer.options.allow_save_duplicates:
            continue
        fields = {name for group in rule.match for name in group}
        if own is not None and not fields & changed.keys():
            continue
        found = list(_matches(writer, rule, sobject, row, own))
        if found:
            raise _detected(writer.options, rule, found)


def _matches(
    writer: "Writer", rule: DuplicateRule, sobject: SObject, row: Current, own: str | None
) -> Iterator[tuple[SObject, list[Current]]]:
    for name in rule.against or (sobject.name,):
        if (target := writer.schema.find(name)) is None:
            continue
        found: dict[str, Current] = {}
        for group in rule.match:
            if all(row.get(one) is not None and one in target.fields for one in group):
                values = {one: row[one] for one in group}
                for record in writer.tables.equal(target, values, MOST_MATCHES):
                    found[str(record["Id"])] = record
        found.pop(own or "", None)
        if found:
            yield target, list(found.values())


def _detected(
    options: DmlOptions, rule: DuplicateRule, found: list[tuple[SObject, list[Current]]]
) -> ApiError:
    error = ApiError("DUPLICATES_DETECTED", rule.message)
    key = "duplicateResut" if options.version <= MISSPELT_UP_TO else "duplicateResult"
    error.extra[key] = {
        "allowSave": rule.action == "alert",
        "duplicateRule": rule.name,
        "duplicateRuleEntityType": rule.sobject,
        "errorMessage": rule.message,
        "matchResults": [_result(options, target, records) for target, records in found],
    }
    return error


def _result(options: DmlOptions, target: SObject, records: list[Current]) -> Row:
    return {
        "entityType": target.name,
        "errors": [],
        "matchEngine": "FuzzyMatchEngine",
        "matchRecords": [_match(options, target, one) for one in records],
        "rule": f"Standard_{target.name}_Match_Rule_v1_1",
        "size": len(records),
        "success": True,
    }


def _match(options: DmlOptions, target: SObject, record: Current) -> Row:
    url = f"/services/data/v{options.version}.0/sobjects/{target.name}/{record['Id']}"
    told: Row = {"attributes": {"type": target.name, "url": url}, "Id": record["Id"]}
    if options.include_record_details:
        told |= {name: value for name, value in record.items() if value is not None}
    return {
        "additionalInformation": [],
        "fieldDiffs": [],
        "matchConfidence": 100.0,
        "record": told,
    }
