"""What a load does with each record: the same saves that single calls make."""

from collections.abc import Callable
from dataclasses import dataclass, field

from crmlink_salesforce_sim.api.rows import find_by, key_field, row_key, upsert
from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.records import Writer
from crmlink_salesforce_sim.schema import SObject


@dataclass
class Loading:
    """One slice of a load: the records that are saved together."""

    writer: Writer
    sobject: SObject
    external_id: str = ""
    seen: set[str] = field(default_factory=set)

    def insert(self, body: Row) -> tuple[str, bool]:
        """Create a record; return its id and that it is new."""
        return self.writer.create(self.sobject, body), True

    def update(self, body: Row) -> tuple[str, bool]:
        """Change the record its Id names."""
        record_id = self._id(body, "update")
        rest = {name: value for name, value in body.items() if name != "Id"}
        self.writer.update(self.sobject, record_id, rest)
        return record_id, False

    def delete(self, body: Row) -> tuple[str, bool]:
        """Put the record its Id names into the recycle bin."""
        record_id = self._id(body, "delete")
        self.writer.delete(self.sobject, record_id)
        return record_id, False

    def hard_delete(self, body: Row) -> tuple[str, bool]:
        """Remove the record its Id names past the recycle bin."""
        record_id = self._id(body, "delete")
        self.writer.hard_delete(self.sobject, record_id)
        return record_id, False

    def upsert(self, body: Row) -> tuple[str, bool]:
        """Change the record an external id names, or create it."""
        key = key_field(self.sobject, self.external_id)
        value = body.get(key.name)
        rest = {name: given for name, given in body.items() if name != key.name}
        if value is None:
            if key.name == "Id":
                return self.writer.create(self.sobject, rest), True
            raise ApiError("MISSING_ARGUMENT", f"{key.name} not specified")
        if str(value).lower() in self.seen:
            message = f"Duplicate external id specified: {value}"
            raise ApiError("DUPLICATE_VALUE", message, fields=[key.name])
        self.seen.add(str(value).lower())
        found = find_by(self.writer, self.sobject, key.name, value)
        if len(found) > 1:
            listed = ", ".join(found)
            message = f"{key.name}: more than one record found for external id field: [{listed}]"
            raise ApiError("DUPLICATE_EXTERNAL_ID", message, fields=[key.name])
        return upsert(self.writer, self.sobject, key.name, value, rest, found=found)

    def _id(self, body: Row, verb: str) -> str:
        if not body.get("Id"):
            raise ApiError("MISSING_ARGUMENT", f"Id not specified in an {verb} call")
        return row_key(self.sobject, str(body["Id"]))


Operation = Callable[[Loading, Row], tuple[str, bool]]
OPERATIONS: dict[str, Operation] = {
    "insert": Loading.insert,
    "update": Loading.update,
    "upsert": Loading.upsert,
    "delete": Loading.delete,
    "hardDelete": Loading.hard_delete,
}
IDS_ONLY = ("delete", "hardDelete")
