"""Functions in SOQL: aggregates, those of dates, and those that leave a value what it is."""

from dataclasses import replace

from crmlink_salesforce_sim.folding import COLLATION, compared
from crmlink_salesforce_sim.schema import Field
from crmlink_salesforce_sim.soql.abilities import aggregatable
from crmlink_salesforce_sim.soql.distance import distance_sql
from crmlink_salesforce_sim.soql.fields import Column, Sources
from crmlink_salesforce_sim.soql.nodes import Function, Literal, Operand, Path
from crmlink_salesforce_sim.soql.place import complain, not_executed

AGGREGATES = {"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"}
NUMBERS = ("int", "long", "double", "currency", "percent")
SAME_VALUE = {"TOLABEL", "FORMAT", "CONVERTCURRENCY"}
NUMBER = Field("expr", "double")
WHOLE = Field("expr", "int")
DAY = Field("expr", "date")
_DAY = "substr({}, 1, 10)"
_YEAR_DAY = "CAST(strftime('%j', substr({}, 1, 10)) AS INTEGER)"
_MONTH_DAY = "CAST(substr({}, 9, 2) AS INTEGER)"
_MONTH = "CAST(substr({}, 6, 2) AS INTEGER)"
_YEAR = "CAST(substr({}, 1, 4) AS INTEGER)"
_QUARTER = f"({_MONTH} + 2) / 3"
OF_DATES = {  # the fiscal year is the calendar's
    "CALENDAR_YEAR": _YEAR,
    "CALENDAR_QUARTER": _QUARTER,
    "CALENDAR_MONTH": _MONTH,
    "FISCAL_YEAR": _YEAR,
    "FISCAL_QUARTER": _QUARTER,
    "FISCAL_MONTH": _MONTH,
    "DAY_IN_MONTH": _MONTH_DAY,
    "DAY_IN_WEEK": "CAST(strftime('%w', substr({}, 1, 10)) AS INTEGER) + 1",
    "DAY_IN_YEAR": _YEAR_DAY,
    "DAY_ONLY": _DAY,
    "HOUR_IN_DAY": "CAST(substr({}, 12, 2) AS INTEGER)",
    "WEEK_IN_MONTH": f"({_MONTH_DAY} + 6) / 7",
    "WEEK_IN_YEAR": f"({_YEAR_DAY} + 6) / 7",
}
OF_TIMES = ("DAY_ONLY", "HOUR_IN_DAY")  # they take a dateTime alone


def is_aggregate(operand: Operand | Literal) -> bool:
    """Tell whether the operand sums up many rows, itself or inside a wrapper."""
    if not isinstance(operand, Function):
        return False
    if operand.kind in AGGREGATES or operand.kind == "GROUPING":
        return True
    return any(is_aggregate(one) for one in operand.arguments if isinstance(one, Function))


def is_of_dates(operand: Operand) -> bool:
    """Tell whether the operand is part of a date, which only groups are selected by."""
    return isinstance(operand, Function) and operand.kind in OF_DATES


def operand_column(sources: Sources, operand: Operand) -> Column:
    """Return what an operand is in SQL, with the kind of its values."""
    if isinstance(operand, Path):
        return sources.column(operand)
    if operand.kind == "COUNT" and not operand.arguments:
        return Column("COUNT(*)", WHOLE)
    if operand.kind == "DISTANCE":
        return distance_sql(sources, operand)
    if operand.kind == "FORMULA":
        raise not_executed("FORMULA()")
    [argument] = operand.arguments
    nested = operand.kind not in SAME_VALUE and is_aggregate(argument)
    if not isinstance(argument, Path | Function) or nested:
        raise _unexpected(sources, operand)
    if operand.kind in OF_DATES:
        return _of_date(sources, operand, argument)
    return _applied(sources, operand, operand_column(sources, argument))


def _unexpected(sources: Sources, function: Function) -> Exception:
    message = f"unexpected token: '{function.name}'"
    return complain("MALFORMED_QUERY", sources.text, function.at, message)


def _of_date(sources: Sources, function: Function, argument: Operand) -> Column:
    if isinstance(argument, Function) and argument.kind == "CONVERTTIMEZONE":
        argument = next((one for one in argument.arguments if isinstance(one, Path)), argument)
    inner = operand_column(sources, argument)
    allowed = ("datetime",) if function.kind in OF_TIMES else ("date", "datetime")
    if inner.field.type not in allowed:
        message = f"field {argument.text} does not support date function {function.kind}"
        raise complain("INVALID_FIELD", sources.text, function.at, message)
    kind = DAY if function.kind == "DAY_ONLY" else WHOLE
    return Column(OF_DATES[function.kind].format(inner.sql), kind)


def _applied(sources: Sources, function: Function, inner: Column) -> Column:
    name = function.kind
    if name == "TOLABEL":
        return _labelled(inner)
    if name in SAME_VALUE:
        return inner
    if name == "GROUPING":
        return Column("0", WHOLE)
    if name == "CONVERTTIMEZONE":
        message = "convertTimezone can only be used inside a date function"
        raise complain("MALFORMED_QUERY", sources.text, function.at, message)
    field = inner.field
    summed = name in ("SUM", "AVG")
    if not aggregatable(field) or (summed and field.type not in NUMBERS):
        [argument] = function.arguments
        message = f"field {argument.text} does not support aggregate operator {name}"
        raise complain("MALFORMED_QUERY", sources.text, function.at, message)
    if name in ("MIN", "MAX"):
        return Column(f"{name}({inner.sql})", field)
    if name == "COUNT_DISTINCT":
        return Column(f"COUNT(DISTINCT {inner.sql})", WHOLE)
    return Column(f"{name}({inner.sql})", WHOLE if name == "COUNT" else NUMBER)


def order_sql(column: Column) -> str:
    """Return what ORDER BY sorts by: a picklist goes by the order of its values."""
    if column.field.type != "picklist" or not column.field.choices:
        return column.sql
    values = enumerate(column.field.choices)
    whens = " ".join(f"WHEN {_text(one.value.lower())} THEN {n}" for n, one in values)
    beyond = f"WHEN {column.sql} IS NOT NULL THEN {len(column.field.choices)} END"
    return f"ifnull(CASE {compared(column.field, column.sql)} {whens} END, CASE {beyond})"


def _labelled(inner: Column) -> Column:
    """Return what people read in place of a picklist's values."""
    if inner.field.type != "picklist":
        return inner
    field = replace(inner.field, type="string", choices=())
    differ = [one for one in inner.field.choices if one.label != one.value]
    if not differ:
        return Column(inner.sql, field)
    whens = (f"WHEN {_text(one.value)} THEN {_text(one.label)}" for one in differ)
    sql = f"(CASE {inner.sql} {' '.join(whens)} ELSE {inner.sql} END COLLATE {COLLATION})"
    return Column(sql, field)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
