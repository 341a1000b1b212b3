"""Records that match the members of a workspace, so that there is something to find."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from crmlink_salesforce_sim.errors import StartError
from crmlink_salesforce_sim.generate.people import Made, Maker, contact, full_name, lead
from crmlink_salesforce_sim.generate.words import odd_case, retyped

TWO_CONTACTS, A_CONTACT, A_LEAD = 0.02, 0.42, 0.57  # one above the other


@dataclass(frozen=True)
class Member:
    """What the generator needs of a member."""

    member_id: str
    email: str
    phone: str
    first_name: str
    last_name: str


def read_members(path: Path | None) -> list[Member]:
    """Read a CSV file with a header; columns may come in any order."""
    if path is None:
        return []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [_member(row) for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, KeyError) as exc:
        told = f"needs a column {exc}" if isinstance(exc, KeyError) else "cannot be read"
        raise StartError(f"The members file {path} {told}; give a CSV file as documented.") from exc


def _member(row: dict[str, str]) -> Member:
    return Member(
        row["member_id"],
        (row["email"] or "").strip(),
        (row.get("phone") or "").strip(),
        (row.get("first_name") or "").strip(),
        (row.get("last_name") or "").strip(),
    )


def match_of(member: Member, seed: int) -> str:
    """Tell what the org has of a member: the same for the same seed."""
    roll = Random(f"{seed}/{member.member_id}").random()  # noqa: S311 - practice data
    if not member.email:
        return "nothing"
    if roll < TWO_CONTACTS:
        return "two contacts"
    if roll < A_CONTACT:
        return "contact"
    return "lead" if roll < A_LEAD else "nothing"


def of_members(
    maker: Maker, members: list[Member], seed: int, accounts: list[str]
) -> Iterator[tuple[str, Made]]:
    """Return the records of members with the object each belongs to."""
    for member in members:
        match match_of(member, seed):
            case "two contacts":
                yield "Contact", _as(maker, member, contact(maker, accounts))
                yield "Contact", _as(maker, member, contact(maker, accounts))
            case "contact":
                yield "Contact", _as(maker, member, contact(maker, accounts))
            case "lead":
                yield "Lead", _as(maker, member, lead(maker, [], []))
            case _:
                continue


def _as(maker: Maker, member: Member, row: Made) -> Made:
    """Let a record be the member's, with the differences people leave."""
    row["Email"] = odd_case(maker.random, member.email)
    if member.phone and maker.share(0.8):
        row["Phone"] = retyped(maker.random, member.phone)
    if member.first_name and maker.share(0.9):
        row["FirstName"] = member.first_name
    if member.last_name:
        row["LastName"] = member.last_name
    row["Name"] = full_name(row)
    return row
