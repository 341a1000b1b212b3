"""Functions in SOQL: aggregates, and the few that work on one value."""

from crmlink_salesforce_sim.schema import Field
from crmlink_salesforce_sim.soql.fields import Column, Sources
from crmlink_salesforce_sim.soql.nodes import Function, Operand, Path
from crmlink_salesforce_sim.soql.parse import complain

AGGREGATES = {"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"}
OF_TIMES = {
    "CALENDAR_YEAR": (1, 4),
    "CALENDAR_MONTH": (6, 2),
    "DAY_IN_MONTH": (9, 2),
    "HOUR_IN_DAY": (12, 2),
}
SAME_VALUE = {"TOLABEL", "FORMAT", "CONVERTCURRENCY", "CONVERTTIMEZONE"}
NUMBER = Field("expr", "double")
WHOLE = Field("expr", "int")
DAY = Field("expr", "date")
PLAIN = {
    "COUNT": ("COUNT({})", WHOLE),
    "COUNT_DISTINCT": ("COUNT(DISTINCT {})", WHOLE),
    "SUM": ("SUM({})", NUMBER),
    "AVG": ("AVG({})", NUMBER),
    "DAY_ONLY": ("substr({}, 1, 10)", DAY),
}


def is_aggregate(operand: Operand) -> bool:
    """Tell whether the operand sums up many rows."""
    return isinstance(operand, Function) and operand.name.upper() in AGGREGATES


def operand_column(sources: Sources, operand: Operand) -> Column:
    """Return what an operand is in SQL, with the kind of its values."""
    if isinstance(operand, Path):
        return sources.column(operand)
    name = operand.name.upper()
    if name == "COUNT" and operand.argument is None:
        return Column("COUNT(*)", WHOLE)
    if operand.argument is None:
        message = f"unexpected token: '{operand.name}'"
        raise complain("MALFORMED_QUERY", sources.text, operand.at, message)
    inner = operand_column(sources, operand.argument)
    return _applied(sources, operand, inner)


def _applied(sources: Sources, function: Function, inner: Column) -> Column:
    name = function.name.upper()
    if name in SAME_VALUE:
        return inner
    if name in ("MIN", "MAX"):
        return Column(f"{name}({inner.sql})", inner.field)
    if name in OF_TIMES:
        start, length = OF_TIMES[name]
        return Column(f"CAST(substr({inner.sql}, {start}, {length}) AS INTEGER)", WHOLE)
    if name in PLAIN:
        template, kind = PLAIN[name]
        return Column(template.format(inner.sql), kind)
    message = f"Unknown function {function.name}"
    raise complain("MALFORMED_QUERY", sources.text, function.at, message)
