"""Values a caller writes: each kind of field takes its own, and says why not."""

import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from crmlink_salesforce_sim.errors import ApiError, unreadable
from crmlink_salesforce_sim.ids import full_id
from crmlink_salesforce_sim.schema_field import Field
from crmlink_salesforce_sim.times import read_date, read_datetime, written

Stored = str | int | float | None

_EMAIL = re.compile(r"[^\s@,;:<>()\[\]\\\"]+@[^\s@,;:<>()\[\]\\\"]+\.[A-Za-z0-9-]{2,}\Z")
_TIME = re.compile(r"(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?Z?\Z", re.IGNORECASE)
_DAY = (24, 60, 60)
_TOKENS = {bool: "VALUE_BOOLEAN", int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT"}
_TOKENS |= {str: "VALUE_STRING", dict: "START_OBJECT", list: "START_ARRAY"}
_WHOLE = range(-(2**31), 2**31)


def stored(field: Field, value: object) -> Stored:
    """Return a written value as it is kept, or raise what is wrong with it."""
    if value is None:
        return 0 if field.type == "boolean" else None
    return _READERS.get(field.type, _text)(field, value)


def _refuse(field: Field, value: object) -> ApiError:
    kind = field.type if field.type in _READERS and field.type != "reference" else "string"
    token = _TOKENS.get(type(value), "VALUE_NULL")
    return unreadable(
        f"Cannot deserialize instance of {kind} from {token} value {value}"
        " or request may be missing a required field at [line:1, column:1]"
    )


def _text(field: Field, value: object) -> str | None:
    if not isinstance(value, str):
        raise _refuse(field, value)
    text = value.strip()
    if field.length and len(text) > field.length:
        message = f"{field.label}: data value too large: {text} (max length={field.length})"
        raise ApiError("STRING_TOO_LONG", message, fields=[field.name])
    return text or None


def _email(field: Field, value: object) -> str | None:
    text = _text(field, value)
    if text is not None and not _EMAIL.match(text):
        message = f"{field.label}: invalid email address: {text}"
        raise ApiError("INVALID_EMAIL_ADDRESS", message, fields=[field.name])
    return text


def _picklist(field: Field, value: object) -> str | None:
    text = _text(field, value)
    if field.restricted and text is not None and text not in field.picklist:
        raise bad_choice(field, text)
    return text


def bad_choice(field: Field, text: str) -> ApiError:
    """Refuse a value that a restricted picklist does not have."""
    code = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    message = f"{field.label}: bad value for restricted picklist field: {text}"
    return ApiError(code, message, fields=[field.name])


def _multipicklist(field: Field, value: object) -> str | None:
    """Keep each value once, those of the list in its order."""
    if (text := _text(field, value)) is None:
        return None
    chosen = dict.fromkeys(one.strip() for one in text.split(";") if one.strip())
    others = [one for one in chosen if one not in field.picklist]
    if field.restricted and others:
        raise bad_choice(field, others[0])
    return ";".join([*(one for one in field.picklist if one in chosen), *others]) or None


def _reference(field: Field, value: object) -> str | None:
    if not isinstance(value, str):
        raise _refuse(field, value)
    if not (text := value.strip()):
        return None
    if (found := full_id(text)) is None:
        message = f"{field.label}: id value of incorrect type: {text}"
        raise ApiError("MALFORMED_ID", message, fields=[field.name])
    return found


def _boolean(field: Field, value: object) -> int:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return int(value.lower() == "true")
    if not isinstance(value, bool):
        raise _refuse(field, value)
    return int(value)


def _number(field: Field, value: object) -> float | None:
    if value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _refuse(field, value)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise _refuse(field, value) from None
    if not math.isfinite(number):
        raise _refuse(field, value)
    if field.precision and not abs(number) < 10 ** (field.precision - field.scale):
        message = f"{field.label}: value outside of valid range on numeric field: {value}"
        raise ApiError("NUMBER_OUTSIDE_VALID_RANGE", message, fields=[field.name])
    return _rounded(number, field.scale) if field.precision else number


def _rounded(number: float, scale: int) -> float:
    """Round as an org does: halves go up."""
    if number.is_integer():
        return number
    step = Decimal(1).scaleb(-scale)
    return float(Decimal(repr(number)).quantize(step, ROUND_HALF_UP))


def _int(field: Field, value: object) -> int | None:
    number = _number(field, value)
    if number is not None and (number != number // 1 or int(number) not in _WHOLE):
        raise _refuse(field, value)
    return None if number is None else int(number)


def _date(field: Field, value: object) -> str | None:
    if value == "":
        return None
    day = read_date(value[:10]) if isinstance(value, str) else None
    if day is None:
        raise _refuse(field, value)
    return day.isoformat()


def _datetime(field: Field, value: object) -> str | None:
    if value == "":
        return None
    moment = read_datetime(value) if isinstance(value, str) else None
    if moment is None:
        raise _refuse(field, value)
    return written(moment)


def _time(field: Field, value: object) -> str | None:
    if value == "":
        return None
    found = _TIME.match(value) if isinstance(value, str) else None
    if found is None:
        raise _refuse(field, value)
    numbers = [int(one or 0) for one in found.groups()[:3]]
    if any(number >= most for number, most in zip(numbers, _DAY, strict=True)):
        raise _refuse(field, value)
    millis = (found[4] or "0").ljust(3, "0")[:3]
    return ":".join(f"{number:02d}" for number in numbers) + f".{millis}Z"


_READERS: dict[str, Callable[[Field, object], Stored]] = {
    "email": _email,
    "picklist": _picklist,
    "multipicklist": _multipicklist,
    "time": _time,
    "long": _int,
    "reference": _reference,
    "boolean": _boolean,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "int": _int,
    "date": _date,
    "datetime": _datetime,
}
