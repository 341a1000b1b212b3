"""The header of a load: which field, or which parent's field, each column fills."""

from collections.abc import Sequence
from dataclasses import dataclass

from crmlink_salesforce_sim.bulk.formats import BadUploadError
from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.schema import Field, Schema, SObject

NULL = "#N/A"
_TRUE, _FALSE = ("true", "1", "yes", "y", "on"), ("false", "0", "no", "n", "off")


@dataclass(frozen=True)
class Column:
    """One column: a field of the object, or a field that names a parent."""

    field: Field
    key: str = ""
    parent_type: str = ""

    def put(self, body: Row, text: str) -> None:
        """Write a cell into a record; an empty cell changes nothing, `#N/A` empties the field."""
        if text == "":
            return
        value = None if text == NULL else text
        if value is None or not self.key:
            body[self.field.name] = self._value(value)
            return
        kind: Row = {"attributes": {"type": self.parent_type}} if self.parent_type else {}
        body[self.field.relationshipName or self.field.name] = {**kind, self.key: value}

    def _value(self, text: str | None) -> object:
        if text is None or self.field.type != "boolean":
            return text
        word = text.lower()
        return word in _TRUE if word in (*_TRUE, *_FALSE) else text


def read_header(schema: Schema, sobject: SObject, names: Sequence[str]) -> list[Column]:
    """Return the columns a header names; BadUploadError when one names nothing."""
    found = [_column(schema, sobject, name.strip()) for name in names]
    wanted = [(one.field.name, one.key) for one in found]
    for n, one in enumerate(wanted):
        if one in wanted[:n]:
            raise BadUploadError(f"InvalidBatch : Duplicate field name : {names[n]}")
    return found


def _column(schema: Schema, sobject: SObject, name: str) -> Column:
    path, _, key = name.partition(".")
    parent_type, _, relation = path.rpartition(":")
    if not key:
        field = sobject.find(name)
        if field is None or not field.stored:
            raise _unknown(name)
        return Column(field)
    reference = sobject.parent(relation)
    if reference is None:
        raise _unknown(name)
    kinds = [parent_type] if parent_type else list(reference.referenceTo)
    for kind in kinds:
        parent = schema.find(kind)
        if parent is not None and (found := parent.find(key)) is not None and found.lookup:
            return Column(reference, found.name, parent.name)
    raise _unknown(name)


def _unknown(name: str) -> BadUploadError:
    return BadUploadError(f"InvalidBatch : Field name not found : {name}")
