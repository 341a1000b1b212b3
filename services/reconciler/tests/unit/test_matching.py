from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crmlink_reconciler.domain.matching import (
    MOST_CANDIDATES,
    STAGES,
    Candidate,
    Match,
    Sought,
    Stage,
    decide_matches,
    still_sought,
)

EMAIL_CONTACT, EMAIL_LEAD, PHONE_CONTACT, PHONE_LEAD = STAGES
ADA = "ada@example.com"
PHONE = "+12025550100"


def a_record(
    record_id: str, *, sobject: str = "Contact", email: str = ADA, modified: str = "2026-01-01"
) -> Candidate:
    return Candidate(record_id, sobject, email=email, phones=("(202) 555-0100",), modified=modified)


def test_the_order_is_e_mail_before_phone_and_contact_before_lead() -> None:
    order = [(stage.by, stage.object) for stage in STAGES]
    assert order == [
        ("email", "Contact"),
        ("email", "Lead"),
        ("phone", "Contact"),
        ("phone", "Lead"),
    ]


def test_one_hit_is_proposed_whatever_the_case_of_the_address() -> None:
    found = {EMAIL_CONTACT: [a_record("c1", email="ADA@Example.com")]}
    [match] = decide_matches([Sought("m1", ADA)], found)
    assert (match.state, match.stage, match.candidates[0].record_id) == (
        "proposed",
        EMAIL_CONTACT,
        "c1",
    )


def test_a_phone_is_compared_digit_by_digit() -> None:
    [match] = decide_matches([Sought("m1", "", PHONE)], {PHONE_CONTACT: [a_record("c1")]})
    assert (match.state, match.stage) == ("proposed", PHONE_CONTACT)


def test_the_first_stage_that_hits_ends_the_search() -> None:
    found = {
        EMAIL_CONTACT: [a_record("c1")],
        EMAIL_LEAD: [a_record("l1", sobject="Lead")],
        PHONE_CONTACT: [a_record("c2")],
    }
    [match] = decide_matches([Sought("m1", ADA, PHONE)], found)
    assert [one.record_id for one in match.candidates] == ["c1"]
    assert match.state == "proposed"


def test_several_hits_are_ambiguous_the_newest_first_then_by_id() -> None:
    found = [
        a_record("c3", modified="2026-01-02"),
        a_record("c1", modified="2026-01-03"),
        a_record("c2", modified="2026-01-03"),
    ]
    [match] = decide_matches([Sought("m1", ADA)], {EMAIL_CONTACT: found})
    assert [one.record_id for one in match.candidates] == ["c1", "c2", "c3"]
    assert (match.state, match.reason) == ("ambiguous", "several_records")


def test_a_record_that_is_linked_is_ambiguous() -> None:
    found = {EMAIL_CONTACT: [a_record("c1")]}
    [match] = decide_matches([Sought("m1", ADA)], found, taken={"c1"})
    assert (match.state, match.reason) == ("ambiguous", "record_linked")


def test_a_record_that_two_members_hit_is_ambiguous_for_both() -> None:
    found = {EMAIL_CONTACT: [a_record("c1")]}
    matches = decide_matches([Sought("m1", ADA), Sought("m2", ADA)], found)
    assert [(one.state, one.reason) for one in matches] == [("ambiguous", "several_members")] * 2


def test_a_record_that_was_found_for_an_earlier_page_is_ambiguous() -> None:
    found = {EMAIL_CONTACT: [a_record("c1")]}
    [match] = decide_matches([Sought("m1", ADA)], found, claimed={"c1": 0})
    assert (match.state, match.reason) == ("ambiguous", "several_members")


def test_a_record_found_by_e_mail_is_not_contested_by_a_telephone_number() -> None:
    shared = a_record("c1")
    by_phone = Candidate("c1", "Contact", phones=(PHONE,))
    found = {EMAIL_CONTACT: [shared], PHONE_CONTACT: [by_phone]}
    mine, other = decide_matches([Sought("m1", ADA), Sought("m2", "", PHONE)], found)
    assert (mine.state, mine.reason) == ("proposed", "")
    assert (other.state, other.reason) == ("ambiguous", "several_members")
    [earlier] = decide_matches([Sought("m1", ADA)], found, claimed={"c1": 1})
    assert earlier.state == "proposed"


def test_without_e_mail_and_phone_nothing_is_found() -> None:
    found = {EMAIL_CONTACT: [a_record("c1", email="")], PHONE_CONTACT: [Candidate("c2", "Contact")]}
    assert decide_matches([Sought("m1")], found) == []


def test_candidates_are_bounded() -> None:
    found = {EMAIL_CONTACT: [a_record(f"c{n:03}") for n in range(MOST_CANDIDATES + 5)]}
    [match] = decide_matches([Sought("m1", ADA)], found)
    assert len(match.candidates) == MOST_CANDIDATES


PEOPLE = st.lists(
    st.builds(
        Sought,
        st.sampled_from([f"m{n}" for n in range(5)]),
        st.sampled_from(["", "a@x.org", "b@x.org"]),
        st.sampled_from(["", "+12025550100", "+12025550101"]),
    ),
    unique_by=lambda one: one.member_id,
)


def records(sobject: str) -> st.SearchStrategy[list[Candidate]]:
    one = st.builds(
        Candidate,
        st.sampled_from([f"{sobject[0]}{n}" for n in range(4)]),
        st.just(sobject),
        email=st.sampled_from(["", "A@x.org", "b@x.org"]),
        phones=st.lists(st.sampled_from(["202 555 0100", "2025550101"]), max_size=2).map(tuple),
        modified=st.sampled_from(["2026-01-01", "2026-01-02"]),
    )
    return st.lists(one, unique_by=lambda record: record.record_id)


FOUND = st.fixed_dictionaries({stage: records(stage.object) for stage in STAGES})


def decided_slowly(
    one: Sought, found: dict[Stage, list[Candidate]]
) -> tuple[Stage, set[str]] | None:
    for stage in STAGES:
        ids = {c.record_id for c in found[stage] if one.value(stage) in c.values(stage, "US")}
        if ids:
            return stage, ids
    return None


def sure(matches: list[Match]) -> list[str]:
    return [one.candidates[0].record_id for one in matches if one.state == "proposed"]


@given(PEOPLE, FOUND, st.sets(st.sampled_from(["C0", "L1"])))
def test_it_decides_as_the_rules_say(
    people: list[Sought], found: dict[Stage, list[Candidate]], taken: set[str]
) -> None:
    matches = {one.member_id: one for one in decide_matches(people, found, taken=taken)}
    expected = {one.member_id: decided_slowly(one, found) for one in people}
    assert matches.keys() == {member_id for member_id, one in expected.items() if one}

    def rivals(record_id: str, rank: int) -> int:
        claims = [stage.rank for stage, ids in filter(None, expected.values()) if record_id in ids]
        return sum(other <= rank for other in claims) - 1

    for member_id, match in matches.items():
        there = expected[member_id]
        assert there is not None
        stage, ids = there
        assert (match.stage, {one.record_id for one in match.candidates}) == (stage, ids)
        is_sure = (
            len(ids) == 1 and not ids & taken and all(rivals(one, stage.rank) == 0 for one in ids)
        )
        assert (match.state == "proposed") == is_sure


@given(PEOPLE, FOUND, st.randoms(use_true_random=False))
def test_nothing_depends_on_the_order_and_no_record_is_proposed_twice(
    people: list[Sought], found: dict[Stage, list[Candidate]], random: object
) -> None:
    shuffled = {stage: list(reversed(some)) for stage, some in found.items()}
    matches = decide_matches(people, found)
    assert decide_matches(list(reversed(people)), shuffled) == matches
    assert len(sure(matches)) == len(set(sure(matches)))


@given(PEOPLE, FOUND)
def test_who_goes_on_to_the_next_stage_was_not_hit(
    people: list[Sought], found: dict[Stage, list[Candidate]]
) -> None:
    left = still_sought(people, EMAIL_CONTACT, found[EMAIL_CONTACT], "US")
    hit = {m.member_id for m in decide_matches(people, found) if m.stage == EMAIL_CONTACT}
    assert {one.member_id for one in left} == {one.member_id for one in people} - hit
