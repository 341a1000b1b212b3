"""DISTANCE() between a place that is stored and one that is given."""

import math

from crmlink_salesforce_sim.schema import Field
from crmlink_salesforce_sim.soql.fields import Column, Sources
from crmlink_salesforce_sim.soql.nodes import Function, Literal, Path
from crmlink_salesforce_sim.soql.place import complain

RADIUS = {"mi": 3958.7613, "km": 6371.0088}
PLACES = ("location", "address")
RESULT = Field("expr", "double")


def distance_sql(sources: Sources, function: Function) -> Column:
    """Return the great-circle distance in SQL; null where a place is not known."""
    match function.arguments:
        case (Path() as path, Function() as given, Literal("STRING", unit, _)):
            pass
        case _:
            raise _refused(sources, function)
    radius = RADIUS.get(unit[1:-1].lower())
    if given.kind != "GEOLOCATION" or radius is None:
        raise _refused(sources, function)
    latitude, longitude = _place(sources, path)
    wanted = [float(one.text) for one in given.arguments if isinstance(one, Literal)]
    if len(wanted) != len(given.arguments) or len(wanted) != len(("latitude", "longitude")):
        raise _refused(sources, function)
    return Column(_haversine(latitude, longitude, wanted[0], wanted[1], radius), RESULT)


def _refused(sources: Sources, function: Function) -> Exception:
    message = (
        "DISTANCE takes a geolocation field, GEOLOCATION(latitude, longitude) and 'mi' or 'km'"
    )
    return complain("MALFORMED_QUERY", sources.text, function.at, message)


def _place(sources: Sources, path: Path) -> tuple[str, str]:
    column = sources.column(path)
    if column.field.type not in PLACES:
        message = f"field {path.text} does not support DISTANCE"
        raise complain("INVALID_FIELD", sources.text, path.at, message)
    table = column.sql.rpartition(".")[0]
    names = [column.field.components.get(one) for one in ("latitude", "longitude")]
    latitude, longitude = ("NULL" if one is None else f'{table}."{one}"' for one in names)
    return latitude, longitude


def _haversine(lat: str, lon: str, to_lat: float, to_lon: float, radius: float) -> str:
    north = f"pow(sin(radians({lat} - ({to_lat!r})) / 2), 2)"
    east = f"pow(sin(radians({lon} - ({to_lon!r})) / 2), 2)"
    across = f"cos(radians({lat})) * {math.cos(math.radians(to_lat))!r} * {east}"
    return f"(2 * {radius} * asin(min(1.0, sqrt({north} + {across}))))"
