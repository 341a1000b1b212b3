"""Names, places and telephone numbers to draw from."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from faker import Faker

DOMAINS = ("example.com", "example.org", "example.net")
LOCALES = ["en_US", "en_GB", "de_DE", "fr_FR", "es_ES"]


@dataclass(frozen=True)
class Words:
    """Pools made once: drawing from them is what makes 100,000 records quick."""

    first: list[str]
    last: list[str]
    companies: list[str]
    streets: list[str]
    cities: list[str]
    titles: list[str]

    @classmethod
    @lru_cache(maxsize=4)
    def of(cls, seed: int) -> "Words":
        """Return the pools of a seed."""
        faker = Faker(LOCALES, use_weighting=False)
        faker.seed_instance(seed)
        american = faker["en_US"]
        return cls(
            first=[faker.first_name() for _ in range(400)],
            last=[faker.last_name() for _ in range(900)],
            companies=[american.company() for _ in range(400)],
            streets=[american.street_address() for _ in range(300)],
            cities=[american.city() for _ in range(200)],
            titles=[american.job()[:60] for _ in range(120)],
        )


def mailbox(random: Random, first: str, last: str) -> str:
    """Return an address as people have them."""
    name = f"{plain(first)}.{plain(last)}"
    number = "" if random.random() < 0.4 else str(random.randrange(1, 9999))  # noqa: PLR2004 - shares
    return f"{name}{number}@{random.choice(DOMAINS)}"


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """Return a name in the letters an e-mail address has."""
    flat = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "".join(char for char in flat if char.isalnum()) or "x"


def odd_case(random: Random, email: str) -> str:
    """Return the address as somebody may have typed it."""
    roll = random.random()
    if roll < 0.2:  # noqa: PLR2004 - a share
        return email.upper()
    if roll < 0.5:  # noqa: PLR2004 - a share
        return ".".join(part.capitalize() for part in email.split("."))
    return email


_FORMS = (
    "({a}) {b}-{c}",
    "({a}) {b}-{c}",
    "{a}.{b}.{c}",
    "{a}-{b}-{c}",
    "+1 {a} {b} {c}",
    "1{a}{b}{c}",
    "{a}{b}{c}",
    "{b}{c}",
    "+44 20 7946 0{d}",
    "020 7946 0{d}",
    "+49 30 {b}{c}",
)
_AREAS = ("415", "212", "512", "206", "312", "617", "303")


def phone(random: Random) -> str:
    """Return a number in one of the forms people type."""
    return random.choice(_FORMS).format(
        a=random.choice(_AREAS),
        b=random.choice(("555", "555", "757")),
        c=f"{random.randrange(10_000):04d}",
        d=f"{random.randrange(1000):03d}",
    )


def retyped(random: Random, number: str) -> str:
    """Return the same number in another form, when it is one of ten digits."""
    digits = "".join(char for char in number if char.isdigit())[-10:]
    if len(digits) < 10:  # noqa: PLR2004 - a number with its area
        return number
    a, b, c = digits[:3], digits[3:6], digits[6:]
    return random.choice((number, f"({a}) {b}-{c}", f"{a}.{b}.{c}", f"{a}-{b}-{c}"))
