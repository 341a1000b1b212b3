"""Dates and times as the data API writes and reads them."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

_DATETIME = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?\Z",
    re.IGNORECASE,
)


def utc_now() -> datetime:
    """Return the time now; the clock of a real org."""
    return datetime.now(UTC)


def written(moment: datetime) -> str:
    """Return the stored and answered form, whole seconds: it sorts as time does."""
    return moment.astimezone(UTC).isoformat()[:19] + ".000+0000"  # a third of strftime's time


def after(stamp: str, seconds: float) -> str:
    """Return the stored form of a moment some seconds after another."""
    moment = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%f%z")
    return written(moment + timedelta(seconds=seconds))


def read_datetime(text: str) -> datetime | None:
    """Return the moment a text names, or None."""
    if (found := _DATETIME.match(text)) is None:
        return None
    *numbers, fraction, zone = found.groups()
    micros = int((fraction or "0").ljust(6, "0")[:6])
    try:
        year, month, day, hour, minute, second = (int(n or 0) for n in numbers)
        return datetime(
            year, month, day, hour, minute, second, micros, tzinfo=_zone(zone)
        ).astimezone(UTC)
    except (ValueError, OverflowError):  # its offset may lead out of the years there are
        return None


def read_date(text: str) -> date | None:
    """Return the day a text names, or None."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        return None


def _zone(text: str | None) -> timezone:
    if text is None or text.upper() == "Z":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)
