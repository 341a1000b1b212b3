"""The order of a save: automation, checks, rules, and what the org works out itself."""

import re
from typing import TYPE_CHECKING

from crmlink_salesforce_sim import person_accounts
from crmlink_salesforce_sim.checking import Checks
from crmlink_salesforce_sim.duplicates import check_duplicates
from crmlink_salesforce_sim.errors import ApiError, together
from crmlink_salesforce_sim.expressions import ExpressionError, Record, holds, worked_out
from crmlink_salesforce_sim.ids import full_id
from crmlink_salesforce_sim.schema_field import Field
from crmlink_salesforce_sim.schema_object import SObject
from crmlink_salesforce_sim.standard import settled
from crmlink_salesforce_sim.tables import Current
from crmlink_salesforce_sim.values import Stored, bad_choice, stored

if TYPE_CHECKING:
    from crmlink_salesforce_sim.records import Writer

RECORD_TYPE = "RecordTypeId"
_ZEROS = re.compile(r"\{(0+)\}")


def prepared(
    writer: "Writer", checks: Checks, sobject: SObject, given: Current, before: Current
) -> Current:
    """Return what a save writes: the values given, rewritten, checked, and what follows of them.

    `before` is the record as it was, empty for a new one. Raises the ApiError of what is wrong;
    several rules that refuse are told at once.
    """
    try:
        return _in_order(writer, checks, sobject, given, before)
    except ExpressionError as exc:
        message = f"We can't save this record because a rule of the org failed: {exc}"
        raise ApiError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message, fields=[]) from None


def _in_order(
    writer: "Writer", checks: Checks, sobject: SObject, given: Current, before: Current
) -> Current:
    row = dict(given)
    event = "update" if before else "create"
    check_record_type(writer, sobject, row, before)
    rewrite(writer, sobject, row, before, event)
    fire(writer, sobject, row, before, event)
    row |= person_accounts.named(writer, sobject, row, before)
    checks.required(sobject, row, row if before else sobject.required_names)
    row |= settled(writer, sobject, row, before)
    row |= name_of(sobject, row, before)
    row |= calculated(sobject, before | row)
    checks.unique(sobject, row, None if not before else str(before["Id"]))
    validate(writer, sobject, row, before)
    if writer.automation.of("duplicateRules", sobject.name):
        own = str(before["Id"]) if before else None
        check_duplicates(writer, sobject, before | row, own, row)
    return row


def check_record_type(writer: "Writer", sobject: SObject, row: Current, before: Current) -> None:
    """Refuse a record type that is not an active one of the object, and values it leaves out."""
    if RECORD_TYPE not in sobject.fields or not sobject.record_types:
        return
    chosen = row.get(RECORD_TYPE, before.get(RECORD_TYPE))
    if chosen is None:
        return
    test = 'SELECT DeveloperName FROM "RecordType" WHERE Id = ? AND SobjectType = ? AND IsActive'
    found = next(iter(writer.tables.rows(test, (chosen, sobject.name))), None)
    if found is None:
        if RECORD_TYPE not in row:
            return
        message = f"Record Type ID: this ID value isn't valid for the user: {chosen}"
        raise ApiError("INVALID_CROSS_REFERENCE_KEY", message, fields=[RECORD_TYPE])
    for kind in sobject.record_types:
        if kind.developer_name == found[0]:
            for name, values in kind.picklists.items():
                _narrowed(sobject.fields[name], row.get(name), values)


def _narrowed(field: Field, value: Stored, values: tuple[str, ...]) -> None:
    if field.restricted and isinstance(value, str):
        for one in value.split(";"):
            if one not in values:
                raise bad_choice(field, one)


def rewrite(writer: "Writer", sobject: SObject, row: Current, before: Current, event: str) -> None:
    """Let before-save automation set fields; what it sets has to fit the field."""
    for rule in writer.automation.of("rewrites", sobject.name):
        field = sobject.find(rule.field)
        if field is None or not field.stored or event not in rule.on:
            continue
        record = Record(before | row, before)
        if holds(rule.when, record):
            value = worked_out(rule.value, record)
            row[field.name] = stored(field, _as_json(field, value))


def _as_json(field: Field, value: Stored) -> object:
    return bool(value) if field.type == "boolean" else value


def fire(writer: "Writer", sobject: SObject, row: Current, before: Current, event: str) -> None:
    """Let a trigger fail that is set to."""
    for rule in writer.automation.of("triggers", sobject.name):
        if event in rule.on and holds(rule.when, Record(before | row, before)):
            timing = {"create": "BeforeInsert", "update": "BeforeUpdate", "delete": "BeforeDelete"}
            message = (
                f"{rule.name}: execution of {timing[event]}\n\ncaused by: {rule.message}\n\n"
                f"Trigger.{rule.name}: line 1, column 1"
            )
            raise ApiError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message, fields=[])


def validate(writer: "Writer", sobject: SObject, row: Current, before: Current) -> None:
    """Refuse what the admin's validation rules say is wrong, all of it at once."""
    rules = writer.automation.of("validationRules", sobject.name)
    if not rules:
        return
    record = Record(before | row, before)
    errors = [
        ApiError(
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            rule.message,
            fields=[rule.field] if rule.field else [],
        )
        for rule in rules
        if holds(rule.when, record)
    ]
    if (error := together(errors)) is not None:
        raise error


def name_of(sobject: SObject, row: Current, before: Current) -> Current:
    """Return the compound name when a part of it is saved."""
    if not sobject.name_parts or (before and not any(one in row for one in sobject.name_parts)):
        return {}
    whole = before | row
    parts = (whole.get(part) for part in sobject.name_parts)
    return {"Name": " ".join(str(part) for part in parts if part)}


def calculated(sobject: SObject, whole: Current) -> Current:
    """Return the formula fields of a record."""
    found: Current = {}
    for field in sobject.formulas:
        value = worked_out(field.formula, Record(whole | found))
        if isinstance(value, float) and field.precision:
            value = round(value, field.scale)
        found[field.name] = value
    return found


def numbered(sobject: SObject, number: int) -> Current:
    """Return the auto numbers of a record."""
    return {
        one.name: _ZEROS.sub(lambda zeros: str(number).zfill(len(zeros[1])), one.autoNumber or "")
        for one in sobject.auto_numbers
    }


def assigned(writer: "Writer", sobject: SObject, given: Current) -> Current:
    """Return the owner that assignment gives a new record, if any."""
    if "OwnerId" in given or not writer.options.auto_assign:
        return {}
    for rule in writer.automation.of("assignments", sobject.name):
        if holds(rule.when, Record(given)):
            return {"OwnerId": full_id(rule.owner)}
    return {}
