"""How e-mail addresses and telephone numbers are compared, whatever way they were typed."""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat

MAX_EMAIL = 254
MAX_PHONE = 64
_DIALLED = re.compile(r"^\s*00(?=[1-9])")  # as most of the world dials abroad
_EMAIL = re.compile(
    r"[^\s@,;:<>()\[\]\"\\]+@(?:[^\s@.,;:<>()\[\]\"\\]+\.)+[^\s@.,;:<>()\[\]\"\\]{2,}"
)


def normal_email(text: str) -> str:
    """Return the address in lower case, or '' when the text is none."""
    found = text.strip().lower()
    return found if len(found) <= MAX_EMAIL and _EMAIL.fullmatch(found) else ""


def phone_e164(text: str, region: str = "") -> str:
    """Return ``+441632960123``, or '' when the text is no possible number.

    ``region`` (``GB``) is where a number without a country code is dialled.
    """
    number = parse_phone(text, region)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) if number else ""


def phone_national(text: str, region: str = "") -> str:
    """Return the number as it is written within its country, or ''."""
    number = parse_phone(text, region)
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL) if number else ""


def same_phone(a: str, b: str, region: str = "") -> bool:
    """Tell whether both texts are the same number, digit by digit in E.164."""
    found = phone_e164(a, region)
    return found != "" and found == phone_e164(b, region)


def phone_forms(e164: str) -> list[str]:
    """Return the ways in which orgs store this number, for an IN list; [] when it is none."""
    number = parse_phone(e164)
    if number is None:
        return []
    code = str(number.country_code)
    international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    digits = phonenumbers.national_significant_number(number)
    bare = international.removeprefix(f"+{code}").strip()
    forms = [
        e164,
        e164.removeprefix("+"),
        f"00{code}{digits}",
        international,
        international.replace(" ", "-"),
        international.replace("-", " "),
        f"({code}) {bare}",
        national,
        re.sub(r"\D", "", national),
        digits,
        bare,
        *_grouped(national, bare),
        *(_north_american(digits) if number.country_code == 1 else ()),
    ]
    return list(dict.fromkeys(form for form in forms if form))


def parse_phone(text: str, region: str = "") -> PhoneNumber | None:
    """Return the number when its length is possible in its country.

    One with an extension is none: E.164 cannot hold it, and without it two people are one.
    """
    if not text.strip() or len(text) > MAX_PHONE:
        return None
    return _parse(text, region) or _parse(_DIALLED.sub("+", text), "")


def _parse(text: str, region: str) -> PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, region.upper() or None)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_possible_number(number) and not number.extension else None


def _grouped(national: str, bare: str) -> list[str]:
    """Return the other separators that people put between the same groups."""
    plain = re.sub(r"[()]", "", national)
    groups = re.split(r"[\s.-]+", plain.strip())
    return [separator.join(groups) for separator in (" ", "-", ".")] + [bare.replace(" ", "-")]


def _north_american(digits: str) -> list[str]:
    """Salesforce itself writes ten digits typed in its pages as (999) 999-9999."""
    area, exchange, line = digits[:3], digits[3:6], digits[6:]
    return [
        f"({area}) {exchange}-{line}",
        f"({area}){exchange}-{line}",
        f"+1 ({area}) {exchange}-{line}",
        f"1-{area}-{exchange}-{line}",
        f"1{digits}",
    ]
