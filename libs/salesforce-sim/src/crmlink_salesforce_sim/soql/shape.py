"""Rows of SQL to records as the data API nests them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import field as default

from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.schema import Field, Schema, SObject

Cell = str | int | float | None
Cells = Sequence[Cell]
Link = Callable[[SObject, str], str]


@dataclass
class Shape:
    """One level of a record: its fields, and the parents nested in it.

    `kind` is the type it tells; the record's own object without it. A parent that may be of
    several objects tells Name.
    """

    sobject: SObject
    id_at: int
    kind: str | None = None
    parts: dict[str, "Part"] = default(default_factory=dict)

    def record(self, cells: Cells, link: Link, schema: Schema) -> Row:
        """Return the record of a row."""
        record_id = str(cells[self.id_at])
        kind = schema.of_id(record_id) or self.sobject
        told = self.kind or kind.name
        record: Row = {"attributes": {"type": told, "url": link(kind, record_id)}}
        for name, part in self.parts.items():
            if isinstance(part, Slot):
                record[name] = part.value(cells)
            elif isinstance(part, Hole):
                record[name] = None
            else:
                missing = cells[part.id_at] is None
                record[name] = None if missing else part.record(cells, link, schema)
        return record


@dataclass
class Choice:
    """A parent told by TYPEOF: what is selected depends on which object it is."""

    id_at: int
    shapes: dict[str, Shape]
    otherwise: Shape

    def record(self, cells: Cells, link: Link, schema: Schema) -> Row:
        """Return the record of a row."""
        kind = schema.of_id(str(cells[self.id_at]))
        shape = self.shapes.get(kind.name if kind else "", self.otherwise)
        return shape.record(cells, link, schema)


@dataclass(frozen=True)
class Slot:
    """A field, and where its cells are: several for a compound field."""

    field: Field
    at: tuple[int, ...]
    written: Callable[[Field, Cell], object] | None = None

    def value(self, cells: Cells) -> object:
        """Return the value as JSON has it."""
        if self.field.components:
            return _compound(self.field, [cells[n] for n in self.at])
        cell = cells[self.at[0]]
        return self.written(self.field, cell) if self.written else as_json(self.field, cell)


@dataclass(frozen=True)
class Hole:
    """Where the children of a record go, once they are read."""


Part = Shape | Choice | Slot | Hole

ADDRESS_KEYS = (
    *("city", "country", "countryCode", "geocodeAccuracy", "latitude", "longitude"),
    *("postalCode", "state", "stateCode", "street"),
)  # facts §5: an address always tells them all


def as_json(field: Field, cell: Cell) -> object:
    """Return the value of a stored field as JSON has it."""
    return bool(cell) if field.type == "boolean" and cell is not None else cell


def _compound(field: Field, cells: Cells) -> Row | None:
    given: Row = dict(zip(field.components, cells, strict=True))
    if all(value is None for value in given.values()):
        return None
    if field.type != "address":
        return given
    return dict(sorted({**dict.fromkeys(ADDRESS_KEYS), **given}.items()))
