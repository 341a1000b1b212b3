"""One field of an object: what its column, its describe document and its checks need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from crmlink_salesforce_sim.errors import Row

LONG_TEXT = 255  # a text area over this length cannot be filtered
CUSTOM = ("__c", "__s", "__pc")
COLUMN_KINDS = {
    "boolean": "INTEGER NOT NULL DEFAULT 0",
    "int": "INTEGER",
    "long": "INTEGER",
    "double": "REAL",
    "currency": "REAL",
    "percent": "REAL",
    "id": "TEXT",
    "reference": "TEXT",
    "date": "TEXT",
    "datetime": "TEXT",
    "time": "TEXT",
    "base64": "TEXT",
}
UNSORTED = ("address", "location", "multipicklist", "encryptedstring", "base64", "complexvalue")


@dataclass(frozen=True)
class Choice:
    """One value of a picklist."""

    value: str
    label: str
    active: bool = True
    valid_for: str | None = None


@dataclass(frozen=True)
class Field:
    """One field of an object, with what the describe document and validation need.

    `given` is the row of a describe document the field came from; the describe answered keeps it.
    `formula` is what a calculated field is worked out from (see `formulas`).
    """

    name: str
    type: str
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    idLookup: bool = False  # noqa: N815 - the name in describe documents
    externalId: bool = False  # noqa: N815 - the name in describe documents
    unique: bool = False
    caseSensitive: bool = False  # noqa: N815 - the name in describe documents
    indexed: bool = False
    nameField: bool = False  # noqa: N815 - the name in describe documents
    cascade: bool = False
    restrictedDelete: bool = False  # noqa: N815 - the name in describe documents
    restricted: bool = False
    compound: str | None = None
    default: str | int | float | None = None
    defaultValue: bool = False  # noqa: N815 - the name in describe documents
    relationshipName: str | None = None  # noqa: N815 - the name in describe documents
    childRelationshipName: str | None = None  # noqa: N815 - the name in describe documents
    masterDetail: bool = False  # noqa: N815 - as the others
    referenceTo: tuple[str, ...] = ()  # noqa: N815 - the name in describe documents
    choices: tuple[Choice, ...] = ()
    components: Mapping[str, str] = field(default_factory=dict)
    autoNumber: str | None = None  # noqa: N815 - the display format, such as "CP-{0000}"
    formula: object = None
    calculatedFormula: str | None = None  # noqa: N815 - the name in describe documents
    mask: str | None = None
    maskType: str | None = None  # noqa: N815 - the name in describe documents
    html: bool = False
    help: str | None = None
    loose: bool = False  # it refers to objects nobody knows: any id will do
    given: Row | None = None

    @property
    def custom(self) -> bool:
        """Tell whether an admin added it."""
        return self.name.endswith(CUSTOM)

    @property
    def lookup(self) -> bool:
        """Tell whether a record can be addressed by it."""
        return self.idLookup or self.externalId

    @property
    def stored(self) -> bool:
        """Tell whether it has a column; a compound is put together from others."""
        return not self.components and self.type not in ("address", "location")

    @property
    def long_text(self) -> bool:
        """Tell whether no statement filters, sorts or groups by it: a long text, a secret."""
        return self.type in ("encryptedstring", "base64") or (
            self.type == "textarea" and self.length > LONG_TEXT
        )

    @property
    def required(self) -> bool:
        """Tell whether the caller has to give it."""
        given = self.default is not None or self.type == "boolean"
        return not self.nillable and self.createable and not given

    @property
    def calculated(self) -> bool:
        """Tell whether it is a formula field: what a standard object works out itself is none."""
        return self.calculatedFormula is not None

    @cached_property
    def picklist(self) -> tuple[str, ...]:
        """Return the values an admin left active."""
        return tuple(one.value for one in self.choices if one.active)

    @cached_property
    def column(self) -> str:
        """Return the column's declaration; text compares in any letter case unless told."""
        usual = "TEXT" if self.caseSensitive else "TEXT COLLATE NOCASE"
        return COLUMN_KINDS.get(self.type, usual)
