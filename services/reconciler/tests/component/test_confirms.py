from __future__ import annotations

import pytest

from crmlink_common.contracts.activity import ACTIVITY_V1
from crmlink_common.contracts.cloudevents import Event, decode, encode
from crmlink_common.contracts.member_changes import MEMBER_CHANGES_V1
from crmlink_common.contracts.member_links import MEMBER_LINKS_V1, LinkState
from crmlink_common.contracts.record_matches import RECORD_MATCHES_V1, RecordMatch
from crmlink_common.errors import InvalidInputError
from crmlink_reconciler.domain.matching import STAGES, Candidate, Match
from crmlink_reconciler.fakes import NOON, ORG, World
from crmlink_reconciler.service.confirms import Confirms
from crmlink_reconciler.service.linking import Linking
from crmlink_reconciler.service.reservations import Reserving, Wish

RECORD = "003000000000001AAA"
OTHER = "003000000000002AAA"


def a_match(member_id: str = "m1", event_id: str = "e1", **told: object) -> Event[RecordMatch]:
    match = {
        "workspace_id": "w1",
        "member_id": member_id,
        "action": "confirm",
        "record_id": RECORD,
        "object": "Contact",
        "account_id": "001000000000001AAA",
        "owner_id": "005000000000001AAA",
        "org_id": ORG,
        **told,
    }
    data = RecordMatch.model_validate(match)
    r = encode(RECORD_MATCHES_V1, data, event_id=event_id, source="/sync-outbound", time=NOON)
    return decode(RECORD_MATCHES_V1, r.key, r.value, r.headers)


def a_world(*members: str) -> World:
    world = World()
    for member_id in members or ("m1",):
        world.know(member_id)
    return world


async def test_a_reserved_member_is_linked_and_its_reservation_ends() -> None:
    world = a_world()
    world.reserved["w1", "m1"] = "i1"
    await Confirms(world.work).settle([a_match(intent_id="i1")])
    [link] = world.told(MEMBER_LINKS_V1)
    assert (link.state, link.record_id, link.revision) == (LinkState.LINKED, RECORD, 1)
    [request] = world.told(MEMBER_CHANGES_V1)
    assert {one.field: (one.expected, one.value) for one in request.changes} == {
        "fields.salesforce:id": (None, RECORD),
        "fields.salesforce:account_id": (None, "001000000000001AAA"),
        "fields.salesforce:owner_id": (None, "005000000000001AAA"),
    }
    assert world.reserved == {}


async def test_the_same_confirm_twice_has_one_effect() -> None:
    world = a_world()
    world.reserved["w1", "m1"] = "i1"
    match = a_match(intent_id="i1")
    await Confirms(world.work).settle([match, match])
    await Confirms(world.work).settle([match])
    assert len(world.told(MEMBER_LINKS_V1)) == 1


async def test_an_old_confirm_does_not_undo_what_a_person_did_since() -> None:
    world = a_world()
    world.reserved["w1", "m1"] = "i1"
    match, adoption = a_match(intent_id="i1"), a_match(event_id="e2", origin="adopted")
    await Confirms(world.work).settle([match])
    await Linking(world.work).unlink("w1", "m1")
    said = len(world.told(MEMBER_LINKS_V1))
    await Confirms(world.work).settle([match, adoption])
    assert world.links["w1", "m1"].state is LinkState.EXCLUDED
    assert len(world.told(MEMBER_LINKS_V1)) == said


async def test_an_adoption_delivered_again_does_not_revive_an_ended_link() -> None:
    world = a_world()
    adoption = a_match(origin="adopted")
    await Confirms(world.work).settle([adoption])
    await Linking(world.work).unlink("w1", "m1")
    await Linking(world.work).relink("w1", "m1")
    await Confirms(world.work).settle([adoption])
    assert not world.links["w1", "m1"].linked
    await Confirms(world.work).settle([a_match(event_id="e9", origin="adopted")])
    assert world.links["w1", "m1"].linked


async def test_who_comes_second_for_a_record_is_refused_with_the_intent() -> None:
    world = a_world("m1", "m2")
    world.reserved |= {("w1", "m1"): "i1", ("w1", "m2"): "i2"}
    await Confirms(world.work).settle(
        [a_match("m1", intent_id="i1"), a_match("m2", "e2", intent_id="i2")]
    )
    first, second = world.told(MEMBER_LINKS_V1)
    assert first.state is LinkState.LINKED
    assert (second.state, second.reason, second.intent_id) == (
        LinkState.REFUSED,
        "record_linked_elsewhere",
        "i2",
    )
    assert world.reserved == {}
    [trace] = world.told(ACTIVITY_V1)
    assert (trace.action, trace.code) == ("link.refused", "record_linked_elsewhere")


async def test_a_member_that_does_not_come_in_time_is_refused_with_the_intent() -> None:
    world = World()
    waits = a_match("stranger", intent_id="i1")
    await Confirms(world.work).settle([waits])
    assert (len(world.parking.rows), world.outbox.sent) == (1, [])
    for _ in range(2):
        await Confirms(world.work).settle([waits], patient=False)
    [told] = world.told(MEMBER_LINKS_V1)
    assert (told.state, told.reason, told.intent_id) == (LinkState.REFUSED, "wait_expired", "i1")
    [trace] = world.told(ACTIVITY_V1)
    assert (trace.action, trace.code) == ("link.refused", "wait_expired")


async def test_a_release_ends_only_the_reservation_it_names() -> None:
    world = a_world("m1", "m2")
    world.reserved |= {("w1", "m1"): "i1", ("w1", "m2"): "i2"}
    releases = [
        a_match("m1", action="release", intent_id="i1", record_id=""),
        a_match("m2", "e2", action="release", intent_id="i9", record_id=""),
    ]
    await Confirms(world.work).settle(releases)
    assert world.reserved == {("w1", "m2"): "i2"}
    assert world.outbox.sent == []


async def test_a_confirm_for_a_deleted_member_is_refused() -> None:
    world = World()
    world.know("m1", deleted=True)
    world.reserved["w1", "m1"] = "i1"
    await Confirms(world.work).settle([a_match(intent_id="i1")])
    [told] = world.told(MEMBER_LINKS_V1)
    assert (told.state, told.reason) == (LinkState.REFUSED, "member_deleted")
    assert world.told(MEMBER_CHANGES_V1) == []


async def test_a_short_id_is_written_long_and_a_missing_object_is_the_configured_one() -> None:
    world = a_world()
    await Confirms(world.work).settle(
        [a_match(record_id=RECORD[:15], object="", org_id="", origin="adopted")]
    )
    link = world.links["w1", "m1"]
    assert (link.record_id, link.object, link.org_id) == (RECORD, "Contact", ORG)


@pytest.mark.parametrize(
    "told",
    [
        {"record_id": ""},
        {"record_id": "not an id"},
        {"object": "Con\x00tact"},
        {"org_id": "0" * 300},
    ],
)
@pytest.mark.parametrize("member_id", ["m1", "stranger"])
async def test_what_can_never_be_settled_is_refused_before_it_is_parked(
    told: dict[str, str], member_id: str
) -> None:
    world = a_world()
    with pytest.raises(InvalidInputError):
        await Confirms(world.work).settle([a_match(member_id, **told)])
    assert world.parking.rows == {}


async def test_a_member_linked_elsewhere_keeps_its_link_and_the_intent_is_answered() -> None:
    world = a_world()
    world.link("m1", OTHER)
    world.reserved["w1", "m1"] = "i1"
    await Confirms(world.work).settle([a_match(intent_id="i1")])
    [told] = world.told(MEMBER_LINKS_V1)
    assert (told.state, told.record_id, told.intent_id, told.reason) == (
        LinkState.LINKED,
        OTHER,
        "i1",
        "member_linked_elsewhere",
    )


async def test_an_adoption_of_an_ambiguous_member_is_refused_and_a_creation_is_not() -> None:
    world = a_world("m1", "m2")
    candidate = Candidate(RECORD, "Contact")
    doubtful = Match("m1", STAGES[0], "ambiguous", "several_members", (candidate,))
    world.matches.rows["w1", "m1"] = ("ambiguous", doubtful, ORG)
    await Confirms(world.work).settle([a_match(origin="adopted")])
    [link] = world.told(MEMBER_LINKS_V1)
    assert (link.state, link.reason) == (LinkState.REFUSED, "ambiguous")
    world.reserved["w1", "m1"] = "i1"
    await Confirms(world.work).settle([a_match(event_id="e2", intent_id="i1", record_id=OTHER)])
    assert world.told(MEMBER_LINKS_V1)[-1].state is LinkState.LINKED


@pytest.mark.parametrize(
    ("state", "result"),
    [
        ("proposed", "match_proposed"),
        ("ambiguous", "match_ambiguous"),
        ("linked", "reserved"),  # that link has ended
    ],
)
async def test_nothing_is_created_beside_a_record_that_a_search_found(
    state: str, result: str
) -> None:
    world = a_world()
    found = Match("m1", STAGES[1], "proposed", "", (Candidate("00Q000000000001AAA", "Lead"),))
    world.matches.rows["w1", "m1"] = (state, found, ORG)
    [answer] = await Reserving(world.work).reserve("w1", [Wish("m1", "i1")])
    assert answer.result == result
    assert bool(world.reserved) == (result == "reserved")


async def test_whoever_asks_again_is_answered_again_but_not_the_same_message() -> None:
    world = a_world()
    doubtful = Match("m1", STAGES[0], "ambiguous", "several_members", (Candidate(RECORD, "C"),))
    world.matches.rows["w1", "m1"] = ("ambiguous", doubtful, ORG)
    for event_id in ("e1", "e1", "e2"):
        await Confirms(world.work).settle([a_match(event_id=event_id, origin="adopted")])
    assert [link.revision for link in world.told(MEMBER_LINKS_V1)] == [1, 2]
