"""The words that SOQL knows: keywords, functions, date literals."""

from __future__ import annotations

from collections.abc import Mapping

# Never a name: the language could not be told from it.
RESERVED = frozenset(
    {
        "SELECT",
        "FROM",
        "WHERE",
        "AND",
        "OR",
        "NOT",
        "IN",
        "LIKE",
        "INCLUDES",
        "EXCLUDES",
        "LIMIT",
        "HAVING",
        "FOR",
        "UPDATE",
        "WITH",
        "USING",
    }
)
# A keyword only where the grammar may take one, else a name.
CONTEXTUAL: Mapping[str, str] = {
    **{
        word: word
        for word in [
            "AS",
            "ASC",
            "DESC",
            "NULLS",
            "FIRST",
            "LAST",
            "SCOPE",
            "LOOKUP",
            "BIND",
            "VIEW",
            "REFERENCE",
            "TRACKING",
            "VIEWSTAT",
            "DATA",
            "CATEGORY",
            "TYPEOF",
            "WHEN",
            "THEN",
            "ELSE",
            "END",
        ]
    },
    **dict.fromkeys(("ALL", "CUSTOM", "STANDARD"), "FIELD_SET"),
    **dict.fromkeys(("AT", "ABOVE", "BELOW", "ABOVE_OR_BELOW"), "SELECTOR"),
    **dict.fromkeys(("SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"), "MODE"),
}
AGGREGATES = frozenset({"AVG", "COUNT", "COUNT_DISTINCT", "MAX", "MIN", "SUM"})
DATE_FUNCTIONS = frozenset(
    {
        "CALENDAR_MONTH",
        "CALENDAR_QUARTER",
        "CALENDAR_YEAR",
        "DAY_IN_MONTH",
        "DAY_IN_WEEK",
        "DAY_IN_YEAR",
        "DAY_ONLY",
        "FISCAL_MONTH",
        "FISCAL_QUARTER",
        "FISCAL_YEAR",
        "HOUR_IN_DAY",
        "WEEK_IN_MONTH",
        "WEEK_IN_YEAR",
    }
)
# A function only where a parenthesis follows, else a name.
CALLED: Mapping[str, str] = {
    **dict.fromkeys(AGGREGATES | DATE_FUNCTIONS, "FUNCTION"),
    **dict.fromkeys(("CONVERTCURRENCY", "FORMAT", "GROUPING", "TOLABEL"), "FUNCTION"),
    "CONVERTTIMEZONE": "CONVERT_TIMEZONE",
    "COUNT": "COUNT",
    "CUBE": "CUBE",
    "DISTANCE": "DISTANCE",
    "FIELDS": "FIELDS",
    "FORMULA": "FORMULA",
    "GEOLOCATION": "GEOLOCATION",
    "RECORDVISIBILITYCONTEXT": "VISIBILITY",
    "ROLLUP": "ROLLUP",
}
UNITS = frozenset({"mi", "km"})

_SPANS = ("WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR")
# Facts §3, date literals: these stand alone, the counted ones need a number.
DATE_LITERALS = frozenset(
    {"YESTERDAY", "TODAY", "TOMORROW", "LAST_90_DAYS", "NEXT_90_DAYS"}
    | {f"{when}_{span}" for when in ("LAST", "THIS", "NEXT") for span in _SPANS}
)
LITERALS = DATE_LITERALS | {"NULL", "TRUE", "FALSE"}
COUNTED = frozenset(
    name
    for span in ("DAY", *_SPANS)
    for name in (f"LAST_N_{span}S", f"NEXT_N_{span}S", f"N_{span}S_AGO")
)

# What an error calls a kind of word; other kinds are called by their own word.
READABLE: Mapping[str, str] = {
    "$END": "the end",
    "ALL_ROWS": "ALL ROWS",
    "COMMA": ",",
    "COMPARISON": "a comparison",
    "CONVERT_TIMEZONE": "convertTimezone",
    "EQUALS": "=",
    "FIELD_SET": "ALL, CUSTOM or STANDARD",
    "FUNCTION": "a function",
    "GROUP_BY": "GROUP BY",
    "LITERAL": "a value",
    "LPAR": "(",
    "MODE": "SECURITY_ENFORCED, USER_MODE or SYSTEM_MODE",
    "NAME": "a name",
    "NUMBER": "a number",
    "ORDER_BY": "ORDER BY",
    "PATH": "a name",
    "PATTERN": "a text",
    "RPAR": ")",
    "SELECTOR": "AT, ABOVE, BELOW or ABOVE_OR_BELOW",
    "STRING": "a text",
    "UNIT": "'mi' or 'km'",
    "VISIBILITY": "RecordVisibilityContext",
    "WHOLE": "a whole number",
}
