"""Members as a real workspace has them, the same for the same seed: to try CRMLink with."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from random import Random

HEADER = [
    "member_id",
    "email",
    "phone",
    "first_name",
    "last_name",
    "name",
    "external_id",
    "locale",
    "role",
    "labels",
    "fields.plan",
]
WITHOUT_BOTH = 0.03
WITHOUT_EMAIL = 0.05  # and with a telephone; with those above, 92 % have an e-mail
WITHOUT_PHONE = 0.17  # and with an e-mail; with those above, 80 % have a telephone
SHARED_EMAIL = 0.01
ODD_CASE = 0.08


def _words(text: str) -> list[str]:
    return text.split()


_FIRST = _words(
    "Ada Alan Amara Ana Björn Carlos Chloé Dara Devi Elif Emma Farid Grace Hana Hiro Ines Ivan "
    "Jamal Jana José Kofi Lara Leila Liam Lucia Marek Maya Mei Nadia Nils Noor Olga Omar Pedro "
    "Priya Quentin Rafael Rosa Sami Sara Seán Sofía Tariq Tomás Uma Viktor Wanjiru Yara Yusuf "
    "Zoë"
)
_LAST = _words(
    "Abbott Adeyemi Ahmed Andersson Bauer Becker Castillo Chen Cohen Costa Dubois Eriksen "
    "Ferrari Fischer García Haddad Hughes Ibrahim Ivanova Jansen Johansson Kaya Kim Kowalski "
    "Lopez MacDonald Mbeki Meyer Müller Nakamura Nguyen Novák O'Brien Okafor Owens Patel "
    "Pereira Quinn Rossi Santos Schmidt Sharma Silva Smith Tanaka Taylor Usman Vargas Wójcik "
    "Yilmaz Zhang"
)
_DOMAINS = ("example.com", "example.org", "example.net", "mail.example.com", "club.example.org")
_ROLES = ("member", "member", "member", "trainer", "treasurer", "chair", "guest")
_LABELS = ("newsletter", "vip", "volunteer", "lapsed", "founder", "student")
_PLANS = ("", "free", "free", "basic", "basic", "plus", "family")
_LOCALES = ("en-GB", "en-US", "de-DE", "fr-FR", "es-ES", "sv-SE", "")
_PLAIN = str.maketrans("éëíöáñóüæøåãçłńúź", "eeioanouaoaaclnuz", "' ")


def sample_members(count: int, seed: int = 1) -> Iterator[dict[str, str]]:
    """Yield rows under ``HEADER``."""
    random = Random(seed)  # noqa: S311 - sample data, nothing secret
    emails: list[str] = []
    for number in range(1, count + 1):
        first, last = random.choice(_FIRST), random.choice(_LAST)
        email, phone = _reach(random, first, last, number, emails)
        whole = f"{first} {last}"
        split = random.random() > 0.1  # noqa: PLR2004 - a tenth know only the whole name
        yield {
            "member_id": f"m-{number:06}",
            "email": email,
            "phone": phone,
            "first_name": first if split else "",
            "last_name": last if split else "",
            "name": whole,
            "external_id": f"EXT-{number:06}" if random.random() < 0.7 else "",  # noqa: PLR2004 - most have one
            "locale": random.choice(_LOCALES),
            "role": random.choice(_ROLES),
            "labels": ";".join(sorted(random.sample(_LABELS, random.randint(0, 3)))),
            "fields.plan": random.choice(_PLANS),
        }


def write_sample(path: Path, count: int, seed: int = 1) -> int:
    """Write a CSV file that ``crmlink members import`` reads; return how many rows it has."""
    write_rows(path, sample_members(count, seed))
    return count


def write_rows(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    """Write rows under ``HEADER``."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        writer.writerows(rows)


def _reach(
    random: Random, first: str, last: str, number: int, emails: list[str]
) -> tuple[str, str]:
    lot = random.random()
    if lot < WITHOUT_BOTH:
        return "", ""
    if lot < WITHOUT_BOTH + WITHOUT_EMAIL:
        return "", _phone(random)
    email = _email(random, first, last, number, emails)
    with_phone = lot >= WITHOUT_BOTH + WITHOUT_EMAIL + WITHOUT_PHONE
    return email, _phone(random) if with_phone else ""


def _email(random: Random, first: str, last: str, number: int, emails: list[str]) -> str:
    if emails and random.random() < SHARED_EMAIL:
        return random.choice(emails)  # a family, or a club's office
    local = f"{first}.{last}".lower().translate(_PLAIN)
    email = f"{local}{number}@{random.choice(_DOMAINS)}"
    emails.append(email)
    return email.title() if random.random() < ODD_CASE else email


def _phone(random: Random) -> str:
    """Return a number the way people write them; few are shared."""
    uk, line = f"{random.randrange(1_000_000):06}", f"{random.randrange(10_000):04}"
    area = random.choice(("212", "415", "617", "312"))
    return random.choice(
        (
            f"+44 7700 {uk}",
            f"+447700{uk}",
            f"0044 7700 {uk}",
            f"+44 (0)7700 {uk[:3]} {uk[3:]}",
            f"({area}) 555-{line}",
            f"+1 {area} 555 {line}",
            f"{area}.555.{line}",
            f"1-{area}-555-{line}",
        )
    )
