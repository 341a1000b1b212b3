"""The recycle bin, merging and lead conversion."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from crmlink_salesforce_sim.dml import DmlOptions
from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.queries import Queries
from crmlink_salesforce_sim.records import Writer


@contextmanager
def writing(server: Server) -> Iterator[Writer]:
    with server.org.writing(server.identity.user_id, "Tests") as writer:
        yield writer


def make(server: Server, name: str, **values: object) -> str:
    with writing(server) as writer:
        return writer.create(server.org.schema.objects[name], values)


def rows(server: Server, text: str, *, deleted: bool = False) -> list[dict[str, Any]]:
    found = Queries(server.org, server.identity.user_id, "59.0").run(text, deleted=deleted)
    return found["records"]  # type: ignore[return-value]


def record(server: Server, name: str, record_id: str, fields: str) -> dict[str, Any]:
    words = ["SELECT", fields, "FROM", name, "WHERE Id =", f"'{record_id}'"]
    return rows(server, " ".join(words))[0]


def refused(server: Server, name: str, method: str, *args: Any) -> str:  # noqa: ANN401 - as given
    sobject = server.org.schema.objects[name]
    with writing(server) as writer, pytest.raises(ApiError) as caught:
        getattr(writer, method)(sobject, *args)
    return caught.value.code


def test_what_went_into_the_bin_together_comes_back_together(server: Server, clock: Any) -> None:  # noqa: ANN401 - a fixture
    """Facts §10: deleted rows stay, IsDeleted; an undelete brings the children back."""
    account = make(server, "Account", Name="Acme")
    person = make(server, "Contact", LastName="Obi", AccountId=account)
    before = make(server, "Contact", LastName="Gone", AccountId=account)
    objects = server.org.schema.objects
    with writing(server) as writer:
        writer.delete(objects["Contact"], before)
    clock.pass_seconds(60)
    with writing(server) as writer:
        writer.delete(objects["Account"], account)
    binned = "SELECT Id FROM Contact WHERE Account.Name = 'Acme' AND IsDeleted = true"
    assert len(rows(server, binned, deleted=True)) == 2
    with writing(server) as writer:
        writer.undelete(objects["Account"], account)
    alive = rows(server, "SELECT Id FROM Contact WHERE Account.Name = 'Acme'")
    assert [one["Id"] for one in alive] == [person]
    assert refused(server, "Account", "undelete", account) == "UNDELETE_FAILED"


def test_a_lookup_to_what_is_deleted_is_empty_until_it_comes_back(server: Server) -> None:
    """Facts §10: links to deleted records; what somebody filled since stays."""
    contact = server.org.schema.objects["Contact"]
    boss, other = make(server, "Contact", LastName="Boss"), make(server, "Contact", LastName="B")
    people = [make(server, "Contact", LastName=f"p{n}", ReportsToId=boss) for n in range(2)]
    with writing(server) as writer:
        writer.delete(contact, boss)
    assert record(server, "Contact", people[0], "ReportsToId")["ReportsToId"] is None
    with writing(server) as writer:
        writer.update(contact, people[1], {"ReportsToId": other})
        writer.undelete(contact, boss)
    found = [record(server, "Contact", one, "ReportsToId")["ReportsToId"] for one in people]
    assert found == [boss, other]


def test_an_undelete_gives_no_unique_value_twice(server: Server) -> None:
    """Facts §2: DUPLICATE_VALUE."""
    first = make(server, "Contact", LastName="a", Member_Id__c="w/1")
    with writing(server) as writer:
        writer.delete(server.org.schema.objects["Contact"], first)
    make(server, "Contact", LastName="b", Member_Id__c="W/1")
    assert refused(server, "Contact", "undelete", first) == "DUPLICATE_VALUE"


def test_what_is_deleted_for_ever_no_query_finds(server: Server, clock: Any) -> None:  # noqa: ANN401 - a fixture
    """Facts §10: about 15 days in the bin; hard-deleted is gone from queryAll."""
    contact = server.org.schema.objects["Contact"]
    made = [make(server, "Contact", LastName=f"bin{n}") for n in range(3)]
    with writing(server) as writer:
        writer.hard_delete(contact, made[0])
        writer.delete(contact, made[1])
        writer.delete(contact, made[2])
        writer.empty_recycle_bin(contact, made[1])
    all_of_them = "SELECT Id FROM Contact WHERE LastName LIKE 'bin%'"
    assert [one["Id"] for one in rows(server, all_of_them, deleted=True)] == [made[2]]
    with server.org.store.reading() as connection:
        kept = connection.execute("SELECT id FROM sim_removed ORDER BY id").fetchall()
    assert [one for (one,) in kept] == made[:2]
    clock.pass_seconds(14 * 86_400)
    server.org.upkeep.catch_up()
    assert len(rows(server, all_of_them, deleted=True)) == 1
    clock.pass_seconds(86_400 + 60)
    server.org.upkeep.catch_up()
    assert rows(server, all_of_them, deleted=True) == []


def test_a_record_that_others_need_stays(server: Server) -> None:
    """Facts §5: restrictedDelete of a child relationship."""
    account = make(server, "Account", Name="Acme")
    make(server, "Case", Subject="x", AccountId=account)
    assert refused(server, "Account", "delete", account) == "DELETE_FAILED"


def test_a_merge_moves_the_children_and_marks_the_losers(server: Server, clock: Any) -> None:  # noqa: ANN401 - a fixture
    """Facts §10: losers IsDeleted with MasterRecordId; children's SystemModstamp moves."""
    winner, loser, third = (make(server, "Contact", LastName=name) for name in ("W", "L", "T"))
    plan = make(server, "Care_Plan__c", Contact__c=loser)
    task = make(server, "Task", WhoId=third, Subject="Call")
    clock.pass_seconds(60)
    contact = server.org.schema.objects["Contact"]
    with writing(server) as writer:
        moved = writer.merge(contact, winner, [loser, third], {"FirstName": "Ada"})
    assert sorted(moved) == sorted([plan, task])
    child = record(server, "Care_Plan__c", plan, "Contact__c, SystemModstamp")
    assert child["Contact__c"] == winner
    assert child["SystemModstamp"] == "2026-05-01T07:26:37.000+0000"
    gone = "SELECT Id, IsDeleted, MasterRecordId FROM Contact WHERE MasterRecordId != null"
    found = rows(server, gone, deleted=True)
    assert {one["Id"] for one in found} == {loser, third}
    assert {(one["IsDeleted"], one["MasterRecordId"]) for one in found} == {(True, winner)}
    assert record(server, "Contact", winner, "Name")["Name"] == "Ada W"


def test_a_merge_takes_one_kind_and_no_more_than_three(server: Server) -> None:
    """Facts §10: merge of at most three; lead, contact, account, case."""
    made = [make(server, "Contact", LastName=str(n)) for n in range(4)]
    account = make(server, "Account", Name="Acme")
    assert refused(server, "Contact", "merge", made[0], made[1:], {}) == "INVALID_ARGUMENT"
    assert refused(server, "Contact", "merge", made[0], [made[0]], {}) == "INVALID_ARGUMENT"
    assert refused(server, "Contact", "merge", made[0], [account], {}) == "MALFORMED_ID"
    campaign = make(server, "Campaign", Name="x")
    code = refused(server, "Campaign", "merge", campaign, [campaign], {})
    assert code == "INVALID_TYPE_FOR_OPERATION"


def test_a_converted_lead_becomes_contact_account_and_opportunity(server: Server) -> None:
    """Facts §12: a converted lead is converted for ever; its activities follow."""
    values = {"LastName": "Obi", "Company": "Acme", "Email": "o@x.example", "City": "Bonn"}
    lead = make(server, "Lead", **values)
    task = make(server, "Task", WhoId=lead, Subject="Call")
    with writing(server) as writer:
        done = writer.convert_lead(lead, opportunity="First", status="Closed - Converted")
    fields = "IsConverted, ConvertedAccountId, ConvertedContactId, ConvertedOpportunityId, Status"
    told = record(server, "Lead", lead, fields)
    assert told["IsConverted"] is True
    assert told["ConvertedAccountId"] == done.account_id
    assert told["ConvertedContactId"] == done.contact_id
    assert told["ConvertedOpportunityId"] == done.opportunity_id
    contact = record(server, "Contact", done.contact_id, "Email, MailingCity, Account.Name")
    assert (contact["Email"], contact["MailingCity"]) == ("o@x.example", "Bonn")
    assert contact["Account"]["Name"] == "Acme"
    assert record(server, "Task", task, "WhoId")["WhoId"] == done.contact_id
    with writing(server) as writer, pytest.raises(ApiError) as again:
        writer.convert_lead(lead)
    assert again.value.code == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_a_conversion_fills_what_a_known_contact_lacks(server: Server) -> None:
    """Facts §12: conversion into records that are there."""
    account = make(server, "Account", Name="Acme", Phone="1")
    person = make(server, "Contact", LastName="Known", AccountId=account)
    lead = make(server, "Lead", LastName="Obi", Company="Other", Phone="2", Email="o@x.example")
    with writing(server) as writer:
        done = writer.convert_lead(lead, account_id=account, contact_id=person)
    assert (done.account_id, done.contact_id, done.opportunity_id) == (account, person, None)
    contact = record(server, "Contact", person, "LastName, Email")
    assert (contact["LastName"], contact["Email"]) == ("Known", "o@x.example")
    company = record(server, "Account", account, "Name, Phone")
    assert (company["Name"], company["Phone"]) == ("Acme", "1")


def test_headers_of_a_call_become_options_of_its_saves() -> None:
    """Facts §2: Sforce-Duplicate-Rule-Header, Sforce-Auto-Assign."""
    header = "allowSave=true; includeRecordDetails=TRUE; runAsCurrentUser=false"
    headers = {"sforce-duplicate-rule-header": header, "sforce-auto-assign": "FALSE"}
    assert DmlOptions.of(headers, "56.0") == DmlOptions(
        version=56, allow_save_duplicates=True, include_record_details=True, auto_assign=False
    )
    assert DmlOptions.of({}, "59.0") == DmlOptions(version=59)
