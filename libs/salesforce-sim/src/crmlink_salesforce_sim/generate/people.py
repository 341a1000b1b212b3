"""Accounts, contacts, leads and users as rows of their tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as default
from datetime import UTC, datetime, timedelta
from random import Random

from crmlink_salesforce_sim.generate.words import Words, mailbox, odd_case, phone
from crmlink_salesforce_sim.ids import make_id
from crmlink_salesforce_sim.times import written
from crmlink_salesforce_sim.values import Stored

Made = dict[str, Stored]
OPENED = datetime(2025, 1, 6, 8, 0, tzinfo=UTC)
DAYS = 480
SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Not Converted")
OWNERS = tuple(make_id("005", number) for number in range(1, 6))
QUEUE = make_id("00G", 1)


@dataclass
class Maker:
    """Draws rows; one source of chance decides them all."""

    random: Random
    words: Words
    taken: frozenset[str]
    numbers: dict[str, int] = default(default_factory=dict)

    def next_id(self, prefix: str) -> str:
        """Return the next id of an object."""
        self.numbers[prefix] = self.numbers.get(prefix, 0) + 1
        return make_id(prefix, self.numbers[prefix])

    def share(self, of: float) -> bool:
        """Tell whether this one is in a share of all."""
        return self.random.random() < of

    def stamps(self, owner: str) -> Made:
        """Return when and by whom a record was made and changed."""
        created = OPENED + timedelta(seconds=self.random.randrange(DAYS * 86_400))
        changed = created + timedelta(seconds=self.random.randrange(20 * 86_400))
        return {
            "IsDeleted": 0,
            "CreatedDate": written(created),
            "CreatedById": owner,
            "LastModifiedDate": written(changed),
            "LastModifiedById": owner,
            "SystemModstamp": written(changed),
        }

    def owner(self) -> str:
        """Return one of the users."""
        return self.random.choice(OWNERS)

    def email(self, first: str, last: str) -> str | None:
        """Return an address no member has, or none."""
        if self.share(0.08):
            return None
        made = mailbox(self.random, first, last)
        while made in self.taken:
            made = mailbox(self.random, first, last + "x")
        return odd_case(self.random, made)

    def person(self) -> Made:
        """Return what contacts and leads have in common."""
        first, last = self.random.choice(self.words.first), self.random.choice(self.words.last)
        row: Made = {
            "FirstName": None if self.share(0.04) else first,
            "LastName": last,
            "Email": self.email(first, last),
            "Phone": None if self.share(0.25) else phone(self.random),
            "MobilePhone": phone(self.random) if self.share(0.4) else None,
            "Title": self.random.choice(self.words.titles) if self.share(0.6) else None,
            "LeadSource": self.random.choice(SOURCES) if self.share(0.7) else None,
            "HasOptedOutOfEmail": int(self.share(0.05)),
            "DoNotCall": 0,
        }
        return row


def users(username: str) -> Iterator[Made]:
    """Return the admin and the people who own records."""
    names = [
        ("Admin", "User"),
        ("Grace", "Obi"),
        ("Luis", "Ferrer"),
        ("Mina", "Park"),
        ("Tom", "Ahlgren"),
    ]
    for number, (first, last) in enumerate(names, 1):
        email = username if number == 1 else f"{first}.{last}@crmlink.example".lower()
        yield {
            "Id": make_id("005", number),
            "Username": email,
            "FirstName": first,
            "LastName": last,
            "Name": f"{first} {last}",
            "Email": email,
            "Alias": (first[0] + last)[:8].lower(),
            "IsActive": 1,
            "UserType": "Standard",
            "TimeZoneSidKey": "GMT",
            "LanguageLocaleKey": "en_US",
            "LocaleSidKey": "en_US",
            **fixed_stamps(),
        }


def fixed_stamps() -> Made:
    """Return the stamps of what was there from the first day."""
    day, admin = written(OPENED), make_id("005", 1)
    return {
        "IsDeleted": 0,
        "CreatedDate": day,
        "CreatedById": admin,
        "LastModifiedDate": day,
        "LastModifiedById": admin,
        "SystemModstamp": day,
    }


def account(maker: Maker) -> Made:
    """Return an account."""
    random, owner = maker.random, maker.owner()
    company = random.choice(maker.words.companies)
    return {
        "Id": maker.next_id("001"),
        "Name": company if maker.share(0.5) else f"{company} {random.choice(maker.words.cities)}",
        "Phone": phone(random) if maker.share(0.7) else None,
        "Industry": random.choice(("Healthcare", "Education", "Retail", "Technology", None)),
        "Type": random.choice(("Prospect", "Customer - Direct", None)),
        "BillingStreet": random.choice(maker.words.streets),
        "BillingCity": random.choice(maker.words.cities),
        "BillingCountry": random.choice(("United States", "USA", "United Kingdom")),
        "NumberOfEmployees": random.randrange(1, 5000) if maker.share(0.5) else None,
        "OwnerId": owner,
        **maker.stamps(owner),
    }


def contact(maker: Maker, accounts: list[str], email: str | None = None) -> Made:
    """Return a contact; a given e-mail is kept."""
    random, owner = maker.random, maker.owner()
    row = maker.person()
    return {
        "Id": maker.next_id("003"),
        **row,
        "Email": email or row["Email"],
        "Name": full_name(row),
        "AccountId": random.choice(accounts) if accounts and maker.share(0.85) else None,
        "MailingStreet": random.choice(maker.words.streets) if maker.share(0.4) else None,
        "MailingCity": random.choice(maker.words.cities) if maker.share(0.5) else None,
        "Birthdate": f"19{random.randrange(45, 99)}-0{random.randrange(1, 10)}-15"
        if maker.share(0.2)
        else None,
        "OwnerId": owner,
        **maker.stamps(owner),
    }


def lead(maker: Maker, accounts: list[str], contacts: list[str]) -> Made:
    """Return a lead; some belong to a queue, some are converted."""
    random, owner = maker.random, maker.owner()
    row = maker.person()
    converted = bool(accounts and contacts) and maker.share(0.08)
    return {
        "Id": maker.next_id("00Q"),
        **row,
        "Name": full_name(row),
        "Company": random.choice(maker.words.companies),
        "Status": "Closed - Converted" if converted else random.choice(STATUSES),
        "City": random.choice(maker.words.cities) if maker.share(0.5) else None,
        "IsConverted": int(converted),
        "ConvertedDate": "2026-03-02" if converted else None,
        "ConvertedAccountId": random.choice(accounts) if converted else None,
        "ConvertedContactId": random.choice(contacts) if converted else None,
        "IsUnreadByOwner": int(maker.share(0.5)),
        "OwnerId": QUEUE if maker.share(0.15) else owner,
        **maker.stamps(owner),
    }


def full_name(row: Made) -> str:
    """Return the compound name."""
    return " ".join(str(part) for part in (row["FirstName"], row["LastName"]) if part)
