"""What a body has to fulfil before its record is saved."""

from collections.abc import Iterable, Mapping

from crmlink_salesforce_sim.errors import ApiError, together
from crmlink_salesforce_sim.schema import Field, Schema, SObject
from crmlink_salesforce_sim.tables import Current, Tables
from crmlink_salesforce_sim.values import Stored, stored

READ_ONLY = (
    "Unable to create/update fields: {}. Please check the security settings of this field and"
    " verify that it is read/write for your profile or permission set."
)
MASTER = "012000000000000AAA"
WHOLE_REQUEST = ("JSON_PARSER_ERROR", "INVALID_FIELD")  # no record is read on after these


class Checks:
    """Reads bodies and refuses what an org refuses; several mistakes are told at once."""

    def __init__(self, schema: Schema, tables: Tables) -> None:
        self._schema = schema
        self._tables = tables

    def given(self, sobject: SObject, body: Mapping[str, object], *, creating: bool) -> Current:
        """Return the values a body gives."""
        row: Current = {}
        errors, read_only = list[ApiError](), list[str]()
        for name, value in body.items():
            if name == "attributes":
                continue
            if isinstance(value, dict) and (parent := sobject.parent(name)) is not None:
                row[parent.name] = self._parent(parent, value)
                continue
            field = _known(sobject, name)
            if field.name == "Id":
                raise _id_in_body(creating=creating)
            if not (field.createable if creating else field.updateable):
                read_only.append(field.name)
                continue
            try:
                row[field.name] = self._value(field, value)
            except ApiError as exc:
                if exc.code in WHOLE_REQUEST:
                    raise
                errors.append(exc)
        if read_only:
            message = READ_ONLY.format(", ".join(read_only))
            errors.append(ApiError("INVALID_FIELD_FOR_INSERT_UPDATE", message, fields=read_only))
        if (error := together(errors)) is not None:
            raise error
        return row

    def required(self, sobject: SObject, row: Current, names: Iterable[str]) -> None:
        """Refuse a record that lacks what it needs."""
        needed = sobject.required_names
        if missing := [name for name in names if name in needed and row.get(name) is None]:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise ApiError("REQUIRED_FIELD_MISSING", message, fields=missing)

    def unique(self, sobject: SObject, row: Current, own: str | None) -> None:
        """Refuse values that have to be unique and are taken."""
        for name in sobject.unique_names:
            if (value := row.get(name)) is None:
                continue
            found = self._tables.matching(sobject, sobject.fields[name], value)
            if taken := [one for one in found if one != own]:
                message = (
                    f"duplicate value found: {name} duplicates value on record with id:"
                    f" {taken[0][:15]}"
                )
                raise ApiError("DUPLICATE_VALUE", message, fields=[])

    def _value(self, field: Field, value: object) -> Stored:
        found = stored(field, value)
        if found == MASTER:  # the record type that stands for none
            return None
        if field.type == "reference" and isinstance(found, str):
            self._check_reference(field, found)
        return found

    def _check_reference(self, field: Field, record_id: str) -> None:
        target = self._schema.of_id(record_id)
        if target is None and field.loose:
            return
        if target is None or target.name not in field.referenceTo:
            message = f"{field.label}: id value of incorrect type: {record_id}"
            raise ApiError("MALFORMED_ID", message, fields=[field.name])
        deleted = self._tables.deleted(target, record_id)
        if deleted is None:
            message = "invalid cross reference id"
            raise ApiError("INVALID_CROSS_REFERENCE_KEY", message, fields=[field.name])
        if deleted:
            raise ApiError("ENTITY_IS_DELETED", "entity is deleted", fields=[])

    def _parent(self, reference: Field, value: dict[str, object]) -> str:
        """Find a parent by an external id given in its place."""
        target = self._target(reference, value)
        keys = [(n, v) for n, v in value.items() if n != "attributes"]
        key = _known(target, keys[0][0]) if len(keys) == 1 else None
        if key is None or not key.lookup:
            message = f"{reference.relationshipName}: one external id of {target.name} is needed"
            raise ApiError("INVALID_FIELD", message)
        found = self._tables.matching(target, key, stored(key, keys[0][1]))
        if len(found) != 1:
            message = (
                f"Foreign key external ID: {keys[0][1]} not found for field {key.name} in entity"
                f" {target.name}"
            )
            raise ApiError("INVALID_FIELD", message, fields=[])
        return found[0]

    def _target(self, reference: Field, value: dict[str, object]) -> SObject:
        """Return the object a nested parent is of; one of several has to be named first."""
        if len(reference.referenceTo) == 1:
            return self._schema.objects[reference.referenceTo[0]]
        attributes = value.get("attributes")
        if next(iter(value), None) != "attributes" or not isinstance(attributes, dict):
            message = (
                "Nested object for polymorphic foreign key must have an attributes field before"
                " any other fields."
            )
            raise ApiError("JSON_PARSER_ERROR", message)
        target = self._schema.find(str(attributes.get("type")))
        if target is None or target.name not in reference.referenceTo:
            message = f"{reference.relationshipName}: {attributes.get('type')} is no parent of it"
            raise ApiError("INVALID_FIELD", message)
        return target


def _known(sobject: SObject, name: str) -> Field:
    if (field := sobject.find(name)) is None:
        message = f"No such column '{name}' on sobject of type {sobject.name}"
        raise ApiError("INVALID_FIELD", message)
    return field


def _id_in_body(*, creating: bool) -> ApiError:
    if creating:
        message = "cannot specify Id in an insert call"
        return ApiError("INVALID_FIELD_FOR_INSERT_UPDATE", message, fields=["Id"])
    return ApiError("INVALID_FIELD", "The Id field should not be specified in the sobject data.")
