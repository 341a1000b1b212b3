from __future__ import annotations

from crmlink_common.contracts.cloudevents import Deleted, Event, decode, encode
from crmlink_common.contracts.member_changes import MEMBER_CHANGES_V1
from crmlink_common.contracts.member_links import MEMBER_LINKS_V1, LinkState
from crmlink_common.contracts.members import MEMBERS_V1, Member
from crmlink_common.contracts.record_matches import RECORD_MATCHES_V1, RecordMatch
from crmlink_reconciler.domain.matching import STAGES, Candidate, Match
from crmlink_reconciler.fakes import NOON, ORG, World
from crmlink_reconciler.service.confirms import Confirms
from crmlink_reconciler.service.members import Members

RECORD = "003000000000001AAA"


def an_event(data: Member | Deleted) -> Event[Member]:
    r = encode(MEMBERS_V1, data, event_id="e1", source="/upstream", time=NOON)
    return decode(MEMBERS_V1, r.key, r.value, r.headers)


def a_member(version: int = 1, **told: object) -> Event[Member]:
    member = {"workspace_id": "w1", "member_id": "m1", "version": version, **told}
    return an_event(Member.model_validate(member))


async def test_the_link_of_a_deleted_member_ends_once_and_a_reservation_stays() -> None:
    world = World()
    world.know("m1", email="ada@example.com")
    world.link("m1", RECORD)
    world.reserved["w1", "m1"] = "i1"
    for _ in range(2):
        await Members(world.work).observe([an_event(Deleted("w1/m1", 2))])
    [told] = world.told(MEMBER_LINKS_V1)
    assert (told.state, told.reason, told.revision) == (LinkState.UNLINKED, "member_deleted", 2)
    assert world.told(MEMBER_CHANGES_V1) == []
    assert world.members["w1", "m1"].email == ""
    assert world.reserved == {("w1", "m1"): "i1"}


async def test_the_message_that_ended_a_link_is_named_as_its_cause() -> None:
    world = World()
    world.know("m1")
    world.link("m1", RECORD)
    await Members(world.work).observe([an_event(Deleted("w1/m1", 2))])
    [r] = [one for one in world.outbox.sent if one.topic == MEMBER_LINKS_V1.name]
    assert decode(MEMBER_LINKS_V1, r.key, r.value, r.headers).attributes.causationid == "e1"


async def test_what_overtook_a_request_upstream_is_asked_again() -> None:
    world = World()
    world.know("m1")
    world.link("m1", RECORD, state=LinkState.EXCLUDED, reason="unlinked_by_person")
    await Members(world.work).observe([a_member(2, fields={"salesforce:id": RECORD})])
    [request] = world.told(MEMBER_CHANGES_V1)
    assert request.changes[0].field == "fields.salesforce:id"
    assert (request.changes[0].expected, request.changes[0].unset) == (RECORD, True)
    await Members(world.work).observe([a_member(3, fields={"salesforce:id": RECORD})])
    assert len(world.told(MEMBER_CHANGES_V1)) == 1


async def test_evidence_of_an_unlinked_member_is_left_alone() -> None:
    world = World()
    world.know("m1")
    await Members(world.work).observe([a_member(2, fields={"salesforce:id": RECORD})])
    assert world.outbox.sent == []
    assert world.members["w1", "m1"].evidence == {"salesforce:id": RECORD}


async def test_a_match_found_by_an_old_address_is_forgotten() -> None:
    world = World()
    world.know("m1", email="old@example.com")
    found = Match("m1", STAGES[0], "proposed", "", (Candidate(RECORD, "Contact"),))
    await world.matches.save("w1", "run", ORG, [found])
    await Members(world.work).observe([a_member(2, email="new@example.com")])
    assert world.matches.rows == {}


async def test_a_confirm_that_came_before_its_member_waits_for_it() -> None:
    world = World()
    match = RecordMatch(
        workspace_id="w1",
        member_id="m1",
        action="confirm",
        record_id=RECORD,
        object="Contact",
        org_id=ORG,
        origin="adopted",
    )
    r = encode(RECORD_MATCHES_V1, match, event_id="c1", source="/sync-outbound", time=NOON)
    early = decode(RECORD_MATCHES_V1, r.key, r.value, r.headers)
    await Confirms(world.work).settle([early])
    assert world.links == {}
    assert list(world.parking.rows) == ["w1/m1"]
    await Members(world.work).observe([a_member()])
    assert world.parking.rows == {}
    assert world.links["w1", "m1"].record_id == RECORD
    await Confirms(world.work).settle([early])  # delivered again
    assert len(world.told(MEMBER_LINKS_V1)) == 1
