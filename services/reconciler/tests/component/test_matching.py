from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from pydantic import JsonValue

from crmlink_common.errors import NotConnectedError
from crmlink_common.runs.model import Run, RunStatus, Step
from crmlink_common.runs.store import Claim
from crmlink_reconciler.domain.matching import STAGES, Candidate, Match, Sought, Stage
from crmlink_reconciler.fakes import NOON, ORG, FakeRecords, World
from crmlink_reconciler.service.matching import FindMatches, LinkAll
from crmlink_reconciler.service.ports import WorkspaceState


def a_claim(checkpoint: dict[str, JsonValue], counts: dict[str, int] | None = None) -> Claim:
    run = Run(
        id=UUID(int=7),
        workspace_id="w1",
        entity="member",
        kind="match",
        status=RunStatus.RUNNING,
        revision=1,
        created_at=NOON,
        counts=counts or {},
    )
    return Claim(run, checkpoint, 1)


def a_search(world: World, records: FakeRecords, page_size: int = 2) -> FindMatches:
    async def open_records(_: str) -> FakeRecords:
        return records

    return FindMatches(
        transaction=world.transaction,
        open_records=open_records,
        page_size=page_size,
    )


async def run_through(search: FindMatches | LinkAll) -> tuple[dict[str, int], Step]:
    counts: dict[str, int] = {}
    step = Step(checkpoint={})
    while step.outcome is None:
        step = await search.page(a_claim(step.checkpoint, counts))
        for name, times in step.counts.items():
            counts[name] = counts.get(name, 0) + times
    return counts, step


def a_contact(record_id: str, **told: str) -> Candidate:
    return Candidate(record_id, "Contact", **told)  # type: ignore[arg-type]


async def test_a_run_matches_by_e_mail_then_phone_and_explains_the_rest() -> None:
    world = World()
    world.know("m1", email="ada@example.com")
    world.know("m2", phone="202-555-0100")
    world.know("m3", email="twice@example.com")
    world.know("m4", email="nobody@example.com")
    world.know("m5")
    world.know("m6", email="gone@example.com", deleted=True)
    world.know("m7", email="ada@example.com")
    world.link("m7", "003OLD")
    records = FakeRecords(
        [
            a_contact("003A", email="Ada@Example.com", name="Ada"),
            Candidate("003B", "Contact", phones=("(202) 555-0100",)),
            a_contact("003C", email="twice@example.com", modified="2026-01-01"),
            a_contact("003D", email="twice@example.com", modified="2026-01-02"),
        ]
    )
    counts, step = await run_through(a_search(world, records))
    assert step.outcome is RunStatus.COMPLETED
    assert counts == {
        "examined": 5,
        "matched_email": 1,
        "matched_phone": 1,
        "ambiguous": 1,
        "none": 1,
        "without_email_and_phone": 1,
        "phone_not_readable": 0,
        "contacts_visible": 4,
        "leads_visible": 0,
    }
    states = {
        key[1]: (state, match.candidates[0].record_id)
        for key, (state, match, _) in world.matches.rows.items()
    }
    assert states == {
        "m1": ("proposed", "003A"),
        "m2": ("proposed", "003B"),
        "m3": ("ambiguous", "003D"),
    }
    assert records.closed > 0


async def test_a_record_found_on_two_pages_is_doubtful_for_both_members() -> None:
    world = World()
    for member_id in ("m1", "m2", "m3"):
        world.know(member_id, email="family@example.com" if member_id != "m2" else "b@x.org")
    records = FakeRecords([a_contact("003A", email="family@example.com")])
    counts, _ = await run_through(a_search(world, records, page_size=2))
    assert {key[1]: state for key, (state, *_) in world.matches.rows.items()} == {
        "m1": "ambiguous",
        "m3": "ambiguous",
    }
    assert (counts["examined"], counts["matched_email"], counts["ambiguous"]) == (3, 0, 2)


async def test_what_was_found_earlier_stands_until_its_page_is_searched_again() -> None:
    world = World()
    for member_id in ("m1", "m2", "m3"):
        world.know(member_id, email=f"{member_id}@example.com")
    old = Match("m3", STAGES[0], "ambiguous", "several_records", (Candidate("003C", "Contact"),))
    await world.matches.save("w1", "earlier", ORG, [old])
    await world.matches.save("w1", "earlier", ORG, [replace(old, member_id="gone")])
    search = a_search(world, FakeRecords([a_contact("003A", email="m1@example.com")]), page_size=2)
    step = await search.page(a_claim((await search.page(a_claim({}))).checkpoint))
    assert {key[1] for key in world.matches.rows} == {"m1", "m3", "gone"}
    while step.outcome is None:
        step = await search.page(a_claim(step.checkpoint))
    assert {key[1] for key in world.matches.rows} == {"m1"}


async def test_a_claim_that_no_longer_holds_at_the_end_of_a_run_doubts_nobody() -> None:
    world = World()
    world.know("m1", email="ada@example.com")
    for member_id in ("m2", "m3"):
        world.know(member_id, email="b@example.com")
    old = Match("m3", STAGES[0], "proposed", "", (Candidate("003A", "Contact"),))
    await world.matches.save("w1", "earlier", ORG, [old])
    records = FakeRecords([a_contact("003A", email="ada@example.com")])
    await run_through(a_search(world, records, page_size=2))
    assert {key[1]: state for key, (state, *_) in world.matches.rows.items()} == {"m1": "proposed"}


async def test_who_was_linked_or_changed_during_the_search_keeps_what_a_person_did() -> None:
    world = World()
    for member_id in ("m1", "m2", "m3"):
        world.know(member_id, email="ada@example.com")
    records = FakeRecords([a_contact("003A", email="ada@example.com")])

    class Slow(FakeRecords):
        async def find(
            self, stage: Stage, sought: Sequence[Sought], region: str
        ) -> list[Candidate]:
            world.link("m1", "003A")
            world.know("m2", email="new@example.com")
            return await records.find(stage, sought, region)

    await a_search(world, Slow(), page_size=5).page(a_claim({"after": ""}))
    assert {key[1]: state for key, (state, *_) in world.matches.rows.items()} == {"m3": "ambiguous"}


async def test_a_page_that_is_repeated_decides_the_same() -> None:
    world = World()
    world.know("m1", email="ada@example.com")
    search = a_search(world, FakeRecords([a_contact("003A", email="ada@example.com")]))
    claim = a_claim({"after": ""})
    first, second = await search.page(claim), await search.page(claim)
    assert first == second
    assert world.matches.rows["w1", "m1"][0] == "proposed"


async def test_a_new_run_forgets_what_the_last_one_found() -> None:
    world = World()
    world.know("m1", email="ada@example.com")
    records = FakeRecords([a_contact("003A", email="ada@example.com")])
    await run_through(a_search(world, records))
    records.held.clear()
    await run_through(a_search(world, records))
    assert world.matches.rows == {}


async def found_before(world: World) -> None:
    match = Match("m1", STAGES[0], "proposed", "", (a_contact("003A"),))
    await world.matches.save("w1", "earlier", ORG, [match])


async def test_an_inactive_workspace_waits() -> None:
    world = World()
    world.projections.state = WorkspaceState()
    await found_before(world)
    for checkpoint in ({}, {"after": ""}):
        with pytest.raises(NotConnectedError):
            await a_search(world, FakeRecords()).page(a_claim(dict(checkpoint)))
    assert world.matches.rows  # what was found before stays until there is something newer


async def test_another_org_in_mid_run_ends_it() -> None:
    world = World()
    world.know("m1", email="ada@example.com")
    claim = a_claim({"after": "", "org_id": "00D000000000009AAA"})
    step = await a_search(world, FakeRecords()).page(claim)
    assert step.outcome is RunStatus.FAILED
    assert step.error is not None
    assert step.error.code == "org_changed"


async def test_an_object_that_may_not_be_read_is_named() -> None:
    world = World()
    world.know("m1", email="ada@example.com")
    _, step = await run_through(a_search(world, FakeRecords(unreadable={"Lead"})))
    assert step.outcome is RunStatus.COMPLETED_WITH_ERRORS
    assert step.error is not None
    assert step.error.code == "object_not_readable"
    assert "Lead" in step.error.message


async def test_link_all_links_what_is_proposed_and_never_what_is_ambiguous() -> None:
    world = World()
    records = FakeRecords(
        [
            *[a_contact(f"00{n}", email=f"{n}@example.com") for n in range(5)],
            a_contact("00X", email="4@example.com"),
        ]
    )
    for n in range(5):
        world.know(f"m{n}", email=f"{n}@example.com")
    await run_through(a_search(world, records))
    world.reserved["w1", "m1"] = "i1"
    counts, step = await run_through(LinkAll(transaction=world.transaction, page_size=2))
    assert {key[1] for key in world.links} == {"m0", "m2", "m3"}
    assert counts == {"linked": 3, "refused": 1, "refused_reserved": 1}
    assert step.outcome is RunStatus.COMPLETED_WITH_ERRORS
