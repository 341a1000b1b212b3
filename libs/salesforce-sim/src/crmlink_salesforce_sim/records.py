"""Writing records: what an org checks and sets when one is created, changed or deleted."""

import sqlite3
from collections import Counter
from collections.abc import Mapping

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.ids import make_id
from crmlink_salesforce_sim.schema import Field, Schema, SObject
from crmlink_salesforce_sim.store import Store, quoted
from crmlink_salesforce_sim.values import Stored, stored

Body = Mapping[str, object]
Current = dict[str, Stored]
READ_ONLY = (
    "Unable to create/update fields: {}. Please check the security settings of this field and"
    " verify that it is read/write for your profile or permission set."
)
OWN_USER = "$user"


class Writer:
    """Writes records as one user at one moment, inside a transaction."""

    def __init__(
        self, schema: Schema, store: Store, connection: sqlite3.Connection, user: str, stamp: str
    ) -> None:
        self.schema = schema
        self.tally: Counter[tuple[str, str]] = Counter()
        self._store = store
        self._sql = connection
        self._user = user
        self._stamp = stamp

    def create(self, sobject: SObject, body: Body) -> str:
        """Create a record and return its id."""
        self._writable(sobject, "inserted")
        row = self._defaults(sobject) | self._given(sobject, body, creating=True)
        self._required(sobject, row, sobject.fields)
        self._check_unique(sobject, row, None)
        row |= self._name(sobject, row)
        record_id = make_id(sobject.key_prefix, self._store.next_number(sobject))
        row |= {"Id": record_id, "CreatedDate": self._stamp, "CreatedById": self._user}
        row |= self._touched()
        columns = ", ".join(map(quoted, row))
        marks = ", ".join("?" * len(row))
        table = quoted(sobject.name)
        words = ["INSERT INTO", table, f"({columns})", "VALUES", f"({marks})"]
        self._sql.execute(" ".join(words), list(row.values()))
        self.tally[sobject.name, "created"] += 1
        return record_id

    def update(self, sobject: SObject, record_id: str, body: Body) -> None:
        """Change a record that exists."""
        self._writable(sobject, "updated")
        current = self.current(sobject, record_id)
        if sobject.frozen_when and current[sobject.frozen_when]:
            raise ApiError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        row = self._given(sobject, body, creating=False)
        self._required(sobject, row, row)
        self._check_unique(sobject, row, record_id)
        if any(part in row for part in sobject.name_parts):
            row |= self._name(sobject, current | row)
        self._set(sobject, record_id, row | self._touched())
        self.tally[sobject.name, "updated"] += 1

    def delete(self, sobject: SObject, record_id: str) -> None:
        """Put a record, and the children that go with it, into the recycle bin."""
        self._writable(sobject, "deleted")
        self.current(sobject, record_id)
        self._set(sobject, record_id, {"IsDeleted": 1} | self._touched())
        self.tally[sobject.name, "deleted"] += 1
        for child in self.schema.children(sobject):
            if child.field.cascade:
                for one in self.matching(child.sobject, child.field, record_id):
                    self.delete(child.sobject, one)

    def current(self, sobject: SObject, record_id: str) -> Current:
        """Return a record's stored values, or say that it is gone or never was."""
        columns = [one.name for one in sobject.columns]
        names = ", ".join(map(quoted, columns))
        words = ["SELECT", names, "FROM", quoted(sobject.name), "WHERE Id = ?"]
        row = self._sql.execute(" ".join(words), (record_id,)).fetchone()
        if row is None:
            raise ApiError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", 404, [])
        found: Current = dict(zip(columns, row, strict=True))
        if found["IsDeleted"]:
            raise ApiError("ENTITY_IS_DELETED", "entity is deleted", 404, [])
        return found

    def matching(self, sobject: SObject, field: Field, value: Stored) -> list[str]:
        """Return the ids of the records with that value, oldest first."""
        table = quoted(sobject.name)
        test = f"WHERE {quoted(field.name)} = ? AND IsDeleted = 0 ORDER BY Id"
        words = ["SELECT Id FROM", table, test]
        rows = self._sql.execute(" ".join(words), (value,))
        return [str(one) for (one,) in rows]

    def _set(self, sobject: SObject, record_id: str, row: Current) -> None:
        changes = ", ".join(f"{quoted(name)} = ?" for name in row)
        words = ["UPDATE", quoted(sobject.name), "SET", changes, "WHERE Id = ?"]
        self._sql.execute(" ".join(words), [*row.values(), record_id])

    def _touched(self) -> Current:
        return {
            "LastModifiedDate": self._stamp,
            "LastModifiedById": self._user,
            "SystemModstamp": self._stamp,
        }

    def _writable(self, sobject: SObject, verb: str) -> None:
        if not sobject.writable:
            message = f"entity type cannot be {verb}: {sobject.label}"
            raise ApiError("INVALID_TYPE_FOR_OPERATION", message)

    def _defaults(self, sobject: SObject) -> Current:
        row: Current = {}
        for field in sobject.columns:
            if field.default is not None:
                row[field.name] = self._user if field.default == OWN_USER else field.default
            elif field.defaultValue:
                row[field.name] = 1
        return row

    def _given(self, sobject: SObject, body: Body, *, creating: bool) -> Current:
        row: Current = {}
        read_only = []
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
            row[field.name] = self._value(field, value)
        if read_only:
            message = READ_ONLY.format(", ".join(read_only))
            raise ApiError("INVALID_FIELD_FOR_INSERT_UPDATE", message, fields=read_only)
        return row

    def _value(self, field: Field, value: object) -> Stored:
        found = stored(field, value)
        if field.type == "reference" and isinstance(found, str):
            self._check_reference(field, found)
        return found

    def _check_reference(self, field: Field, record_id: str) -> None:
        target = self.schema.of_id(record_id)
        if target is None or target.name not in field.referenceTo:
            message = f"{field.label}: id value of incorrect type: {record_id}"
            raise ApiError("MALFORMED_ID", message, fields=[field.name])
        words = ["SELECT IsDeleted FROM", quoted(target.name), "WHERE Id = ?"]
        row = self._sql.execute(" ".join(words), (record_id,)).fetchone()
        if row is None:
            message = "invalid cross reference id"
            raise ApiError("INVALID_CROSS_REFERENCE_KEY", message, fields=[field.name])
        if row[0]:
            raise ApiError("ENTITY_IS_DELETED", "entity is deleted", fields=[])

    def _parent(self, reference: Field, value: dict[str, object]) -> str:
        """Find a parent by an external id given in its place."""
        if len(reference.referenceTo) > 1 and "attributes" not in value:
            message = (
                "Nested object for polymorphic foreign key must have an attributes field before"
                " any other fields."
            )
            raise ApiError("JSON_PARSER_ERROR", message)
        target = self.schema.objects[reference.referenceTo[-1]]
        keys = [(n, v) for n, v in value.items() if n != "attributes"]
        key = _known(target, keys[0][0]) if len(keys) == 1 else None
        if key is None or not key.lookup:
            message = f"{reference.relationshipName}: one external id of {target.name} is needed"
            raise ApiError("INVALID_FIELD", message)
        found = self.matching(target, key, stored(key, keys[0][1]))
        if len(found) != 1:
            message = (
                f"Foreign key external ID: {keys[0][1]} not found for field {key.name} in entity"
                f" {target.name}"
            )
            raise ApiError("INVALID_FIELD", message, fields=[])
        return found[0]

    def _required(self, sobject: SObject, row: Current, names: Mapping[str, object]) -> None:
        missing = [
            name for name in names if sobject.fields[name].required and row.get(name) is None
        ]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise ApiError("REQUIRED_FIELD_MISSING", message, fields=missing)

    def _check_unique(self, sobject: SObject, row: Current, own: str | None) -> None:
        for name, value in row.items():
            if value is None or not sobject.fields[name].unique:
                continue
            taken = [
                one for one in self.matching(sobject, sobject.fields[name], value) if one != own
            ]
            if taken:
                message = (
                    f"duplicate value found: {name} duplicates value on record with id:"
                    f" {taken[0][:15]}"
                )
                raise ApiError("DUPLICATE_VALUE", message, fields=[])

    def _name(self, sobject: SObject, row: Current) -> Current:
        if not sobject.name_parts:
            return {}
        parts = (row.get(part) for part in sobject.name_parts)
        return {"Name": " ".join(str(part) for part in parts if part)}


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
