"""Which records a member may be: stages in order, the first that hits ends the search."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from crmlink_common.members.normal import normal_email, phone_e164

State = Literal["proposed", "ambiguous"]
MOST_CANDIDATES = 20  # shown to a person; more than that nobody compares


@dataclass(frozen=True, slots=True)
class Stage:
    """One place to look: by what, in which object, in which of its fields."""

    by: Literal["email", "phone"]
    object: str
    fields: tuple[str, ...]
    only: str = ""  # a further condition

    @property
    def rank(self) -> int:
        """Order by confidence: an e-mail address says more than a telephone number."""
        return 0 if self.by == "email" else 1


STAGES = (
    Stage("email", "Contact", ("Email",)),
    Stage("email", "Lead", ("Email",), only="IsConverted = false"),
    Stage("phone", "Contact", ("Phone", "MobilePhone")),
    Stage("phone", "Lead", ("Phone", "MobilePhone"), only="IsConverted = false"),
)


@dataclass(frozen=True, slots=True)
class Sought:
    """A member to find: normal e-mail and E.164 phone, '' for none."""

    member_id: str
    email: str = ""
    phone: str = ""

    def value(self, stage: Stage) -> str:
        return self.email if stage.by == "email" else self.phone


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record as found; texts as they stand in Salesforce."""

    record_id: str
    object: str
    name: str = ""
    email: str = ""
    phones: tuple[str, ...] = ()
    account_id: str = ""
    owner_id: str = ""
    modified: str = (
        ""  # LastModifiedDate; Salesforce writes all in UTC, so text order is time order
    )

    def values(self, stage: Stage, region: str) -> set[str]:
        """Give what this record is found by in that stage."""
        if stage.by == "email":
            return {normal_email(self.email)} - {""}
        return {phone_e164(text, region) for text in self.phones} - {""}


@dataclass(frozen=True, slots=True)
class Match:
    """What was found for one member; the first candidate is the proposed one."""

    member_id: str
    stage: Stage
    state: State
    reason: str
    candidates: tuple[Candidate, ...]


Found = Mapping[Stage, Sequence[Candidate]]


def hits(
    sought: Sequence[Sought], stage: Stage, found: Sequence[Candidate], region: str
) -> dict[str, list[Candidate]]:
    """Give each member's records of one stage; members without any are left out."""
    by_value: dict[str, dict[str, Candidate]] = defaultdict(dict)
    for candidate in found:
        for value in candidate.values(stage, region):
            by_value[value][candidate.record_id] = candidate
    return {
        one.member_id: list(by_value[one.value(stage)].values())
        for one in sought
        if one.value(stage) in by_value
    }


def still_sought(
    sought: Sequence[Sought], stage: Stage, found: Sequence[Candidate], region: str
) -> list[Sought]:
    """Give those who go on to the next stage."""
    there = hits(sought, stage, found, region)
    return [one for one in sought if one.member_id not in there]


def decide_matches(
    sought: Sequence[Sought],
    found: Found,
    *,
    region: str = "US",
    taken: Collection[str] = (),
    claimed: Mapping[str, int] | None = None,
) -> list[Match]:
    """Decide for a page of members.

    ``taken`` are records that are linked already; ``claimed`` those that were found for a
    member outside this page, with the best rank of the stages that found them. A record that
    one member has by e-mail is that member's, whoever else has its telephone number.
    """
    left, chosen = list(sought), dict[str, tuple[Stage, list[Candidate]]]()
    for stage in STAGES:
        there = hits(left, stage, found.get(stage, ()), region)
        chosen |= {member_id: (stage, records) for member_id, records in there.items()}
        left = [one for one in left if one.member_id not in there]
    wanted: dict[str, list[int]] = defaultdict(list)
    for record_id, rank in (claimed or {}).items():
        wanted[record_id].append(rank)
    for stage, records in chosen.values():
        for record in records:
            wanted[record.record_id].append(stage.rank)
    return [
        _match(member_id, stage, records, taken, _contested(wanted, stage.rank))
        for member_id, (stage, records) in sorted(chosen.items())
    ]


def _contested(wanted: Mapping[str, Sequence[int]], rank: int) -> set[str]:
    """Give the records that somebody else wants with no less right than ``rank``."""
    return {one for one, ranks in wanted.items() if sum(other <= rank for other in ranks) > 1}


def _match(
    member_id: str,
    stage: Stage,
    records: Sequence[Candidate],
    taken: Collection[str],
    contested: Collection[str],
) -> Match:
    by_id = sorted(records, key=lambda one: one.record_id)
    newest_first = sorted(by_id, key=lambda one: one.modified, reverse=True)
    ids = {one.record_id for one in records}
    reason = ""
    if len(records) > 1:
        reason = "several_records"
    elif ids & set(taken):
        reason = "record_linked"
    elif ids & set(contested):
        reason = "several_members"
    state: State = "ambiguous" if reason else "proposed"
    return Match(member_id, stage, state, reason, tuple(newest_first[:MOST_CANDIDATES]))
