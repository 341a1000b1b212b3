from __future__ import annotations

import pytest

from crmlink_common.contracts.activity import ACTIVITY_V1
from crmlink_common.contracts.member_changes import MEMBER_CHANGES_V1
from crmlink_common.contracts.member_links import MEMBER_LINKS_V1, LinkState
from crmlink_common.errors import NotFoundError
from crmlink_reconciler.domain.matching import STAGES, Candidate, Match, State
from crmlink_reconciler.fakes import ORG, World
from crmlink_reconciler.service.linking import MESSAGES, Linking, wishes
from crmlink_reconciler.service.ports import WorkspaceState
from crmlink_reconciler.service.reservations import Answer, Reserving, Wish

RECORD, OTHER = "003000000000001AAA", "003000000000002AAA"


async def found(world: World, member_id: str, *ids: str, state: State = "proposed") -> None:
    world.know(member_id, email="ada@example.com")
    candidates = tuple(Candidate(one, "Contact", account_id="001A") for one in ids)
    match = Match(member_id, STAGES[0], state, "", candidates)
    world.matches.rows["w1", member_id] = (state, match, ORG)


async def codes(world: World, *members: str) -> dict[str, str]:
    told = await Linking(world.work).link("w1", wishes(members))
    return {one.member_id: one.code for one in told.refused}


async def test_a_proposed_match_becomes_a_link_that_upstream_hears_of() -> None:
    world = World()
    await found(world, "m1", RECORD)
    told = await Linking(world.work).link("w1", {"m1": None}, actor="key:1")
    assert (told.linked, told.refused) == (1, [])
    [link] = world.told(MEMBER_LINKS_V1)
    assert (link.state, link.record_id, link.account_id) == (LinkState.LINKED, RECORD, "001A")
    assert len(world.told(MEMBER_CHANGES_V1)) == 1
    [trace] = world.told(ACTIVITY_V1)
    assert (trace.action, trace.actor, trace.member_id) == ("member.linked", "key:1", "m1")
    assert world.matches.rows["w1", "m1"][0] == "linked"


async def test_linking_again_says_the_same_and_tells_nobody_twice() -> None:
    world = World()
    await found(world, "m1", RECORD)
    for _ in range(2):
        assert (await Linking(world.work).link("w1", {"m1": None})).linked == 1
    assert len(world.told(MEMBER_LINKS_V1)) == 1


async def test_an_ambiguous_match_needs_a_choice_among_its_candidates() -> None:
    world = World()
    await found(world, "m1", RECORD, OTHER, state="ambiguous")
    assert await codes(world, "m1") == {"m1": "ambiguous"}
    foreign = await Linking(world.work).link("w1", {"m1": "003000000000009AAA"})
    assert foreign.refused[0].code == "not_a_candidate"
    chosen = await Linking(world.work).link("w1", {"m1": OTHER})
    assert chosen.linked == 1
    assert world.links["w1", "m1"].record_id == OTHER


async def test_every_obstacle_has_its_code() -> None:
    world = World()
    for member_id in ("gone", "excluded", "reserved", "taken", "linked"):
        await found(world, member_id, RECORD)
    world.know("gone", deleted=True)
    world.know("unmatched")
    world.link("excluded", "003x", state=LinkState.EXCLUDED)
    world.link("linked", OTHER)
    world.link("other", RECORD)
    world.reserved["w1", "reserved"] = "i1"
    told = await codes(
        world, "gone", "stranger", "excluded", "reserved", "taken", "linked", "unmatched"
    )
    assert told == {
        "gone": "unknown_member",
        "stranger": "unknown_member",
        "excluded": "unlinked_by_person",
        "reserved": "reserved",
        "taken": "record_linked_elsewhere",
        "linked": "already_linked",
        "unmatched": "no_match",
    }
    assert all(MESSAGES[code] for code in told.values())


async def test_a_persons_link_ends_a_reservation_that_has_stood_too_long() -> None:
    world = World()
    await found(world, "m1", RECORD)
    world.reserved |= {("w1", "m1"): "i1", ("w1", "m2"): "i2"}
    assert await codes(world, "m1") == {"m1": "reserved"}
    world.long_reserved.add(("w1", "m1"))
    assert await codes(world, "m1") == {}
    assert world.links["w1", "m1"].record_id == RECORD
    assert world.reserved == {("w1", "m2"): "i2"}


async def test_a_match_of_another_org_is_not_linked() -> None:
    world = World()
    await found(world, "m1", RECORD)
    world.projections.state = WorkspaceState(active=True, org_id="00D000000000002AAA")
    assert await codes(world, "m1") == {"m1": "org_changed"}


async def test_nothing_is_linked_while_another_org_waits_to_be_confirmed() -> None:
    world = World()
    await found(world, "m1", RECORD)
    world.projections.state = WorkspaceState(org_id=ORG, org_confirmed=False)
    assert await codes(world, "m1") == {"m1": "org_not_confirmed"}
    assert world.links == {}


async def test_two_members_of_one_page_cannot_share_a_record() -> None:
    world = World()
    await found(world, "m1", RECORD)
    await found(world, "m2", RECORD)
    assert await codes(world, "m1", "m2") == {"m2": "record_linked_elsewhere"}


async def test_unlinking_asks_upstream_to_unset_and_keeps_others_away_until_relinked() -> None:
    world = World()
    world.know("m1", evidence={"salesforce:id": RECORD})
    world.link("m1", RECORD)
    for _ in range(2):
        assert await Linking(world.work).unlink("w1", "m1") is LinkState.EXCLUDED
    [told] = world.told(MEMBER_LINKS_V1)
    assert (told.state, told.reason, told.revision) == (
        LinkState.EXCLUDED,
        "unlinked_by_person",
        2,
    )
    [request] = world.told(MEMBER_CHANGES_V1)
    assert all(one.unset for one in request.changes)
    assert len(request.changes) == 3
    for _ in range(2):
        assert await Linking(world.work).relink("w1", "m1") is LinkState.UNLINKED
    assert [one.state for one in world.told(MEMBER_LINKS_V1)][1:] == [LinkState.UNLINKED]
    assert len(world.told(MEMBER_CHANGES_V1)) == 1


async def test_what_is_not_linked_cannot_be_unlinked() -> None:
    world = World()
    world.know("m1")
    with pytest.raises(NotFoundError):
        await Linking(world.work).unlink("w1", "m1")


async def test_a_reservation_is_the_same_for_the_same_intent_and_closed_to_others() -> None:
    world = World()
    for member_id in ("m1", "linked", "excluded"):
        world.know(member_id)
    world.know("gone", deleted=True)
    world.link("linked", RECORD)
    world.link("excluded", OTHER, state=LinkState.EXCLUDED)
    wanted = [Wish(one, "i1") for one in ("m1", "linked", "excluded", "gone", "stranger")]
    for _ in range(2):
        assert await Reserving(world.work).reserve("w1", wanted) == [
            Answer("m1", "reserved"),
            Answer("linked", "already_linked", RECORD, "Contact"),
            Answer("excluded", "excluded"),
            Answer("gone", "unknown_member"),
            Answer("stranger", "unknown_member"),
        ]
    assert await Reserving(world.work).reserve("w1", [Wish("m1", "i2")]) == [
        Answer("m1", "reserved_by_other", intent_id="i1")
    ]
    assert world.reserved == {("w1", "m1"): "i1"}
