"""Record ids: 15 characters that tell letter case apart, or 18 that do not need to."""

import re

from crmlink_salesforce_sim.errors import ApiError

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SUFFIXES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
SERVER = "dM0"
SHORT, LONG = 15, 18
_UPPER = {ord(c): "1" if "A" <= c <= "Z" else "0" for c in DIGITS}
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[A-Z0-5a-z]{3})?\Z")


def checksum(short: str) -> str:
    """Return the three characters that make a 15 character id safe in any letter case."""
    bits = short.translate(_UPPER)
    return "".join(SUFFIXES[int(bits[n : n + 5][::-1], 2)] for n in (0, 5, 10))


def full_id(text: str) -> str | None:
    """Return the 18 character form, or None when the text is no id."""
    if not _SHAPE.match(text):
        return None
    if len(text) == SHORT:
        return text + checksum(text)
    return _restored(text[:SHORT], text[SHORT:].upper())


def _restored(short: str, suffix: str) -> str | None:
    """Let the checksum decide the letter case, as Salesforce does."""
    restored = ""
    for n, mark in enumerate(suffix):
        bits = SUFFIXES.index(mark) if mark in SUFFIXES else -1
        for bit, char in enumerate(short[n * 5 : n * 5 + 5]):
            upper = bits >> bit & 1
            if upper and not char.isalpha():
                return None
            restored += char.upper() if upper else char.lower()
    return restored + suffix


def required_id(text: str) -> str:
    """Return the 18 character form or refuse the text."""
    if (found := full_id(text)) is None:
        raise ApiError("MALFORMED_ID", f"malformed id {text}")
    return found


def make_id(prefix: str, number: int) -> str:
    """Return the id of the n-th record; ids sort as they were made."""
    digits = ""
    for _ in range(SHORT - len(prefix) - len(SERVER)):
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    short = prefix + SERVER + digits
    return short + checksum(short)


def number_of(record_id: str) -> int:
    """Return which record of its object this is: the inverse of `make_id`."""
    number = 0
    for char in record_id[3 + len(SERVER) : SHORT]:
        number = number * len(DIGITS) + DIGITS.index(char)
    return number
