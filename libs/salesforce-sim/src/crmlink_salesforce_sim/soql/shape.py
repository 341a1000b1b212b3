"""Rows of SQL to records as the data API nests them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import field as default

from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.schema import Field, Schema, SObject

Cell = str | int | float | None
Cells = Sequence[Cell]


@dataclass
class Shape:
    """One level of a record: its fields, and the parents nested in it."""

    sobject: SObject
    id_at: int
    parts: dict[str, "Part"] = default(default_factory=dict)

    def record(self, cells: Cells, link: Callable[[SObject, str], str], schema: Schema) -> Row:
        """Return the record of a row."""
        record_id = str(cells[self.id_at])
        kind = schema.of_id(record_id) or self.sobject
        record: Row = {"attributes": {"type": kind.name, "url": link(kind, record_id)}}
        for name, part in self.parts.items():
            if isinstance(part, Shape):
                missing = cells[part.id_at] is None
                record[name] = None if missing else part.record(cells, link, schema)
            else:
                record[name] = part.value(cells)
        return record


@dataclass(frozen=True)
class Slot:
    """A field, and where its cells are: several for a compound field."""

    field: Field
    at: tuple[int, ...]

    def value(self, cells: Cells) -> object:
        """Return the value as JSON has it."""
        if self.field.components:
            return _address(self.field, [cells[n] for n in self.at])
        return as_json(self.field, cells[self.at[0]])


Part = Shape | Slot


def as_json(field: Field, cell: Cell) -> object:
    """Return the value of a stored field as JSON has it."""
    return bool(cell) if field.type == "boolean" and cell is not None else cell


def _address(field: Field, cells: Cells) -> Row | None:
    given: Row = dict(zip(field.components, cells, strict=True))
    if all(value is None for value in given.values()):
        return None
    empty: Row = dict.fromkeys(("geocodeAccuracy", "latitude", "longitude"))
    return dict(sorted({**empty, **given}.items()))
