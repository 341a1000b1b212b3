from __future__ import annotations

from crmlink_common.contracts.cloudevents import Event, decode, encode
from crmlink_common.contracts.member_changes import MEMBER_CHANGES_V1
from crmlink_common.contracts.member_links import MEMBER_LINKS_V1, LinkState
from crmlink_common.contracts.salesforce_changes import SALESFORCE_CHANGES_V1, SalesforceChange
from crmlink_reconciler.fakes import NOON, ORG, World
from crmlink_reconciler.service.changes import RecordChanges

RECORD, WINNER = "003000000000001AAA", "003000000000002AAA"
LEAD = "00Q000000000001EAA"


def a_change(kind: str, record_id: str = RECORD, **told: object) -> Event[SalesforceChange]:
    change = {
        "workspace_id": "w1",
        "record_id": record_id,
        "object": "Contact",
        "org_id": ORG,
        "kind": kind,
        "observed_at": NOON,
        **told,
    }
    data = SalesforceChange.model_validate(change)
    r = encode(SALESFORCE_CHANGES_V1, data, event_id="e1", source="/sync-inbound", time=NOON)
    return decode(SALESFORCE_CHANGES_V1, r.key, r.value, r.headers)


def a_world() -> World:
    world = World()
    world.know("m1", evidence={"salesforce:id": RECORD})
    world.link("m1", RECORD, account_id="001A", owner_id="005A")
    return world


async def test_a_deleted_record_ends_its_link_once() -> None:
    world = a_world()
    for _ in range(2):
        await RecordChanges(world.work).observe([a_change("deleted")])
    [told] = world.told(MEMBER_LINKS_V1)
    assert (told.state, told.reason) == (LinkState.UNLINKED, "record_deleted")
    [request] = world.told(MEMBER_CHANGES_V1)
    assert (request.changes[0].expected, request.changes[0].unset) == (RECORD, True)


async def test_a_link_follows_a_merge() -> None:
    world = a_world()
    await RecordChanges(world.work).observe([a_change("merged", successor_id=WINNER)])
    [told] = world.told(MEMBER_LINKS_V1)
    assert (told.state, told.record_id, told.revision) == (LinkState.LINKED, WINNER, 2)
    [request] = world.told(MEMBER_CHANGES_V1)
    assert (request.changes[0].expected, request.changes[0].value) == (RECORD, WINNER)


async def test_a_merge_into_a_linked_record_ends_the_link_with_a_reason() -> None:
    world = a_world()
    world.know("m2")
    world.link("m2", WINNER)
    await RecordChanges(world.work).observe([a_change("merged", successor_id=WINNER)])
    [told] = world.told(MEMBER_LINKS_V1)
    assert (told.member_id, told.state, told.reason) == (
        "m1",
        LinkState.UNLINKED,
        "merged_into_linked_record",
    )
    assert world.links["w1", "m2"].record_id == WINNER


async def test_a_chain_within_one_batch_is_followed_to_its_end() -> None:
    world = a_world()
    world.know("m2")
    world.link("m2", WINNER)
    last = "003000000000003AAA"
    await RecordChanges(world.work).observe(
        [
            a_change("merged", WINNER, successor_id=last),
            a_change("merged", RECORD, successor_id=WINNER),
        ]
    )
    assert world.links["w1", "m2"].record_id == last
    assert world.links["w1", "m1"].record_id == WINNER


async def test_a_converted_lead_becomes_its_contact_with_its_account() -> None:
    world = World()
    world.know("m1")
    world.link("m1", LEAD, object="Lead", owner_id="00G1")
    await RecordChanges(world.work).observe(
        [
            a_change(
                "converted",
                LEAD,
                object="Lead",
                successor_id=WINNER,
                values={"ConvertedAccountId": "001B"},
            )
        ]
    )
    link = world.links["w1", "m1"]
    assert (link.record_id, link.object, link.account_id) == (WINNER, "Contact", "001B")


async def test_a_lead_converted_to_no_contact_keeps_its_link() -> None:
    world = World()
    world.link("m1", LEAD, object="Lead")
    await RecordChanges(world.work).observe([a_change("converted", LEAD, object="Lead")])
    assert world.outbox.sent == []


async def test_a_new_owner_is_a_new_revision_and_asked_of_upstream() -> None:
    world = a_world()
    values = {"AccountId": "001A", "OwnerId": "005B", "Email": "ada@example.com"}
    for _ in range(2):
        await RecordChanges(world.work).observe([a_change("updated", values=values)])
    [told] = world.told(MEMBER_LINKS_V1)
    assert (told.owner_id, told.revision) == ("005B", 2)
    assert len(world.told(MEMBER_CHANGES_V1)) == 1


async def test_a_record_that_nobody_is_linked_to_changes_nothing() -> None:
    world = a_world()
    await RecordChanges(world.work).observe([a_change("deleted", WINNER)])
    assert world.outbox.sent == []
