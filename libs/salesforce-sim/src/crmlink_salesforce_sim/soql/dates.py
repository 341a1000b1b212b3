"""Date literals of SOQL: each names a span of days, its end not included."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

_FIXED_90 = re.compile(r"(LAST|NEXT)_90_DAYS\Z")
_NAMED = re.compile(r"(LAST|THIS|NEXT)_(WEEK|MONTH|QUARTER|YEAR|FISCAL_QUARTER|FISCAL_YEAR)\Z")
_COUNTED = re.compile(
    r"(?:(LAST|NEXT)_N_)(DAY|WEEK|MONTH|QUARTER|YEAR|FISCAL_QUARTER|FISCAL_YEAR)S:(\d+)\Z"
)
_AGO = re.compile(r"N_(DAY|WEEK|MONTH|QUARTER|YEAR|FISCAL_QUARTER|FISCAL_YEAR)S_AGO:(\d+)\Z")
_DAYS = {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}
_STEPS = {"LAST": -1, "THIS": 0, "NEXT": 1}
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
MOST = 999_999


@dataclass(frozen=True)
class Span:
    """From the first day up to, but not including, the end."""

    first: date
    end: date


def is_literal(word: str) -> bool:
    """Tell whether a word is a date literal, or one before its colon and number."""
    one = f"{word}:1" if "_N_" in word or word.startswith("N_") else word
    return one in _DAYS or any(pattern.match(one) for pattern, _ in _READERS)


def span_of(literal: str, today: date) -> Span | None:
    """Return the days a literal names, or None when there is no such literal."""
    word = literal.upper()
    if word in _DAYS:
        return _span(today, "DAY", _DAYS[word], _DAYS[word] + 1)
    for pattern, read in _READERS:
        if found := pattern.match(word):
            return read(found, today)
    return None


def _ninety(found: re.Match[str], today: date) -> Span:
    return _last_or_next(found[1], "DAY", 90, today)


def _named(found: re.Match[str], today: date) -> Span:
    step = _STEPS[found[1]]
    return _span(today, found[2], step, step + 1)


def _counted(found: re.Match[str], today: date) -> Span:
    return _last_or_next(found[1], found[2], min(int(found[3]), MOST), today)


def _ago(found: re.Match[str], today: date) -> Span:
    n = min(int(found[2]), MOST)
    return _span(today, found[1], -n, -n + 1)


_READERS: list[tuple[re.Pattern[str], Callable[[re.Match[str], date], Span]]] = [
    (_FIXED_90, _ninety),
    (_NAMED, _named),
    (_COUNTED, _counted),
    (_AGO, _ago),
]


def _last_or_next(word: str, unit: str, n: int, today: date) -> Span:
    if word == "NEXT":
        return _span(today, unit, 1, n + 1)
    return _span(today, unit, -n, 1 if unit == "DAY" else 0)  # days include today


def _span(today: date, unit: str, first: int, end: int) -> Span:
    return Span(_start(today, unit, first), _start(today, unit, end))


def _start(today: date, unit: str, step: int) -> date:
    """Return the first day of the unit that many units from now."""
    unit = unit.removeprefix("FISCAL_")
    try:
        if unit == "DAY":
            return today + timedelta(days=step)
        if unit == "WEEK":  # begins on Sunday, as for a user in the United States
            return today - timedelta(days=(today.weekday() + 1) % 7) + timedelta(weeks=step)
        size = _MONTHS[unit]
        months = (today.year * 12 + today.month - 1) // size * size + step * size
        return date(months // 12, months % 12 + 1, 1)
    except (ValueError, OverflowError):
        return date.min if step < 0 else date.max
