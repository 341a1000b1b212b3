"""What FORMAT() writes: values as a person with the locale en_US reads them."""

from datetime import date

from crmlink_salesforce_sim.schema import Field
from crmlink_salesforce_sim.soql.shape import Cell
from crmlink_salesforce_sim.times import read_date, read_datetime

NOON = 12


def written_for_people(field: Field, cell: Cell) -> object:
    """Return the value as text."""
    if cell is None or field.type == "boolean":
        return cell if cell is None else str(bool(cell)).lower()
    if isinstance(cell, int | float):
        return _number(field, cell)
    if field.type == "date" and (day := read_date(cell)):
        return _day(day)
    if field.type == "datetime" and (moment := read_datetime(cell)):
        half = "PM" if moment.hour >= NOON else "AM"
        return f"{_day(moment)}, {moment.hour % NOON or NOON}:{moment.minute:02d} {half}"
    return cell


def _day(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def _number(field: Field, value: float) -> str:
    places = 2 if field.type == "currency" else field.scale
    text = f"{abs(value):,.{places}f}"
    if field.type == "currency":
        text = f"${text}"
    elif field.type == "percent":
        text = f"{text}%"
    return f"-{text}" if value < 0 else text
