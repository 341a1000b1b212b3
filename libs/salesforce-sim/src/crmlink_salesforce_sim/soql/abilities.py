"""What statements may do with a field: the same as its describe document says."""

from crmlink_salesforce_sim.schema import Field
from crmlink_salesforce_sim.schema_field import UNSORTED

NEVER_GROUPED = ("double", "currency", "percent", "datetime", "time")


def _told(field: Field, ability: str) -> bool:
    """Tell what the describe document says that the field came from, if it came from one."""
    return field.given is None or field.given.get(ability) is not False


def filterable(field: Field) -> bool:
    """Tell whether WHERE takes the field."""
    return field.stored and not field.long_text and _told(field, "filterable")


def sortable(field: Field) -> bool:
    """Tell whether ORDER BY takes the field."""
    usable = field.stored and not field.long_text and field.type not in UNSORTED
    return usable and _told(field, "sortable")


def groupable(field: Field) -> bool:
    """Tell whether GROUP BY takes the field as it is."""
    settled = field.calculated or field.autoNumber is not None
    usable = sortable(field) and field.type not in NEVER_GROUPED
    return usable and not settled and _told(field, "groupable")


def aggregatable(field: Field) -> bool:
    """Tell whether aggregate functions take the field."""
    return sortable(field) and field.type != "boolean" and _told(field, "aggregatable")
